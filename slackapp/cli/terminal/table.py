"""Rows under a head, aligned, in 80 columns: long values and times are shortened, unless all is asked for."""

import argparse
import enum
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from slackapp.cli.terminal.printing import WIDTH, escaped, print_json, print_lines

GAP = "  "
MIN_WIDTH = 8
"""To how many columns a value may be shortened."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ")


class Truncation(enum.Enum):
    """Place where a value is cut: ids differ at both ends, and of a sentence the beginning says most."""

    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True)
class Columns:
    """Columns of one list: all, those that fit 80 characters, and which may be shortened."""

    wide: Sequence[str]
    narrow: Sequence[str]
    truncations: Mapping[str, Truncation]


def add_options(parser: argparse.ArgumentParser, json_help: str) -> None:
    """Adds `--wide` and `--json`; both give everything."""
    parser.add_argument("--wide", action="store_true", help="every column, nothing shortened")
    parser.add_argument("--json", action="store_true", help=json_help)


def print_rows(rows: Iterable[Mapping[str, object]], columns: Columns, arguments: argparse.Namespace) -> None:
    """Prints rows as their options say: one JSON object per line, or a table; without rows, nothing."""
    if arguments.json:
        for row in rows:
            print_json(row)
    elif rows:
        print_lines(*format_rows(rows, columns, arguments.wide))


def format_time(seconds: int) -> str:
    """A time of a row, from Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_rows(rows: Iterable[Mapping[str, object]], columns: Columns, wide: bool) -> list[str]:
    """The lines of rows whose values go by the names of the columns."""
    chosen = columns.wide if wide else columns.narrow
    return format_table(chosen, ([row[name] for name in chosen] for row in rows), None if wide else columns.truncations)


def format_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], cuts: Mapping[str, Truncation] | None
) -> list[str]:
    """The lines. `cuts` are the columns whose values may be shortened, and how; None for everything as it is."""
    cells = [[_cell(value) for value in row] for row in rows]
    if cuts is not None:
        cells = [[_TIME.sub(r"\1 \2", cell) for cell in line] for line in cells]
    cells.insert(0, list(columns))
    widths = [max(_width(line[place]) for line in cells) for place in range(len(columns))]
    if cuts is not None:
        widths = _fit_widths(widths, [place for place, name in enumerate(columns) if name in cuts])
    how = [(width, (cuts or {}).get(name, Truncation.MIDDLE)) for name, width in zip(columns, widths, strict=True)]
    return [
        GAP.join(_padded(_shortened(cell, *to), to[0]) for cell, to in zip(line, how, strict=True)).rstrip()
        for line in cells
    ]


def _fit_widths(widths: list[int], places: list[int]) -> list[int]:
    """The widest of what may be shortened gives way, until it fits or nothing is left to give."""
    fitted = list(widths)
    while sum(fitted) + len(GAP) * (len(fitted) - 1) > WIDTH:
        giving = [place for place in places if fitted[place] > MIN_WIDTH]
        if not giving:
            break
        fitted[max(giving, key=lambda place: fitted[place])] -= 1
    return fitted


def _cell(value: object) -> str:
    """Formats a value. Two spaces part the columns: a name that holds them must not look like several."""
    return escaped(" ".join(filter(None, str(value).split(" ")))) if value not in (None, "") else "-"


def _shortened(text: str, width: int, cut: Truncation) -> str:
    if _width(text) <= width:
        return text
    head, tail = "", ""
    for left, right in zip(text, reversed(text), strict=True):
        if _width(head + left + tail) >= width:
            break
        head += left
        if cut is Truncation.MIDDLE and _width(head + right + tail) < width:
            tail = right + tail
    return f"{head}\u2026{tail}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns of a terminal (unicode.org/reports/tr11): letters of East Asia take two, marks on a letter none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)
