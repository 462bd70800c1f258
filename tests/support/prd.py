"""Writes docs/prd.md: each requirement, and what shows that it is met. `python -m tests.support.prd`."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.claims.sources import ROOT
from tests.host.requirements import LEFT_OUT, SHOWING
from tests.host.requirements_of_access import ACCESS, TEST_KIT
from tests.host.test_requirements import NAMES

PAGE = ROOT / "docs" / "prd.md"
HEAD = """# Requirements

Two lists stood at the beginning of the host side: what a product asked for that had built its Slack integration before
(C), and what a paper on delegated access asks of whoever keeps other people's tokens (E). Each number has the test or
the page that shows it, or the reason why it is met in another way. `make test` follows the links.
"""


class Row(NamedTuple):
    """Numbers of one list, what they are about, and where that is shown."""

    numbers: tuple[int, ...]
    words: str
    place: str


def rows(letter: str) -> Iterator[Row]:
    """The rows of a list, in the order of their first number."""
    if letter == "E":
        return (Row(*row) for row in sorted(ACCESS))
    named = [((number,), words, place) for number, (words, place) in NAMES.items()]
    return (Row(*row) for row in sorted([*SHOWING, *TEST_KIT, *named]))


def span(letter: str, numbers: tuple[int, ...]) -> str:
    """`C1`, `C1, C3` or `C63 to C73`."""
    ordered = sorted(numbers)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{letter}{ordered[0]} to {letter}{ordered[-1]}"
    return ", ".join(f"{letter}{number}" for number in ordered)


def link(place: str) -> str:
    """A link to a test, or to a page and the words on it."""
    if place.startswith("docs/"):
        page, _, text = place.partition(": ")
        return f"[{page.removeprefix('docs/')}]({page.removeprefix('docs/')}): {text}"
    file, _, name = place.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ') or file}](../tests/{file})"


def page() -> str:
    """The page as it must be now."""
    parts = [HEAD]
    for letter, title in (("C", "A product's list"), ("E", "Governed access")):
        parts += [f"\n## {letter}. {title}\n", "| | what | shown by |", "| --- | --- | --- |"]
        parts += [f"| {span(letter, row.numbers)} | {row.words} | {link(row.place)} |" for row in rows(letter)]
    parts += ["\n## Met in another way\n", "| | why, and how |", "| --- | --- |"]
    parts += [f"| C{number} | {why} |" for number, why in sorted(LEFT_OUT.items())]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
