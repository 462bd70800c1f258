"""The database's files: private from their first byte, and refused when they are not."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.errors import ConfigError, StoreError
from slackapp.store import meta
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import look
from tests.support.disk_faults import chown_to_other_user

Opener = Callable[[Path], SqliteDatabase]


@pytest.fixture
def prepare() -> Iterator[Opener]:
    """Opens databases, and closes them at the end."""
    opened: list[SqliteDatabase] = []

    def run(path: Path) -> SqliteDatabase:
        opened.append(SqliteDatabase(path))
        opened[-1].create_or_migrate()
        return opened[-1]

    yield run
    for database in opened:
        database.close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_every_file_of_the_database_has_mode_600_whatever_the_umask(
    tmp_path: Path, prepare: Opener, umask: int
) -> None:
    """I have an account on the machine and read what lies beside the database."""
    before = os.umask(umask)
    try:
        database = prepare(tmp_path / "slackapp.db")
        with database.transaction():
            meta.put(database, "a", "1")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(modes, 0o600)
    assert {"slackapp.db", "slackapp.db-wal", "slackapp.db-shm", "slackapp.db.lock"} <= modes.keys()


def test_a_database_that_is_there_is_opened_again(tmp_path: Path, prepare: Opener) -> None:
    meta.put(prepare(tmp_path / "slackapp.db"), "a", "1")
    assert meta.get(prepare(tmp_path / "slackapp.db"), "a") == "1"


def test_an_empty_private_file_becomes_a_database(tmp_path: Path, prepare: Opener) -> None:
    (tmp_path / "slackapp.db").touch(mode=0o600)
    assert meta.get(prepare(tmp_path / "slackapp.db"), "schema_version") is not None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o620, 0o610])
@pytest.mark.claim("C-22")
def test_a_database_that_others_may_touch_is_refused_with_a_hint(tmp_path: Path, prepare: Opener, mode: int) -> None:
    path = tmp_path / "slackapp.db"
    path.touch()
    path.chmod(mode)
    with pytest.raises(ConfigError, match=r"^SLACKAPP_DATABASE: others can read .*; run: chmod 600 .*slackapp\.db$"):
        prepare(path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".lock", ".users", ".alone"])
@pytest.mark.claim("C-22")
def test_a_file_of_another_user_is_refused(tmp_path: Path, prepare: Opener, suffix: str) -> None:
    """I made the log before you did, with commits of mine; or the lock, and hold it for ever."""
    file = tmp_path / f"slackapp.db{suffix}"
    file.touch(mode=0o600)
    chown_to_other_user(file)
    with pytest.raises(ConfigError, match=rf"^SLACKAPP_DATABASE: .*slackapp\.db{suffix} belongs to another user; "):
        prepare(tmp_path / "slackapp.db")


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_log_or_index_that_others_may_read_is_refused(tmp_path: Path, prepare: Opener, suffix: str) -> None:
    prepare(tmp_path / "slackapp.db")
    beside = tmp_path / f"slackapp.db{suffix}"
    beside.chmod(0o644)
    with pytest.raises(ConfigError, match=rf"^SLACKAPP_DATABASE: others can read .*{suffix}; "):
        prepare(tmp_path / "slackapp.db")


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("dangling", [True, False], ids=["to nothing", "to a file"])
def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path, prepare: Opener, suffix: str, dangling: bool) -> None:
    """I put a link where the database or its log will be, so that tokens are written to a file of mine."""
    target = tmp_path / "target"
    if not dangling:
        target.touch(mode=0o600)
    (tmp_path / f"slackapp.db{suffix}").symlink_to(target)
    with pytest.raises(ConfigError, match=rf"^SLACKAPP_DATABASE: .*slackapp\.db{suffix} is not a regular file"):
        prepare(tmp_path / "slackapp.db")
    assert not target.exists() or target.read_bytes() == b""


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path, prepare: Opener) -> None:
    """I put a link where the lock will be, so that the service makes a file wherever I want one."""
    (tmp_path / "slackapp.db.lock").symlink_to(tmp_path / "target")
    with pytest.raises((ConfigError, OSError)):
        prepare(tmp_path / "slackapp.db")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, prepare: Opener, kind: str) -> None:
    path = tmp_path / "slackapp.db"
    if kind == "folder":
        path.mkdir(mode=0o700)
    else:
        os.mkfifo(path, 0o600)
    with pytest.raises(ConfigError, match=r"^SLACKAPP_DATABASE: .* is not a regular file"):
        prepare(path)


def test_a_database_in_a_folder_that_is_not_there_is_refused(tmp_path: Path, prepare: Opener) -> None:
    with pytest.raises(ConfigError, match=r"^SLACKAPP_DATABASE: .* cannot be made \(No such file or directory\)"):
        prepare(tmp_path / "nowhere" / "slackapp.db")


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, prepare: Opener) -> None:
    path = tmp_path / "slackapp.db"
    path.write_bytes(b"this is no database" * 400)
    path.chmod(0o600)
    with pytest.raises((ConfigError, StoreError)):
        prepare(path)
    assert path.read_bytes() == b"this is no database" * 400


def test_a_page_that_was_damaged_is_a_failure_of_the_store_and_not_of_the_program(
    tmp_path: Path, prepare: Opener
) -> None:
    path = tmp_path / "slackapp.db"
    database = prepare(path)
    meta.put(database, "a", "1")
    assert not database.erase_residue()
    database.close()
    rows = look(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'meta'")
    size = look(path, "PRAGMA page_size")[0][0]
    with path.open("r+b") as file:
        file.seek((rows[0][0] - 1) * size)
        file.write(b"\xff" * size)
    damaged = SqliteDatabase(path)
    try:
        with pytest.raises(StoreError):
            meta.get(damaged, "a")
        assert not damaged.is_sound(thorough=False)
    finally:
        damaged.close()
