"""The report of `make bite`: docs/bite.md."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.claims.sources import ROOT, Anchor

PAGE = ROOT / "docs" / "bite.md"
HEAD = """# What fails when a line is taken away

`make bite` has taken away each statement and each predicate that keeps a claim, one at a time, in a copy of the
repository, and has run the tests of that claim alone. The last column is the test that failed. `docs/claims.md` says
what the claims are.

| claim | file | taken away | test that failed |
| --- | --- | --- | --- |
"""
_ROW = re.compile(r"^\| (C-\d\d\d?) \| `([^`]+)` \| `([^`]+)` \| (?:`([^`]*)`|\*\*none\*\*) \|$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Row:
    """One line of the report; `test` is "" where nothing failed."""

    claim: str
    path: str
    statement: str
    test: str


def described(anchor: Anchor) -> str:
    """What was taken away, as it fits into a table."""
    words = anchor.statement.replace("|", "¦").replace("`", "'")
    return words if len(words) <= 100 else f"{words[:99]}…"


def rows() -> list[Row]:
    """The report as it lies there."""
    return [Row(*found) for found in _ROW.findall(PAGE.read_text("utf-8"))] if PAGE.exists() else []


def write(found: Iterable[Row]) -> None:
    """The report anew."""
    lines = [
        f"| {row.claim} | `{row.path}` | `{row.statement}` | {f'`{row.test}`' if row.test else '**none**'} |"
        for row in sorted(found)
    ]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")
