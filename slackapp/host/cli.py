"""`slackapp host`: the keys of the host."""

import argparse
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import add_verbs
from slackapp.cli.terminal.printing import print_lines
from slackapp.host import keys


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds one sub-command per noun, and to it one per verb."""
    noun = add_verbs(parser)
    verb = add_verbs(noun("keys", "make, list, rotate, retire the keys that the host signs with", _list))
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
    key_id = keys.add_host_key(read_settings(), system_entropy)
    print_lines(f"host key {key_id} signs, too. Give it to the host's backend, and then retire the old one.")
    return 0


def _retire(arguments: argparse.Namespace) -> int:
    told = f"host key {arguments.id}: is taken out for good; sessions, tickets and connects that began under it end"
    confirm.confirm(told, arguments.id, arguments.yes)
    keys.retire_host_key(read_settings(), arguments.id)
    print_lines(f"host key {arguments.id} is out of the file, and signs nothing from now on")
    return 0
