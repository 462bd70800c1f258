"""Room on the disk: kept in reserve for the checkpoint that frees the rest.

What a commit adds to the log, a checkpoint adds to the database a second time, before the log can be used again. On a
disk that is full neither can be done: the log cannot be emptied, and nothing that is deleted gives anything back. So a
file of a few megabytes is held, of no use but to be deleted when a checkpoint finds no room. While room is scarce, no
commit may make the database grow by more than that: a checkpoint then succeeds whatever else fills the disk.

Read:    sqlite.org/wal.html sections 2.3 and 6 (how a log is reused, and when it grows without end)
"""

import os
from pathlib import Path

from slackapp.errors import StoreFullError
from slackapp.store.engine.sqlite_files import sibling

RESERVE_BYTES = 4 * 1024 * 1024
LOW_DISK_BYTES = 64 * 1024 * 1024
"""Bytes that are free; with less, each commit is looked at."""
WAL_HEADROOM = 1024 * 1024
"""Bytes that the reserve leaves for the log, in which deletions must be written down, too."""


class DiskReserve:
    """The reserve beside a database, shared by all processes; what is known of the disk is this one's."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._reserve = sibling(database, ".reserve")
        self.is_disk_low = False

    def update(self) -> None:
        """Finds out how much is free, and holds what is to be held."""
        free = self.measure_space()
        self.is_disk_low = free is not None and free < LOW_DISK_BYTES
        self.fill()

    def fill(self) -> None:
        """Makes the reserve as large as it is to be, or as there is room."""
        held = _size(self._reserve)
        if held >= RESERVE_BYTES:
            return
        free = self.measure_space()
        wanted = RESERVE_BYTES if free is None else min(RESERVE_BYTES, held + free - WAL_HEADROOM)
        if wanted <= held:
            return
        try:
            file = os.open(self._reserve, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.posix_fallocate(file, 0, wanted)
            finally:
                os.close(file)
        except OSError:
            return  # somebody else has taken the room; the next look will tell

    def release(self) -> None:
        """Frees the reserve, for a checkpoint that comes next. Nobody else may write meanwhile."""
        self._reserve.unlink(missing_ok=True)

    def refuse_growth(self, size: int) -> None:
        """Refuses a commit with which the database, at that many bytes, would outgrow the reserve.

        Raises StoreFullError.
        """
        if size - _size(self._database) > _size(self._reserve):
            raise StoreFullError("the disk is nearly full")

    def wal_bytes(self) -> int:
        """Measures the write-ahead log, in bytes."""
        return _size(sibling(self._database, "-wal"))

    def measure_space(self) -> int | None:
        """Measures what is free on the disk; None where nobody says: some file systems count no blocks."""
        try:
            disk = os.statvfs(self._database.parent)
        except OSError:
            return None
        return disk.f_bavail * disk.f_frsize if disk.f_blocks else None


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return 0
