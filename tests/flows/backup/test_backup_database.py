"""`slackapp backup`: data without keys, private from the first byte, and nothing left behind when it fails."""

import base64
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from slackapp.flows.backup import backup_database
from slackapp.model import AuditEntry, AuditEvent
from tests.support.operator import ACTOR, CommandLine, files_of
from tests.support.world import NORTH

WATCHED: list[tuple[Path, set[tuple[str, int]]]] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """At each step of the file system: which files are open to others just now."""
    if WATCHED and event in ("open", "os.rename", "os.remove", "sqlite3.connect"):
        folder, found = WATCHED[0]
        for path in [*folder.rglob("*")]:
            mode = path.lstat().st_mode if path.is_file() else 0
            if mode & 0o077:
                found.add((path.name, mode & 0o777))


sys.addaudithook(_watch)


@pytest.fixture
def wide() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def spellings(data: bytes) -> set[bytes]:
    """As it is, in hexadecimal, and in base64 at each of its three offsets."""
    forms = {data, data.hex().encode(), data.hex().upper().encode()}
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + data)
        forms.add(coded[(0, 2, 3)[offset] : len(coded) // 4 * 4 - 4])
    return forms


def wrapped(shell: CommandLine) -> list[bytes]:
    return [row[0] for row in shell.world.rows("SELECT wrapped FROM data_keys")]


@pytest.mark.claim("C-23")
def test_a_data_backup_holds_no_wrapped_key_in_any_form_and_all_the_rest(shell: CommandLine) -> None:
    """I have the master key and a backup from the shelf, and want a token."""
    keys = wrapped(shell)
    shell.world.service.app.db.erase_residue()
    assert all(key in shell.world.bytes_on_disk() for key in keys), "the look-out sees what is there"
    shell.good("backup", str(shell.folder / "b0"))
    content = b"".join(file.read_bytes() for file in (shell.folder / "b0").iterdir())
    assert [form for key in keys for form in spellings(key) if form in content] == []
    with closing(sqlite3.connect(shell.folder / "b0" / "data.db")) as copy:
        assert copy.execute("SELECT DISTINCT length(wrapped) FROM data_keys").fetchall() == [(0,)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        for table in ("tokens", "installations", "inbox"):
            rows = [tuple(row) for row in shell.world.rows(f"SELECT * FROM {table}")]
            assert copy.execute(f"SELECT * FROM {table}").fetchall() == rows


def test_a_folder_holds_the_data_and_what_it_must_hash_to(shell: CommandLine) -> None:
    said = shell.good("backup", str(shell.folder / "b0"))
    manifest = json.loads((shell.folder / "b0" / "manifest.json").read_bytes())
    assert manifest["sha256"] == files_of(shell.folder / "b0")["data.db"]
    assert (manifest["app_id"], manifest["made_at"]) == ("A0LOCAL001", shell.world.clock())
    assert f"audit head: {manifest['audit_head']}\n" in said
    assert "keep the two apart" in said


def test_a_folder_holds_nothing_else(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    whole = {file.name for file in (shell.folder / "b0").iterdir() if file.stat().st_size}
    assert whole == {"data.db", "manifest.json"}, "no log and no journal beside the data"
    assert not list(shell.folder.glob(".unfinished-*"))


@pytest.mark.usefixtures("wide")
def test_every_file_is_private_from_its_first_byte_whatever_the_umask(shell: CommandLine) -> None:
    """I have an account on the machine, and look while the backup is made."""
    found: set[tuple[str, int]] = set()
    for path in shell.folder.iterdir():
        path.chmod(0o700 if path.is_dir() else 0o600)
    WATCHED.append((shell.folder, found))
    try:
        shell.good("backup", str(shell.folder / "b0"))
    finally:
        WATCHED.clear()
    assert found == set()
    modes = {path.name: path.stat().st_mode & 0o777 for path in [shell.folder / "b0", *(shell.folder / "b0").iterdir()]}
    assert (modes.pop("b0"), set(modes.values())) == (0o700, {0o600})
    assert shell.slot.stat().st_mode & 0o777 == 0o600


def test_the_look_out_for_open_files_sees_one(shell: CommandLine) -> None:
    (shell.folder / "planted").touch()
    (shell.folder / "planted").chmod(0o644)
    found: set[tuple[str, int]] = set()
    WATCHED.append((shell.folder, found))
    try:
        (shell.folder / "planted").read_bytes()
    finally:
        WATCHED.clear()
    assert ("planted", 0o644) in found


@pytest.mark.parametrize("there", ["a folder with something in it", "a file", "no folder above"])
def test_a_place_that_is_not_empty_is_refused_and_not_touched(shell: CommandLine, there: str) -> None:
    place = shell.folder / "b0"
    if there == "a folder with something in it":
        place.mkdir()
        (place / "mine").write_text("matters")
    elif there == "a file":
        place.write_text("matters")
    else:
        place = shell.folder / "missing" / "b0"
    before = files_of(shell.folder)
    ended = shell.run("backup", str(place))
    assert (ended.status, ended.out, len(ended.error.splitlines())) == (1, "", 1)
    assert str(place) in ended.error
    assert files_of(shell.folder) == before


def test_without_a_place_for_the_key_backup_there_is_no_backup(shell: CommandLine) -> None:
    shell.patch.delenv("SLACKAPP_KEY_BACKUP_DIR")
    ended = shell.run("backup", str(shell.folder / "b0"))
    assert (ended.status, "SLACKAPP_KEY_BACKUP_DIR: is missing" in ended.error) == (78, True)
    assert not (shell.folder / "b0").exists()


def test_when_the_key_backup_cannot_be_written_no_data_backup_is_left(shell: CommandLine) -> None:
    shell.slot.with_name("slackapp-keys.json.new").mkdir()
    ended = shell.run("backup", str(shell.folder / "b0"))
    assert (ended.status, "the key backup cannot be written" in ended.error) == (75, True)
    assert [path.name for path in shell.folder.rglob("*") if path.name in ("data.db", "manifest.json")] == []
    assert not list(shell.folder.glob(".unfinished-*"))


def test_a_record_that_does_not_open_is_said_and_does_not_stop_the_backup(shell: CommandLine) -> None:
    shell.change("UPDATE tokens SET access = zeroblob(200) WHERE tenant_id = ? AND holder_id = ''", NORTH)
    ended = shell.run("backup", str(shell.folder / "b0"))
    assert ended.status == 1, "a timer's mail must tell of it"
    assert f"1 records do not open, and a restore refuses that: {NORTH}: a bot_access does not open" in ended.error
    assert (shell.folder / "b0" / "data.db").exists()


def test_a_backup_is_made_while_the_service_is_in_use_and_a_reader_is_at_it(shell: CommandLine) -> None:
    with closing(sqlite3.connect(shell.world.settings.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM audit").fetchone()
        shell.good("backup", str(shell.folder / "b0"))
        reader.execute("ROLLBACK")
    assert shell.answers(NORTH, "EvStill") is False, "what waited was run as well"
    assert shell.answers(NORTH, "EvMore")


def test_the_head_in_the_manifest_is_the_copys_own(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service goes on while the backup is made; a head from after the copy would cry wolf after a restore."""
    strip = backup_database.write_without_keys

    def meanwhile(*arguments: object) -> None:
        strip(*arguments)  # type: ignore[arg-type]
        shell.world.service.app.vault.append_committed(AuditEntry(at=0, event=AuditEvent.KEYS_FLUSHED, actor=ACTOR))

    monkeypatch.setattr(backup_database, "write_without_keys", meanwhile)
    head = shell.good("backup", str(shell.folder / "b0")).partition("audit head: ")[2].strip()
    assert shell.restore(str(shell.folder / "b0")).status == 0
    assert shell.run("audit", "verify", "--head", head).status == 0
