"""The loader of `sql/`, which refuses what a reviewer could not trust."""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest
from slack_sdk.oauth.installation_store import Installation

from slackapp.store.engine import statements as queries
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.store.engine.statements import StatementFileError, parse_statements, split_parameters, split_statements
from tests.store.rows import change
from tests.support.bolt_sources import Alchemy, Sqlite

HEAD = "-- Some table.\n\n"
ONE = "-- name: one :one\n-- tenant: none (a reason)\nSELECT 1 WHERE :a = :b;\n"


def section(
    name: str = "find :one", tenant: str = "none (a reason)", statement: str = "SELECT 1;", more: str = ""
) -> str:
    return f"-- name: {name}\n-- tenant: {tenant}\n{statement}\n{more}"


def test_a_section_becomes_a_query() -> None:
    text = HEAD + section("find_it :many", "kind, id", "-- why\nSELECT a FROM b\n WHERE kind = :kind\n   AND id = :id;")
    (query,) = parse_statements("b.sql", text)
    assert (query.name, query.cardinality, query.parameters) == ("find_it", "many", {"kind", "id"})
    assert query.sql.startswith("-- why\nSELECT a")


def test_several_sections_become_several_queries() -> None:
    found = parse_statements("b.sql", HEAD + ONE + "\n" + section("two :exec", statement="DELETE FROM b;"))
    assert [(query.name, query.cardinality) for query in found] == [("one", "one"), ("two", "exec")]


def test_a_parameter_is_neither_in_a_comment_nor_in_a_string_nor_a_cast() -> None:
    text = section(statement="SELECT ':no', x::text -- and :not here\n WHERE a = :yes AND b = 'it''s :no';")
    assert parse_statements("b.sql", text)[0].parameters == {"yes"}


def test_parameters_are_bound_as_they_come_and_what_is_no_code_stays() -> None:
    sql, names = split_parameters("SELECT ':no', :b -- :b here\n WHERE a = :a AND b = :b AND c = 'it''s :a';")
    assert sql == "SELECT ':no', +? -- :b here\n WHERE a = +? AND b = +? AND c = 'it''s :a';"
    assert names == ("b", "a", "b")


def test_each_statement_takes_by_place_what_it_takes_by_name() -> None:
    for query in queries.load_statements().values():
        assert set(split_parameters(query.sql)[1]) == query.parameters, query.name


BAD = {
    "text before the first section": "SELECT 1;\n" + ONE,
    "no cardinality": section("find"),
    "unknown cardinality": section("find :all"),
    "name in capitals": section("Find :one"),
    "name with a hyphen": section("find-it :one"),
    "no name": section(":one"),
    "something after the cardinality": section("find :one please"),
    "no tenant line": "-- name: find :one\nSELECT 1;\n",
    "a tenant line that comes later": "-- name: find :one\n-- why\n-- tenant: none (x)\nSELECT 1;\n",
    "empty tenant": section(tenant=""),
    "none without a reason": section(tenant="none"),
    "none with an empty reason": section(tenant="none ()"),
    "something after the tenant": section(tenant="none (a reason) and more"),
    "tenant in capitals": section(tenant="Tenant_Id", statement="SELECT :Tenant_Id;"),
    "tenant that is not bound": section(tenant="tenant_id"),
    "one of two tenants not bound": section(tenant="kind, tenant_id", statement="SELECT 1 WHERE a = :kind;"),
    "tenant bound in a comment only": section(tenant="tenant_id", statement="SELECT 1 -- WHERE a = :tenant_id\n;"),
    "tenant bound in a string only": section(tenant="tenant_id", statement="SELECT ':tenant_id';"),
    "no statement": section(statement=""),
    "comment for a statement": section(statement="-- SELECT 1;"),
    "empty statement": section(statement=";") + ";",
    "no semicolon": section(statement="SELECT 1"),
    "semicolon in a comment only": section(statement="SELECT 1 -- ;"),
    "semicolon in a string only": section(statement="SELECT ';'"),
    "two statements": section(statement="SELECT 1; SELECT 2;"),
    "two statements on two lines": section(statement="SELECT 1;", more="DELETE FROM installations;\n"),
    "text after the statement": section(more="and so on\n"),
    "a name line that is not quite one": section(more="--name: other :one\n-- tenant: none (x)\nSELECT 2;\n"),
    "an unknown reason to stand alone": section(statement="-- alone: hurry\nDELETE FROM b;"),
    "a reason to stand alone that comes later": section(statement="-- why\n-- alone: insert\nDELETE FROM b;"),
    "a name in double quotes": section(statement='SELECT ":a" AS b;'),
    "a name in brackets": section(statement="SELECT 1 AS [:a];"),
    "a comment of another form": section(statement="SELECT 1 /* :a */;"),
    "half a trigger": section(statement="CREATE TRIGGER a BEFORE UPDATE ON b BEGIN SELECT 1;"),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
@pytest.mark.claim("C-34")
def test_a_file_that_is_not_as_it_must_be_is_refused_and_named(text: str) -> None:
    """I hide a second statement, or one without a tenant, where a reviewer does not look."""
    with pytest.raises(StatementFileError, match=r"^b\.sql: "):
        parse_statements("b.sql", text)


def test_a_name_that_is_used_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I add a statement of the same name in a later file, which then runs in place of the reviewed one."""
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.sql").write_text(ONE)
    assert list(queries.load_statements()) == ["one"]
    queries._load.cache_clear()
    (tmp_path / "core" / "b.sql").write_text(ONE)
    with pytest.raises(StatementFileError, match=r"b\.sql: the name one is used twice"):
        queries.load_statements()


def test_a_name_that_is_used_twice_in_one_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.sql").write_text(ONE + ONE)
    with pytest.raises(StatementFileError, match="used twice"):
        queries.load_statements()


def test_a_package_without_its_sql_files_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    with pytest.raises(StatementFileError, match="no SQL files"):
        queries.load_statements()


def test_the_statements_come_from_beside_the_code() -> None:
    assert (queries.sql_directory() / "migrations").is_dir()
    assert queries.sql_directory().is_relative_to(Path(queries.__file__).resolve().parents[3])


def test_every_statement_fits_the_schema(db: SqliteDatabase) -> None:
    """Stops a statement that names a column that is not there, until the day when it first runs."""
    found = queries.load_statements()
    assert found
    for query in found.values():
        names = dict.fromkeys(query.parameters, 1)
        assert db._connection().execute(f"EXPLAIN {query.sql}", names).fetchall(), query.name


def test_every_foreign_statement_fits_the_tables_that_slack_sdk_makes(tmp_path: Path) -> None:
    """Stops a statement that names a column which Bolt's stores do not have."""
    found = queries.load_folder("foreign")
    assert found.keys().isdisjoint(queries.load_statements())
    for store in (Sqlite(tmp_path / "sqlite" / "bolt.db"), Alchemy(tmp_path / "alchemy" / "bolt.db")):
        with contextlib.closing(sqlite3.connect(store.path)) as connection:
            for query in found.values():
                names = dict.fromkeys(query.parameters, 1)
                assert connection.execute(f"EXPLAIN {query.sql}", names).fetchall(), query.name


def test_every_column_of_slack_sdks_tables_is_read(tmp_path: Path) -> None:
    """Stops something that a Bolt app has saved from being lost with the source."""
    store = Sqlite(tmp_path / "source" / "bolt.db")
    store.save(Installation(app_id="A1", team_id="T1", user_id="U1", bot_token="xoxb-1", bot_id="B1", bot_user_id="U2"))
    found = store.source().records()
    assert [record.kind for record in found] == ["bot", "installation"]
    for record in found:
        columns = {row[1] for row in store.rows(f"PRAGMA table_info(slack_{record.kind}s)")}
        assert columns - record.fields.keys() == {"id", "client_id"}


def test_a_foreign_statement_that_changes_rows_names_the_client_and_both_ids() -> None:
    """Stops an erasing of more than one place of one app."""
    changing = [query for query in queries.load_folder("foreign").values() if query.cardinality == "exec"]
    assert {query.name for query in changing} == {"erase_bolt_bots", "erase_bolt_installations"}
    for query in changing:
        assert query.parameters == {"client_id", "enterprise_id", "team_id"}
        assert query.sql.count("AND") == 2


def folders(root: Path, **texts: str) -> None:
    """A `sql/` with a file in each of these folders."""
    for folder, text in texts.items():
        (root / folder).mkdir()
        (root / folder / "a.sql").write_text(text)


def test_every_circles_folder_is_loaded_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    two = ONE.replace("one :one", "two :one")
    folders(tmp_path, core=ONE, toy=two, foreign="no SQL", migrations="no SQL", postgres="no SQL")
    (tmp_path / "README").write_text("no folder")
    assert list(queries.load_statements()) == ["one", "two"]


def test_a_name_that_two_circles_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    folders(tmp_path, core=ONE, toy=ONE)
    with pytest.raises(StatementFileError, match="the name one is used twice"):
        queries.load_statements()


def test_a_folder_of_statements_is_one_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    folders(tmp_path, core=ONE, foreign=ONE.replace("one :one", "two :one"))
    (tmp_path / "more").mkdir()
    with pytest.raises(StatementFileError, match="more: no SQL files"):
        queries.load_folder("more")
    with pytest.raises(StatementFileError, match="more: no SQL files"):
        queries.load_statements()
    assert list(queries.load_folder("foreign")) == ["two"]


@pytest.mark.claim("C-34")
def test_a_statement_that_claims_a_tenant_touches_only_rows_of_that_tenant() -> None:
    """Stops a statement that binds its tenant and does not confine itself to it."""
    names_a_tenant_for_the_row = ("INSERT INTO", "finish_state ")
    for file in [file for folder in queries.circle_folders() for file in sorted(folder.glob("*.sql"))]:
        for text in file.read_text(encoding="utf-8").split("-- name: ")[1:]:
            if "-- tenant: none" not in text and not any(word in text for word in names_a_tenant_for_the_row):
                assert CONFINED.search(text), f"{file.name}: {text[:30]}"


CONFINED = re.compile(r"\b(\w+\.|)tenant_kind = :tenant_kind AND \1tenant_id = :tenant_id\b")
"""Both columns of one table, by its name or not."""


def test_the_statements_of_a_queue_are_loaded_for_each_table_that_declares_itself_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "queue.sql").write_text(section("claim :one", statement="SELECT 1 FROM $queue;"))
    (tmp_path / "core" / "inbox.sql").write_text("-- queue: inbox\n" + ONE)
    (tmp_path / "core" / "outbox.sql").write_text("-- queue: outbox\n" + ONE.replace("one :one", "two :one"))
    found = queries.load_statements()
    assert sorted(found) == ["inbox.claim", "one", "outbox.claim", "two"]
    assert found["outbox.claim"].sql == "SELECT 1 FROM outbox;"


@pytest.mark.parametrize("name", ["inbox; DROP", "In_box", "1box", "$queue", "inbox--", ""])
def test_what_is_no_identifier_declares_no_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A table's name is the one text that is put into a statement."""
    monkeypatch.setattr(queries, "sql_directory", lambda: tmp_path)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "queue.sql").write_text(section("claim :one", statement="SELECT 1 FROM $queue;"))
    (tmp_path / "core" / "inbox.sql").write_text(f"-- queue: {name}\n" + ONE)
    with pytest.raises(StatementFileError, match="not a queue line"):
        queries.load_statements()


def test_a_placeholder_stands_in_the_file_of_queues_alone() -> None:
    with pytest.raises(StatementFileError, match="placeholder"):
        parse_statements("b.sql", section("two :exec", statement="DELETE FROM $queue;"))


TRIGGER = "CREATE TRIGGER t BEFORE UPDATE ON a\nBEGIN\n    SELECT 1;\n    SELECT 2;\nEND;"


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("-- nothing\n\n", []),
        ("CREATE TABLE a (b);", ["CREATE TABLE a (b);"]),
        ("CREATE TABLE a (b);\nCREATE TABLE c (d);\n", ["CREATE TABLE a (b);", "CREATE TABLE c (d);"]),
        ("-- first\nCREATE TABLE a (\n  b  -- why;\n);\n-- end\n", ["-- first\nCREATE TABLE a (\n  b  -- why;\n);"]),
        (f"{TRIGGER}\nCREATE TABLE c (d);\n", [TRIGGER, "CREATE TABLE c (d);"]),
        ("INSERT INTO a VALUES (';');\n", ["INSERT INTO a VALUES (';');"]),
        ("INSERT INTO a VALUES ('x\n;\n');\n", ["INSERT INTO a VALUES ('x\n;\n');"]),
    ],
    ids=["empty", "comment", "one", "two", "comments inside", "trigger", "string", "string over lines"],
)
def test_a_migration_is_split_into_its_statements(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


@pytest.mark.parametrize("text", ["CREATE TABLE a (b)", "CREATE TABLE a (b);\nCREATE", TRIGGER[:-4], "SELECT 'a;\n"])
def test_a_migration_that_ends_in_the_middle_is_refused(text: str) -> None:
    with pytest.raises(StatementFileError, match="in the middle"):
        split_statements(text)


def test_the_trigger_of_the_schema_is_there_and_whole(db: SqliteDatabase) -> None:
    change(
        db.path,
        "INSERT INTO audit (id, at, event, actor, result, chain) VALUES (1, 2, 'e', 'a', 'r', zeroblob(32))",
    )
    with pytest.raises(Exception, match="audit rows do not change"):
        change(db.path, "UPDATE audit SET event = 'x'")
