"""Files of a database: private, locked, and replaced whole.

slackapp.db  -wal  -shm     SQLite's own
.lock                       one process at a time brings the schema up to date
.users                      held by every process that uses the database: nobody replaces or migrates it meanwhile
.alone                      one process at a time rotates keys, makes a backup or restores one
.process-ID                 held by the serving process of that id for as long as it lives
.reserve                    room for a checkpoint on a disk that is full, see `disk_reserve.py`
.unchecked                  the file was left by a crash, or found damaged: it is checked before it is used again
.work                       copies that have their keys inside, while a backup is made or restored
"""

import fcntl
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slackapp.errors import ConfigError, StoreBusyError
from slackapp.store.engine.sqlite_errors import wait_for_lock

_SQLITE_HEADER = b"SQLite format 3\0"
"""How every database of SQLite begins (sqlite.org/fileformat.html, 1.3)."""


def create_private_file(path: Path) -> None:
    """Makes the file if it is not there, closed to others; refuses one that is open to them. Raises ConfigError."""
    try:
        # Made closed: SQLite gives the -wal and -shm files beside it the same rights.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(f"SLACKAPP_DATABASE: {path} cannot be made ({os.strerror(error.errno or 0)})") from None
    for file in (path, sibling(path, "-wal"), sibling(path, "-shm")):
        try:
            found = os.lstat(file)
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"SLACKAPP_DATABASE: {file} is not a regular file")
        # claim: C-22
        if found.st_uid not in (0, os.geteuid()):
            raise ConfigError(f"SLACKAPP_DATABASE: {file} belongs to another user; run this as the user that owns it")
        # claim: C-22
        if stat.S_IMODE(found.st_mode) & 0o077:
            # Never a change to somebody else's file.
            action = f"run: chmod 600 {file}" if _looks_like_ours(path) else "it is no database; name another file"
            raise ConfigError(f"SLACKAPP_DATABASE: others can read {file}; {action}")


def _looks_like_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_HEADER)) in (b"", _SQLITE_HEADER)
    except OSError:
        return False


@contextmanager
def working_folder(path: Path) -> Iterator[Path]:
    """Opens a private folder beside a database, for copies with keys inside; one process at a time.

    No purge reaches such a copy, so that none may stay: what a killed process left goes when the next one comes.
    """
    folder = sibling(path, ".work")
    with file_lock(sibling(path, ".alone")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def clear_working_folder(path: Path) -> bool:
    """Removes what a killed process left there; False while somebody is at work, with copies that hold keys."""
    work = sibling(path, ".work")
    lock = open_lock_file(sibling(path, ".alone"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(work, ignore_errors=True)
    except BlockingIOError:
        pass  # somebody is at work there
    finally:
        os.close(lock)
    return not work.exists()


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Waits for the lock file, and has it alone until the end."""
    lock = open_lock_file(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def open_lock_file(path: Path) -> int:
    """Opens a private file to lock on; returns its descriptor. Raises ConfigError."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise ConfigError(f"SLACKAPP_DATABASE: {path} cannot be opened ({why}); remove it") from None
    # Who owns it could hold it for ever.
    if os.fstat(lock).st_uid not in (0, os.geteuid()):
        os.close(lock)
        raise ConfigError(f"SLACKAPP_DATABASE: {path} belongs to another user; remove it")
    return lock


def mark_unchecked(path: Path) -> None:
    """Marks a database that must be checked before it is used again. Raises ConfigError."""
    os.close(open_lock_file(sibling(path, ".unchecked")))


def is_unchecked(path: Path) -> bool:
    """Tells whether a database was left by a crash, or found damaged, and has not been found sound since."""
    return sibling(path, ".unchecked").exists()


def check_file(connection: sqlite3.Connection, path: Path, thorough: bool) -> bool:
    """Runs SQLite's quick check; thorough: its full one, and every foreign key. What is not sound stays marked."""
    question = "PRAGMA integrity_check(1)" if thorough else "PRAGMA quick_check(1)"
    whole = bool(connection.execute(question).fetchone()[0] == "ok")
    whole = whole and not (thorough and connection.execute("PRAGMA foreign_key_check").fetchall())
    if whole:
        sibling(path, ".unchecked").unlink(missing_ok=True)
    else:
        # claim: C-133
        mark_unchecked(path)
    return whole


def sibling(path: Path, suffix: str) -> Path:
    """The file of that suffix beside a database."""
    return path.with_name(path.name + suffix)


def replace_database(path: Path, fresh: Path, verify: Callable[[], None]) -> None:
    """Puts one database file in the place of another that nobody uses. Raises StoreBusyError while somebody does.

    `verify` raises where the fresh one is not right any more; nothing changes between that and the end.
    """
    lock = open_lock_file(sibling(path, ".users"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        verify()
        _checkpoint_wal(path)
        # Beside the new file the old one's log would be read as its own.
        for suffix in ("-wal", "-shm"):
            sibling(path, suffix).unlink(missing_ok=True)
        os.replace(fresh, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BlockingIOError:
        raise StoreBusyError("the database is in use; stop the service first") from None
    finally:
        os.close(lock)


def compact_file(path: Path) -> None:
    """Rewrites a database that nobody else uses, without what was deleted in it, and without a log beside it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()


def _checkpoint_wal(path: Path) -> None:
    """Moves the log of a service that was killed into its database: its last commits are there and nowhere else."""
    if not path.exists():
        return
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError:
        return  # damaged, or no database: that may be why it is being replaced
    finally:
        connection.close()


def run_statement(connection: sqlite3.Connection, sql: str, values: Sequence[Any], busy_ms: int) -> list[sqlite3.Row]:
    """Runs a statement, and again where another connection's lock is in its way, for that many milliseconds; its rows.

    Raises StoreError.
    """
    until: float | None = None
    while True:
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            until = wait_for_lock(error, until, busy_ms)
