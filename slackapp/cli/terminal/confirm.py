"""Asks the operator before something is destroyed: the name must be typed, or `--yes` given."""

import argparse
import sys

from slackapp.cli.terminal.printing import print_lines
from slackapp.errors import CommandError, UsageError
from slackapp.model import Installation


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
