"""`slackapp host`: its nouns, each with a module of its own. `slackapp seed`: something to look at."""

import argparse

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal.arguments import add_verbs
from slackapp.cli.terminal.printing import print_lines
from slackapp.host.cli import events, inventory, keys, report, switch, usage, webhook
from slackapp.host.cli.switch import read_organization
from slackapp.host.flows.connect import seed_organization


def configure_host(parser: argparse.ArgumentParser) -> None:
    """Adds each noun, with its verbs."""
    add_noun = add_verbs(parser)
    for noun in (keys, switch, usage, report, inventory, webhook, events):
        noun.add(add_noun)


def configure_seed(parser: argparse.ArgumentParser) -> None:
    """Adds for whom something is made up."""
    parser.add_argument("--organization", metavar="ID", default="acme", help="the organization that is made (acme)")


def run_seed(arguments: argparse.Namespace) -> int:
    """Makes up an organization. Raises UsageError."""
    organization = read_organization(arguments.organization)
    with open_service() as service:
        app = service.app
        number = seed_organization.run(app, organization, operator_actor(app), app.clock())
    print_lines(f"{organization}: {number} connections in every state, made up, and no token behind them")
    return 0
