"""`slackapp purge`: erases a tenant without telling Slack, or shows that nothing is left of any."""

import argparse

from slackapp.cli import confirm
from slackapp.cli.printing import print_lines
from slackapp.cli.session import EX_TEMPFAIL, installation_by_id, open_service, operator_actor
from slackapp.errors import UsageError
from slackapp.flows.removal import purge_tenant
from slackapp.store import inbox

HELP = "erase a tenant, Slack not being told; or verify that nothing is left of those that were erased"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds a tenant, or `--verify`."""
    parser.add_argument("tenant", nargs="?", metavar="TENANT")
    parser.add_argument("--verify", action="store_true", help="count what is left of every tenant that was erased")
    confirm.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when nothing is left, 1 when something is, 75 while a purge is pending.

    Raises ConfigError, CommandError.
    """
    if (arguments.tenant is None) != arguments.verify:
        raise UsageError("slackapp purge: name a tenant, or give --verify")
    with open_service() as service:
        app = service.app
        if arguments.tenant is not None:
            installation, actor = installation_by_id(app, arguments.tenant), operator_actor(app)
            tenant, name = installation.tenant, confirm.name_to_type(installation)
            told = f"{tenant}: the tokens and data of {name} are erased, and Slack is not told"
            confirm.confirm(told, name, arguments.yes)
            with app.db.transaction():
                job_id = purge_tenant.erase(app, tenant, "operator", actor, app.clock())
            purge_tenant.after_erase(app, tenant)
            purge_tenant.complete_now(app, tenant, job_id, actor)
        left = purge_tenant.verify(app)
        pending = inbox.pending_purges(app.db)
    for place, number in left.items():
        print_lines(f"{number:>6}  {place}")
    for waiting, why in pending.items():
        print_lines(f"{waiting}: the purge is pending: {why}", error=True)
    if pending:
        return EX_TEMPFAIL
    return 1 if any(left.values()) else 0
