"""Statements, pragmas and transactions."""

import gc
import sqlite3
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import ConfigError, StoreBusyError, StoreError
from slackapp.store import meta
from slackapp.store.engine import sqlite as module
from slackapp.store.engine import sqlite_errors, sqlite_files
from slackapp.store.engine.connections import ConnectionHandle
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.engine.conftest import ANYWHERE
from tests.store.rows import look
from tests.support.race import race

PRAGMAS = {
    "PRAGMA journal_mode": "wal",
    "PRAGMA synchronous": 2,
    "PRAGMA secure_delete": 1,
    "PRAGMA foreign_keys": 1,
    "PRAGMA trusted_schema": 0,
    "PRAGMA cell_size_check": 1,
    "PRAGMA mmap_size": 0,
    "PRAGMA cache_size": -256,
    "PRAGMA temp_store": 2,
    "PRAGMA journal_size_limit": 32 * 1024 * 1024,
    "PRAGMA wal_autocheckpoint": 1000,
}


def test_statements_give_what_their_cardinality_says(db: SqliteDatabase) -> None:
    assert db.execute("set_meta", {"name": "a", "value": "1"}) == 1
    row = db.one("get_meta", {"name": "a"})
    assert row is not None
    assert row["value"] == "1"
    assert db.one("get_meta", {"name": "b"}) is None
    assert db.many("key_ids", {"tenant_kind": "T", "tenant_id": "T0NORTH001"}) == []


@pytest.mark.parametrize(
    ("call", "name", "parameters"),
    [
        ("one", "set_meta", {"name": "a", "value": "1"}),
        ("many", "get_meta", {"name": "a"}),
        ("execute", "get_meta", {"name": "a"}),
        ("one", "active_keys", {"tenant_kind": "T", "tenant_id": "T1"}),
        ("one", "get_meta", {}),
        ("one", "get_meta", {"nam": "a"}),
        ("one", "get_meta", {"name": "a", "more": 1}),
        ("execute", "set_meta", {"name": "a"}),
    ],
    ids=["exec as one", "one as many", "one as exec", "many as one", "none", "other name", "one too many", "too few"],
)
def test_a_call_that_does_not_fit_its_statement_is_a_bug(
    db: SqliteDatabase, call: str, name: str, parameters: Mapping[str, Any]
) -> None:
    with pytest.raises(TypeError, match=f"{name} is :"):
        getattr(db, call)(name, parameters)
    assert meta.get(db, "a") is None


def test_a_statement_that_is_in_no_file_does_not_run(db: SqliteDatabase) -> None:
    with pytest.raises(KeyError):
        db.execute("DELETE FROM meta", {})


# Pragmas


@pytest.mark.claim("C-46")
def test_every_connection_has_every_pragma(db: SqliteDatabase) -> None:
    found: list[dict[str, Any]] = []

    def look_at_it() -> None:
        found.append({question: db._connection().execute(question).fetchone()[0] for question in PRAGMAS})

    look_at_it()
    other = threading.Thread(target=look_at_it)
    other.start()
    other.join()
    assert found == [PRAGMAS, PRAGMAS]
    assert db._connection().execute("PRAGMA busy_timeout").fetchone()[0] == 0  # we wait ourselves, and more evenly


@pytest.mark.claim("C-46", "C-58")
def test_the_connection_sets_exactly_the_listed_pragmas() -> None:
    assert {question: expected for _, question, expected in module.PRAGMAS} == PRAGMAS
    assert all(statement.startswith(f"{question} = ") for statement, question, _ in module.PRAGMAS)


@pytest.mark.parametrize("place", range(len(PRAGMAS)), ids=PRAGMAS)
def test_a_build_of_sqlite_that_ignores_a_pragma_is_refused(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    statement, question, _ = module.PRAGMAS[place]
    ignored = (*module.PRAGMAS[:place], (statement, question, "what was asked for"), *module.PRAGMAS[place + 1 :])
    monkeypatch.setattr(module, "PRAGMAS", ignored)
    with pytest.raises(StoreError, match=f"{question} gives"):
        meta.get(SqliteDatabase(db.path), "a")


def test_an_sqlite_that_is_too_old_is_refused_by_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(ConfigError, match=r"3\.37 or newer"):
        SqliteDatabase(tmp_path / "slackapp.db")
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 0))
    assert SqliteDatabase(tmp_path / "slackapp.db")


# Transactions


def test_a_transaction_is_seen_by_others_when_it_is_over_and_not_before(db: SqliteDatabase) -> None:
    with db.transaction():
        meta.put(db, "a", "1")
        assert look(db.path, "SELECT * FROM meta WHERE name = 'a'") == []
    assert look(db.path, "SELECT value FROM meta WHERE name = 'a'") == [("1",)]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_is_raised_inside_a_transaction_undoes_all_of_it(
    db: SqliteDatabase, error: type[BaseException]
) -> None:
    def fail() -> None:
        with db.transaction():
            meta.put(db, "a", "1")
            meta.put(db, "b", "2")
            raise error

    with pytest.raises(error):
        fail()
    assert look(db.path, "SELECT * FROM meta WHERE name IN ('a', 'b')") == []
    assert not db.in_transaction()
    with db.transaction():
        meta.put(db, "a", "3")
    assert meta.get(db, "a") == "3"


def test_transactions_are_not_nested(db: SqliteDatabase) -> None:
    with db.transaction():
        meta.put(db, "a", "1")
        with pytest.raises(RuntimeError, match="open on this thread"), db.transaction():
            pass
        assert db.in_transaction()
    assert meta.get(db, "a") == "1"


def test_a_transaction_is_this_threads_alone(db: SqliteDatabase) -> None:
    seen: list[bool] = []
    assert not db.in_transaction()
    with db.transaction():
        other = threading.Thread(target=lambda: seen.append(db.in_transaction()))
        other.start()
        other.join()
        assert db.in_transaction()
    assert not db.in_transaction()
    assert seen == [False]


def test_a_handle_that_was_never_used_is_in_no_transaction(tmp_path: Path) -> None:
    assert not SqliteDatabase(tmp_path / "never.db").in_transaction()
    assert not (tmp_path / "never.db").exists()


def test_a_second_writer_is_turned_away_at_the_beginning_and_not_at_the_end(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops two transactions that both read, both write, and collide only when one of them commits."""
    monkeypatch.setattr(module, "BUSY_MS", 10)
    other = SqliteDatabase(db.path)
    try:
        with db.transaction(), pytest.raises(StoreBusyError), other.transaction():
            raise AssertionError("two transactions at once")
        with other.transaction():
            meta.put(other, "a", "1")
    finally:
        other.close()
    assert meta.get(db, "a") == "1"


# Processes and threads


@pytest.mark.long
def test_two_processes_that_write_all_the_time_both_get_the_write_lock(db: SqliteDatabase) -> None:
    """Stops one busy process from keeping the other out for seconds, which Slack would not wait for."""
    prepare = """
import sys, threading, time
from pathlib import Path
from slackapp.store import meta
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
db.begin_service()
meta.get(db, "a")
commit = SqliteDatabase._commit
def slow(self, connection):
    time.sleep(0.004)
    commit(self, connection)
SqliteDatabase._commit = slow
written = [0] * 4
"""
    run = """
end = time.monotonic() + 1.5
def write(number):
    while time.monotonic() < end:
        meta.put(db, f"n{number}", "1")
        written[number] += 1
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*written)
"""
    counts = [list(map(int, printed.split())) for printed in race(2, ANYWHERE + prepare, run, str(db.path))]
    fewest, most = min(map(min, counts)), max(map(max, counts))
    assert fewest > most / 20, counts


def test_a_reader_waits_for_a_lock_too(db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last connection to close, or a recovery after a kill, has the whole file for a moment."""
    meta.put(db, "a", "1")
    waits: list[float] = []

    class LetsGo(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            if len(waits) == 3:
                holder.execute("ROLLBACK")
            return False

    db.close()
    sqlite_files.compact_file(db.path)
    with closing(sqlite3.connect(db.path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite_errors.threading, "Event", LetsGo)
        monkeypatch.setattr(module, "PRAGMAS", ())
        assert meta.get(db, "a") == "1"
    assert waits == [sqlite_errors.POLL_MS / 1000] * 3


def test_how_long_a_lock_is_waited_for_is_measured_and_not_counted(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops pauses that other threads draw out from adding up: each may take ten times as long as was asked for."""
    clock = [0.0]

    class Slow(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += 0.05
            return False

    monkeypatch.setattr(sqlite_errors.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(sqlite_errors.threading, "Event", Slow)
    with closing(sqlite3.connect(db.path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError):
            meta.put(db, "a", "1")
    assert 2.0 <= clock[0] < 2.1


def test_a_transaction_that_cannot_be_rolled_back_keeps_nobody_from_writing(db: SqliteDatabase) -> None:
    """One connection writes for all threads: stops it from staying in a transaction for good."""

    class Stuck:
        """Like a connection whose disk is gone for a moment."""

        def __init__(self, real: sqlite3.Connection) -> None:
            self.real = real
            self.in_transaction = True

        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql == "ROLLBACK":
                raise sqlite3.OperationalError("disk I/O error")
            return self.real.execute(sql, *arguments)

        def close(self) -> None:
            self.real.close()

    meta.put(db, "a", "1")
    held = db._writers[True]
    held.connection = Stuck(held.connection)  # type: ignore[assignment]

    def fail() -> None:
        with db.transaction():
            meta.put(db, "a", "2")
            raise ValueError("of ours")

    with pytest.raises(ValueError, match="of ours"):
        fail()
    meta.put(db, "b", "3")
    assert (meta.get(db, "a"), meta.get(db, "b")) == ("1", "3")


def test_a_handle_does_not_cross_a_fork(db: SqliteDatabase) -> None:
    code = """
import os, sys
from pathlib import Path
from slackapp.store import meta
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
meta.get(db, "a")
"""
    run = """
child = os.fork()
if child == 0:
    try:
        meta.get(db, "a")
    except RuntimeError as error:
        os._exit(7 if "must not cross a fork" in str(error) else 1)
    os._exit(2)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert race(1, ANYWHERE + code, run, str(db.path)) == ["7"]


def test_all_threads_write_by_one_connection_that_flushes_or_by_one_that_does_not(db: SqliteDatabase) -> None:
    """The safest setting is the default; what a power failure may undo says so by name."""
    used: list[tuple[sqlite3.Connection, int]] = []

    def note() -> None:
        writer = db._connection()
        used.append((writer, writer.execute("PRAGMA synchronous").fetchone()[0]))

    def write() -> None:
        with db.transaction():
            note()
        db.commit_in_group(note)
        db.commit_in_group(note, durable=False)

    for thread in (threading.Thread(target=write) for _ in range(2)):
        thread.start()
        thread.join()
    assert [synchronous for _, synchronous in used] == [2, 2, 1] * 2
    assert len({id(writer) for writer, _ in used}) == 2
    assert db._connection() not in [writer for writer, _ in used]


def test_every_thread_has_a_connection_of_its_own_and_close_closes_them_all(db: SqliteDatabase) -> None:
    found: list[sqlite3.Connection] = [db._connection()]
    threads = [threading.Thread(target=lambda: found.append(db._connection())) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    assert len({id(connection) for connection in found}) == 4
    assert db._connection() is found[0]
    db.close()
    for connection in found:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_sound_database_is_called_sound(db: SqliteDatabase) -> None:
    assert db.is_sound(thorough=False)


@pytest.mark.parametrize("how", ["alone", "in a group", "in a group, not durable"])
def test_a_close_leaves_a_transaction_that_is_under_way_to_its_end(db: SqliteDatabase, how: str) -> None:
    """Stops a process that ends while its worker writes from closing the connection under a statement that runs."""
    begun, go_on = threading.Event(), threading.Event()

    def write() -> None:
        meta.put(db, "a", "before")
        begun.set()
        assert go_on.wait(10)
        meta.put(db, "b", meta.get(db, "a") + " and after")

    def alone() -> None:
        with db.transaction():
            write()

    with ThreadPoolExecutor(1) as pool:
        durable = how != "in a group, not durable"
        written = pool.submit(alone if how == "alone" else lambda: db.commit_in_group(write, durable=durable))
        assert begun.wait(10)
        used = weakref.ref(db._writers[durable])
        db.close()
        assert used() is not None
        go_on.set()
        written.result(10)
        assert used() is None, "closed by whoever used it last"
    assert meta.get(db, "b") == "before and after"


def test_a_close_leaves_a_reader_to_its_end(db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    run_statement = module.run_statement

    def slowly(*arguments: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return run_statement(*arguments)

    meta.put(db, "a", "1")
    monkeypatch.setattr(module, "run_statement", slowly)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(meta.get, db, "a")
        assert begun.wait(10)
        db.close()
        go_on.set()
        assert read.result(10) == "1"


@pytest.mark.long
def test_closing_again_and_again_under_writers_and_readers_ends_no_process(db: SqliteDatabase) -> None:
    code = """
import sys, threading, time
from pathlib import Path
from slackapp.store import meta
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
ends = time.monotonic() + 8
failed = []
def use(number):
    while time.monotonic() < ends:
        try:
            db.commit_in_group(lambda: meta.put(db, f"n{number}", "1"))
            db.commit_in_group(lambda: meta.put(db, f"m{number}", "1"), durable=False)
            meta.get(db, f"n{number}")
        except Exception as error:
            failed.append(repr(error))
"""
    run = """
threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
for thread in threads: thread.start()
while time.monotonic() < ends:
    db.close()
    time.sleep(0.0005)
for thread in threads: thread.join()
print(sorted(set(failed)))
"""
    assert race(1, ANYWHERE + code, run, str(db.path)) == ["[]"]


def test_a_connection_is_closed_by_its_holder_before_the_collector_comes_to_it() -> None:
    """In a circle that nobody needs any more the collector ends the older of two things first."""
    left_open = []

    class Connection:
        is_open = True

        def close(self) -> None:
            self.is_open = False

        def __del__(self) -> None:
            left_open.append(self.is_open)

    class Circle:
        def __init__(self) -> None:
            self.held, self.itself = ConnectionHandle(Connection()), self  # type: ignore[arg-type]

    Circle()
    gc.collect()
    assert left_open == [False]
