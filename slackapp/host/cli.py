"""`slackapp host`: the keys of the host, and the switch. `slackapp seed`: something to look at."""

import argparse
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import add_verbs
from slackapp.cli.terminal.printing import print_lines
from slackapp.errors import UsageError
from slackapp.host import keys
from slackapp.host.checks.host_token import is_organization
from slackapp.host.flows import change_host_key, switch_host
from slackapp.host.flows.connect import seed_organization


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the keys, with a sub-command per verb, and the switch."""
    add = add_verbs(parser)
    verb = add_verbs(add("keys", "make, list, rotate, retire the keys that the host signs with", _list))
    verb("new", "make a new file with one key", _new).add_argument("file", type=Path, help="must not exist yet")
    verb("list", "the ids of the keys, the newest first", _list)
    verb("rotate", "add the key that follows: both sign until the old one is retired", _rotate)
    retire = verb("retire", "take a key out of the file: what was opened under it ends", _retire)
    retire.add_argument("id", metavar="ID")
    confirm.add_option(retire)
    for switch in (
        add("disable", "begin and post nothing, for an organization or for all; what ends something goes on", _disable),
        add("enable", "end that", _enable),
    ):
        switch.add_argument("--organization", metavar="ID", help="only this one; without it, everybody")


def configure_seed(parser: argparse.ArgumentParser) -> None:
    """Adds for whom something is made up."""
    parser.add_argument("--organization", metavar="ID", default="acme", help="the organization that is made (acme)")


def run_seed(arguments: argparse.Namespace) -> int:
    """Makes up an organization. Raises UsageError."""
    organization = _organization(arguments)
    with open_service() as service:
        app = service.app
        number = seed_organization.run(app, organization, operator_actor(app), app.clock())
    print_lines(f"{organization}: {number} connections in every state, made up, and no token behind them")
    return 0


def _new(arguments: argparse.Namespace) -> int:
    key_id = keys.create_host_keys(arguments.file, system_entropy)
    print_lines(
        f"{arguments.file}: host key {key_id}. The host's backend signs with the third part of the line, and names the "
        "second as kid. Whoever has it is the host."
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    print_lines(*keys.read_host_keys(read_settings()))
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        key_id = change_host_key.rotate(app, operator_actor(app), app.clock())
    print_lines(f"host key {key_id} signs, too. Give it to the host's backend, and then retire the old one.")
    return 0


def _retire(arguments: argparse.Namespace) -> int:
    told = f"host key {arguments.id}: is taken out for good; sessions, tickets and connects that began under it end"
    confirm.confirm(told, arguments.id, arguments.yes)
    with open_service() as service:
        app = service.app
        ended = change_host_key.retire(app, arguments.id, operator_actor(app), app.clock())
    print_lines(f"host key {arguments.id} signs nothing from now on; {ended} opened under it ended")
    return 0


def _disable(arguments: argparse.Namespace) -> int:
    organization = _organization(arguments)
    with open_service() as service:
        app = service.app
        is_new = switch_host.disable(app, organization, operator_actor(app), app.clock())
    print_lines(f"{organization or 'everybody'}: {'off' if is_new else 'was off already'}")
    return 0


def _enable(arguments: argparse.Namespace) -> int:
    organization = _organization(arguments)
    with open_service() as service:
        app = service.app
        is_over = switch_host.enable(app, organization, operator_actor(app), app.clock())
        still = switch_host.list_remaining(app, organization)
    print_lines(f"{organization or 'everybody'}: {'on again' if is_over else 'was not switched off'}")
    for switch in still:
        print_lines(f"{switch.organization_id or 'everybody'}: is still off", error=True)
    return 1 if still else 0


def _organization(arguments: argparse.Namespace) -> str:
    """Reads whom the switch is for: an organization's id, or everybody. Raises UsageError."""
    if arguments.organization is None:
        return switch_host.EVERYBODY
    if not is_organization(arguments.organization):
        raise UsageError("--organization: takes an id of the host's, 1 to 64 letters, digits, _ and -")
    return str(arguments.organization)
