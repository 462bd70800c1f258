"""`slackapp host disable` and `enable`: nothing is begun or posted, for an organization or for all."""

import argparse

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal.arguments import AddVerb
from slackapp.cli.terminal.printing import print_lines
from slackapp.errors import UsageError
from slackapp.host.checks.host_token import is_organization
from slackapp.host.flows import switch_host


def add(add_noun: AddVerb) -> None:
    """Adds the switch, both ways."""
    for switch in (
        add_noun(
            "disable", "begin and post nothing, for an organization or for all; what ends something goes on", _disable
        ),
        add_noun("enable", "end that", _enable),
    ):
        switch.add_argument("--organization", metavar="ID", help="only this one; without it, everybody")


def read_organization(claimed: str) -> str:
    """Reads an organization's id. Raises UsageError."""
    if not is_organization(claimed):
        raise UsageError("--organization: takes an id of the host's, 1 to 64 letters, digits, _ and -")
    return claimed


def _disable(arguments: argparse.Namespace) -> int:
    organization = _read(arguments)
    with open_service() as service:
        app = service.app
        is_new = switch_host.disable(app, organization, operator_actor(app), app.clock())
    print_lines(f"{organization or 'everybody'}: {'off' if is_new else 'was off already'}")
    return 0


def _enable(arguments: argparse.Namespace) -> int:
    organization = _read(arguments)
    with open_service() as service:
        app = service.app
        is_over = switch_host.enable(app, organization, operator_actor(app), app.clock())
        still = switch_host.list_remaining(app, organization)
    print_lines(f"{organization or 'everybody'}: {'on again' if is_over else 'was not switched off'}")
    for switch in still:
        print_lines(f"{switch.organization_id or 'everybody'}: is still off", error=True)
    return 1 if still else 0


def _read(arguments: argparse.Namespace) -> str:
    """Reads whom the switch is for: an organization's id, or everybody. Raises UsageError."""
    return switch_host.EVERYBODY if arguments.organization is None else read_organization(arguments.organization)
