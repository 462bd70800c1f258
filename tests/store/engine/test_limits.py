"""A locked database, a full disk, a log that cannot be emptied: typed, and without a trace of what failed."""

import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.errors import StoreBusyError, StoreConstraintError, StoreError, StoreFullError
from slackapp.model import NewKey
from slackapp.store import data_keys, inbox, meta, queue
from slackapp.store.engine import sqlite as module
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import NORTH, NOW, bytes_on_disk, install, look, sealed
from tests.support.race import race

AUTOCHECKPOINT = 1000
"""SQLite's own: pages in the log from which on a commit also moves them, where no scheduler does."""


@pytest.fixture
def other(db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A connection of somebody else; ours waits for it only briefly."""
    db.close()
    monkeypatch.setattr(module, "BUSY_MS", 20)
    monkeypatch.setattr(module, "CHECKPOINT_BUSY_MS", 20)
    connection = sqlite3.connect(db.path, isolation_level=None)
    yield connection
    connection.close()


def test_a_lock_that_is_held_too_long_is_busy_and_not_a_failure(db: SqliteDatabase, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="the database is locked"), db.transaction():
        pass
    with pytest.raises(StoreBusyError):
        meta.put(db, "a", "1")
    other.execute("ROLLBACK")
    with db.transaction():
        meta.put(db, "a", "2")
    assert meta.get(db, "a") == "2"


@pytest.mark.long
def test_at_the_end_of_a_process_nobody_waits_long(db: SqliteDatabase) -> None:
    """Neither for another process, nor for another thread of this one; the two together still leave time to end."""
    with contextlib.closing(sqlite3.connect(db.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        db.shorten_waits()
        began = time.monotonic()
        with pytest.raises(StoreBusyError):
            meta.put(db, "a", "1")
        assert time.monotonic() - began < 1
    holds, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with db.transaction():
            holds.set()
            go_on.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(10)
    began = time.monotonic()
    with pytest.raises(StoreBusyError):
        meta.put(db, "a", "1")
    assert time.monotonic() - began < 1
    go_on.set()
    holder.join()
    meta.put(db, "a", "1")


def test_a_writer_does_not_keep_readers_out(db: SqliteDatabase, other: sqlite3.Connection) -> None:
    meta.put(db, "a", "1")
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE meta SET value = '2' WHERE name = 'a'")
    assert meta.get(db, "a") == "1"


def test_a_full_disk_is_typed_and_undoes_the_whole_transaction(db: SqliteDatabase) -> None:
    """Stops a second rollback, after SQLite's own, from hiding why the first one was."""
    pages = db._connection().execute("PRAGMA page_count").fetchone()[0]
    db._writer(durable=True).connection.execute(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with db.transaction():
            meta.put(db, "a", "1")
            meta.put(db, "b", "x" * 100_000)

    with pytest.raises(StoreFullError, match="cannot be written"):
        fill()
    assert not db.in_transaction()
    assert look(db.path, "SELECT * FROM meta WHERE name IN ('a', 'b')") == []
    meta.put(db, "c", "there is room for this")
    assert meta.get(db, "c") is not None


def test_a_database_that_may_only_be_read_is_typed(db: SqliteDatabase) -> None:
    db._writer(durable=True).connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreFullError):
        meta.put(db, "a", "1")


def test_a_database_that_cannot_be_opened_is_typed(tmp_path: Path) -> None:
    with pytest.raises(StoreFullError):
        meta.get(SqliteDatabase(tmp_path / "nowhere" / "slackapp.db"), "a")


def test_a_mistake_of_ours_is_not_called_a_failure_of_the_store(db: SqliteDatabase) -> None:
    with pytest.raises(StoreConstraintError):
        db.execute("set_meta", {"name": None, "value": "1"})


def test_an_error_of_the_store_carries_nothing_of_the_statement() -> None:
    assert issubclass(StoreBusyError, StoreError)
    assert issubclass(StoreFullError, StoreError)


DISK_FULL_AT_COMMIT = """
import resource, signal, sys
from pathlib import Path
from slackapp.checks.state_token import IssuedState, VerifiedState
from slackapp.model import StateBinding, StatePurpose
from slackapp.store import oauth_states
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
db.create_or_migrate()
binding = StateBinding(StatePurpose.INSTALL, bytes(32))
state = VerifiedState(bytes(32), binding)
oauth_states.add(db, IssuedState("", bytes(32), binding, 600), 0, limit=10)
"""
CONSUME = """
size = Path(sys.argv[1] + "-wal").stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
try:
    print(oauth_states.consume(db, state, 1))
except Exception as error:
    print(type(error).__name__)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(oauth_states.consume(db, state, 1))
"""


def test_a_state_whose_use_could_not_be_written_is_a_typed_failure_and_still_unused(tmp_path: Path) -> None:
    assert race(1, DISK_FULL_AT_COMMIT, CONSUME, str(tmp_path / "slackapp.db")) == ["StoreFullError\nTrue"]


# The log


def test_the_log_is_emptied_when_nobody_reads(db: SqliteDatabase) -> None:
    meta.put(db, "a", "1")
    log = db.path.with_name("slackapp.db-wal")
    assert log.stat().st_size > 0
    assert not db.erase_residue()
    assert log.stat().st_size == 0
    assert meta.get(db, "a") == "1"


def test_the_log_is_not_called_empty_while_an_old_reader_holds_it(
    db: SqliteDatabase, other: sqlite3.Connection
) -> None:
    """Stops a purge from being reported while what it erased still lies in the log."""
    other.execute("BEGIN")
    other.execute("SELECT * FROM meta").fetchall()
    meta.put(db, "a", "1")
    assert db.erase_residue()
    other.execute("COMMIT")
    assert not db.erase_residue()


def test_the_log_is_not_called_empty_while_somebody_writes(db: SqliteDatabase, other: sqlite3.Connection) -> None:
    meta.put(db, "a", "1")
    other.execute("BEGIN IMMEDIATE")
    assert db.erase_residue()
    other.execute("ROLLBACK")
    assert not db.erase_residue()


@pytest.mark.parametrize("serving", [True, False])
def test_whoever_commits_keeps_the_log_short_and_it_is_written_over_from_its_beginning(
    db: SqliteDatabase, serving: bool
) -> None:
    """A flush of what is written over takes half the time of one of what is appended."""
    if serving:
        db.begin_service()
    log = db.path.with_name("slackapp.db-wal")
    write_much(db, "a")
    size = log.stat().st_size
    assert wal_not_checkpointed(db) <= AUTOCHECKPOINT
    for number in range(5):
        write_much(db, "a")
        assert wal_not_checkpointed(db) <= AUTOCHECKPOINT
        assert 0 < log.stat().st_size <= size + 500_000, number
    db.maintain()
    assert log.stat().st_size > 0, "it is recycled, and not cut"


def test_a_log_that_a_reader_has_kept_is_moved_when_it_can_be_and_cut_to_its_size(
    db: SqliteDatabase, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.begin_service()
    log = db.path.with_name("slackapp.db-wal")
    other.execute("BEGIN")
    other.execute("SELECT * FROM meta").fetchall()
    for name in "abcdefgh":
        write_much(db, name)
    assert log.stat().st_size > module.LOG_BYTES
    db.maintain()
    assert wal_not_checkpointed(db) > 0, "the reader sees it as it was"
    other.execute("COMMIT")
    db.maintain()
    assert wal_not_checkpointed(db) == 0
    meta.put(db, "b", "1")
    assert log.stat().st_size == module.LOG_BYTES


def test_a_checkpoint_waits_for_nobody_and_nobody_for_it(
    db: SqliteDatabase, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.begin_service()
    monkeypatch.setattr(module, "LOG_BYTES", 1)
    monkeypatch.setattr(module, "CHECKPOINT_BUSY_MS", 3000)
    meta.put(db, "a", "1")
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    db.maintain()
    assert time.monotonic() - began < 1
    assert wal_not_checkpointed(db) == 0, "somebody who writes does not stand in its way"
    other.execute("ROLLBACK")
    other.execute("BEGIN")
    other.execute("SELECT * FROM meta").fetchall()
    meta.put(db, "b", "2")
    db.maintain()
    assert meta.get(db, "b") == "2"
    other.execute("COMMIT")
    db.maintain()
    assert wal_not_checkpointed(db) == 0


def test_a_database_without_a_log_needs_no_checkpoint(tmp_path: Path) -> None:
    SqliteDatabase(tmp_path / "never.db").maintain()
    assert list(tmp_path.iterdir()) == []


def write_much(db: SqliteDatabase, name: str) -> None:
    """Some 1,500 pages, in 15 commits."""
    for number in range(15):
        meta.put(db, f"{name}{number}", "x" * 400_000)


def wal_not_checkpointed(db: SqliteDatabase) -> int:
    """Pages in the log that are not in the database file yet."""
    index = db.path.with_name("slackapp.db-shm").read_bytes()
    pages = int.from_bytes(index[16:20], sys.byteorder)  # mxFrame, and nBackfill: sqlite.org/walformat.html
    return pages - int.from_bytes(index[96:100], sys.byteorder)


# What is left of what was deleted

CANARY = b"a canary that was in a sealed body"


def keep_canaries(db: SqliteDatabase) -> None:
    """200 bodies that hold the canary."""
    install(db)
    with db.transaction():
        data_keys.add(db, NORTH, NewKey(7, "data", "local", 1, bytes(130)), NOW)
        for number in range(200):
            arrival = inbox.IncomingEvent(f"Ev{number}", NORTH, "message", NOW)
            assert inbox.add_event(db, arrival, sealed(CANARY, 500), key_id=7, now=NOW)


@pytest.mark.claim("C-58")
def test_nothing_is_left_of_what_was_erased(db: SqliteDatabase) -> None:
    """I get hold of the database's files after my competitor was erased from it."""
    keep_canaries(db)
    assert CANARY in bytes_on_disk(db.path)
    with db.transaction():
        assert queue.erase_portion(db, inbox.QUEUE, NORTH, limit=500, now=NOW) == 200
    assert not db.erase_residue()
    assert CANARY not in bytes_on_disk(db.path)


def test_without_secure_delete_an_erased_value_stays_in_the_file(db: SqliteDatabase) -> None:
    """Negative control: the search above does find what is there."""
    keep_canaries(db)
    db._writer(durable=True).connection.execute("PRAGMA secure_delete = OFF")
    with db.transaction():
        queue.erase_portion(db, inbox.QUEUE, NORTH, limit=500, now=NOW)
    assert not db.erase_residue()
    assert CANARY in bytes_on_disk(db.path)
