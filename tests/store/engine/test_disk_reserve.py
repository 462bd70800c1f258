"""What is kept in reserve on the disk, and what a commit may still do when there is little left."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from slackapp.errors import StoreFullError
from slackapp.store import meta
from slackapp.store.engine import disk_reserve
from slackapp.store.engine import sqlite as module
from slackapp.store.engine.disk_reserve import LOW_DISK_BYTES, RESERVE_BYTES, WAL_HEADROOM
from slackapp.store.engine.sqlite import SqliteDatabase

Left = Callable[[int], None]
BIG = "x" * 200_000


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Left:
    """Says how many bytes the disk has left."""

    def set_to(size: int) -> None:
        told = SimpleNamespace(f_bavail=size, f_frsize=1, f_blocks=1)
        monkeypatch.setattr(disk_reserve.os, "statvfs", lambda _: told)

    return set_to


@pytest.fixture
def reserve(db: SqliteDatabase) -> Path:
    db.begin_service()
    return db.path.with_name(db.path.name + ".reserve")


def test_a_service_keeps_a_private_reserve_and_a_command_keeps_none(db: SqliteDatabase, left: Left) -> None:
    file = db.path.with_name(db.path.name + ".reserve")
    left(LOW_DISK_BYTES)
    db.maintain()
    assert not file.exists()
    db.begin_service()
    before = os.umask(0)
    try:
        db.maintain()
    finally:
        os.umask(before)
    found = file.stat()
    assert (found.st_size, stat.S_IMODE(found.st_mode)) == (RESERVE_BYTES, 0o600)
    assert found.st_blocks * 512 >= RESERVE_BYTES, "it takes the room that it is to keep"


@pytest.mark.parametrize(
    ("free", "held"),
    [
        (WAL_HEADROOM, 0),
        (WAL_HEADROOM + 1, 1),
        (WAL_HEADROOM + RESERVE_BYTES, RESERVE_BYTES),
        (10 * RESERVE_BYTES, RESERVE_BYTES),
    ],
)
def test_the_reserve_leaves_room_for_the_log(
    db: SqliteDatabase, reserve: Path, left: Left, free: int, held: int
) -> None:
    left(free)
    db.maintain()
    assert (reserve.stat().st_size if reserve.exists() else 0) == held


def test_while_room_is_scarce_no_commit_lets_the_database_grow_by_more_than_the_reserve(
    db: SqliteDatabase, reserve: Path, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta.put(db, "a", BIG)
    assert not db.erase_residue()
    left(WAL_HEADROOM + 100_000)
    db.maintain()
    assert reserve.stat().st_size == 100_000
    with pytest.raises(StoreFullError):
        meta.put(db, "b", BIG)
    assert meta.get(db, "b") is None
    meta.put(db, "a", BIG.replace("x", "y"))
    meta.put(db, "a", "1")
    meta.put(db, "b", BIG)  # where the first one was
    left(LOW_DISK_BYTES)
    db.maintain()
    meta.put(db, "c", BIG)


def test_a_checkpoint_that_finds_no_room_is_given_the_reserve(
    db: SqliteDatabase, reserve: Path, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(LOW_DISK_BYTES - 1)
    db.maintain()
    meta.put(db, "a", BIG)
    seen: list[bool] = []
    move = SqliteDatabase._checkpoint

    def only_without_reserve(self: SqliteDatabase, how: str = "PASSIVE") -> bool:
        seen.append(reserve.exists())
        if reserve.exists():
            raise StoreFullError("no room")
        return move(self, how)

    monkeypatch.setattr(SqliteDatabase, "_checkpoint", only_without_reserve)
    db.maintain()
    assert seen == [True, False, False]
    assert db.path.with_name(db.path.name + "-wal").stat().st_size == 0
    assert reserve.stat().st_size == RESERVE_BYTES
    assert meta.get(db, "a") == BIG


def test_while_room_is_scarce_whoever_commits_cuts_a_log_that_grew(
    db: SqliteDatabase, reserve: Path, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOW_DISK_WAL_BYTES", 500_000)
    left(LOW_DISK_BYTES - 1)
    db.maintain()
    for number in range(20):
        meta.put(db, "a", BIG.replace("x", str(number % 10)))
    assert db.path.with_name(db.path.name + "-wal").stat().st_size < 1_000_000
    assert meta.get(db, "a") == BIG.replace("x", "9")


@pytest.mark.parametrize("says", ["no blocks at all", "an error"])
def test_where_the_file_system_does_not_say_what_is_free_room_is_not_scarce(
    db: SqliteDatabase, reserve: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    """As some of those in user space, and one of a network that is away for a moment."""

    def statvfs(_: object) -> SimpleNamespace:
        if says == "an error":
            raise OSError(116, "stale file handle")
        return SimpleNamespace(f_bavail=0, f_frsize=4096, f_blocks=0)

    monkeypatch.setattr(disk_reserve.os, "statvfs", statvfs)
    db.maintain()
    meta.put(db, "a", BIG)
    assert meta.get(db, "a") == BIG
    assert reserve.stat().st_size == RESERVE_BYTES
