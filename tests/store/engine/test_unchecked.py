"""A file that a crash has left, or that was found damaged, is known until it was found sound."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from slackapp.crypto import keyfile
from slackapp.store import meta
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.support.race import ROOT
from tests.support.world import empty_database

WRITES = """
import os, signal, sys
from pathlib import Path
from slackapp.store import meta
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
db.create_or_migrate()
with db.transaction():
    meta.put(db, "name", "kept")
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
db.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that nobody uses."""
    keyfile.write_private(tmp_path / "slackapp.db", empty_database())
    return tmp_path / "slackapp.db"


@pytest.fixture
def opened(path: Path) -> Iterator[list[SqliteDatabase]]:
    """Databases that are closed at the end."""
    found: list[SqliteDatabase] = []
    yield found
    for each in found:
        each.close()


def start(path: Path) -> SqliteDatabase:
    database = SqliteDatabase(path)
    database.create_or_migrate()
    return database


def end(path: Path, how: str) -> int:
    """A process that writes, and ends in that way; its status."""
    return subprocess.run([sys.executable, "-c", WRITES, str(path), how], cwd=ROOT, check=False).returncode


def damage(path: Path) -> None:
    """An index page that is none any more; whoever reads the table alone does not find out."""
    with closing(sqlite3.connect(path)) as connection:  # which takes its log away, as one that only reads may not
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'tokens_status'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_new_file_and_one_that_was_closed_need_no_check(tmp_path: Path, path: Path) -> None:
    assert end(path, "closed") == 0
    for each in (path, tmp_path / "new.db"):
        database = start(each)
        assert not database.needs_check()
        database.close()


@pytest.mark.claim("C-133")
def test_a_file_that_a_killed_process_left_needs_a_check_until_it_was_found_sound(path: Path) -> None:
    assert end(path, "killed") == -signal.SIGKILL
    for _ in range(2):  # the first one closes it, and takes the log away
        database = start(path)
        assert database.needs_check()
        assert meta.get(database, "name") == "kept"
        database.close()
    database = start(path)
    assert database.is_sound(thorough=False)
    assert not database.needs_check()
    database.close()
    database = start(path)
    assert not database.needs_check()
    database.close()


def test_a_process_beside_others_takes_their_log_for_theirs(path: Path, opened: list[SqliteDatabase]) -> None:
    for _ in range(2):
        opened.append(start(path))
        with opened[-1].transaction():
            meta.put(opened[-1], "name", "value")
        assert not opened[-1].needs_check()


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.claim("C-133")
def test_a_file_that_was_found_damaged_needs_a_check_at_each_start(path: Path, thorough: bool) -> None:
    damage(path)
    database = start(path)
    assert not database.needs_check()
    assert not database.is_sound(thorough)
    database.close()
    for _ in range(2):
        database = start(path)
        assert database.needs_check()
        assert not database.is_sound(thorough=False)
        database.close()
