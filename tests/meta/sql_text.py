"""Statements read as text: their parts, the schema they are about, and the type of each parameter."""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Schema:
    """The tables as the migrations make them: types of columns, which may be NULL, and what is unique."""

    types: dict[str, dict[str, str]]
    nullable: dict[str, set[str]]
    keys: dict[str, list[set[str]]]

    def tables_of(self, sql: str) -> list[str]:
        """The tables that a text names."""
        return [word for word in dict.fromkeys(re.findall(r"\w+", sql)) if word in self.types]


def read_schema(connection: sqlite3.Connection) -> Schema:
    """Reads the schema of a database."""
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    columns = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    keys = {name: [{row[1] for row in columns[name] if row[5]}] for name in names}
    for name in names:
        for _, index, unique, _, partial in connection.execute(f"PRAGMA index_list({name})").fetchall():
            if unique and not partial:
                keys[name].append({row[2] for row in connection.execute(f"PRAGMA index_info({index})")})
    return Schema(
        {name: {row[1]: row[2] for row in columns[name]} for name in names},
        {name: {row[1] for row in columns[name] if not row[3] and not row[5]} for name in names},
        keys,
    )


def plain(sql: str) -> str:
    """A statement on one line, without its comments, and with nothing left in its quotes."""
    without = re.sub(r"--[^\n]*|'[^']*'", lambda found: "''" if found[0][0] == "'" else "", sql)
    return re.sub(r"\(\s+", "(", " ".join(without.split()).rstrip("; "))


def calls(sql: str) -> Iterator[tuple[str, str]]:
    """Each word that stands before a bracket, and what the bracket holds."""
    for found in re.finditer(r"\b(\w+)\s*\(", sql):
        yield found[1], inside(sql, found.end())


def inside(sql: str, start: int) -> str:
    """What stands in the bracket that was opened just before `start`."""
    depth = 1
    for place in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[place], 0)
        if not depth:
            return sql[start:place]
    return sql[start:]


def split(text: str) -> list[str]:
    """What stands between the commas of a list; brackets stay whole."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def scopes(sql: str) -> list[str]:
    """Each SELECT of a plain statement by itself, the outermost last; `()` stands for one that was taken out."""
    found: list[str] = []
    while (start := sql.rfind("(SELECT ")) >= 0:  # the last one holds no other
        inner = inside(sql, start + 1)
        found += inner.split(" UNION ALL ")
        sql = sql[:start] + "()" + sql[start + len(inner) + 2 :]
    return [*found, *sql.split(" UNION ALL ")]


def flat(scope: str) -> str:
    """A scope with nothing left in its brackets."""
    while (emptied := re.sub(r"\((?:[^()]|\(\))+\)", "()", scope)) != scope:
        scope = emptied
    return scope


def selected(scope: str) -> list[str]:
    """What a flat SELECT lists."""
    found = re.match(r"SELECT (?:DISTINCT )?(.*?)(?: FROM | WHERE |$)", scope)
    return split(found[1]) if found else []


def column(text: str) -> str:
    """A column's bare name, or the one it is given, from where it may stand with its table's and with a direction."""
    return re.sub(r"^.* AS |^\w+\.|\s+(ASC|DESC)$", "", text.strip())


def clause(scope: str, words: str) -> list[str]:
    """The list behind the last `words` of a flat scope."""
    _, found, rest = scope.rpartition(f" {words} ")
    return [column(part) for part in split(re.split(r" (?:LIMIT|ORDER BY|HAVING) ", rest)[0])] if found else []


_COLUMN, _SIGN = r"(?<![:\w])(?:\w+\.)?(\w+)", r" (?:=|<>|<=|>=|<|>) "
_SUM = r"[:\w]+(?: [+-] [:\w]+)?"
_COMPARED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_COLUMN}{_SIGN}:(\w+)",
        rf"{_COLUMN}(?: NOT)? BETWEEN :(\w+)",
        rf"{_COLUMN}(?: NOT)? BETWEEN {_SUM} AND :(\w+)",
        rf"{_COLUMN} IN \((?!SELECT )[^()]*:(\w+)\)",
    )
)
_TUPLES = re.compile(rf"\(([^()]*)\){_SIGN}\((:[^()]*)\)")
_WRITTEN = re.compile(r"INSERT INTO (\w+) \(([^()]*)\) (?:VALUES \(|SELECT )")
_VALUE = re.compile(r"^:(\w+)(?= WHERE |$)|(?:THEN|ELSE) :(\w+)")
_BY_USE = (
    ("INTEGER", re.compile(r"LIMIT :(\w+)|:(\w+)(?= [+-] | = \d)|[+-] :(\w+)|CASE :(\w+) WHEN \d")),
    ("TEXT", re.compile(r":(\w+)(?= \|\| | = '')|\|\| :(\w+)|CASE :(\w+) WHEN ''")),
)


def parameter_types(sqls: Iterable[str], schema: Schema) -> dict[str, set[str]]:
    """Each parameter's types over all plain statements: of the columns that it meets, and by what is done with it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for sql in sqls:
        for name in re.findall(r":(\w+)", sql):
            found[name].update(())
        tables = schema.tables_of(sql)
        for name, met in _meetings(sql):
            found[name].update(schema.types[table][met] for table in tables if met in schema.types[table])
        for kind, pattern in _BY_USE:
            for match in pattern.finditer(sql):
                found[str(match[match.lastindex or 0])].add(kind)
    return dict(found)


def _meetings(sql: str) -> Iterator[tuple[str, str]]:
    """Parameter and column, where one is compared with the other or written to it."""
    for pattern in _COMPARED:
        yield from ((match[2], match[1]) for match in pattern.finditer(sql))
    for match in _TUPLES.finditer(sql):
        yield from ((name.lstrip(":"), column(met)) for met, name in zip(split(match[1]), split(match[2]), strict=True))
    for match in _WRITTEN.finditer(sql):
        for met, value in zip(split(match[2]), split(inside(sql, match.end())), strict=False):
            yield from ((found[1] or found[2], met) for found in _VALUE.finditer(value))
