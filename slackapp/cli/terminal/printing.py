"""Output of commands: the only place from which text goes to a terminal.

Stops:   names, error codes and file names from outside that hold escape sequences (they repaint what stands above, set
         the title, answer in the person's place), line breaks (a row that nobody stored) or marks that turn the
         direction of writing.
How:     each line is given alone; whatever in it is not printable is shown as its escape, `\x1b` or `\u202e`.
Does not stop: letters that look like others.
Read:    unicode.org/reports/tr9 (marks of direction), unicode.org/reports/tr36
"""

import json
import sys
import textwrap
from typing import Any

WIDTH = 80
"""Columns that what is told fits into."""


def print_lines(*lines: str, error: bool = False, end: str = "\n") -> None:
    """Prints whole lines, on the standard output or, with `error`, on the standard error."""
    _write("\n".join(escaped(line) for line in lines) + end, error)


def print_json(value: Any, indent: int | None = None) -> None:
    """Prints a value as JSON, in ASCII."""
    # The one control character that stands in JSON as it is.
    _write(json.dumps(value, indent=indent).replace("\x7f", "\\u007f") + "\n", error=False)


def print_progress(done: int, total: int) -> None:
    """Counts on one line of the standard error, which is left at the end."""
    _write(f"\r{done} of {total}" + ("\n" if done == total else ""), error=True)


def print_last_line(line: str) -> None:
    """Prints the last line of a program that Ctrl-C has ended. A terminal has shown ^C, or half a line of progress."""
    _write("\n" * sys.stderr.isatty() + escaped(line) + "\n", error=True)


def wrap_line(line: str, indent: int) -> list[str]:
    """The line in as many as it takes; those that follow are indented. No word is broken."""
    folder = textwrap.TextWrapper(WIDTH, subsequent_indent=" " * indent)
    folder.break_long_words = folder.break_on_hyphens = False
    folder.replace_whitespace = folder.expand_tabs = False  # what could steer a terminal stays, and is shown
    return folder.wrap(line) or [""]


def escaped(text: str) -> str:
    """The text on one line, with an escape for every character that is not printable."""
    # claim: C-100
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _write(text: str, error: bool) -> None:
    stream = sys.stderr if error else sys.stdout
    encoding = stream.encoding or "utf-8"
    # A terminal that knows ASCII alone is shown the rest as escapes, too.
    print(text.encode(encoding, "backslashreplace").decode(encoding), end="", file=stream, flush=True)
