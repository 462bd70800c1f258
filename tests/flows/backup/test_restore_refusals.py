"""A backup that is damaged, or not of this service, is refused before anything is overwritten: in one line."""

import base64
import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.operator import CommandLine, Ended, files_of, open_shell
from tests.support.world import NORTH

Spoil = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def shelf(memory_folder: Path) -> Iterator[CommandLine]:
    """A backup, and a service that is stopped."""
    with open_shell(memory_folder) as shell:
        shell.good("backup", str(shell.folder / "b0"))
        shell.world.service.stop()
        yield shell


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def edit_manifest(backup: Path, **changes: Any) -> None:
    fields = json.loads((backup / "manifest.json").read_bytes())
    (backup / "manifest.json").write_text(json.dumps({**fields, **changes}))


def agree(backup: Path) -> None:
    """Makes the manifest say what the data are now."""
    edit_manifest(backup, sha256=hashlib.sha256((backup / "data.db").read_bytes()).hexdigest())


def inside(slot: Path, pattern: bytes) -> int:
    """Where a pattern begins in the key backup."""
    found = re.search(pattern, slot.read_bytes())
    assert found is not None
    return found.start()


def data_at(part: float) -> Spoil:
    return lambda backup, slot: flip(backup / "data.db", int(part * (backup / "data.db").stat().st_size))


def slot_at(pattern: bytes, further: int = 0) -> Spoil:
    return lambda backup, slot: flip(slot, inside(slot, pattern) + further)


def manifest_of(**changes: Any) -> Spoil:
    return lambda backup, slot: edit_manifest(backup, **changes)


def truncated_and_agreed(backup: Path, slot: Path) -> None:
    data = (backup / "data.db").read_bytes()
    (backup / "data.db").write_bytes(data[: len(data) // 2])
    agree(backup)


def token_changed_and_agreed(backup: Path, slot: Path) -> None:
    """I can write to the shelf, and make the manifest agree."""
    with closing(sqlite3.connect(backup / "data.db")) as copy, copy:
        copy.execute("UPDATE tokens SET access = zeroblob(200) WHERE tenant_id = ?", (NORTH,))
    agree(backup)


def of_another_database(backup: Path, slot: Path) -> None:
    with closing(sqlite3.connect(backup / "data.db")) as copy, copy:
        copy.execute("UPDATE meta SET value = '00' WHERE name = 'database_id'")
    agree(backup)


def forged_slot(backup: Path, slot: Path) -> None:
    """I leave a tenant's keys out of the key backup, so that it is taken for purged."""
    body, _, mac = slot.read_bytes().partition(b"\n")
    fields = json.loads(body)
    fields["keys"] = [key for key in fields["keys"] if key["tenant"][1] != NORTH]
    slot.write_bytes(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n" + mac)


def keys_swapped(backup: Path, slot: Path) -> None:
    body, _, mac = slot.read_bytes().partition(b"\n")
    fields = json.loads(body)
    fields["keys"][0]["wrapped"] = base64.b64encode(bytes(5000)).decode()
    slot.write_bytes(json.dumps(fields).encode() + b"\n" + mac)


SPOILT: dict[str, Spoil] = {
    "data: the first byte": data_at(0),
    "data: the schema": data_at(0.01),
    "data: the middle": data_at(0.5),
    "data: near the end": data_at(0.99),
    "data: cut short": truncated_and_agreed,
    "data: no database at all": lambda backup, slot: ((backup / "data.db").write_bytes(b"x" * 4096), agree(backup))[1],
    "data: empty": lambda backup, slot: ((backup / "data.db").write_bytes(b""), agree(backup))[1],
    "data: missing": lambda backup, slot: (backup / "data.db").unlink(),
    "data: a token changed, and the manifest with it": token_changed_and_agreed,
    "data: of another database": of_another_database,
    "manifest: missing": lambda backup, slot: (backup / "manifest.json").unlink(),
    "manifest: its first byte": lambda backup, slot: flip(backup / "manifest.json", 0),
    "manifest: cut short": lambda backup, slot: (backup / "manifest.json").write_bytes(b'{"format": 1,') and None,
    "manifest: no object": lambda backup, slot: (backup / "manifest.json").write_bytes(b"[]") and None,
    "manifest: the hash": manifest_of(sha256="0" * 64),
    "manifest: the format": manifest_of(format=2),
    "manifest: the app": manifest_of(app_id="A0OTHER001"),
    "manifest: the database": manifest_of(database_id="00"),
    "manifest: the time": manifest_of(made_at="yesterday"),
    "manifest: another time": manifest_of(made_at=1),
    "manifest: the head of the audit": manifest_of(audit_head="1:00"),
    "key backup: missing": lambda backup, slot: slot.unlink(),
    "key backup: empty": lambda backup, slot: slot.write_bytes(b"") and None,
    "key backup: its first byte": lambda backup, slot: flip(slot, 0),
    "key backup: cut short": lambda backup, slot: slot.write_bytes(slot.read_bytes()[:200]) and None,
    "key backup: the app": slot_at(b"A0LOCAL001", 3),
    "key backup: the format": slot_at(b'"format":1', 9),
    "key backup: a key's id": slot_at(b'"key_id":', 9),
    "key backup: a key's tenant": slot_at(NORTH.encode(), 4),
    "key backup: a wrapped key": slot_at(b'"wrapped":"', 40),
    "key backup: a wrapped key of the service": slot_at(b'"purpose":"audit".*?"wrapped":"', -40),
    "key backup: a master version": slot_at(b'"master_version":', 17),
    "key backup: the primary": slot_at(b'"primary_master_key":"', 22),
    "key backup: a check value": slot_at(b'"key_check:1":"', 20),
    "key backup: the database": slot_at(b'"database_id":"', 20),
    "key backup: a state": slot_at(b'"state":"active', 10),
    "key backup: the MAC": slot_at(rb"\n", 5),
    "key backup: one tenant left out": forged_slot,
    "key backup: a key that is too large": keys_swapped,
}


def refused(shell: CommandLine, backup: Path, *words: str) -> Ended:
    return shell.run("restore", str(backup), *words)


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_damaged_is_refused_and_nothing_is_changed(shelf: CommandLine, tmp_path: Path, what: str) -> None:
    kept = shelf.slot.read_bytes()
    backup = tmp_path / "b0"
    shutil.copytree(shelf.folder / "b0", backup)
    try:
        SPOILT[what](backup, shelf.slot)
        before = files_of(shelf.folder)
        for words in (("--check",), ()):
            ended = refused(shelf, backup, *words)
            after = files_of(shelf.folder)
            assert after == before
            assert (ended.status in (1, 75, 78), ended.out, len(ended.error.splitlines())) == (True, "", 1), ended.error
    finally:
        shelf.slot.write_bytes(kept)


def test_an_undamaged_backup_passes_the_same_check(shelf: CommandLine) -> None:
    assert refused(shelf, shelf.folder / "b0", "--check").status == 0


def test_a_backup_of_another_app_is_refused(shelf: CommandLine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLACK_APP_ID", "A0OTHER001")
        ended = refused(shelf, shelf.folder / "b0")
    assert (ended.status, "the backup belongs to another app, A0LOCAL001" in ended.error) == (1, True)


def test_a_backup_of_another_service_of_the_same_app_is_refused(shelf: CommandLine, folder: Path) -> None:
    """I bring a backup of my own service, in which I am every tenant."""
    with open_shell(folder, tenants=(NORTH,)) as mine:
        mine.good("backup", str(mine.folder / "b0"))
    before = files_of(shelf.folder)
    ended = refused(shelf, folder / "b0")
    assert (ended.status, "belongs to another database" in ended.error) == (78, True)
    assert files_of(shelf.folder) == before


def test_the_wrong_master_key_is_found_before_anything_is_overwritten(shelf: CommandLine, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    assert shelf.run("keys", "new", str(other)).status == 0
    before = files_of(shelf.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLACKAPP_MASTER_KEY_FILE", str(other))
        ended = refused(shelf, shelf.folder / "b0")
    assert (ended.status, "does not match the database" in ended.error) == (78, True)
    assert files_of(shelf.folder) == before


def test_without_a_setting_for_the_key_backup_nothing_is_restored(shelf: CommandLine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SLACKAPP_KEY_BACKUP_DIR")
        ended = refused(shelf, shelf.folder / "b0")
    assert (ended.status, "SLACKAPP_KEY_BACKUP_DIR: holds no key backup" in ended.error) == (78, True)
