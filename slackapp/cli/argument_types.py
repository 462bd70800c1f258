"""Argument types of the command line, checked before a database is asked; each raises ArgumentTypeError."""

import re
from argparse import ArgumentTypeError

MAX_ROWS = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,9}")


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
