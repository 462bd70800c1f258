"""Counters add up in the database; and the migration that made them keeps every key."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from slackapp.errors import StoreConstraintError
from slackapp.store import counters
from slackapp.store.counters import CounterDelta
from slackapp.store.engine import statements
from slackapp.store.engine.database import Database
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import change, look


def count(labels: str, value: int = 1, most: int = 3, name: str = "a_total") -> CounterDelta:
    return CounterDelta(name, labels, "other", most, value)


def test_counts_are_added_to_what_is_there(db: Database) -> None:
    counters.add(db, [count("x", 3), count("y", 1), count("x", 2, name="b_total")])
    counters.add(db, [count("x", 4)])
    assert counters.list_all(db) == {("a_total", "x"): 7, ("a_total", "y"): 1, ("b_total", "x"): 2}


def test_a_metric_that_has_all_its_series_adds_what_comes_new_to_the_rest(db: Database) -> None:
    """I install into workspace after workspace, to fill your disk with series."""
    counters.add(db, [count(f"tenant {number}") for number in range(10)])
    counters.add(db, [count("tenant 2", 5), count("tenant 9")])
    counters.add(db, [count("tenant 9", most=1, name="b_total")])
    assert counters.list_all(db) == {
        ("a_total", "tenant 0"): 1,
        ("a_total", "tenant 1"): 1,
        ("a_total", "tenant 2"): 6,
        ("a_total", "other"): 8,
        ("b_total", "tenant 9"): 1,
    }


@pytest.mark.parametrize("bad", [count("x", -1), count("x" * 1001), count("x", name=""), count("x", name="x" * 101)])
def test_what_no_counter_looks_like_is_not_kept(db: Database, bad: CounterDelta) -> None:
    with pytest.raises(StoreConstraintError):
        counters.add(db, [bad])
    assert counters.list_all(db) == {}


COLUMNS = "key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at"
KEY = f"INSERT INTO data_keys ({COLUMNS}) VALUES (?, ?, ?, ?, 'local', 1, x'01', ?, 7)"


def test_the_migration_keeps_every_data_key_and_takes_those_for_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, path = tmp_path / "sql", tmp_path / "slackapp.db"
    shutil.copytree(statements.sql_directory(), copy)
    monkeypatch.setattr(statements, "sql_directory", lambda: copy)
    later = [file for file in (copy / "migrations").glob("*.sql") if file.name >= "0005"]
    for file in later:
        file.rename(tmp_path / file.name)
    old = SqliteDatabase(path)
    old.create_or_migrate()
    old.close()
    for key in ((1, "", "", "audit", "active"), (2, "T", "T01", "bot", "active"), (3, "T", "T01", "bot", "retired")):
        change(path, KEY, *key)
    with pytest.raises(sqlite3.IntegrityError):
        change(path, KEY, 4, "", "", "label", "active")
    before = look(path, f"SELECT {COLUMNS} FROM data_keys ORDER BY key_id")
    for file in later:
        (tmp_path / file.name).rename(copy / "migrations" / file.name)
    SqliteDatabase(path).create_or_migrate()
    assert look(path, f"SELECT {COLUMNS} FROM data_keys ORDER BY key_id") == before
    change(path, KEY, 4, "", "", "label", "active")
    for bad in ((5, "T", "T01", "bot", "active"), (6, "", "", "another", "active"), (4, "T", "T02", "bot", "active")):
        with pytest.raises(sqlite3.IntegrityError):
            change(path, KEY, *bad)
