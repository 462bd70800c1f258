"""`slackapp keys`: master keys."""

import argparse
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.crypto import keyfile
from slackapp.crypto.envelope import KEY_BYTES
from slackapp.errors import ConfigError

HELP = "make a master key"


def configure(parser: argparse.ArgumentParser) -> None:
    """`keys new FILE`"""
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    new = verbs.add_parser("new", help="make a new file with one master key")
    new.add_argument("file", type=Path, help="must not exist yet")
    new.set_defaults(run_verb=_new)


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    return int(arguments.run_verb(arguments))


def _new(arguments: argparse.Namespace) -> int:
    make(arguments.file)
    print(f"{arguments.file}: master key 1. Whoever has this file and the database has every token: keep them apart.")
    return 0


def make(file: Path) -> None:
    """Writes a key file with version 1. Raises ConfigError rather than touch a file that is there."""
    try:
        keyfile.write_private(file, keyfile.format_master_key(1, system_entropy(KEY_BYTES)))
    except FileExistsError:
        raise ConfigError(f"{file}: exists already; a master key is never overwritten") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be made ({error.strerror})") from None
