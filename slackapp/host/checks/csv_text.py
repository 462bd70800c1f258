"""A table that somebody opens as a spreadsheet holds texts and numbers, and no formula.

Stops:   a name or a note such as `=HYPERLINK("https://evil.example","Open")`, which a spreadsheet would run where an
         auditor opens the file; a text whose separator makes two cells of it.
How:     a text that begins with `=`, `+`, `-` or `@`, whatever space or control character stands before it, has an
         apostrophe put before all of it. Texts are quoted, each of them. Numbers are written as such.
Does not stop: a spreadsheet that takes another beginning for a formula.
Read:    RFC 4180 (CSV); owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
from collections.abc import Iterable, Sequence

Cell = str | int | None
"""A text or a number; None is an empty cell."""
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""Beginnings of a formula, in the width of Japanese letters, too."""
_BLANK = "".join(map(chr, range(0x21))) + "\x7f\xa0\u3000\ufeff"
"""Characters that a spreadsheet may drop from before it."""


def write_csv(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Writes a table, a row a line, with its heads as the first."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(heads)
    writer.writerows([_disarm(cell) for cell in row] for row in rows)
    return text.getvalue()


def _disarm(cell: Cell) -> Cell:
    """Puts an apostrophe before what would be run."""
    if cell is None or isinstance(cell, int):
        return "" if cell is None else cell
    # claim: C-360
    return f"'{cell}" if cell.lstrip(_BLANK)[:1] in _FORMULA else cell
