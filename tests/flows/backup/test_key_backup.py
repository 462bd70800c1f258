"""The key backup: one private file that always holds just the data keys in use, replaced whole or not at all."""

import base64
import contextlib
import errno
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from slackapp.errors import StoreError
from slackapp.flows.backup import key_backup
from slackapp.flows.removal import purge_tenant
from slackapp.model import AuditDetail
from slackapp.vault.key_backup_file import KeyBackupFile
from tests.support.operator import ACTOR, CommandLine, open_shell, tenant
from tests.support.world import NORTH, ORG_TEAM, SOUTH
from tests.vault.providers import Program


def in_file(shell: CommandLine) -> dict[int, tuple[str, str, int, bytes]]:
    keys = json.loads(shell.slot.read_bytes().partition(b"\n")[0])["keys"]
    return {
        key["key_id"]: (key["tenant"][1], key["provider"], key["master_version"], base64.b64decode(key["wrapped"]))
        for key in keys
    }


def in_database(shell: CommandLine) -> dict[int, tuple[str, str, int, bytes]]:
    rows = shell.world.rows("SELECT key_id, tenant_id, provider, master_version, wrapped FROM data_keys")
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


@pytest.fixture(scope="module")
def after(memory_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bool]]:
    """Operation by operation: whether the file then holds just what the database holds, and is private and alone."""
    program = Program(tmp_path_factory.mktemp("kms"))
    found: dict[str, bool] = {}
    tenants = (NORTH, SOUTH, ORG_TEAM)
    with open_shell(memory_folder, tenants=tenants, SLACKAPP_KEY_COMMANDS=f"kms={program.path}") as shell:
        operations = {
            "backup": lambda: shell.good("backup", str(shell.folder / "b0")),
            "rotate": lambda: shell.good("keys", "rotate"),
            "reencrypt": lambda: shell.good("keys", "reencrypt", "--tenant", NORTH),
            "assign": lambda: shell.good("keys", "assign", SOUTH, "kms"),
            "purge": lambda: shell.good("purge", NORTH),
            "uninstall": lambda: shell.run("uninstall", SOUTH),
            "an uninstall that Slack reports": lambda: (reported(shell), shell.world.work()),
        }
        for name, operate in operations.items():
            before = shell.slot.read_bytes() if shell.slot.exists() else b""
            operate()
            alone = [file.name for file in shell.slot.parent.iterdir()] == [shell.slot.name]
            private = shell.slot.stat().st_mode & 0o777 == 0o600
            found[name] = (
                alone and private and shell.slot.read_bytes() != before and in_file(shell) == in_database(shell)
            )
        yield found


def reported(shell: CommandLine) -> None:
    shell.world.clock.advance(400)
    assert shell.world.event({"type": "app_uninstalled"}, "EvGone", team_id=ORG_TEAM).status == 200


@pytest.mark.parametrize(
    "operation",
    ["backup", "rotate", "reencrypt", "assign", "purge", "uninstall", "an uninstall that Slack reports"],
)
def test_every_operation_on_keys_rewrites_the_file(after: dict[str, bool], operation: str) -> None:
    assert after[operation]


def test_without_a_place_for_it_everything_else_works(folder: Path) -> None:
    with open_shell(folder, tenants=(NORTH,)) as shell:
        shell.patch.delenv("SLACKAPP_KEY_BACKUP_DIR")
        shell.good("keys", "rotate")
        shell.good("keys", "retire", "1")
        shell.good("purge", NORTH)
        assert not shell.slot.exists()


@pytest.mark.claim("C-57")
def test_a_purge_takes_the_tenants_keys_out_of_the_file(shell: CommandLine) -> None:
    """I have the master key and the key backup."""
    shell.good("backup", str(shell.folder / "b0"))
    gone = [wrapped for tenant, _, _, wrapped in in_file(shell).values() if tenant == NORTH]
    assert len(gone) == 4
    shell.good("purge", NORTH)
    content = shell.slot.read_bytes()
    assert [key for key in gone if base64.b64encode(key) in content or key in content] == []
    assert {tenant for tenant, _, _, _ in in_file(shell).values()} == {"", SOUTH}


def block(shell: CommandLine) -> Path:
    """A folder stands where the new file would be made: no user, not even root, can write it."""
    place = shell.slot.with_name(f"{shell.slot.name}.new")
    place.mkdir()
    return place


def ready(shell: CommandLine) -> tuple[int, int]:
    reply = shell.world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    return reply.status, reply.json["purges_pending"]


def test_while_the_file_cannot_be_written_a_purge_is_pending_and_seen(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    before = shell.slot.read_bytes()
    obstacle = block(shell)
    ended = shell.run("purge", NORTH)
    assert (ended.status, "the key backup cannot be written" in ended.error) == (75, True)
    assert (shell.world.status(NORTH), shell.blobs(NORTH), shell.slot.read_bytes()) == ("", set(), before)
    assert ready(shell)[1] == 1
    assert '"status": "purging: ' in shell.good("tenants", "--json")
    assert "purge.complete" not in shell.world.audit()
    for _ in range(3):
        shell.world.clock.advance(121)
        with pytest.raises(StoreError):
            shell.world.work()
        assert ready(shell)[1] == 1
    obstacle.rmdir()
    shell.world.clock.advance(121)
    shell.world.work()
    assert (ready(shell)[1], "purge.complete" in shell.world.audit()) == (0, True)
    assert NORTH.encode() not in shell.slot.read_bytes()


def test_a_key_backup_that_cannot_be_written_does_not_hold_up_other_tenants_events(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    block(shell)
    assert shell.run("purge", NORTH).status == 75
    shell.world.clock.advance(121)
    shell.world.mention("EvSouth", team_id=SOUTH)
    for _ in range(2):  # the worker logs the failure, and goes on after a second
        try:
            shell.world.work()
        except StoreError:
            continue
    states = {row["state"] for row in shell.world.rows("SELECT state FROM inbox WHERE tenant_id = ?", SOUTH)}
    assert states == {"done"}


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_write_that_fails_half_way_leaves_the_old_file_whole(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    before = shell.slot.read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as failing:
        failing.setattr(f"slackapp.crypto.keyfile.{call}", full)
        ended = shell.run("keys", "reencrypt", "--tenant", NORTH)
    assert (ended.status, "No space left on device" in ended.error) == (75, True)
    assert shell.slot.read_bytes() == before


def test_what_a_killed_process_left_half_written_is_replaced(shell: CommandLine) -> None:
    left = shell.slot.with_name(f"{shell.slot.name}.new")
    left.write_bytes(b"half")
    left.chmod(0o644)
    before = os.umask(0)
    try:
        shell.good("backup", str(shell.folder / "b0"))
    finally:
        os.umask(before)
    assert (left.exists(), shell.slot.stat().st_mode & 0o777) == (False, 0o600)
    assert in_file(shell) == in_database(shell)


def test_the_file_is_not_written_through_a_link_that_somebody_put_there(shell: CommandLine, tmp_path: Path) -> None:
    """I can write to the folder, and lay a link to a file that I may read."""
    mine = tmp_path / "mine"
    mine.touch()
    shell.slot.with_name(f"{shell.slot.name}.new").symlink_to(mine)
    shell.slot.symlink_to(mine)
    shell.good("backup", str(shell.folder / "b0"))
    assert (mine.read_bytes(), shell.slot.is_symlink()) == (b"", False)


def test_a_damaged_file_is_written_anew_by_the_next_operation(shell: CommandLine) -> None:
    shell.slot.write_bytes(b"damaged")
    shell.slot.chmod(0o600)
    assert shell.run("purge", "--verify").status == 75
    shell.good("purge", NORTH)
    assert in_file(shell) == in_database(shell)


# How it is written, with many tenants in mind


@pytest.fixture
def writes(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each time that the file is written: whether everybody can write to the database meanwhile."""
    shell.good("backup", str(shell.folder / "b0"))
    found: list[bool] = []
    write = KeyBackupFile.write

    def watched(slot: KeyBackupFile, content: bytes) -> None:
        with contextlib.closing(sqlite3.connect(shell.world.settings.database, timeout=0, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                db.execute("ROLLBACK")
                found.append(True)
            except sqlite3.OperationalError:
                found.append(False)
        write(slot, content)

    monkeypatch.setattr(KeyBackupFile, "write", watched)
    return found


def erase(shell: CommandLine, *tenant_ids: str) -> None:
    app = shell.world.service.app
    for tenant_id in tenant_ids:
        with app.db.transaction():
            purge_tenant.erase(app, tenant(tenant_id), AuditDetail.OPERATOR, ACTOR, app.clock())
        purge_tenant.evict(app, tenant(tenant_id))


def test_while_the_file_is_written_everybody_can_write_to_the_database(shell: CommandLine, writes: list[bool]) -> None:
    erase(shell, NORTH)
    shell.world.work()
    shell.good("keys", "reencrypt", "--tenant", SOUTH)
    assert writes == [True, True]


def test_one_writing_serves_all_who_were_erased_before_it(shell: CommandLine, writes: list[bool]) -> None:
    erase(shell, NORTH, SOUTH)
    shell.world.work()
    assert (len(writes), ready(shell)[1], shell.world.audit().count("purge.complete")) == (1, 0, 2)
    assert in_file(shell) == in_database(shell)


def test_who_came_and_went_since_it_was_written_is_not_in_it_and_costs_no_writing(
    shell: CommandLine, writes: list[bool]
) -> None:
    """I install the app and remove it, over and over."""
    for _ in range(3):
        shell.world.browser().install(ORG_TEAM)
        erase(shell, ORG_TEAM)
        shell.world.work()
    assert (writes, ready(shell)[1], shell.world.audit().count("purge.complete")) == ([], 0, 3)


def test_a_large_file_is_not_written_all_the_time_for_what_customers_do(
    shell: CommandLine, writes: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_backup, "_BYTES_PER_SECOND", 1)
    erase(shell, NORTH)
    shell.world.work()
    erase(shell, SOUTH)
    shell.world.work()
    assert (len(writes), SOUTH in shell.slot.read_text()) == (1, True)
    assert '"status": "purging: the key backup was just written"' in shell.good("tenants", "--json")
    shell.world.clock.advance(29)
    assert shell.world.work() == 0
    shell.world.clock.advance(1)
    shell.world.work()
    assert (len(writes), SOUTH in shell.slot.read_text(), ready(shell)[1]) == (2, False, 0)


def test_an_operators_purge_ignores_the_key_backups_cooldown(
    shell: CommandLine, writes: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_backup, "_BYTES_PER_SECOND", 1)
    erase(shell, NORTH)
    shell.world.work()
    shell.good("purge", SOUTH)
    assert (len(writes), SOUTH in shell.slot.read_text()) == (2, False)


@pytest.mark.claim("C-57")
def test_a_purge_waits_for_a_writer_who_may_bring_the_tenants_keys_in(shell: CommandLine) -> None:
    """Another process has read the keys before the purge, and has not written them yet."""
    shell.good("backup", str(shell.folder / "b0"))
    before = shell.slot.read_bytes()
    shell.good("purge", NORTH)
    shell.world.browser().install(NORTH)
    slot = KeyBackupFile(shell.slot.parent)
    with slot.locked(0):
        erase(shell, SOUTH)
        shell.world.work()
        assert '"status": "purging: another process writes the key backup"' in shell.good("tenants", "--json")
        slot.write(before)
    assert ready(shell)[1] == 1
    shell.world.clock.advance(1)
    shell.world.work()
    assert (ready(shell)[1], SOUTH in shell.slot.read_text()) == (0, False)


def test_a_folder_that_does_not_lock_is_named_and_the_purge_is_pending(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on some file systems of a network."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    shell.good("backup", str(shell.folder / "b0"))
    monkeypatch.setattr("slackapp.vault.key_backup_file.fcntl", SimpleNamespace(flock=flock, LOCK_EX=2, LOCK_NB=4))
    erase(shell, NORTH)
    with pytest.raises(StoreError, match=r"the folder of the key backup cannot be locked \(No locks available\)"):
        shell.world.work()
    assert ready(shell)[1] == 1


@pytest.mark.claim("C-57")
def test_what_a_killed_process_left_half_written_goes_with_the_next_purge(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    left = shell.slot.with_name(f"{shell.slot.name}.new")
    shell.world.browser().install(ORG_TEAM)
    left.write_bytes(b"keys of everybody")
    assert shell.run("purge", "--verify").status == 1
    shell.good("purge", ORG_TEAM)
    assert not left.exists()


def test_a_purge_does_not_wait_for_the_keys_of_a_new_install_to_go(
    shell: CommandLine, writes: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I remove the app and install it again, each time before the file is written."""
    monkeypatch.setattr(key_backup, "_BYTES_PER_SECOND", 1)
    erase(shell, NORTH)
    shell.world.browser().install(NORTH)
    shell.world.work()
    assert (len(writes), ready(shell)[1], NORTH in shell.slot.read_text()) == (1, 0, True)
    erase(shell, NORTH)
    shell.world.browser().install(NORTH)
    shell.world.work()
    assert (len(writes), ready(shell)[1]) == (1, 1), "the file was just written, and holds what was erased"
    key_backup.write(shell.world.service.app)
    shell.world.clock.advance(30)
    shell.world.work()
    assert (len(writes), ready(shell)[1], NORTH in shell.slot.read_text()) == (2, 0, True)
    assert in_file(shell) == in_database(shell)
