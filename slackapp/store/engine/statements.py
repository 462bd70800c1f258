"""Loads the statements of `sql/`, a folder per circle, and refuses to load what a reviewer could not trust.

A section reads:

    -- name: consume_state :one
    -- tenant: none (a state exists before any tenant is known)
    -- alone: compare-and-swap
    UPDATE …;

`:one` gives a row or None, `:many` a list of rows, `:exec` the number of rows changed. The tenant line is either
`none (reason)` or the parameters that confine the statement to one tenant; a statement that names parameters there
and does not bind them is refused. So is a second statement in a section, stray text, a repeated name.

`sql/core/queue.sql` is written once for all tables of one shape: it is loaded for each file whose head has a line
`-- queue: NAME`, with NAME for `$queue`, and its statements are called `NAME.claim` and so on.

The third line is for a statement that may write outside `transaction()`, by itself or in a commit that it shares, and
says why that is no read-then-write. Without it the engine runs it nowhere else.
"""

import re
import sqlite3
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

OTHERS = ("foreign", "migrations", "postgres")
"""Folders of `sql/` that hold no statements of this database: another program's, its schema, another engine's."""
_NAME = re.compile(r"-- name: ([a-z][a-z0-9_]*) :(one|many|exec)")
_TENANT = re.compile(r"-- tenant: (none \([^()]+\)|[a-z_]+(?:, [a-z_]+)*)")
_QUEUE = re.compile(r"^-- queue:(.*)$", re.MULTILINE)
_TABLE_NAME = re.compile(r"[a-z][a-z_]*")
_QUEUE_FILE, _QUEUE_TABLE = "queue.sql", "$queue"
_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE)\b")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")
_NOT_CODE = re.compile(r"--[^\n]*|'[^']*'")
_PARAMETER_IN_CODE = re.compile(f"{_NOT_CODE.pattern}|{_PARAMETER.pattern}")


class StatementFileError(Exception):
    """A file in `sql/` is not as it must be. Raised at start, with file and line."""


class Alone(StrEnum):
    """Reason for which a statement may run outside a transaction of its caller's."""

    SWAP = "compare-and-swap"
    """It writes only what is still as its condition says: a status, a generation, a lease."""
    INSERT = "insert"
    """A key or a condition of its own says whether there is a row to add, and the number of rows tells."""
    IDEMPOTENT = "idempotent"
    """It writes the same whatever was there; by itself, and not in a commit that it shares."""
    LOOK_UP = "look-up"
    """It reads in a commit that is shared what a write there asks for again, as if it had been read before it."""
    AUDIT_HEAD = "audit head"
    """It reads what the next row of the audit is chained to, and is locked until that is written."""


_ALONE = re.compile(rf"-- alone: ({'|'.join(Alone)})(?: \([^()]+\))?")


class Statement(NamedTuple):
    """Statement by its name."""

    name: str
    cardinality: str
    sql: str
    parameters: frozenset[str]
    alone: Alone | None = None
    is_write: bool = False

    def bind(self, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """Binds all of its parameters: the SQL with their places, and the value of each place."""
        sql, names = split_parameters(self.sql)
        return sql, [parameters[name] for name in names]

    def verify_place(self, is_open: bool, is_shared: bool) -> None:
        """Verifies that it may run where no transaction is open, or in one that is shared. Else RuntimeError: a bug."""
        if is_open and is_shared:
            may_run = self.alone is not None and self.alone != Alone.IDEMPOTENT
        else:
            may_run = is_open or not self.is_write or self.alone is not None
        if not may_run:
            raise RuntimeError(f"{self.name} stands in transaction(), or says in sql/ why not: -- alone: …")


@cache
def sql_directory() -> Path:
    """Finds `sql/`, inside the installed package or beside it in a checkout. No setting redirects it: SQL is code."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "sql"
    return inside if inside.is_dir() else package.parent / "sql"


def load_statements() -> dict[str, Statement]:
    """Loads the statements of every circle's folder of `sql/`, by name. Raises StatementFileError."""
    return dict(_load(sql_directory()))


def load_folder(folder: str) -> dict[str, Statement]:
    """Loads the statements of one folder of `sql/`. Raises StatementFileError."""
    return dict(_load(sql_directory(), folder))


def circle_folders() -> list[Path]:
    """Lists the folders of statements of this database, one per circle."""
    return sorted(path for path in sql_directory().iterdir() if path.is_dir() and path.name not in OTHERS)


@cache
def _load(directory: Path, folder: str | None = None) -> dict[str, Statement]:
    """Read once per process: SQL is code. A name is one statement's, over all folders."""
    folders = [each.name for each in circle_folders()] if folder is None else [folder]
    queries: dict[str, Statement] = {}
    for file in _files(directory, folders):
        for query in _parse_file(file):
            if query.name in queries:
                raise StatementFileError(f"{file.name}: the name {query.name} is used twice")
            queries[query.name] = query
    return queries


def _files(directory: Path, folders: list[str]) -> list[Path]:
    found = {folder: sorted((directory / folder).glob("*.sql")) for folder in folders or ("core",)}
    for folder, files in found.items():
        if not files:
            raise StatementFileError(f"{directory / folder}: no SQL files; the package is not whole")
    return [file for files in found.values() for file in files]


def _parse_file(file: Path) -> list[Statement]:
    """A file's own statements, and those of the queue that it declares."""
    if file.name == _QUEUE_FILE:
        return []
    text = file.read_text(encoding="utf-8")
    found = parse_statements(file.name, text)
    for named in _QUEUE.findall(text.partition("-- name:")[0]):
        found += _queue_statements(file.name, named.strip())
    return found


def _queue_statements(file: str, table: str) -> list[Statement]:
    """The statements of `queue.sql` for one table, whose name is an identifier by its form, and a file's own word."""
    if not _TABLE_NAME.fullmatch(table):
        raise StatementFileError(f"{file}: not a queue line: {table}")
    text = (sql_directory() / "core" / _QUEUE_FILE).read_text(encoding="utf-8")
    written_once = parse_statements(_QUEUE_FILE, text.replace(_QUEUE_TABLE, table))
    return [query._replace(name=f"{table}.{query.name}") for query in written_once]


def parse_statements(file: str, text: str) -> list[Statement]:
    """The sections of one file. Comments before the first section describe the table and are allowed."""
    head, *sections = re.split(r"^(?=-- name:)", text, flags=re.MULTILINE)
    if _NOT_CODE.sub("", head).strip():
        raise StatementFileError(f"{file}: there is text before the first section")
    return [_section(file, section) for section in sections]


def _section(file: str, section: str) -> Statement:
    first, _, rest = section.partition("\n")
    second, _, sql = rest.partition("\n")
    name, tenant = _NAME.fullmatch(first.rstrip()), _TENANT.fullmatch(second.rstrip())
    if name is None:
        raise StatementFileError(f"{file}: not a name line: {first}")
    if tenant is None:
        raise StatementFileError(f"{file}: {name[1]}: the second line must be '-- tenant: …'")
    third, _, after = sql.partition("\n")
    alone = _ALONE.fullmatch(third.rstrip())
    sql = (sql if alone is None else after).strip()
    if "-- alone" in sql:
        raise StatementFileError(f"{file}: {name[1]}: not an alone line, or not the third")
    code = _NOT_CODE.sub("", sql).strip()
    if not code.endswith(";") or code.count(";") != 1 or not sqlite3.complete_statement(sql):
        raise StatementFileError(f"{file}: {name[1]}: a section holds exactly one statement and ends with ';'")
    if any(quote in code for quote in ('"', "[", "/*")):
        raise StatementFileError(f"{file}: {name[1]}: names are not quoted, and comments begin with --")
    if "$" in code:
        raise StatementFileError(f"{file}: {name[1]}: a placeholder stands in {_QUEUE_FILE} alone")
    parameters = frozenset(_PARAMETER.findall(code))
    if not tenant[1].startswith("none "):
        unbound = set(tenant[1].split(", ")) - parameters
        # claim: C-34
        if unbound:
            raise StatementFileError(
                f"{file}: {name[1]}: claims a tenant but does not bind {', '.join(sorted(unbound))}"
            )
    reason = Alone(alone[1]) if alone is not None else None
    return Statement(name[1], name[2], sql, parameters, alone=reason, is_write=bool(_WRITES.search(code)))


@cache
def split_parameters(sql: str) -> tuple[str, tuple[str, ...]]:
    """Splits the names off: a question mark stands in the place of each, and they are in that order.

    By place the values are bound in one go; for each name the module looks it up, and lets go of the interpreter. The
    plus changes no value. Without it SQLite looks whether the value is that of some index's condition, and to be right
    plans the statement anew each time that another one is bound: tenfold the time of a look-up.
    """
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        names.append(found[1])
        return "+?"

    return _PARAMETER_IN_CODE.sub(place, sql), tuple(names)


def split_statements(text: str) -> list[str]:
    """The statements of a migration, in order. Triggers, which hold semicolons, stay whole."""
    statements: list[str] = []
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending) and _NOT_CODE.sub("", pending).strip():
            statements.append(pending.strip())
            pending = ""
    if _NOT_CODE.sub("", pending).strip():
        raise StatementFileError("a migration ends in the middle of a statement")
    return statements
