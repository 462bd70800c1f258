"""Locks by which processes see one another: that the database is in use, and which serving processes live.

Stops:   a database that is replaced or migrated under whoever uses it; a process that died being taken for one that
         lives, until its leases run out, or one that lives for one that died.
How:     the kernel lets go of a lock when its process ends, however that was; no clock and no number is asked.
Does not stop: anything between machines that share a disk over a network; SQLite's log does not work there either.
Read:    flock(2)
"""

import fcntl
import os
from pathlib import Path

from slackapp.store.engine.sqlite_files import mark_unchecked, open_lock_file, sibling


class ProcessLocks:
    """Locks that this process holds beside a database."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._use: int | None = None
        self._lives: dict[Path, int] = {}
        self._pid = os.getpid()

    def begin_use(self) -> bool:
        """Shows, until the end or `release`, that the database is in use; tells whether nobody else uses it.

        Who ends last takes the log away: one that lies there while nobody uses it was left by a crash.
        """
        if self._use is None:
            self._use = open_lock_file(sibling(self._database, ".users"))
        try:
            fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # claim: C-133
            if sibling(self._database, "-wal").exists():
                mark_unchecked(self._database)
            return True
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def lock_process(self, process_id: str) -> None:
        """Shows, until the end or `release`, that the process of that id lives."""
        file = self._file(process_id)
        if file not in self._lives:
            self._lives[file] = open_lock_file(file)
            fcntl.flock(self._lives[file], fcntl.LOCK_EX)

    def is_process_locked(self, process_id: str) -> bool:
        """Tells whether that process lives; of one that does not, nothing stays behind."""
        file = self._file(process_id)
        if file in self._lives:
            return True
        lock = open_lock_file(file)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink(missing_ok=True)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(lock)

    def release(self) -> None:
        """Lets go of all of them, but keeps the files in the child of a fork: its parent lives on."""
        for file, lock in self._lives.items():
            if self._pid == os.getpid():
                file.unlink(missing_ok=True)
            os.close(lock)
        self._lives.clear()
        if self._use is not None:
            os.close(self._use)
            self._use = None

    def _file(self, process_id: str) -> Path:
        return sibling(self._database, f".process-{process_id}")
