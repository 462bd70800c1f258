"""`slackapp restore`: an old backup, the key backup of today; who was purged since stays purged, the rest is whole."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from slackapp.cli.service.session import open_service
from slackapp.errors import StoreBusyError
from slackapp.flows.backup import key_backup
from slackapp.flows.removal import purge_tenant
from slackapp.flows.tokens import freeze_tenant
from slackapp.model import AuditDetail, RecordContext, Sealed
from slackapp.store.engine import sqlite as sqlite_engine
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.vault.keyring import Keyring
from tests.support.operator import ACTOR, CommandLine, files_of, opens_everything, tenant
from tests.support.world import NORTH, ORG, SOUTH


def backup(shell: CommandLine, name: str = "b0") -> str:
    """A backup of that moment; its folder."""
    shell.good("backup", str(shell.folder / name))
    return str(shell.folder / name)


def rows(shell: CommandLine, *tables: str) -> list[tuple[object, ...]]:
    return [tuple(row) for table in tables for row in shell.world.rows(f"SELECT * FROM {table}")]


def test_a_restore_brings_back_what_was_and_its_tokens_work(shell: CommandLine) -> None:
    shell.world.work()
    b0, before = backup(shell), rows(shell, "installations", "tokens", "data_keys", "inbox")
    shell.world.browser().install(ORG)
    shell.world.mention("EvLost")
    ended = shell.restore(b0)
    assert (ended.status, ended.error) == (0, "")
    assert ended.out.startswith("2 tenants open whole; 0 were purged since and are erased\n")
    assert rows(shell, "installations", "tokens", "data_keys", "inbox") == before
    assert opens_everything(shell.world)
    assert shell.answers(NORTH, "EvAfter")
    assert shell.world.settings.database.stat().st_mode & 0o777 == 0o600


def test_after_a_restore_the_audit_verifies_and_tells_of_it(shell: CommandLine) -> None:
    b0, made_at = backup(shell), shell.world.clock()
    shell.world.clock.advance(100)
    shell.good("purge", SOUTH)
    assert shell.restore(b0).status == 0
    (row,) = shell.world.rows("SELECT * FROM audit WHERE event = 'backup.restored'")
    assert (row["actor"], row["at"], row["record_id"], row["count"]) == ("operator", made_at + 100, str(made_at), 1)
    assert shell.good("audit", "verify")


@pytest.mark.claim("C-63")
def test_who_was_purged_since_is_erased_and_nobody_else(shell: CommandLine) -> None:
    """I was a customer, and had myself removed; then they restored a backup from the time before."""
    b0, gone, stays = backup(shell), shell.blobs(NORTH), rows(shell, "tokens")
    shell.good("purge", NORTH)
    ended = shell.restore(b0)
    assert (ended.status, ended.out.splitlines()[0]) == (0, "1 tenants open whole; 1 were purged since and are erased")
    assert (shell.world.status(NORTH), shell.blobs(NORTH), shell.world.status(SOUTH)) == ("", set(), "active")
    assert rows(shell, "tokens") == [row for row in stays if SOUTH in row]
    files = shell.world.bytes_on_disk() + shell.slot.read_bytes()
    assert [blob for blob in gone if blob in files] == []
    assert shell.answers(SOUTH, "EvAfter")
    assert shell.good("purge", "--verify")


def test_what_lies_in_an_old_backup_of_a_purged_tenant_opens_with_no_key_that_is_left(shell: CommandLine) -> None:
    """I have the old backup, the key backup of today and the master key: everything but the keys that are gone."""
    backup(shell)
    ids = shell.key_ids(NORTH)
    shell.good("purge", NORTH)
    with closing(sqlite3.connect(shell.folder / "b0" / "data.db")) as old:
        assert old.execute("SELECT count(*) FROM tokens WHERE tenant_id = ?", (NORTH,)).fetchone() == (2,)
        found = old.execute("SELECT key_id, length(wrapped) FROM data_keys WHERE tenant_id = ?", (NORTH,)).fetchall()
    assert found == [(key_id, 0) for key_id in sorted(ids)]
    slot = shell.slot.read_text()
    assert [key_id for key_id in ids if str(key_id) in slot] == []


def test_a_tenant_that_came_back_after_its_purge_is_not_served_with_its_old_records(shell: CommandLine) -> None:
    b0 = backup(shell)
    shell.good("purge", NORTH)
    shell.world.browser().install(NORTH)
    backup(shell, "b1")
    assert shell.restore(b0).status == 0
    assert (shell.world.status(NORTH), shell.world.status(SOUTH)) == ("", "active")
    assert shell.restore(str(shell.folder / "b1")).status == 0
    assert shell.world.status(NORTH) == "active", "the newer backup has the new keys' records"
    assert opens_everything(shell.world)


@pytest.mark.long
def test_a_backup_from_before_a_rotation_opens_after_the_old_master_key_is_gone(shell: CommandLine) -> None:
    b0 = backup(shell)
    shell.good("keys", "rotate")
    shell.good("keys", "retire", "1")
    assert shell.restore(b0).status == 0
    assert (shell.masters(), opens_everything(shell.world)) == ({("local", 2)}, True)
    assert "primary" in shell.good("keys", "list")
    shell.good("keys", "rotate")


def test_new_data_keys_end_older_backups_for_that_tenant_and_no_other(shell: CommandLine) -> None:
    b0 = backup(shell)
    shell.good("keys", "reencrypt", "--tenant", NORTH)
    ended = shell.restore(b0, "--check")
    assert ended.out.startswith("1 tenants open whole; 1 were purged since and are erased")
    b1 = backup(shell, "b1")
    assert shell.restore(b1, "--check").out.startswith("2 tenants open whole; 0 were")


@pytest.mark.claim("C-25")
def test_check_changes_nothing_but_notes_first_whose_tokens_it_opens(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I may check backups: nobody sees that each check opens every token."""
    b0 = backup(shell)
    shell.world.browser().install(ORG)
    shell.world.service.stop()
    kept, files, read = shell.world.snapshot(), other_files(shell), reads(shell)
    noted = reads_at_each_opening(shell, monkeypatch)
    ended = shell.run("restore", b0, "--check")
    assert (ended.status, ended.out.splitlines()[1]) == (0, "nothing was changed")
    assert (shell.world.snapshot(), other_files(shell)) == (kept, files)
    told = shell.world.rows("SELECT actor, tenant_id, purpose FROM audit WHERE event = 'token.read'")[read:]
    assert [tuple(row) for row in told] == [("operator", tenant, "restore") for tenant in (NORTH, SOUTH)]
    assert set(noted) == {read + 2}
    shell.world.restart()
    assert shell.world.status(ORG) == "active"


@pytest.mark.claim("C-25")
def test_a_restore_notes_in_the_restored_audit_whose_tokens_it_opens(shell: CommandLine) -> None:
    b0 = backup(shell)
    assert shell.restore(b0).status == 0
    told = shell.world.rows("SELECT tenant_id FROM audit WHERE purpose = 'restore' ORDER BY id")
    assert [row[0] for row in told] == [NORTH, SOUTH]


@pytest.mark.claim("C-25")
def test_a_restore_that_is_refused_has_left_a_note_of_what_it_opened(shell: CommandLine) -> None:
    shell.change("UPDATE tokens SET access = zeroblob(200) WHERE tenant_id = ? AND holder_id = ''", SOUTH)
    assert shell.run("backup", str(shell.folder / "b0")).status == 1
    assert shell.restore(str(shell.folder / "b0")).status == 1
    told = shell.world.rows("SELECT tenant_id FROM audit WHERE purpose = 'restore' ORDER BY id")
    assert [row[0] for row in told] == [NORTH, SOUTH]


def test_a_check_with_no_database_to_note_it_in_is_refused(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    b0 = backup(shell)
    shell.world.service.stop()
    monkeypatch.setenv("SLACKAPP_DATABASE", str(shell.folder / "nowhere.db"))
    ended = shell.run("restore", b0, "--check")
    assert (ended.status, "a check notes in it that it opens every token" in ended.error) == (78, True)
    assert not list(shell.folder.glob("nowhere.db*"))


def other_files(shell: CommandLine) -> dict[str, str]:
    """Of every file but the database's own."""
    return {name: digest for name, digest in files_of(shell.folder).items() if not name.startswith("slackapp.db")}


def reads(shell: CommandLine) -> int:
    return shell.world.audit().count("token.read")


def reads_at_each_opening(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many reads the audit tells of when a record is opened."""
    noted: list[int] = []
    opens = Keyring.open

    def watched(ring: Keyring, context: RecordContext, sealed: Sealed) -> bytes:
        noted.append(reads(shell))
        return opens(ring, context, sealed)

    monkeypatch.setattr(Keyring, "open", watched)
    return noted


def test_a_backup_with_a_record_that_does_not_open_is_refused_and_the_record_named(shell: CommandLine) -> None:
    shell.change("UPDATE tokens SET access = zeroblob(200) WHERE tenant_id = ? AND holder_id = ''", NORTH)
    assert shell.run("backup", str(shell.folder / "b0")).status == 1
    before = shell.world.snapshot(), other_files(shell)
    ended = shell.run("restore", str(shell.folder / "b0"), "--check")
    assert (ended.status, ended.error) == (
        1,
        f"slackapp: the backup is damaged: {NORTH}: a bot_access does not open\n",
    )
    assert (shell.world.snapshot(), other_files(shell)) == before


def test_check_works_while_the_service_runs(shell: CommandLine) -> None:
    b0 = backup(shell)
    assert shell.good("restore", b0, "--check").startswith("2 tenants open whole")


def test_a_database_in_use_is_not_replaced(shell: CommandLine) -> None:
    b0 = backup(shell)
    shell.world.browser().install(ORG)
    ended = shell.run("restore", b0)
    assert (ended.status, ended.error) == (75, "slackapp: the database is in use; stop the service first; try again\n")
    assert shell.world.status(ORG) == "active"
    assert shell.world.service.app.db.is_sound(thorough=True)
    assert not list(shell.folder.glob(".restore-*"))


def test_a_service_that_is_just_starting_counts_as_using_the_database(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would serve from a file that is no longer there."""
    other = shell.folder / "other.db"
    SqliteDatabase(other).create_or_migrate()
    shell.world.service.stop()
    migrate = sqlite_engine.migrate
    refused: list[bool] = []

    def meanwhile(db: SqliteDatabase, *arguments: Any, is_alone: bool) -> None:
        migrate(db, *arguments, is_alone=is_alone)
        if db.path == shell.world.settings.database:
            try:
                db.load_from(other, lambda: None)
            except StoreBusyError:
                refused.append(True)

    monkeypatch.setattr(sqlite_engine, "migrate", meanwhile)
    shell.world.restart()
    assert refused == [True]


def test_the_log_of_the_old_database_does_not_leak_into_the_restored_one(shell: CommandLine) -> None:
    """The service was killed: its last commits lie in the log beside the file."""
    b0 = backup(shell)
    path = shell.world.settings.database
    log = path.with_name(path.name + "-wal")
    shell.world.service.app.db.erase_residue()
    shell.world.browser().install(ORG)
    left = {file: file.read_bytes() for file in (path, log)}
    assert len(left[log]) > 10_000
    shell.world.service.stop()
    for file, content in left.items():
        file.write_bytes(content)
        file.chmod(0o600)
    assert shell.run("restore", b0).status == 0
    assert not log.exists() or log.stat().st_size == 0
    shell.world.restart()
    assert (shell.world.status(ORG), shell.world.status(NORTH)) == ("", "active")
    assert shell.world.service.app.db.is_sound(thorough=True)


def test_a_restore_works_where_there_is_no_database_any_more(shell: CommandLine) -> None:
    b0 = backup(shell)
    shell.world.service.stop()
    for file in shell.folder.glob("slackapp.db*"):
        file.unlink()
    assert shell.run("restore", b0).status == 0
    shell.world.restart()
    assert opens_everything(shell.world)


def test_a_backup_may_be_moved_and_copied(shell: CommandLine, tmp_path: Path) -> None:
    shutil.copytree(backup(shell), tmp_path / "elsewhere")
    shutil.rmtree(shell.folder / "b0")
    assert shell.restore(str(tmp_path / "elsewhere")).status == 0


def test_a_backup_is_not_changed_by_its_restore(shell: CommandLine) -> None:
    b0 = backup(shell)
    shell.good("purge", NORTH)
    before = files_of(shell.folder / "b0")
    assert shell.restore(b0).status == 0
    assert files_of(shell.folder / "b0") == before


# What was under way


def states(shell: CommandLine) -> dict[str, tuple[str, str]]:
    """By type and tenant: how the row stands."""
    rows = shell.world.rows("SELECT type, tenant_id, state, result FROM inbox WHERE state <> 'done'")
    return {f"{row['type']} {row['tenant_id']}": (row["state"], row["result"]) for row in rows}


@pytest.mark.claim("C-93")
def test_what_was_open_when_the_backup_was_made_is_shown_and_makes_no_call(shell: CommandLine) -> None:
    """Each mention was answered after the backup: a second answer is one that nobody asked for."""
    shell.change("UPDATE inbox SET state = 'calling', lease_until = 1 WHERE event_id = 'EvWaits1'")
    b0 = backup(shell)
    assert shell.restore(b0).out.splitlines()[2].startswith("2 rows were open and may have been run since; ")
    shown = ("unclear", "open when the backup was made")
    assert states(shell) == {f"app_mention {NORTH}": shown, f"app_mention {SOUTH}": shown}
    assert shell.world.audit().count("event.unclear") == 2
    shell.world.clock.advance(300)
    assert (shell.world.work(), shell.world.calls()) == (0, [])
    shell.good("inbox", "retry", "EvWaits0")
    shell.world.work()
    assert shell.world.calls() == ["chat.postMessage"]


def test_a_greeting_is_not_given_twice_and_a_removal_goes_on(shell: CommandLine) -> None:
    """Both were open; the one is a call to Slack, the other must not be forgotten."""
    shell.world.browser().install(ORG)
    shell.world.event({"type": "app_uninstalled"}, "EvGone", team_id=SOUTH)
    b0 = backup(shell)
    shell.world.slack.uninstall(SOUTH)
    assert shell.restore(b0).status == 0
    assert states(shell)[f"app_uninstalled {SOUTH}"][0] == "ready"
    assert states(shell)[f"slackapp.installed {ORG}"][0] == "unclear"
    shell.world.work()
    assert (shell.world.status(SOUTH), shell.world.status(ORG)) == ("", "active")


@pytest.mark.claim("C-93")
def test_an_install_link_that_may_have_been_used_since_the_backup_works_no_more(shell: CommandLine) -> None:
    browser = shell.world.browser()
    consented = browser.consent(browser.begin(), ORG)
    b0 = backup(shell)
    assert shell.restore(b0).status == 0
    assert browser.follow_callback(consented).status == 400
    assert shell.world.status(ORG) == ""


@pytest.mark.claim("C-63")
def test_a_removal_that_the_replaced_database_had_not_finished_is_not_lost(shell: CommandLine) -> None:
    """The key backup could not be rewritten, and still has the keys of whom the purge is for."""
    b0 = backup(shell)
    shell.world.clock.advance(1)
    obstacle = shell.slot.with_name(f"{shell.slot.name}.new")
    obstacle.mkdir()
    assert shell.run("purge", NORTH).status == 75
    assert NORTH in shell.slot.read_text()
    assert shell.restore(b0).status == 0
    assert (shell.world.status(NORTH), shell.blobs(NORTH), shell.world.status(SOUTH)) == ("", set(), "active")


@pytest.mark.claim("C-63")
@pytest.mark.parametrize("what", ["the key backup", "the removals"])
def test_a_purge_while_a_restore_is_under_way_is_not_undone(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The service runs on while the copy is filled, and is stopped just before the copy takes the database's place."""
    b0 = backup(shell)
    replace = SqliteDatabase.load_from

    def purged(*arguments: Any) -> None:
        with open_service() as service:
            app = service.app
            with app.db.transaction():
                purge_tenant.erase(app, tenant(NORTH), AuditDetail.OPERATOR, ACTOR, app.clock())
            if what == "the key backup":
                key_backup.write(app)
                shell.change("DELETE FROM inbox WHERE type = 'slackapp.purge'")
        replace(*arguments)

    monkeypatch.setattr(SqliteDatabase, "load_from", purged)
    ended = shell.restore(b0)
    assert (ended.status, "meanwhile; restore again" in ended.error) == (75, True)
    assert shell.world.status(NORTH) == ""


def frozen(shell: CommandLine) -> list[tuple[object, ...]]:
    """Whose freezes hold, since when and by whose command."""
    sql = "SELECT tenant_id, frozen_at, actor, request_id FROM freezes ORDER BY tenant_id"
    return [tuple(row) for row in shell.world.rows(sql)]


@pytest.mark.claim("C-126")
def test_a_freeze_of_the_backup_and_one_from_after_it_both_hold(shell: CommandLine) -> None:
    """I use a stolen token, and they restore yesterday's backup."""
    shell.good("freeze", "--tenant", SOUTH)
    b0 = backup(shell)
    shell.world.clock.advance(100)
    shell.good("freeze", "--tenant", NORTH)
    shell.good("freeze", "--everything")
    before = frozen(shell)
    shell.world.clock.advance(100)
    assert shell.restore(b0).status == 0
    assert (len(before), frozen(shell)) == (3, before)
    noted = shell.world.rows("SELECT at, tenant_id, actor, result FROM audit WHERE event = 'freeze.on' ORDER BY id")
    now = shell.world.clock()
    assert [tuple(row) for row in noted[-2:]] == [(now, "", "operator", "on"), (now, NORTH, "operator", "on")]
    assert len(noted) == 3
    assert shell.good("audit", "verify")


LOST = "cannot be read: freezes from after the backup, and removals that were not finished, are lost with it"


def test_a_freeze_of_a_damaged_database_does_not_stop_a_restore_and_the_operator_is_told(
    shell: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    b0 = backup(shell)
    shell.good("freeze", "--tenant", NORTH)
    shell.world.service.stop()
    shell.world.settings.database.write_bytes(b"no database" * 999)
    ended = shell.run("restore", b0)
    assert (ended.status, LOST in ended.error) == (0, True)
    assert '"event":"decisions_lost"' in ended.error.replace(" ", "")
    shell.world.restart()
    assert frozen(shell) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_restore_that_loses_no_decision_does_not_speak_of_any(shell: CommandLine, there: bool) -> None:
    """Negative control: with a whole database in its place, and with none."""
    b0 = backup(shell)
    shell.world.service.stop()
    if not there:
        shell.world.settings.database.unlink()
    ended = shell.run("restore", b0)
    shell.world.restart()
    assert (ended.status, ended.error) == (0, "")


@pytest.mark.claim("C-126")
def test_a_freeze_while_a_restore_is_under_way_is_not_lost(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    b0 = backup(shell)
    replace = SqliteDatabase.load_from

    def frozen_first(*arguments: Any) -> None:
        with open_service() as service:
            freeze_tenant.run(service.app, tenant(NORTH), ACTOR, service.app.clock())
        replace(*arguments)

    monkeypatch.setattr(SqliteDatabase, "load_from", frozen_first)
    ended = shell.restore(b0)
    assert (ended.status, "meanwhile; restore again" in ended.error) == (75, True)
    assert [row[0] for row in frozen(shell)] == [NORTH]
