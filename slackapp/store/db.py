"""Connections, pragmas, transactions, migrations. Statements on tables stand in `sql/`.

One connection per thread, none across a fork. Every write stands in `BEGIN IMMEDIATE`, so that no two writers find
out at the end that they collide. What a commit returns from is on the disk (`synchronous=FULL`).
"""

import fcntl
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slackapp.errors import ConfigError, StoreBusyError, StoreError, StoreFullError
from slackapp.store import queries

BUSY_MS = 2000
"""How long a statement waits for another connection's lock, in milliseconds."""
CHECKPOINT_BUSY_MS = 100

Row = sqlite3.Row
Parameters = Mapping[str, Any]

PRAGMAS: tuple[tuple[str, str, Any], ...] = (
    # set, read, and what must be read: a build of SQLite may ignore a pragma, or have another default
    ("PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"),
    ("PRAGMA synchronous = FULL", "PRAGMA synchronous", 2),  # an acknowledgement means: on the disk
    ("PRAGMA secure_delete = ON", "PRAGMA secure_delete", 1),  # deleted rows are overwritten, not only unlinked
    ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", 1),
    ("PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", 0),
    ("PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", 1),
    ("PRAGMA mmap_size = 0", "PRAGMA mmap_size", 0),
    ("PRAGMA temp_store = MEMORY", "PRAGMA temp_store", 2),  # nothing is spilled to a file that we do not watch over
    ("PRAGMA journal_size_limit = 0", "PRAGMA journal_size_limit", 0),
)
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


class Database:
    """The database file at `path`, opened once per thread on first use."""

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info < (3, 37):
            raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed")
        self.path = path
        self._queries = queries.load()
        self._local = threading.local()
        self._pid = os.getpid()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    # Statements

    def one(self, name: str, parameters: Parameters) -> Row | None:
        """Runs a `:one` statement."""
        row: Row | None = self._run(name, "one", parameters).fetchone()
        return row

    def many(self, name: str, parameters: Parameters) -> list[Row]:
        """Runs a `:many` statement."""
        return self._run(name, "many", parameters).fetchall()

    def execute(self, name: str, parameters: Parameters) -> int:
        """Runs an `:exec` statement; the number of rows that it changed."""
        return self._run(name, "exec", parameters).rowcount

    def _run(self, name: str, cardinality: str, parameters: Parameters) -> sqlite3.Cursor:
        query = self._queries[name]
        if query.cardinality != cardinality or query.parameters != parameters.keys():
            raise TypeError(f"{name} is :{query.cardinality} and takes {sorted(query.parameters)}")
        with _typed_errors():
            return self._connection().execute(query.sql, parameters)

    # Transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or nothing of it. Not nested; no call to Slack inside."""
        connection = self._connection()
        if connection.in_transaction:
            raise RuntimeError("a transaction is open on this thread already")
        with _typed_errors():
            connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with _typed_errors():
                connection.execute("COMMIT")
        except BaseException:
            # After a full disk SQLite has rolled back by itself; a second rollback would hide the first error.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def in_transaction(self) -> bool:
        """Whether this thread has a transaction open."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        return connection is not None and connection.in_transaction

    # Connections

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            raise RuntimeError("a database handle must not cross a fork")
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with _typed_errors():
                connection = _open(self.path, BUSY_MS)
            self._local.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection

    def close(self) -> None:
        """Closes every thread's connection; the handle is of no use afterwards."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()

    # Upkeep

    def prepare_file(self) -> None:
        """Makes the file if it is new, private from its first byte, and brings its schema up to date.

        Several processes may do so at once. Raises ConfigError for a file that others can read.
        """
        _make_private(self.path)
        lock = os.open(_beside(self.path, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._migrate()
        finally:
            os.close(lock)

    def _migrate(self) -> None:
        connection = self._connection()
        files = sorted((queries.sql_directory() / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
        newest = int(files[-1].name[:4])
        with self.transaction():
            known = self._schema_version()
            if known > newest:
                raise ConfigError(f"{self.path}: was made by a newer release (schema {known}, this one knows {newest})")
            for file in files[known:]:
                # Never executescript(): it commits whatever transaction is open.
                for statement in queries.split_statements(file.read_text(encoding="utf-8")):
                    connection.execute(statement)
            if known < newest:
                self.execute("set_meta", {"name": "schema_version", "value": str(newest)})

    def _schema_version(self) -> int:
        if not self._connection().execute("PRAGMA table_info(meta)").fetchall():
            return 0
        row = self.one("get_meta", {"name": "schema_version"})
        return int(row["value"]) if row is not None else 0

    def truncate_wal(self) -> bool:
        """Moves all of the write-ahead log into the database and empties it; False while a reader prevents that.

        On a connection of its own with a short wait, so that nobody waits for it.
        """
        with _typed_errors():
            connection = _open(self.path, CHECKPOINT_BUSY_MS)
            try:
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.close()
        return not busy

    def is_sound(self) -> bool:
        """SQLite's own quick check."""
        with _typed_errors():
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


def _make_private(path: Path) -> None:
    try:
        # Made closed: SQLite gives the -wal and -shm files beside it the same rights.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(f"SLACKAPP_DATABASE: {path} cannot be made ({os.strerror(error.errno or 0)})") from None
    for file in (path, _beside(path, "-wal"), _beside(path, "-shm")):
        try:
            found = os.lstat(file)
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"SLACKAPP_DATABASE: {file} is not a regular file")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise ConfigError(f"SLACKAPP_DATABASE: others can read {file}; run: chmod 600 {file}")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code; the rest is detail
        if code in _BUSY:
            raise StoreBusyError("the database is locked") from None
        if code in _FULL:
            raise StoreFullError("the database cannot be written") from None
        raise
