"""Errors of SQLite: waited for where they will pass, else converted to our own."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from slackapp.errors import StoreBusyError, StoreConstraintError, StoreDamagedError, StoreFullError

POLL_MS = 2
"""Between two tries. SQLite's own pauses grow to 100 ms, and beside a process that writes all the time they find its
lock taken each time, for seconds."""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_OURS = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_MISMATCH}


def wait_for_lock(error: sqlite3.Error, until: float | None, busy_ms: int) -> float:
    """Waits a moment where another connection's lock was in the way; returns until when to try again.

    By the clock and not by counting: a pause takes as long as the other threads let it. Raises what else it was, and
    StoreBusyError at the end.
    """
    now = time.monotonic()
    until = now + busy_ms / 1000 if until is None else until
    if _primary_code(error) not in _BUSY or now >= until:
        raise as_store_error(error) from None
    threading.Event().wait(POLL_MS / 1000)
    return until


@contextmanager
def store_errors() -> Iterator[None]:
    """Converts SQLite's errors to ours, around statements."""
    try:
        yield
    except sqlite3.Error as error:
        raise as_store_error(error) from None


def as_store_error(error: sqlite3.Error) -> Exception:
    """Converts the error to one of ours; itself, where it is a mistake of our own."""
    code = _primary_code(error)
    if code in _BUSY:
        return StoreBusyError("the database is locked")
    if code in _FULL:
        return StoreFullError("the database cannot be written")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return StoreConstraintError(str(error))  # which names columns, never a value
    if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)) or code in _OURS:
        return error
    return StoreDamagedError("the database is damaged, or is none")


def _primary_code(error: sqlite3.Error) -> int:
    """The rest is detail; an error of the module itself has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
