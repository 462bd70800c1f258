"""The schema is brought up to date once, whole or not at all, however many processes start at a time."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.errors import ConfigError
from slackapp.store import meta, queries
from slackapp.store.db import Database
from tests.store.processes import race
from tests.store.rows import change, look

NEWEST = max(int(file.name[:4]) for file in (queries.sql_directory() / "migrations").glob("*.sql"))


def schema(path: Path) -> list[tuple[str, ...]]:
    return look(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY name")


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the migrations, to which further ones can be added."""
    copy = tmp_path / "sql"
    shutil.copytree(queries.sql_directory(), copy)
    monkeypatch.setattr(queries, "sql_directory", lambda: copy)
    return copy / "migrations"


def prepare(path: Path) -> None:
    database = Database(path)
    try:
        database.prepare_file()
    finally:
        database.close()


def test_a_new_database_says_which_schema_it_has(db: Database) -> None:
    assert meta.get(db, "schema_version") == str(NEWEST)


def test_every_table_is_strict(db: Database) -> None:
    tables = [(name, strict) for _, name, _, _, _, strict in look(db.path, "PRAGMA table_list")]
    ours = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
    assert ours == dict.fromkeys(ours, 1)
    assert {"installations", "tokens", "audit"} <= ours.keys()


def test_eight_processes_that_start_at_once_on_a_new_file_all_succeed(tmp_path: Path) -> None:
    """Stops a first start at which every process but one dies because the tables are there already."""
    code = "import os, sys\nfrom pathlib import Path\nfrom slackapp.store import meta\nfrom slackapp.store.db import *"
    run = """
db = Database(Path(sys.argv[1]))
db.prepare_file()
with db.transaction():
    meta.put(db, f"process:{os.getpid()}", "was here")
print(meta.get(db, "schema_version"))
"""
    path = tmp_path / "slackapp.db"
    assert race(8, code, run, str(path)) == [str(NEWEST)] * 8
    assert look(path, "SELECT count(*) FROM meta WHERE name LIKE 'process:%'") == [(8,)]


def test_a_second_start_changes_nothing(db: Database) -> None:
    before, rows = schema(db.path), look(db.path, "SELECT * FROM meta")
    prepare(db.path)
    assert (schema(db.path), look(db.path, "SELECT * FROM meta")) == (before, rows)


def test_a_database_of_a_newer_release_is_refused_and_left_as_it_is(db: Database) -> None:
    meta.put(db, "schema_version", str(NEWEST + 1))
    before = schema(db.path)
    with pytest.raises(ConfigError, match=rf"made by a newer release \(schema {NEWEST + 1}, this one knows {NEWEST}\)"):
        prepare(db.path)
    assert schema(db.path) == before


def test_further_migrations_are_run_once_and_in_order(migrations: Path, tmp_path: Path) -> None:
    path = tmp_path / "slackapp.db"
    prepare(path)
    change(path, "INSERT INTO meta (name, value) VALUES ('kept', 'yes')")
    (migrations / f"{NEWEST + 2:04}_second.sql").write_text("INSERT INTO added VALUES (1);\n")
    (migrations / f"{NEWEST + 1:04}_first.sql").write_text("-- Why.\nCREATE TABLE added (a INTEGER NOT NULL) STRICT;\n")
    for _ in range(2):
        prepare(path)
        assert look(path, "SELECT * FROM added") == [(1,)]
        found = look(path, "SELECT name, value FROM meta WHERE name IN ('kept', 'schema_version') ORDER BY name")
        assert found == [("kept", "yes"), ("schema_version", str(NEWEST + 2))]


@pytest.mark.parametrize(
    "broken",
    [
        "CREATE TABLE half (a TEXT) STRICT;\nINSERT INTO half VALUES ('x');\nCREATE TABLE meta (a TEXT);\n",
        "CREATE TABLE half (a TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);\n",
        "CREATE TABLE half (a TEXT) STRICT;\nDROP TABLE inbox;\nCREATE TABLE",
    ],
    ids=["a table that is there", "a table that is not there", "the end is missing"],
)
def test_a_migration_that_fails_half_way_leaves_nothing(migrations: Path, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "slackapp.db"
    prepare(path)
    before, rows = schema(path), look(path, "SELECT * FROM meta")
    (migrations / f"{NEWEST + 1:04}_broken.sql").write_text(broken)
    with pytest.raises(Exception, match=r"."):
        prepare(path)
    assert (schema(path), look(path, "SELECT * FROM meta")) == (before, rows)


def test_a_first_migration_that_fails_half_way_leaves_an_empty_database(migrations: Path, tmp_path: Path) -> None:
    path = tmp_path / "slackapp.db"
    (migrations / f"{NEWEST + 1:04}_broken.sql").write_text("INSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(Exception, match="nowhere"):
        prepare(path)
    assert schema(path) == []
    (migrations / f"{NEWEST + 1:04}_broken.sql").unlink()
    prepare(path)
    assert look(path, "SELECT value FROM meta WHERE name = 'schema_version'") == [(str(NEWEST),)]
