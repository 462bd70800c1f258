"""Connections, pragmas, transactions, migrations. Statements on tables stand in `sql/`.

One connection per thread to read, and two per process to write, one that flushes and one that does not, whose turn the
threads take; none across a fork. Every `:exec` stands in `BEGIN IMMEDIATE`, so that no two writers find out at the end
that they collide. What a commit returns from is on the disk (`synchronous=FULL`), but for `together_unflushed`.
"""

import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from slackapp.errors import ConfigError, StoreDamagedError, StoreError, StoreFullError
from slackapp.store.engine import statements
from slackapp.store.engine.connections import Held, open_one
from slackapp.store.engine.disk_reserve import Room
from slackapp.store.engine.group_commit import Turns
from slackapp.store.engine.sqlite_errors import patiently, typed, typed_errors
from slackapp.store.engine.sqlite_files import beside, clear_workplace, locked, make_private, open_lock

BUSY_MS = 2000
"""How long we wait for another connection's lock, in milliseconds."""
CHECKPOINT_BUSY_MS = 100
HURRY_MS = 300
"""The same at the end of a process, which must be quick."""
AT_ONCE, PATIENT = "PRAGMA busy_timeout = 0", "PRAGMA busy_timeout = 2000"
_CHECKPOINTS = {how: f"PRAGMA wal_checkpoint({how})" for how in ("PASSIVE", "TRUNCATE")}
UNFLUSHED = "PRAGMA synchronous = NORMAL"
LOG_BYTES, MOST_LOG_BYTES, SCARCE_LOG_BYTES = 4 * 1024 * 1024, 32 * 1024 * 1024, 256 * 1024
"""From the first size on the upkeep moves the log into the database, from the others on whoever commits does."""

Row = sqlite3.Row
T = TypeVar("T")
Parameters = Mapping[str, Any]

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
    ("PRAGMA journal_size_limit = 0", "PRAGMA journal_size_limit", 0),
)


class Database:
    """The database file at `path`; each connection is opened on first use."""

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info < (3, 37):
            raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed")
        self.path = path
        self._queries = statements.load()
        self._local = threading.local()
        """Each thread's connection to read."""
        self._all: weakref.WeakSet[Held] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._turn = threading.local()
        """What the thread that has the turn writes by. No close takes it away: its transaction comes to its end."""
        self._pid = os.getpid()
        self._writers: dict[bool, Held] = {}
        """One that flushes and one that does not: used by whoever has the turn."""
        self._turns = Turns(BUSY_MS / 1000)
        self._held: int | None = None
        self._has_upkeep = False
        self._hurries = False
        self._room = Room(path)

    # Statements

    def one(self, name: str, parameters: Parameters) -> Row | None:
        """Runs a `:one` statement."""
        rows = self._run(name, "one", parameters)[0]
        return rows[0] if rows else None

    def many(self, name: str, parameters: Parameters) -> list[Row]:
        """Runs a `:many` statement."""
        return self._run(name, "many", parameters)[0]

    def execute(self, name: str, parameters: Parameters) -> int:
        """Runs an `:exec` statement, in a transaction of its own where none is open; the number of rows it changed."""
        if self.in_transaction():
            return self._run(name, "exec", parameters)[1]
        with self.transaction():
            return self._run(name, "exec", parameters)[1]

    def _run(self, name: str, cardinality: str, parameters: Parameters) -> tuple[list[Row], int]:
        query = self._queries[name]
        if query.cardinality != cardinality or query.parameters != parameters.keys():
            raise TypeError(f"{name} is :{query.cardinality} and takes {sorted(query.parameters)}")
        try:
            with self._used() as connection:
                cursor = patiently(lambda: connection.execute(query.sql, parameters), BUSY_MS)
                return cursor.fetchall(), cursor.rowcount
        except sqlite3.Error as error:
            raise typed(error) from None

    # Transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or nothing of it. Not nested; no call to Slack inside."""
        self._refuse_nesting()
        with self._turns.alone(), self._begun(flush=True):
            yield

    def together(self, do: Callable[[], T]) -> T:
        """Runs `do` in a transaction that other threads' work may share, and returns once that is on the disk.

        `do` only reads and writes the database: it may run in another thread, and twice. What it raises is raised here,
        and then nothing of it was written.
        """
        self._refuse_nesting()
        return cast(T, self._turns.together(do, self._begun, flush=True))

    def together_unflushed(self, do: Callable[[], T]) -> T:
        """The same for what a power failure may undo: returns before it is on the disk.

        A killed process loses nothing of it. And what is flushed later is never kept without it: the log has an order.
        """
        self._refuse_nesting()
        return cast(T, self._turns.together(do, self._begun, flush=False))

    def _refuse_nesting(self) -> None:
        if self.in_transaction():
            raise RuntimeError("a transaction is open on this thread already")

    @contextmanager
    def _begun(self, flush: bool) -> Iterator[None]:
        with open_one(lambda: self._writer(flush)) as held:
            self._turn.held = held
            try:
                with typed_errors():
                    begin = partial(held.connection.execute, "BEGIN IMMEDIATE")
                    patiently(begin, HURRY_MS if self._hurries else BUSY_MS)
                yield
                self._commit(held.connection)
            except BaseException:
                # After a full disk SQLite has rolled back by itself; a second rollback would hide the first error.
                if held.connection.in_transaction:
                    self._roll_back(held)
                raise
            finally:
                self._turn.held = None

    def _commit(self, connection: sqlite3.Connection) -> None:
        scarce = self._room.is_scarce
        with typed_errors():
            if scarce:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                self._room.refuse_growth(pages * connection.execute("PRAGMA page_size").fetchone()[0])
            connection.execute("COMMIT")
        if self._has_upkeep and self._room.log_bytes() >= (SCARCE_LOG_BYTES if scarce else MOST_LOG_BYTES):
            try:
                connection.execute(_CHECKPOINTS["PASSIVE"]).fetchone()
            except sqlite3.Error:
                return  # the commit is kept; the upkeep tries again, and has the reserve

    def _roll_back(self, held: Held) -> None:
        try:
            held.connection.execute("ROLLBACK")
        except sqlite3.Error:
            # Closing rolls back, too; whoever writes next opens another.
            self._writers = {flush: writer for flush, writer in self._writers.items() if writer is not held}
            held.is_open = False
            held.connection.close()

    def in_transaction(self) -> bool:
        """Whether this thread has a transaction open."""
        held: Held | None = getattr(self._turn, "held", None)
        return held is not None and held.connection.in_transaction

    # Connections

    def leave_checkpoints_to_upkeep(self) -> None:
        """From now on no commit also moves the log into the database: `checkpoint` does, in a thread of its own.

        For a process that has an upkeep; in another one the log would grow for ever.
        """
        self._has_upkeep = True
        self._close_writers()

    def hurry(self) -> None:
        """From now on nobody waits long to write: for the end of a process."""
        self._turns.patience = HURRY_MS / 1000
        self._hurries = True

    def _connection(self) -> sqlite3.Connection:
        """For whoever is sure that nobody closes meanwhile: at a start, and in commands."""
        with self._used() as connection:
            return connection

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        """What this thread reads by, or writes by in its turn; not closed before the block ends."""
        with open_one(lambda: getattr(self._turn, "held", None) or self._reader()) as held:
            yield held.connection

    def _reader(self) -> Held:
        held: Held | None = getattr(self._local, "held", None)
        if held is None or not held.is_open or self._pid != os.getpid():
            held = self._local.held = self._hold_open()
            with self._lock:
                self._all.add(held)
        return held

    def _writer(self, flush: bool) -> Held:
        held = self._writers.get(flush)
        if held is None or not held.is_open or self._pid != os.getpid():
            held = self._writers[flush] = self._hold_open("" if flush else UNFLUSHED)
        return held

    def _hold_open(self, setting: str = "") -> Held:
        if self._pid != os.getpid():
            raise RuntimeError("a database handle must not cross a fork")
        with typed_errors():
            held = Held(_open(self.path, BUSY_MS))
            held.connection.execute(AT_ONCE)
            held.connection.execute(setting)
            if self._has_upkeep:
                held.connection.execute("PRAGMA wal_autocheckpoint = 0")
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
        if self._held is not None:
            os.close(self._held)
            self._held = None

    # Upkeep

    def prepare_file(self) -> None:
        """Makes the file if it is new, private from its first byte, and brings its schema up to date.

        Several processes may do so at once. Raises ConfigError for a file that others can read.
        """
        make_private(self.path)
        self._hold()
        clear_workplace(self.path)
        lock = open_lock(beside(self.path, ".lock"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._migrate()
        except StoreDamagedError as error:
            raise ConfigError(f"SLACKAPP_DATABASE: {self.path}: {error}; restore a backup") from None
        finally:
            os.close(lock)

    def _migrate(self) -> None:
        files = sorted((statements.sql_directory() / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
        newest = int(files[-1].name[:4])
        with self.transaction():
            known = self._schema_version()
            if known > newest:
                raise ConfigError(f"{self.path}: was made by a newer release (schema {known}, this one knows {newest})")
            for file in files[known:]:
                # Never executescript(): it commits whatever transaction is open.
                for statement in statements.split_statements(file.read_text(encoding="utf-8")):
                    self._connection().execute(statement)
            if known < newest:
                self.execute("set_meta", {"name": "schema_version", "value": str(newest)})

    def _schema_version(self) -> int:
        if not self._connection().execute("PRAGMA table_info(meta)").fetchall():
            return 0
        row = self.one("get_meta", {"name": "schema_version"})
        return int(row["value"]) if row is not None else 0

    def _hold(self) -> None:
        """Shows, until this process ends or closes, that the database is in use: nobody puts another in its place."""
        if self._held is None:
            self._held = open_lock(beside(self.path, ".users"))
        fcntl.flock(self._held, fcntl.LOCK_SH)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time: for what changes more than the database, such as the key file."""
        with locked(beside(self.path, ".alone")):
            yield

    def copy_to(self, target: Path) -> None:
        """A consistent copy in a new private file, in one step, while others read and write."""
        make_private(target)
        with typed_errors():
            copy = sqlite3.connect(target)
            try:
                self._connection().backup(copy, pages=-1)
            finally:
                copy.close()

    def clear_copies(self) -> bool:
        """Whether there is no working copy of the database; those that a killed process left are removed."""
        return not beside(self.path, ".work").exists() or clear_workplace(self.path)

    def make_single_file(self) -> None:
        """Rewrites the whole file without what was deleted, and without a log beside it; then closes."""
        self._close_writers()
        connection = self._connection()
        with typed_errors():
            connection.execute(PATIENT)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        self.close()

    def is_whole(self) -> bool:
        """SQLite's full check, and every foreign key."""
        with typed_errors(), self._used() as connection:  # for minutes, perhaps
            whole = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
            return whole and not connection.execute("PRAGMA foreign_key_check").fetchall()

    def truncate_wal(self) -> bool:
        """Moves all of the write-ahead log into the database and empties it; False while a reader prevents that.

        On a connection of its own with a short wait, so that nobody waits for it.
        """
        return self._move_log("TRUNCATE")

    def checkpoint(self) -> None:
        """Moves what can be moved of a long log into the database, holding up nobody for long.

        Where that finds no room, the reserve is given up for it, and made again afterwards. Raises StoreFullError.
        """
        if self._has_upkeep:
            self._room.look()
        if self._room.log_bytes() < (1 if self._room.is_scarce else LOG_BYTES):
            return
        try:
            self._move_log()
            if self._has_upkeep and self._room.log_bytes() >= LOG_BYTES:
                # Beside others who commit all the time the log is never at its end, and would never be begun anew.
                with self._turns.alone():
                    self._move_log()
        except StoreFullError:
            if not self._has_upkeep:
                raise
            with self.transaction():  # which writes nothing: it keeps the others from writing
                self._room.give_up()
                self._move_log()
            self._move_log("TRUNCATE")
            self._room.hold()

    def _move_log(self, how: str = "PASSIVE") -> bool:
        with typed_errors():
            connection = _open(self.path, CHECKPOINT_BUSY_MS)
            try:
                return not connection.execute(_CHECKPOINTS[how]).fetchone()[0]
            finally:
                connection.close()

    def is_sound(self) -> bool:
        """SQLite's own quick check."""
        with typed_errors():
            return bool(self._connection().execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


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
