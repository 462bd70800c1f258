"""`slackapp freeze` and `unfreeze`: no token opens, of a tenant, of an organization, or of anybody."""

import argparse

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.printing import print_lines
from slackapp.flows import named_tenants
from slackapp.flows.app import App
from slackapp.flows.tokens import freeze_tenant
from slackapp.host.cli.switch import read_organization
from slackapp.host.flows import change_organization, freeze_organization
from slackapp.model import NO_TENANT, Tenant


def configure_unfreeze(parser: argparse.ArgumentParser) -> None:
    """Adds the choice between one tenant, one organization and everything, and whether to ask."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant", metavar="ID", help="this one, installed or not")
    which.add_argument("--organization", metavar="ID", help="all that this customer of the host holds")
    which.add_argument("--everything", action="store_true", help="the tokens of all tenants")
    confirm.add_option(parser)


def configure_freeze(parser: argparse.ArgumentParser) -> None:
    """Adds the same, and the way back."""
    configure_unfreeze(parser)
    parser.add_argument("--lift", action="store_true", help="end it, as `slackapp unfreeze` does")


def run_freeze(arguments: argparse.Namespace) -> int:
    """Freezes what was named. Raises ConfigError, CommandError, StoreError."""
    if arguments.lift:
        return run_unfreeze(arguments)
    tenant = _frozen_tenant(arguments)
    with open_service() as service:
        app = service.app
        _confirm(app, arguments, tenant, "no token is opened until you unfreeze it")
        if arguments.organization is not None:
            is_new = freeze_organization.run(app, arguments.organization, operator_actor(app), app.clock())
        else:
            is_new = freeze_tenant.run(app, tenant, operator_actor(app), app.clock())
    print_lines(f"{_name(arguments, tenant)}: {'frozen' if is_new else 'was frozen already'}")
    return 0


def run_unfreeze(arguments: argparse.Namespace) -> int:
    """Ends that freeze; returns 1 where another one still holds. Raises ConfigError, CommandError, StoreError."""
    tenant = _frozen_tenant(arguments)
    with open_service() as service:
        app = service.app
        _confirm(app, arguments, tenant, "tokens are opened again, and what waited goes on")
        if arguments.organization is not None:
            is_over = freeze_organization.end(app, arguments.organization, operator_actor(app), app.clock())
            still = freeze_organization.list_remaining(app, arguments.organization)
        else:
            is_over = freeze_tenant.end(app, tenant, operator_actor(app), app.clock())
            still = freeze_tenant.list_remaining(app, tenant)
    print_lines(f"{_name(arguments, tenant)}: {'not frozen any more' if is_over else 'was not frozen'}")
    for freeze in still:
        print_lines(f"{freeze.name}: is still frozen", error=True)
    return 1 if still else 0


def _frozen_tenant(arguments: argparse.Namespace) -> Tenant:
    if arguments.organization is not None:
        read_organization(arguments.organization)
    if arguments.tenant is None:
        return NO_TENANT
    return named_tenants.require_tenant(arguments.tenant)


def _confirm(app: App, arguments: argparse.Namespace, tenant: Tenant, what: str) -> None:
    name = _name(arguments, tenant)
    if arguments.organization is not None:
        change_organization.require_known(app, arguments.organization)
    installation = named_tenants.find_installation(app, tenant)
    to_type = confirm.name_to_type(installation) if installation is not None else name
    confirm.confirm(f"{name}: {what}", to_type, arguments.yes)


def _name(arguments: argparse.Namespace, tenant: Tenant) -> str:
    return arguments.organization or tenant.id or freeze_tenant.EVERYTHING
