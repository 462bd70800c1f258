"""Reading of a command line: what a word must be, and errors that show it escaped.

Each type raises ArgumentTypeError, before a database is asked by the word.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import NoReturn

from slackapp.cli.terminal.printing import escaped

AddVerb = Callable[[str, str, Callable[[Namespace], int]], ArgumentParser]
"""What adds a sub-command: its name, its help, and what runs it."""
MAX_ROWS = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,9}")


class CommandParser(ArgumentParser):
    """Parser of a command line. argparse repeats in its errors what was typed, as it is."""

    def error(self, message: str) -> NoReturn:
        """Prints usage and error, as the base class does."""
        # claim: C-100
        message = escaped(message)
        super().error(message)


def add_verbs(parser: ArgumentParser) -> AddVerb:
    """Gives a command sub-commands; returns what adds one."""
    verbs = parser.add_subparsers(dest="verb", required=True)

    def add(name: str, text: str, run: Callable[[Namespace], int]) -> ArgumentParser:
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(run=run)
        return verb

    return add


def valid_utf8(word: str) -> str:
    """Text: Python gives bytes that are none as halves of surrogate pairs (PEP 383)."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError("is not UTF-8") from None
    return word


def number_of_rows(word: str) -> int:
    """Parses a number from 1 to a million."""
    if not _NUMBER.fullmatch(word) or int(word) not in range(1, MAX_ROWS + 1):
        raise ArgumentTypeError(f"must be a number from 1 to {MAX_ROWS}")
    return int(word)
