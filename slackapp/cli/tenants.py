"""`slackapp tenants`, `slackapp export`, `slackapp uninstall` and `slackapp purge`: what there is, and removal."""

import argparse
from functools import partial

from slackapp.cli.service.session import EX_TEMPFAIL, open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.printing import print_json, print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_rows, format_time
from slackapp.errors import UsageError
from slackapp.flows import named_tenants
from slackapp.flows.removal import purge_now, uninstall_tenant
from slackapp.flows.tokens import freeze_tenant
from slackapp.flows.upkeep import list_tenants
from slackapp.model import NO_TENANT, Installation

_COLUMNS = Columns(
    wide=(
        "tenant", "kind", "name", "status", "reason", "frozen", "installer", "installed", "last_used", "last_validated",
        "token_expires", "key", "label", "scopes", "install_url",
    ),
    narrow=("tenant", "name", "status", "installed", "token_expires", "key"),
    truncations=dict.fromkeys(("name", "status", "key"), Truncation.MIDDLE),
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the choice between a table and JSON."""
    add_options(parser, "one JSON array")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    with open_service() as service:
        rows, frozen = list_tenants.run(service.app), freeze_tenant.list_remaining(service.app, NO_TENANT)
    if arguments.json:
        print_json(rows, indent=1)
    elif rows:
        print_lines(*format_rows(rows, _COLUMNS, arguments.wide))
    else:
        print_lines("no tenant is installed", error=True)
    for freeze in frozen:
        print_lines(f"{freeze.name}: frozen since {format_time(freeze.frozen_at)}", error=True)
    return 0


def configure_export(parser: argparse.ArgumentParser) -> None:
    """Adds the id of the team or enterprise."""
    parser.add_argument("id", metavar="TEAM_OR_ENTERPRISE_ID")


def run_export(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, UsageError."""
    tenant, is_known = named_tenants.require_tenant(arguments.id), False
    with open_service() as service:
        app = service.app
        for row in list_tenants.export(app, tenant, operator_actor(app), app.clock()):
            is_known = True
            print_json(row)
    if not is_known:
        print_lines(f"{tenant}: nothing is stored for it", error=True)
    return 0


def configure_uninstall(parser: argparse.ArgumentParser) -> None:
    """Adds the id of the team or enterprise, and whether to ask."""
    parser.add_argument("id", metavar="TEAM_OR_ENTERPRISE_ID")
    confirm.add_option(parser)


def run_uninstall(arguments: argparse.Namespace) -> int:
    """Returns 0 when nothing is left, 75 when the purge is still pending. Raises ConfigError, UsageError."""
    tenant = named_tenants.require_tenant(arguments.id)
    with open_service() as service:
        app = service.app
        installation = named_tenants.find_installation(app, tenant)
        if installation is not None:
            name = confirm.name_to_type(installation)
            confirm.confirm(f"{tenant}: {name} loses the app, and its tokens and data are erased", name, arguments.yes)
        outcome = uninstall_tenant.run(app, tenant, operator_actor(app), app.clock())
    if outcome.found:
        print_lines(f"{tenant}: Slack: {outcome.slack}")
        print_lines(f"{tenant}: {'erased' if outcome.erased else 'kept: it was installed again meanwhile'}")
    else:
        print_lines(f"{tenant}: nothing is stored for it")
    if outcome.pending:
        print_lines("the purge is pending: somebody reads the database; the service completes it", error=True)
        return EX_TEMPFAIL
    return 0


def configure_purge(parser: argparse.ArgumentParser) -> None:
    """Adds a tenant, or `--verify`."""
    parser.add_argument("tenant", nargs="?", metavar="TENANT")
    parser.add_argument("--verify", action="store_true", help="count what is left of every tenant that was erased")
    confirm.add_option(parser)


def run_purge(arguments: argparse.Namespace) -> int:
    """Returns 0 when nothing is left, 1 when something is, 75 while a purge is pending.

    Raises ConfigError, CommandError.
    """
    if (arguments.tenant is None) != arguments.verify:
        raise UsageError("slackapp purge: name a tenant, or give --verify")
    with open_service() as service:
        app = service.app
        if arguments.verify:
            found = purge_now.verify(app)
        else:
            ask = partial(_confirm_purge, yes=arguments.yes)
            found = purge_now.run(app, arguments.tenant, operator_actor(app), ask)
    for place, number in found.left.items():
        print_lines(f"{number:>6}  {place}")
    for waiting, why in found.pending.items():
        print_lines(f"{waiting}: the purge is pending: {why}", error=True)
    if found.pending:
        return EX_TEMPFAIL
    return 1 if any(found.left.values()) else 0


def _confirm_purge(installation: Installation, yes: bool) -> None:
    name = confirm.name_to_type(installation)
    told = f"{installation.tenant}: the tokens and data of {name} are erased, and Slack is not told"
    confirm.confirm(told, name, yes)
