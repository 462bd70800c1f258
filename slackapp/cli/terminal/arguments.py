"""Reading of a command line, and of a secret: what a word must be, and errors that show it escaped.

Each type raises ArgumentTypeError, before a database is asked by the word.
"""

import getpass
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import NoReturn

from slackapp.cli.terminal.printing import escaped
from slackapp.errors import UsageError
from slackapp.model import Secret

MAX_ROWS = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,9}")


class CommandParser(ArgumentParser):
    """Parser of a command line. argparse repeats in its errors what was typed, as it is."""

    def error(self, message: str) -> NoReturn:
        """Prints usage and error, as the base class does."""
        # claim: C-100
        message = escaped(message)
        super().error(message)


def add_verbs(parser: ArgumentParser) -> Callable[[str, str, Callable[[Namespace], int]], ArgumentParser]:
    """Gives a command sub-commands; returns what adds one: its name, its help, and what runs it."""
    verbs = parser.add_subparsers(dest="verb", required=True)

    def add(name: str, text: str, run: Callable[[Namespace], int]) -> ArgumentParser:
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(run_verb=run)
        return verb

    return add


def run_verb(arguments: Namespace) -> int:
    """Runs the sub-command that was given."""
    return int(arguments.run_verb(arguments))


def valid_utf8(word: str) -> str:
    """Text: Python gives bytes that are none as halves of surrogate pairs (PEP 383)."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError("is not UTF-8") from None
    return word


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


def number_of_rows(word: str) -> int:
    """Parses a number from 1 to a million."""
    if not _NUMBER.fullmatch(word) or int(word) not in range(1, MAX_ROWS + 1):
        raise ArgumentTypeError(f"must be a number from 1 to {MAX_ROWS}")
    return int(word)
