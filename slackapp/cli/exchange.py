"""`slackapp exchange`: long-lived tokens become rotating ones."""

import argparse

from slackapp.cli.printing import print_lines
from slackapp.cli.session import installed_tenant, open_service, operator_actor
from slackapp.flows.tokens import exchange_token

HELP = "turn long-lived tokens into rotating ones, after token rotation was switched on at Slack"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the choice between all tenants and one."""
    parser.add_argument("--tenant", metavar="ID", help="only this one")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when no long-lived token is left of those that could be exchanged, else 1.

    Raises ConfigError, CommandError.
    """
    with open_service() as service:
        app = service.app
        tenant = installed_tenant(app, arguments.tenant) if arguments.tenant is not None else None
        waiting = exchange_token.list_exchangeable(app, tenant)
        exchanged = 0
        for number, outcome in enumerate(exchange_token.run(app, waiting, operator_actor(app)), start=1):
            exchanged += outcome.result == exchange_token.EXCHANGED
            whose = f"{outcome.tenant}  {outcome.user_id or 'bot'}"
            print_lines(f"{number}/{len(waiting)}  {whose}  {outcome.result}")
    print_lines(f"{exchanged} of {len(waiting)} exchanged", error=True)
    return 0 if exchanged == len(waiting) else 1
