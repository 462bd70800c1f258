"""Reads the claims, their anchors in the code and the marks on the tests.

An anchor is a comment: in Python on the line above the statement that keeps the claim, in SQL at the end of the
predicate. A test shows a claim when it carries the claim's mark.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("claims.toml")
PROMISES = ROOT / "SECURITY.md"
_PYTHON = re.compile(r"^ *# claim: (C-\d\d\d?(?:, C-\d\d\d?)*)$")
_SQL = re.compile(r" *-- claim: (C-\d\d\d?(?:, C-\d\d\d?)*)$")
_LOOSE = re.compile(r"(?:^|\s)(?:#|--) *claim\b")
_MARK = re.compile(r"^@pytest\.mark\.claim\((.*)\)$")
_TEST = re.compile(r"^def (test_\w+)\(")


class AnchorError(Exception):
    """An anchor that keeps nothing: it names the place."""


@dataclass(frozen=True)
class Claim:
    """One line of the table."""

    id: str
    promise: int
    sentence: str


@dataclass(frozen=True)
class Anchor:
    """A place in the code that keeps claims. `first` to `last` are the lines of the statement, from 1."""

    path: str
    claims: tuple[str, ...]
    first: int
    last: int
    statement: str

    @property
    def is_sql(self) -> bool:
        """Whether a predicate is dropped, and no statement."""
        return self.path.endswith(".sql")


@dataclass(frozen=True)
class Test:
    """A test that shows claims."""

    __test__ = False

    path: str
    name: str
    line: int
    claims: tuple[str, ...]

    @property
    def node(self) -> str:
        """As pytest calls it."""
        return f"{self.path}::{self.name}"


@cache
def claims() -> tuple[Claim, ...]:
    """In the order of the table."""
    found = tomllib.loads(TABLE.read_text("utf-8"))["claim"]
    return tuple(Claim(row["id"], row["promise"], row["sentence"]) for row in found)


@cache
def promises() -> dict[int, str]:
    """Number to words, as SECURITY.md gives them."""
    section = PROMISES.read_text("utf-8").partition("## What is promised")[2].partition("\n## ")[0]
    found = re.findall(r"^(\d+)\. (.+(?:\n {2,}.+)*)", section, re.MULTILINE)
    return {int(number): re.sub(r"\s+", " ", words) for number, words in found}


@cache
def anchors() -> tuple[Anchor, ...]:
    """All of them, by file and line. Raises AnchorError."""
    files = (*sorted((ROOT / "slackapp").rglob("*.py")), *sorted((ROOT / "sql").rglob("*.sql")))
    return tuple(anchor for file in files for anchor in anchors_in(*_read(file)))


def _read(file: Path) -> tuple[str, str]:
    return file.relative_to(ROOT).as_posix(), file.read_text("utf-8")


def anchors_in(path: str, text: str) -> list[Anchor]:
    """The anchors of one file. Raises AnchorError for one that stands before nothing, or is not written as it must."""
    if "claim: " not in text:
        return []
    lines = text.splitlines()
    form = _SQL if path.endswith(".sql") else _PYTHON
    for number, line in enumerate(lines, 1):
        if _LOOSE.search(line) and not form.search(line):
            raise AnchorError(f"{path}:{number}: not of the form of an anchor: {line.strip()}")
    return list(_in_sql(path, lines) if form is _SQL else _in_python(path, text, lines))


def _in_sql(path: str, lines: list[str]) -> Iterator[Anchor]:
    for number, line in enumerate(lines):
        found = _SQL.search(line)
        if found is None:
            continue
        first = number
        # A predicate that spans lines ends with the bracket that closes it.
        while _open_brackets("\n".join(lines[first : number + 1])) < 0:
            first -= 1
        statement = " ".join(part.partition("--")[0].strip() for part in lines[first : number + 1])
        yield Anchor(path, tuple(found[1].split(", ")), first + 1, number + 1, statement)


def _open_brackets(text: str) -> int:
    code = re.sub(r"--[^\n]*|'[^']*'", "", text).rstrip().rstrip(";")
    return code.count("(") - code.count(")")


def _in_python(path: str, text: str, lines: list[str]) -> Iterator[Anchor]:
    tree = ast.parse(text)
    for number, line in enumerate(lines, 1):
        found = _PYTHON.search(line)
        if found is None:
            continue
        first = number + 1
        while lines[first - 1].lstrip().startswith("#"):
            first += 1
        node = node_at(tree, first)
        before = lines[first - 1][: node.col_offset].strip() if node is not None else ""
        if node is None or before not in ("", "and", "or"):
            raise AnchorError(f"{path}:{number}: stands before nothing that can be taken away")
        last = node.end_lineno or first
        yield Anchor(path, tuple(found[1].split(", ")), first, last, lines[first - 1].strip())


def node_at(tree: ast.Module, line: int) -> ast.stmt | ast.expr | ast.keyword | None:
    """The statement that begins on a line; else the widest part of one that does."""
    begins = [node for node in ast.walk(tree) if getattr(node, "lineno", 0) == line]
    statements = [node for node in begins if isinstance(node, ast.stmt)]
    if statements:
        return statements[0]
    parts = [node for node in begins if isinstance(node, ast.expr | ast.keyword)]
    return min(parts, key=lambda node: (node.col_offset, -(node.end_lineno or 0)), default=None)


@cache
def shown() -> tuple[Test, ...]:
    """Every test with a mark, by file and line."""
    return tuple(test for file in sorted((ROOT / "tests").rglob("test_*.py")) for test in shown_in(*_read(file)))


def shown_in(path: str, text: str) -> list[Test]:
    """The marked tests of one file."""
    found: list[Test] = []
    if "mark.claim(" not in text:
        return found
    marked: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        mark, test = _MARK.match(line), _TEST.match(line)
        if mark:
            marked += re.findall(r"\"([^\"]+)\"", mark[1])
        elif test:
            if marked:
                found.append(Test(path, test[1], number, tuple(marked)))
            marked = []
    return found
