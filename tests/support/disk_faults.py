"""Real faults of a disk, made in this process and taken away again: what SQLite is told comes from the kernel.

The write-ahead log of a service that runs is put behind another descriptor. `full` is /dev/full, on which every write
fails with ENOSPC; `broken` is a descriptor that may only be read, on which every write fails; `unflushed` takes every
write and fails when it is to be brought to the disk.
"""

import contextlib
import ctypes
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.world import World

DiskFault = Callable[[World], contextlib.AbstractContextManager[None]]
DAC_OVERRIDE = 1


@contextlib.contextmanager
def disk_full(world: World) -> Iterator[None]:
    with _behind(world, lambda log: os.open("/dev/full", os.O_RDWR)):
        yield


@contextlib.contextmanager
def disk_read_only(world: World) -> Iterator[None]:
    with _behind(world, lambda log: os.open(log, os.O_RDONLY)):
        yield


@contextlib.contextmanager
def fsync_failing(world: World) -> Iterator[None]:
    with _behind(world, lambda log: os.open("/dev/null", os.O_RDWR)):
        yield


@contextlib.contextmanager
def database_locked(world: World) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    with contextlib.closing(sqlite3.connect(world.settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def file_size_limited(world: World, size: int = 0) -> Iterator[None]:
    """No file grows beyond that many bytes; by default not at all."""
    assert not world.service.app.db.erase_residue()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def page_count_limited(world: World, pages: int = 0) -> Iterator[None]:
    """The database may have that many pages more than it has."""
    writers = [world.service.app.db._writer(flush).connection for flush in (True, False)]
    most = writers[0].execute("PRAGMA max_page_count").fetchone()[0]
    now = writers[0].execute("PRAGMA page_count").fetchone()[0]
    for writer in writers:
        writer.execute(f"PRAGMA max_page_count = {now + pages}")
    try:
        yield
    finally:
        for writer in writers:
            writer.execute(f"PRAGMA max_page_count = {most}")


DISK_FAULTS: dict[str, DiskFault] = {
    "the disk is full": disk_full,
    "the disk fails": disk_read_only,
    "the disk does not take what it was given": fsync_failing,
    "the file is as large as it may be": file_size_limited,
    "somebody holds the database": database_locked,
}


@contextlib.contextmanager
def _behind(world: World, other: Callable[[Path], int]) -> Iterator[None]:
    log = world.settings.database.with_name(world.settings.database.name + "-wal")
    world.service.app.db._connection().execute("SELECT count(*) FROM meta").fetchall()
    assert not world.service.app.db.erase_residue()
    ours = [number for number in map(int, os.listdir("/proc/self/fd")) if _is(number, log)]
    assert ours, "the log is open"
    kept = {number: os.dup(number) for number in ours}
    bad = other(log)
    for number in ours:
        os.dup2(bad, number, inheritable=False)
    try:
        yield
    finally:
        for number, good in kept.items():
            os.dup2(good, number, inheritable=False)
            os.close(good)
        os.close(bad)


def _is(number: int, file: Path) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{number}") == str(file)
    except OSError:
        return False


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder takes no new file, even from root: its power to do so all the same is laid down by this thread."""
    mode = folder.stat().st_mode & 0o777
    folder.chmod(0o500)
    kept = _drop_capability(DAC_OVERRIDE) if os.geteuid() == 0 else None
    try:
        yield
    finally:
        if kept is not None:
            _capset(kept)
        folder.chmod(mode)


_VERSION_3 = 0x20080522
_Sets = ctypes.c_uint32 * 6
"""Effective, permitted, inheritable; twice, because there are more than 32 capabilities: capset(2)."""


def _drop_capability(capability: int) -> "ctypes.Array[ctypes.c_uint32]":
    kept, less = _Sets(), _Sets()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(ctypes.byref((ctypes.c_uint32 * 2)(_VERSION_3, 0)), ctypes.byref(kept)) == 0
    ctypes.memmove(less, kept, ctypes.sizeof(kept))
    less[0] &= ~(1 << capability)
    _capset(less)
    return kept


def _capset(sets: "ctypes.Array[ctypes.c_uint32]") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capset(ctypes.byref((ctypes.c_uint32 * 2)(_VERSION_3, 0)), ctypes.byref(sets)) == 0


def chown_to_other_user(path: Path) -> None:
    """From now on the file, folder or link belongs to another user; where only root could do so, the test ends here."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    os.chown(path, 4711, -1, follow_symlinks=False)
