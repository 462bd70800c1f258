"""`slackapp offboard`: what a member has ends, by an operator's word; and the way back."""

import argparse

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.printing import print_lines
from slackapp.errors import CommandError, UsageError
from slackapp.host.checks.host_token import is_organization
from slackapp.host.cli.switch import read_organization
from slackapp.host.flows import change_organization, offboard


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds whose member it is, and whether to ask."""
    parser.add_argument("organization", metavar="ORGANIZATION")
    parser.add_argument("member", metavar="MEMBER", help="by the host's own id, known here or not")
    parser.add_argument("--undo", action="store_true", help="let the member in again")
    confirm.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ends it, or lets the member in again. Raises ConfigError, CommandError, StoreError."""
    organization, member = read_organization(arguments.organization), str(arguments.member)
    if not is_organization(member):
        raise UsageError("MEMBER: takes an id of the host's, 1 to 64 letters, digits, _ and -")
    with open_service() as service:
        app = service.app
        change_organization.require_known(app, organization)
        actor = operator_actor(app)
        if arguments.undo:
            if not offboard.reinstate(app, organization, member, actor, now=app.clock()):
                raise CommandError(f"{member}: has not left {organization}")
            print_lines(f"{member}: is a member of {organization} again")
            return 0
        told = f"{member}: all that is open for this member of {organization} ends, and nothing is opened again"
        confirm.confirm(told, member, arguments.yes)
        waiting = offboard.run(app, organization, member, actor, now=app.clock()) or ()
    print_lines(f"{member}: has left {organization}")
    for connection_id in waiting:
        print_lines(f"{connection_id}: wants another owner within {offboard.OWNER_DAYS} days, or is suspended then")
    return 0
