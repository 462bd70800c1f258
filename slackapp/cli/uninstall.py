"""`slackapp uninstall`: removes one tenant, now."""

import argparse

from slackapp.checks.slack_ids import tenant_of_id
from slackapp.cli import confirm
from slackapp.cli.printing import print_lines
from slackapp.cli.session import EX_TEMPFAIL, open_service, operator_actor
from slackapp.errors import UsageError
from slackapp.flows.removal import uninstall_tenant
from slackapp.store import installations

HELP = "tell Slack, and erase a tenant's tokens and data"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the id of the team or enterprise, and whether to ask."""
    parser.add_argument("id", metavar="TEAM_OR_ENTERPRISE_ID")
    confirm.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when nothing is left, 75 when the purge is still pending. Raises ConfigError, UsageError."""
    tenant = tenant_of_id(arguments.id)
    if tenant is None:
        raise UsageError(f"{arguments.id}: is not the id of a team (T…) or an enterprise (E…)")
    with open_service() as service:
        app = service.app
        installation = installations.find(app.db, tenant)
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
