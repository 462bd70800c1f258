"""A database whose audit an older release wrote: it migrates, verifies, goes on, is cut over the border, and restored.

`tests/vectors/release-before.zip` was made by the release before the audit had columns (schema 10), in a world as
`open_shell` makes it, with audit rows kept for five days: two installs, their events and a check of their tokens; a
backup `b0`; four days later an enterprise's install, a rotation of the master key and an uninstall; two days later a
cut of the audit, and a backup `b1`. `made.json` says when that was, and which heads the release had printed.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.flows.audit import verify_audit
from slackapp.model import AuditEntry, AuditEvent
from tests.support.operator import ACTOR, CommandLine, open_shell
from tests.support.world import NORTH, ORG, SOUTH, START

FILES = Path(__file__).parents[2] / "vectors" / "release-before.zip"
DAY = 86_400
FORMER = ("id", "at", "format", "event", "actor", "tenant_kind", "tenant_id", "request_id", "result", "detail")


def made() -> dict[str, Any]:
    with zipfile.ZipFile(FILES) as files:
        found: dict[str, Any] = json.loads(files.read("made.json"))
    return found


@pytest.fixture
def old(folder: Path) -> Iterator[CommandLine]:
    """This release on the files of the release before."""
    with zipfile.ZipFile(FILES) as files:
        kept = {name: files.read(name) for name in files.namelist()}
    slot = kept.pop("key-backup/slackapp-keys.json")
    for name, content in kept.items():
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    with open_shell(folder, tenants=(), now=START + made()["at"], SLACKAPP_AUDIT_DAYS="5") as shell:
        shell.slot.write_bytes(slot)
        shell.slot.chmod(0o600)
        yield shell


def formats(shell: CommandLine) -> list[int]:
    return [row["format"] for row in shell.world.rows("SELECT format FROM audit ORDER BY id")]


def note(shell: CommandLine) -> None:
    shell.world.service.app.vault.append_committed(
        AuditEntry(at=shell.world.clock(), event=AuditEvent.KEYS_FLUSHED, actor=ACTOR)
    )


def test_the_old_rows_are_all_there_and_follow_from_one_another(old: CommandLine) -> None:
    assert old.world.audit() == made()["events"]
    assert set(formats(old)) == {1}
    for head in (made()["head"], made()["early_head"]):
        assert old.good("audit", "verify", "--head", head).startswith("all rows up to 33 follow")


def test_the_chain_goes_on_in_the_new_format(old: CommandLine) -> None:
    note(old)
    old.good("keys", "flush")
    assert formats(old)[-2:] == [2, 2]
    assert old.good("audit", "verify", "--head", made()["head"]).startswith("all rows up to 35 follow")


def test_an_old_row_is_shown_as_it_was_written(old: CommandLine) -> None:
    rows = [json.loads(line) for line in old.good("audit", "tail", "--json").splitlines()]
    assert {row["format"] for row in rows} == {1}
    assert all(set(row) <= set(FORMER) for row in rows)
    (begun,) = [row for row in rows if row["event"] == "purge.begun"]
    assert begun["detail"] == "reason=uninstall keys=4 tokens=2 inbox=1"
    assert begun["detail"] in old.good("audit", "tail", "--wide")


@pytest.mark.claim("C-28")
def test_an_old_row_that_is_edited_is_found(old: CommandLine) -> None:
    """I rewrite what I did before you changed the format."""
    note(old)
    old.change("DROP TRIGGER audit_rows_do_not_change")
    old.change("UPDATE audit SET detail = 'purpose=check' WHERE event = 'purge.begun'")
    ended = old.run("audit", "verify")
    assert (ended.status, "does not follow from the one before" in ended.error) == (1, True)


@pytest.mark.claim("C-113")
def test_an_old_row_that_is_given_a_column_is_found(old: CommandLine) -> None:
    """I fill in what an old row never said."""
    old.change("DROP TRIGGER audit_rows_do_not_change")
    old.change("UPDATE audit SET organization = 'another' WHERE event = 'purge.begun'")
    ended = old.run("audit", "verify")
    assert (ended.status, "has columns that it never had" in ended.error) == (1, True)


def test_the_audit_is_cut_before_at_and_behind_the_border_of_the_formats(old: CommandLine) -> None:
    note(old)
    for days, left in ((4, {1, 2}), (2, {2}), (5, {2})):
        old.world.clock.advance(days * DAY)
        verify_audit.prune(old.world.service.app, old.world.clock())
        assert set(formats(old)) == left
        assert "audit.cut" in old.world.audit()
        assert old.good("audit", "verify", "--head", made()["head"])
        note(old)


@pytest.mark.parametrize(("backup", "tenants"), [("b0", [NORTH]), ("b1", [ORG, NORTH])])
def test_a_backup_of_the_release_before_is_restored_and_its_audit_goes_on(
    old: CommandLine, backup: str, tenants: list[str]
) -> None:
    """The trial opens every token that it holds; whoever was removed since does not come back."""
    ended = old.restore(str(old.folder / backup))
    assert ended.status == 0, ended
    assert [row[0] for row in old.world.rows("SELECT tenant_id FROM installations ORDER BY 1")] == tenants
    assert old.world.status(SOUTH) == ""
    assert sorted(set(formats(old))) == formats(old)[:: len(formats(old)) - 1]
    assert old.good("audit", "verify")
    assert old.world.audit()[-1] == "backup.restored"


def test_what_the_release_before_sealed_opens_and_is_backed_up(old: CommandLine) -> None:
    assert "backup" in old.good("backup", str(old.folder / "b2"))
    assert old.restore(str(old.folder / "b2")).status == 0
    assert old.good("audit", "verify", "--head", made()["head"])
