"""A statement that may run outside a transaction is in its text what its third line says.

Stops a plain write with a line that only claims to be a compare-and-swap: between a read and it, others write. What a
condition is compared with, this does not see: that its value was read before is the flow's care.
"""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from slackapp.store.engine.statements import Alone, Statement, load_statements, parse_statements
from tests.meta.sql_text import Schema, plain, read_schema
from tests.support.world import empty_database

SEEN = {
    "answer_status", "bot_user_id", "check_begun_at", "closed_at", "generation", "granted_at", "installed_at",
    "issued_at", "last_used_at", "lease_owner", "lease_until", "master_version", "outcome", "removed_at",
    "seen_at", "state", "status", "used_at",
}  # fmt: skip
"""Columns by which a row is still as it was seen."""
LOOK_UPS = {
    # What is read of it, the row of the reading asks for again: status, generation, time of the grant.
    "find_with_bot", "find_token", "find_installer", "latest_installer",
    "get_meta",  # the key epoch: nothing is written by it
    "next_of_channel",  # that nobody has the turn, `give_turn` asks again
    "find_free_at",  # `set_free_at` asks for what was seen
    "find_permission",  # the transaction that makes a connection active asks it again
    "find_internal",  # an index refuses the second of that id
    # For whom a token is kept, a moment before it is opened: the row tells of that, and nothing is decided by it.
    "find_connection_of_bot", "find_connection_of_holder",
}  # fmt: skip
"""Statements that may read in a commit that is shared, and why nothing is written there by what has changed since."""
TARGET = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
INNERMOST = re.compile(r"\([^()]*\)")
FROM_ITSELF = re.compile(r"\b(\w+) = [^,]*(?<![:\w])\1\b")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    file: Path = tmp_path_factory.mktemp("alone") / "slackapp.db"
    file.write_bytes(empty_database())
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return read_schema(connection)


def outermost(sql: str) -> str:
    """A statement without what stands in brackets."""
    while INNERMOST.search(sql):
        sql = INNERMOST.sub("", sql)
    return sql


def condition(sql: str) -> str:
    """The condition of the statement itself."""
    return re.split(r"\b(?:RETURNING|ON CONFLICT)\b", outermost(sql).partition("WHERE ")[2])[0].strip(" ;")


def is_swap(sql: str, keys: set[str]) -> bool:
    """Whether it writes only what is still as it was seen, whatever else its condition says."""
    asked = condition(sql)
    columns = {part.strip().partition(" ")[0] for part in asked.split(" AND ")}
    return not sql.startswith("INSERT") and " OR " not in asked and bool((columns & SEEN) - keys)


def is_insert(sql: str, keys: list[set[str]]) -> bool:
    """Whether a conflict, a condition, or a key that it binds decides if there is a row to add."""
    listed = set(re.findall(r"\w+", sql.partition("(")[2].partition(")")[0]))
    decides = "ON CONFLICT" in sql or condition(sql) not in ("", "true", "1 = 1")
    return sql.startswith("INSERT") and (decides or any(key and key <= listed for key in keys))


def is_idempotent(sql: str) -> bool:
    """Whether it writes the same however often it runs: it adds nothing, and computes nothing of what was there."""
    changed = outermost(sql).partition(" SET ")[2].partition(" WHERE ")[0]
    return not sql.startswith("INSERT") and not FROM_ITSELF.search(changed)


def untrue(statement: Statement, tables: Schema) -> bool:
    """Whether a statement is not what its third line says."""
    sql = plain(statement.sql)
    if statement.alone is None:
        return False
    if statement.alone is Alone.AUDIT_HEAD:
        return statement.is_write or statement.name != "last_audit"
    if statement.alone is Alone.LOOK_UP:
        return statement.is_write or statement.name not in LOOK_UPS
    target = TARGET.match(sql)
    keys = tables.keys[target[1]] if target else []
    holds = {
        Alone.SWAP: is_swap(sql, keys[0] if keys else set()),
        Alone.INSERT: is_insert(sql, keys),
        Alone.IDEMPOTENT: is_idempotent(sql),
    }
    return target is None or not holds[statement.alone]


def test_every_statement_is_what_its_third_line_says(tables: Schema) -> None:
    statements = load_statements()
    assert [name for name, each in statements.items() if untrue(each, tables)] == []
    assert {each.alone for each in statements.values()} == {None, *Alone}


ONE = "tenant_kind = :k AND tenant_id = :t"
INTO = "INSERT INTO oauth_states (purpose) "
PLANTED = {
    "only its key": (Alone.SWAP, f"UPDATE installations SET status = :s WHERE {ONE};"),
    "no condition": (Alone.SWAP, "DELETE FROM installations;"),
    "or whatever": (Alone.SWAP, f"UPDATE tokens SET status = :s WHERE {ONE} AND generation = :g OR 1 = 1;"),
    "of another row": (
        Alone.SWAP,
        f"UPDATE tokens SET status = :s WHERE {ONE} AND EXISTS (SELECT 1 FROM tokens WHERE status = 'live');",
    ),
    "adds": (Alone.SWAP, f"{INTO}VALUES (:p);"),
    "as often as it runs": (Alone.INSERT, f"{INTO}VALUES (:p);"),
    "always": (Alone.INSERT, f"{INTO}SELECT :p WHERE true;"),
    "no insert": (Alone.INSERT, f"UPDATE tokens SET status = :s WHERE {ONE} AND generation = :g;"),
    "one more": (Alone.IDEMPOTENT, f"UPDATE tokens SET generation = generation + 1 WHERE {ONE};"),
    "adds again": (Alone.IDEMPOTENT, f"{INTO}VALUES (:p);"),
    "a look-up of its own": (Alone.LOOK_UP, "SELECT value FROM meta WHERE name = :n;"),
    "a look-up that writes": (Alone.LOOK_UP, f"UPDATE tokens SET status = :s WHERE {ONE} RETURNING status;"),
    "another's head": (Alone.AUDIT_HEAD, "SELECT id FROM audit ORDER BY id DESC LIMIT 1;"),
}


@pytest.mark.parametrize("why", PLANTED)
def test_a_statement_that_only_says_so_is_found(why: str, tables: Schema) -> None:
    """Negative control."""
    alone, sql = PLANTED[why]
    (statement,) = parse_statements("x.sql", f"-- name: x :exec\n-- tenant: none (x)\n-- alone: {alone}\n{sql}\n")
    assert untrue(statement, tables)
