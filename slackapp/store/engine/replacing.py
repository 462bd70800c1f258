"""Puts another file in the place of a database: a restore's last step."""

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from slackapp.errors import StoreBusyError
from slackapp.store.engine.sqlite_files import open_lock_file, sibling


def replace_database(path: Path, fresh: Path, check_unchanged: Callable[[], None]) -> None:
    """Puts one database file in the place of another that nobody uses. Raises StoreBusyError while somebody does.

    `look_again` raises where the fresh one is not right any more; nobody changes anything between that and the end.
    """
    lock = open_lock_file(sibling(path, ".users"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        check_unchanged()
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
