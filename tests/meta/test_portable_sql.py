"""Every statement is written so that SQLite and PostgreSQL both take it, and mean the same by it."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.store.engine import statements
from tests.meta.sql_text import (
    Schema,
    calls,
    clause,
    column,
    flat,
    parameter_types,
    plain,
    read_schema,
    scopes,
    selected,
    split,
)
from tests.support.world import empty_database

DIFFERENT = {"due_rows"}
"""Statements that each engine needs otherwise: who claims passes over the rows that others are claiming."""
ALL_THE_SAME = {"inbox.erase_portion", "outbox.erase_portion"}
"""Statements with a LIMIT that are repeated until no row is left: which of them go first is all the same."""
GAPS_MAKE_PORTIONS_SMALLER = {("sweep_states", "ids without gaps")}
"""Swept portion by portion, each from the oldest row on, until nothing is left to sweep: a gap costs a portion more."""
TYPES = {name: {"INTEGER"} for name in ("max_series", "free_at", "free_of_all", "seen_of_all")}
"""Of parameters that meet no column, or stand in the second of several rows."""
FUNCTIONS = {"coalesce", "count", "length", "max", "min", "row_number", "substr", "sum", "CAST"}
"""The functions that both have, by the same name and with the same result."""
KEYWORDS = {"AND", "AS", "BY", "CONFLICT", "EXISTS", "FROM", "IN", "NOT", "OR", "OVER", "SELECT", "THEN", "VALUES",
            "WHEN", "WHERE"}  # fmt: skip
"""What else stands before a bracket; and the name of a table, after INTO."""
AGGREGATE = re.compile(r"\b(?:count|max|min|sum)\(\)(?! OVER)")
FORMS = {
    "a literal of bytes: bind it": r"\b[xX]''",
    "a row's number in SQLite": r"\b(?:rowid|_rowid_|oid)\b",
    "INSERT OR, REPLACE": r"\b(?:INSERT|UPDATE) OR\b|\bREPLACE INTO\b",
    "a word of SQLite": r"\b(?:GLOB|LIKE|REGEXP|MATCH|COLLATE|PRAGMA|INDEXED|ISNULL|NOTNULL)\b|==",
    "quotes that are not for text": r'["`\[]',
    "a negative LIMIT": r"\bLIMIT -",
    "LIMIT with a comma": r"\bLIMIT [:\w]+,",
    "IS on a value: only on NULL": r"\bIS (?!(?:NOT )?NULL\b)",
    "a SELECT in FROM without a name": r"\bFROM \(\)(?! AS \w)",
    "a table's name before a column that is set": r"\bSET \w+\.\w+ =",
    "ids without gaps": r"(?<![<>])= \(SELECT (?:min|max)\(id\) FROM \w+\) [+-]"
    r"|\bmin\(id\) FROM (?!audit\b)\w+\) \+|\b(?:min|max)\(id\) [+-]",
    "a sum without a CAST": r"(?<!CAST\()\bsum\(",
}
"""What no statement has. The chain numbers the rows of `audit` itself, without gaps; a sum is a decimal there."""
TRUTH = re.compile(r"(?:\b(?:WHERE|AND|OR|NOT|ON|CASE WHEN) \(*|\(NOT )(:?[\w.]+)(?=\)| AND | OR | THEN |$)")
BETWEEN = re.compile(r" BETWEEN [:\w.]+(?: [+-] [:\w.()]+)? AND ")
Rule = Callable[[str, str, Schema], Iterator[str]]


def foreign_forms(sql: str, _cardinality: str, _schema: Schema) -> Iterator[str]:
    """Words and forms that one of the two does not have, or means otherwise."""
    texts = (sql, *scopes(sql))
    yield from (wrong for wrong, pattern in FORMS.items() if any(re.search(pattern, text) for text in texts))


def foreign_functions(sql: str, _cardinality: str, schema: Schema) -> Iterator[str]:
    """Functions that are not in both, and min() and max() of several values, which PostgreSQL has by other names."""
    for name, arguments in calls(sql):
        if name in {"min", "max"} and len(split(arguments)) > 1:
            yield f"{name}() of several values: CASE"
        elif name not in FUNCTIONS | KEYWORDS | set(schema.types):
            yield f"{name}() is not in both"


def numbers_for_truth(sql: str, _cardinality: str, _schema: Schema) -> Iterator[str]:
    """Conditions that are a number: PostgreSQL wants `= 1`."""
    bare = (found[1] for found in TRUTH.finditer(BETWEEN.sub(" = ", sql)))
    yield from (f"{name} is no condition" for name in bare if name not in {"true", "NULL"})


def loose_order(sql: str, cardinality: str, schema: Schema) -> Iterator[str]:
    """Rows that are listed or limited, in an order that leaves two of them equal, or sorts a NULL."""
    *inner, outer = map(flat, scopes(sql))
    for scope in (*inner, outer):
        listed = scope == outer and cardinality == "many" and outer.startswith("SELECT")
        if not (listed or " LIMIT " in scope) or selected(scope)[:1] in (["1"], ["1 AS found"]):
            continue  # whether there is a row has no order
        order = set(clause(scope, "ORDER BY"))
        if not any(key <= order | _fixed(scope) for key in _keys(scope, sql, schema)):
            yield f"no total ORDER BY: {scope}"
        for name in order:
            tables = schema.tables_of(sql)
            compared = rf"\b{name} (?:=|<|>|<=|>=|BETWEEN|IS NOT NULL)"
            if any(name in schema.nullable[table] for table in tables) and not re.search(compared, sql):
                yield f"{name} may be NULL: first for the one, last for the other"


def _keys(scope: str, sql: str, schema: Schema) -> list[set[str]]:
    """Sets of columns of which each tells the rows of a scope apart; all that is listed does so for whoever reads."""
    if " GROUP BY " in scope:
        return [set(clause(scope, "GROUP BY"))]
    listed = set(map(column, selected(scope)))
    if scope.startswith("SELECT DISTINCT ") or not listed:
        return [listed] * bool(listed)
    table = re.search(r" FROM (\w+)", scope)
    tables = [table[1]] if table else schema.tables_of(sql)
    return [listed, *(key for each in tables for key in schema.keys.get(each, ()))]


def _fixed(scope: str) -> set[str]:
    """The columns that have one value in all the rows of a scope."""
    conditions = scope.partition(" WHERE ")[2]
    return set() if " OR " in conditions else set(re.findall(r"(?:\w+\.)?\b(\w+) = (?::\w+|''|\d+)", conditions))


def open_groups(sql: str, _cardinality: str, _schema: Schema) -> Iterator[str]:
    """Columns beside a count, a sum and so on that are not grouped by: any row's value in SQLite, an error there."""
    for scope in map(flat, scopes(sql)):
        parts = selected(scope)
        if " GROUP BY " in scope or any(AGGREGATE.search(part) for part in parts):
            groups = set(clause(scope, "GROUP BY"))
            alone = (column(part) for part in parts if re.fullmatch(r"(?:\w+\.)?[a-z_]\w*", part))
            yield from (f"{name} is not grouped by" for name in alone if name not in groups)


def unclear_columns(sql: str, _cardinality: str, schema: Schema) -> Iterator[str]:
    """Columns of the row that is there, in ON CONFLICT … DO UPDATE, without their table's name."""
    _, found, update = sql.partition(" DO UPDATE SET ")
    columns = {name for table in schema.tables_of(sql) for name in schema.types[table]}
    for part in split(update.partition(" RETURNING ")[0]) if found else ():
        words = re.findall(r"(?<![.:\w])\w+(?!\.)\b", part.partition(" = ")[2])
        yield from (f"{word} may be of either row" for word in words if word in columns)


RULES: tuple[Rule, ...] = (
    foreign_forms, foreign_functions, numbers_for_truth, loose_order, open_groups, unclear_columns,
)  # fmt: skip


def broken(sql: str, cardinality: str, schema: Schema) -> list[str]:
    """The rules that a statement breaks."""
    return [wrong for rule in RULES for wrong in rule(plain(sql), cardinality, schema)]


def untyped(sqls: list[str], schema: Schema) -> list[str]:
    """Parameters without a type, or with two."""
    found = {**parameter_types(map(plain, sqls), schema), **TYPES}
    wrong = {name: " and ".join(sorted(kinds)) or "of no type" for name, kinds in found.items() if len(kinds) != 1}
    return [f":{name} is {kinds}" for name, kinds in wrong.items()]


def portable() -> dict[str, statements.Statement]:
    """The statements that both engines share, those of each queue too."""
    loaded = statements.load_statements()
    return {name: query for name, query in loaded.items() if name.rpartition(".")[2] not in DIFFERENT}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    file: Path = tmp_path_factory.mktemp("portable") / "slackapp.db"
    file.write_bytes(empty_database())
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return read_schema(connection)


def test_every_statement_is_for_both_engines(schema: Schema) -> None:
    """Stops a statement that the second engine refuses, or answers otherwise."""
    found = [f"{name}: {wrong}" for name, query in portable().items()
             for wrong in broken(query.sql, query.cardinality, schema)
             if not (name in ALL_THE_SAME and wrong.startswith("no total ORDER BY"))
             and (name, wrong) not in GAPS_MAKE_PORTIONS_SMALLER]  # fmt: skip
    assert not found, "\n".join(found)


def test_a_parameters_name_has_one_type(schema: Schema) -> None:
    """Stops a name that is a number here and a text there: PostgreSQL is told a type for each name, once."""
    assert untyped([query.sql for query in portable().values()], schema) == []


def test_what_differs_breaks_a_rule(schema: Schema) -> None:
    """Stops an exception that outlives its reason."""
    loaded = statements.load_statements()
    assert all(broken(loaded[f"inbox.{name}"].sql, "many", schema) for name in DIFFERENT)


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("UPDATE data_keys SET wrapped = x''", "a literal of bytes"),
        ("SELECT 1 FROM inbox WHERE rowid = :id", "a row's number"),
        ("INSERT OR IGNORE INTO meta (name, value) VALUES (:name, :value)", "INSERT OR"),
        ("SELECT 1 FROM meta WHERE name LIKE :name", "a word of SQLite"),
        ("SELECT name FROM meta WHERE name = :name LIMIT -1", "a negative LIMIT"),
        ("SELECT name FROM meta WHERE name = :name LIMIT 5, 1", "LIMIT with a comma"),
        ('SELECT 1 FROM meta WHERE name = "x"', "quotes"),
        ("SELECT 1 FROM inbox WHERE body IS :body", "IS on a value"),
        ("SELECT count(*) AS found FROM (SELECT name FROM meta)", "without a name"),
        ("UPDATE meta SET meta.value = :value", "a table's name"),
        ("DELETE FROM oauth_states WHERE id < (SELECT min(id) FROM oauth_states) + 1000", "ids without gaps"),
        ("SELECT 1 FROM audit WHERE id = (SELECT max(id) FROM audit) - :limit", "ids without gaps"),
        ("SELECT sum(value) AS found FROM counters", "a sum without"),
        ("SELECT 1 FROM meta WHERE instr(name, :name) = 1", "instr() is not in both"),
        ("SELECT ifnull(value, '') FROM meta WHERE name = :name", "ifnull() is not in both"),
        ("UPDATE inbox SET next_at = max(next_at, :now)", "max() of several values"),
        ("UPDATE meta SET value = '' WHERE name = :name AND :begins", ":begins is no condition"),
        ("UPDATE meta SET value = '' WHERE (name = :name OR :begins)", ":begins is no condition"),
        ("SELECT 1 FROM failing AS f WHERE NOT f.given_up AND tenant_id = ''", "f.given_up is no condition"),
        ("SELECT tenant_id, count(*) AS found FROM inbox WHERE state = 'done'", "tenant_id is not grouped by"),
        ("SELECT state, kind, min(next_at) FROM inbox GROUP BY state", "kind is not grouped by"),
        ("INSERT INTO meta (name, value) VALUES (:name, '') ON CONFLICT (name) DO UPDATE SET value = value || ''",
         "value may be of either row"),
    ],
)  # fmt: skip
def test_a_planted_form_is_found(schema: Schema, sql: str, wrong: str) -> None:
    """Negative control: stops a rule from going blind."""
    assert any(wrong in line for line in broken(sql, "one", schema))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT tenant_id FROM tokens WHERE status = 'live'",
        "SELECT event_id, tenant_id FROM inbox WHERE tenant_kind = 'T' ORDER BY event_id",
        "SELECT tenant_id, status FROM installations WHERE tenant_kind = '' OR tenant_id = :id ORDER BY tenant_id",
        "SELECT DISTINCT tenant_kind, tenant_id FROM tokens ORDER BY tenant_id",
        "SELECT status, count(*) AS found FROM tokens GROUP BY status",
        "DELETE FROM inbox WHERE event_id IN (SELECT event_id FROM inbox ORDER BY next_at LIMIT 9)",
        "SELECT id FROM oauth_states ORDER BY used_at, id",
    ],
)
def test_a_planted_order_is_found(schema: Schema, sql: str) -> None:
    """Negative control: among equals, each engine has an order of its own."""
    assert list(loose_order(plain(sql), "many", schema))


@pytest.mark.parametrize(
    ("sqls", "wrong"),
    [
        (["SELECT 1 FROM audit WHERE id = :id", "SELECT 1 FROM meta WHERE name = :id"], ":id is INTEGER and TEXT"),
        (["UPDATE tokens SET access = :sealed, scopes = :sealed"], ":sealed is BLOB and TEXT"),
        (["INSERT INTO meta (name, value) VALUES (:name, :at)", "SELECT 1 FROM audit WHERE at < :at"],
         ":at is INTEGER and TEXT"),
        (["SELECT 1 FROM meta WHERE name = '' AND :unknown IS NULL"], ":unknown is of no type"),
    ],
)  # fmt: skip
def test_a_planted_type_is_found(schema: Schema, sqls: list[str], wrong: str) -> None:
    """Negative control: stops a name of two types, and one of none."""
    assert wrong in untyped(sqls, schema)


def test_a_limit_in_brackets_is_no_value_of_the_column_before_them(schema: Schema) -> None:
    sql = "DELETE FROM inbox WHERE event_id IN (SELECT event_id FROM inbox ORDER BY event_id LIMIT :most)"
    assert untyped([sql], schema) == []
