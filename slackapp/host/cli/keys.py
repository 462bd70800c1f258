"""`slackapp host keys`: make, list, rotate and retire the keys that the host signs with."""

import argparse
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import AddVerb, add_verbs
from slackapp.cli.terminal.printing import print_lines
from slackapp.host import keys
from slackapp.host.flows import change_host_key
from slackapp.host.flows.webhook import webhook_secrets


def make_private_files(folder: Path) -> dict[str, str]:
    """Makes key and secret of a host below a folder, unless they are there; the settings that name them."""
    key_file, secret_file = folder / "host.keys", folder / "host.webhook"
    if not key_file.exists():
        keys.create_host_keys(key_file, system_entropy)
    if not secret_file.exists():
        webhook_secrets.create_webhook_secret(secret_file, system_entropy)
    return {"SLACKAPP_HOST_KEYS_FILE": str(key_file), "SLACKAPP_HOST_WEBHOOK_SECRET_FILE": str(secret_file)}


def add(add_noun: AddVerb) -> None:
    """Adds the keys, with a verb for each thing that is done to them."""
    verb = add_verbs(add_noun("keys", "make, list, rotate, retire the keys that the host signs with", _list))
    verb("new", "make a new file with one key", _new).add_argument("file", type=Path, help="must not exist yet")
    verb("list", "the ids of the keys, the newest first", _list)
    verb("rotate", "add the key that follows: both sign until the old one is retired", _rotate)
    retire = verb("retire", "take a key out of the file: what was opened under it ends", _retire)
    retire.add_argument("id", metavar="ID")
    confirm.add_option(retire)


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
