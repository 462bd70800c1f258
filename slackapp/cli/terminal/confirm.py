"""Asks the operator: before something is destroyed, for its name or `--yes`; and for a secret, which is not shown."""

import argparse
import getpass
import sys

from slackapp.cli.terminal.printing import print_lines
from slackapp.errors import CommandError, UsageError
from slackapp.model import Installation, Secret


def add_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--yes`."""
    parser.add_argument("--yes", action="store_true", help="do not ask for the name first")


def confirm(what: str, name: str, yes: bool) -> None:
    """Returns when the name was typed, and at once with `--yes`. `what` is a clause that says what is lost.

    Raises UsageError where there is nobody to ask, and CommandError for another answer.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{what}; there is nobody here to ask: give --yes")
    print_lines(f"{what}.", f"Type {name} to go on: ", error=True, end="")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print_lines("", error=True)  # Ctrl-D leaves the cursor behind the question
    if answer.strip() != name:
        raise CommandError("that is not the name; nothing was changed")


def name_to_type(installation: Installation) -> str:
    """Chooses what to type for a tenant: its name, or its id where the name cannot be typed."""
    name = installation.name
    return name if name.isascii() and name.isprintable() and name == name.strip() and name else installation.tenant.id


def read_secret(question: str) -> Secret:
    """Reads a secret from the standard input, which a terminal does not show. Raises UsageError for what is none.

    Never an argument: other users of the machine see those, and the shell keeps them.
    """
    try:
        line = getpass.getpass(question) if sys.stdin.isatty() else sys.stdin.readline()
    except (UnicodeDecodeError, EOFError):
        line = ""
    secret = line.strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise UsageError("the standard input holds no token")
    return Secret(secret)
