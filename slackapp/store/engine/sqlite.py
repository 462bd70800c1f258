"""Connections, pragmas, transactions, migrations. Statements on tables stand in `sql/`.

One connection per thread to read, and two per process to write, one that flushes and one that does not, whose turn the
threads take; none across a fork. Every `:exec` stands in `BEGIN IMMEDIATE`, so that no two writers find out at the end
that they collide. What a commit returns from is on the disk (`synchronous=FULL`), but for `durable=False`.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, cast

from slackapp.errors import ConfigError, StoreDamagedError, StoreError, StoreFullError
from slackapp.store.engine import statements
from slackapp.store.engine.connections import ConnectionHandle, OpenTransaction, use_handle
from slackapp.store.engine.database import Parameters, Residue, T
from slackapp.store.engine.disk_reserve import DiskReserve
from slackapp.store.engine.group_commit import GroupCommit
from slackapp.store.engine.migrations import migrate
from slackapp.store.engine.process_locks import ProcessLocks
from slackapp.store.engine.sqlite_errors import as_store_error, store_errors
from slackapp.store.engine.sqlite_files import (
    check_file,
    clear_working_folder,
    compact_file,
    create_private_file,
    file_lock,
    is_unchecked,
    replace_database,
    run_statement,
    sibling,
    working_folder,
)
from slackapp.store.engine.statements import Statement

BUSY_MS = 2000
"""How long we wait for another connection's lock, in milliseconds."""
CHECKPOINT_BUSY_MS, STOPPING_BUSY_MS = 100, 300
"""The same for a checkpoint, and at the end of a process, which must be quick."""
NO_BUSY_TIMEOUT, SYNCHRONOUS_NORMAL = "PRAGMA busy_timeout = 0", "PRAGMA synchronous = NORMAL"
_CHECKPOINTS = {how: f"PRAGMA wal_checkpoint({how})" for how in ("PASSIVE", "TRUNCATE")}
LOG_BYTES, LOW_DISK_WAL_BYTES = 32 * 1024 * 1024, 256 * 1024
"""Bytes that the write-ahead log keeps when it is begun anew, to be written over: a flush of what is appended takes
nearly twice as long. Where room is scarce it is cut from the second size on."""

PRAGMAS: tuple[tuple[str, str, Any], ...] = (
    # set, read, and what must be read: a build of SQLite may ignore a pragma, or have another default
    ("PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"),
    # claim: C-46
    ("PRAGMA synchronous = FULL", "PRAGMA synchronous", 2),  # an acknowledgement means: on the disk
    # claim: C-58
    ("PRAGMA secure_delete = ON", "PRAGMA secure_delete", 1),  # deleted rows are overwritten, not only unlinked
    ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", 1),
    ("PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", 0),
    ("PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", 1),
    ("PRAGMA mmap_size = 0", "PRAGMA mmap_size", 0),
    ("PRAGMA temp_store = MEMORY", "PRAGMA temp_store", 2),  # nothing is spilled to a file that we do not watch over
    # In KiB, of each connection, and every thread has one; what another one commits empties it anyway.
    ("PRAGMA cache_size = -256", "PRAGMA cache_size", -256),
    (f"PRAGMA journal_size_limit = {LOG_BYTES}", "PRAGMA journal_size_limit", LOG_BYTES),
    # Whoever commits the thousandth page moves the log into the database: it stays short, and is recycled.
    ("PRAGMA wal_autocheckpoint = 1000", "PRAGMA wal_autocheckpoint", 1000),
)


class SqliteDatabase:
    """The database file at `path`; each connection is opened on first use."""

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info < (3, 37):
            raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed")
        self.path = path
        self._statements = statements.load_statements()
        self._local = threading.local()
        """Each thread's connection to read."""
        self._all: weakref.WeakSet[ConnectionHandle] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._writing = OpenTransaction()
        self._pid = os.getpid()
        self._writers: dict[bool, ConnectionHandle] = {}
        """One that flushes and one that does not: used by whoever has the write lock."""
        self._group_commit = GroupCommit(BUSY_MS / 1000)
        self._locks = ProcessLocks(path)
        self._has_scheduler = False
        self._is_stopping = False
        self._reserve = DiskReserve(path)

    # Statements

    def one(self, name: str, parameters: Parameters) -> sqlite3.Row | None:
        """Runs a `:one` statement."""
        rows = self._run(name, "one", parameters)[0]
        return rows[0] if rows else None

    def many(self, name: str, parameters: Parameters) -> list[sqlite3.Row]:
        """Runs a `:many` statement."""
        return self._run(name, "many", parameters)[0]

    def execute(self, name: str, parameters: Parameters) -> int:
        """Runs an `:exec` statement, in a transaction of its own where none is open; the number of rows it changed."""
        return self._run(name, "exec", parameters)[1]

    def _run(self, name: str, cardinality: str, parameters: Parameters) -> tuple[list[sqlite3.Row], int]:
        query = self._statements[name]
        if query.cardinality != cardinality or query.parameters != parameters.keys():
            raise TypeError(f"{name} is :{query.cardinality} and takes {sorted(query.parameters)}")
        held = self._writing.held
        # claim: C-129
        query.verify_place(is_open=held is not None, is_shared=self._writing.is_shared)
        if held is None:
            return self._run_alone(query, parameters)
        if query.is_write and not held.connection.in_transaction:
            raise StoreFullError("the transaction was rolled back")  # by SQLite, at an error that somebody has caught
        try:  # no lock is in the way: the transaction has it
            cursor = held.connection.execute(*query.bind(parameters))
            return cursor.fetchall() if cardinality != "exec" else [], cursor.rowcount
        except sqlite3.Error as error:
            raise as_store_error(error) from None

    def _run_alone(self, query: Statement, parameters: Parameters) -> tuple[list[sqlite3.Row], int]:
        if query.is_write:
            with self.transaction():
                return self._run(query.name, query.cardinality, parameters)
        with use_handle(self._reader) as held:
            return run_statement(held.connection, *query.bind(parameters), BUSY_MS), 0

    # Transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits everything inside together, or nothing of it. Not nested; no call to Slack inside."""
        self._refuse_nesting()
        with self._group_commit.exclusive(), self._open_transaction(durable=True, is_shared=False):
            yield

    def commit_in_group(self, do: Callable[[], T], durable: bool = True) -> T:
        """Runs `do` in a transaction that other threads' work may share, and returns once that is on the disk.

        `do` only reads and writes the database: it may run in another thread, and twice. What it raises is raised here,
        and then nothing of it was written. `durable=False` is for what a power failure may undo: it returns before it
        is on the disk. A killed process loses nothing of it, and what is flushed later is never kept without it: the
        log has an order.
        """
        self._refuse_nesting()
        return cast(T, self._group_commit.run(do, self._open_transaction, durable=durable))

    def defer(self, do: Callable[[], object]) -> None:
        """Leaves work to the next commit in group, which writes it without being waited for."""
        self._group_commit.defer(do)

    def write_deferred(self) -> None:
        """Writes what was left, where no commit has come since. Raises StoreError."""
        self._group_commit.write_deferred(self._open_transaction)

    def _refuse_nesting(self) -> None:
        if self.in_transaction():
            raise RuntimeError("a transaction is open on this thread already")

    @contextmanager
    def _open_transaction(self, durable: bool, is_shared: bool = True) -> Iterator[None]:
        with use_handle(lambda: self._writer(durable)) as held:
            self._writing.held, self._writing.is_shared = held, is_shared
            try:
                busy_ms = STOPPING_BUSY_MS if self._is_stopping else BUSY_MS
                run_statement(held.connection, "BEGIN IMMEDIATE", (), busy_ms)
                yield
                self._commit(held.connection)
            except BaseException:
                # After a full disk SQLite has rolled back by itself; a second rollback would hide the first error.
                if held.connection.in_transaction:
                    self._roll_back(held)
                raise
            finally:
                self._writing.held = None

    def _commit(self, connection: sqlite3.Connection) -> None:
        scarce = self._reserve.is_disk_low
        with store_errors():
            if scarce:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                self._reserve.refuse_growth(pages * connection.execute("PRAGMA page_size").fetchone()[0])
            connection.execute("COMMIT")
        if scarce and self._reserve.wal_bytes() >= LOW_DISK_WAL_BYTES:
            try:
                connection.execute(_CHECKPOINTS["TRUNCATE"]).fetchone()
            except sqlite3.Error:
                return  # the commit is kept; the scheduler tries again, and has the reserve

    def _roll_back(self, held: ConnectionHandle) -> None:
        try:
            held.connection.execute("ROLLBACK")
        except sqlite3.Error:
            # Closing rolls back, too; whoever writes next opens another.
            self._writers = {durable: writer for durable, writer in self._writers.items() if writer is not held}
            held.is_open = False
            held.connection.close()

    def in_transaction(self) -> bool:
        """Tells whether this thread has a transaction open."""
        held = self._writing.held
        return held is not None and held.connection.in_transaction

    # Connections

    def begin_service(self) -> None:
        """Holds a reserve of the disk from now on: `maintain` is called all the time."""
        self._has_scheduler = True

    def shorten_waits(self) -> None:
        """Shortens waits for the lock, at the end of a process."""
        self._group_commit.timeout = STOPPING_BUSY_MS / 1000
        self._is_stopping = True

    def _connection(self) -> sqlite3.Connection:
        """Finds this thread's connection, where nobody closes meanwhile: at a start, and in commands."""
        with self._use_connection() as connection:
            return connection

    @contextmanager
    def _use_connection(self) -> Iterator[sqlite3.Connection]:
        """Uses the connection that this thread reads or writes by; not closed before the block ends."""
        with use_handle(lambda: self._writing.held or self._reader()) as held:
            yield held.connection

    def _reader(self) -> ConnectionHandle:
        held: ConnectionHandle | None = getattr(self._local, "held", None)
        if held is None or not held.is_open or self._pid != os.getpid():
            held = self._local.held = self._open_connection()
            with self._lock:
                self._all.add(held)
        return held

    def _writer(self, durable: bool) -> ConnectionHandle:
        held = self._writers.get(durable)
        if held is None or not held.is_open or self._pid != os.getpid():
            held = self._writers[durable] = self._open_connection(None if durable else SYNCHRONOUS_NORMAL)
        return held

    def _open_connection(self, setting: str | None = None) -> ConnectionHandle:
        if self._pid != os.getpid():
            raise RuntimeError("a database handle must not cross a fork")
        with store_errors():
            held = ConnectionHandle(_open(self.path, BUSY_MS))
            held.connection.execute(NO_BUSY_TIMEOUT)
            if setting is not None:
                held.connection.execute(setting)
        return held

    def _close_writers(self) -> None:
        writers, self._writers = self._writers, {}
        for held in writers.values():
            held.close_if_idle()

    def close(self) -> None:
        """Closes every connection, but for those in use: whoever uses one closes it when done. Waits for nobody.

        The next use opens a new one.
        """
        self._close_writers()
        with self._lock:
            readers = list(self._all)
            self._all.clear()
        for held in readers:
            held.close_if_idle()
        self._local = threading.local()
        self._locks.release()

    # Checkpoints, copies and checks

    def create_or_migrate(self) -> None:
        """Makes the file if it is new, private from its first byte, and brings its schema up to date.

        Several processes may do so at once. Raises ConfigError where others can read it, or use it as it was.
        """
        create_private_file(self.path)
        clear_working_folder(self.path)
        try:
            with file_lock(sibling(self.path, ".lock")):
                migrate(self, self._connection, self.path, is_alone=self._locks.begin_use())
        except StoreDamagedError as error:
            raise ConfigError(f"SLACKAPP_DATABASE: {self.path}: {error}; restore a backup") from None

    def lock_process(self, process_id: str) -> None:
        """Shows, until it ends or closes, that the process of that id lives."""
        self._locks.lock_process(process_id)

    def is_process_locked(self, process_id: str) -> bool:
        """Tells whether the process of that id lives."""
        return self._locks.is_process_locked(process_id)

    def exists(self) -> bool:
        """Tells whether there is a file, without making one."""
        return self.path.exists()

    def maintenance_lock(self) -> AbstractContextManager[None]:
        """Lets one process through at a time, for what changes more than the database, such as the key file."""
        return file_lock(sibling(self.path, ".alone"))

    def working_folder(self) -> AbstractContextManager[Path]:
        """Opens a private folder beside the file, for copies with keys inside; one process at a time."""
        return working_folder(self.path)

    def copy_to(self, target: Path) -> None:
        """Copies every row, and nothing that was deleted, to a new private file, while others read and write."""
        create_private_file(target)
        with store_errors(), self._use_connection() as connection:
            connection.execute("VACUUM INTO ?", (str(target),))

    def load_from(self, source: Path, verify: Callable[[], None]) -> None:
        """Puts such a file, without what was deleted in it, in the place of this one."""
        with store_errors():
            compact_file(source)
        replace_database(self.path, source, verify)

    def erase_residue(self) -> frozenset[Residue]:
        """Empties the log, and removes working copies that a killed process left; tells which of them could not be.

        On a connection of its own with a short wait, so that nobody waits for it.
        """
        held = set() if self._checkpoint("TRUNCATE") else {Residue.LOG}
        if sibling(self.path, ".work").exists() and not clear_working_folder(self.path):
            held.add(Residue.COPIES)
        return frozenset(held)

    def space_left(self) -> int | None:
        """Measures the bytes that are free on the disk."""
        return self._reserve.measure_space()

    def needs_check(self) -> bool:
        """Tells whether the file was not closed cleanly, or was found damaged, and has not been found sound since."""
        return is_unchecked(self.path)

    def is_sound(self, thorough: bool) -> bool:
        """SQLite's quick check; thorough: its full one, and every foreign key."""
        with store_errors(), self._use_connection() as connection:  # for minutes, perhaps
            return check_file(connection, self.path, thorough)

    def maintain(self) -> None:
        """Moves into the database what a reader has kept in a long log; cuts the log where room is scarce.

        Where that finds no room, the reserve is freed for it, and made again afterwards. Raises StoreFullError.
        """
        if self._has_scheduler:
            self._reserve.update()
        scarce = self._reserve.is_disk_low
        if self._reserve.wal_bytes() <= (0 if scarce else LOG_BYTES):
            return
        try:
            self._checkpoint("TRUNCATE" if scarce else "PASSIVE")
            if self._has_scheduler and self._reserve.wal_bytes() > LOG_BYTES:
                self._checkpoint_alone()
        except StoreFullError:
            if not self._has_scheduler:
                raise
            with self.transaction():  # which writes nothing: it keeps the others from writing
                self._reserve.release()
                self._checkpoint()
            self._checkpoint("TRUNCATE")
            self._reserve.fill()

    def _checkpoint_alone(self) -> None:
        """Checkpoints while nobody writes, where that is so just now.

        Beside others who commit all the time the log is never at its end, and would never be begun anew.
        """
        nobody_else = _open(self.path, 0)
        try:
            nobody_else.execute("BEGIN IMMEDIATE")
            self._checkpoint()
        except sqlite3.OperationalError:
            return  # somebody writes just now; the next look will tell
        finally:
            nobody_else.close()

    def _checkpoint(self, how: str = "PASSIVE") -> bool:
        with store_errors():
            connection = _open(self.path, CHECKPOINT_BUSY_MS)
            try:
                return not connection.execute(_CHECKPOINTS[how]).fetchone()[0]
            finally:
                connection.close()


def _open(path: Path, busy_ms: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_ms / 1000, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        for statement, question, expected in (*PRAGMAS, ("", "PRAGMA busy_timeout", busy_ms)):
            connection.execute(statement)
            found = connection.execute(question).fetchone()[0]
            if found != expected:
                raise StoreError(f"{question} gives {found}, not {expected}")
    except BaseException:
        connection.close()
        raise
    return connection
