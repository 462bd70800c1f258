"""SLACKAPP_AUDIT_DAYS: old rows go behind a signed checkpoint, and what stays still verifies."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.flows.audit import verify_audit
from slackapp.model import AuditEntry, AuditEvent
from slackapp.store import audit
from tests.support.operator import ACTOR, CommandLine, open_shell
from tests.support.world import NORTH, START

DAY = 86_400


@pytest.fixture
def kept(folder: Path) -> Iterator[CommandLine]:
    """Rows of an install, then ten of the days after it; rows are kept for five days."""
    with open_shell(folder, tenants=(NORTH,), SLACKAPP_AUDIT_DAYS="5") as shell:
        for day in range(1, 11):
            shell.world.clock.now = START + day * DAY
            note(shell, day)
        yield shell


def entry(shell: CommandLine, number: int) -> AuditEntry:
    return AuditEntry(at=shell.world.clock(), event=AuditEvent.KEYS_REWRAPPED, actor=ACTOR, count=number)


def note(shell: CommandLine, number: int) -> None:
    shell.world.service.app.vault.append_committed(entry(shell, number))


def cut(shell: CommandLine) -> None:
    verify_audit.prune(shell.world.service.app, shell.world.clock())


def numbers(shell: CommandLine) -> list[int]:
    return [row["count"] for row in shell.world.facts("keys.rewrapped")]


def test_rows_older_than_the_setting_go_and_the_rest_verifies(kept: CommandLine) -> None:
    head = kept.good("audit", "head").strip()
    cut(kept)
    assert numbers(kept) == [*range(5, 11)]
    assert "installed" not in kept.world.audit()
    assert kept.good("audit", "verify", "--head", head).startswith("all rows up to")
    note(kept, 77)
    assert kept.good("audit", "verify", "--head", head)


def test_a_deletion_of_audit_rows_is_audited_and_numbers_go_on(kept: CommandLine) -> None:
    last = kept.world.count("audit")
    cut(kept)
    told = kept.world.rows("SELECT * FROM audit ORDER BY id DESC LIMIT 1")[0]
    first = kept.world.rows("SELECT min(id) FROM audit")[0][0]
    assert (told["event"], told["actor"], told["id"]) == ("audit.cut", "worker", last + 1)
    assert (told["record_kind"], told["record_id"]) == ("audit_row", str(first - 1))


def test_the_scheduler_deletes_old_audit_rows(kept: CommandLine) -> None:
    kept.world.service.local_scheduler.run_due(kept.world.service.app)
    assert numbers(kept)[0] == 5


def test_nothing_is_cut_twice_and_nothing_without_need(kept: CommandLine) -> None:
    cut(kept)
    before = kept.world.rows("SELECT count(*), min(id), max(id) FROM audit")[0]
    cut(kept)
    assert tuple(kept.world.rows("SELECT count(*), min(id), max(id) FROM audit")[0]) == tuple(before)


def test_with_0_days_nothing_is_ever_cut(kept: CommandLine) -> None:
    kept.world.restart(audit_days=0)
    kept.world.clock.advance(10_000 * DAY)
    before = kept.world.count("audit")
    cut(kept)
    assert kept.world.count("audit") == before


def test_the_last_row_is_never_cut_so_that_the_chain_has_an_end_to_go_on_from(kept: CommandLine) -> None:
    kept.world.clock.advance(100 * DAY)
    cut(kept)
    assert set(kept.world.audit()) == {"audit.cut"}
    note(kept, 110)
    assert kept.good("audit", "verify")


def test_a_row_that_stays_keeps_those_after_it_whatever_their_times(kept: CommandLine) -> None:
    """The clock was set back once; a hole in the middle could not be told from a removal."""
    kept.world.clock.now = START
    note(kept, 88)
    kept.world.clock.now = START + 10 * DAY
    cut(kept)
    assert numbers(kept)[-1] == 88
    assert kept.good("audit", "verify")


def test_many_old_rows_go_in_portions(kept: CommandLine) -> None:
    app = kept.world.service.app
    with app.db.transaction():
        for number in range(2 * audit.BATCH_ROWS + 100):
            app.vault.append(entry(kept, number))
    kept.world.clock.advance(6 * DAY)
    note(kept, 99)
    cut(kept)
    assert (numbers(kept), kept.world.audit().count("audit.cut")) == ([99], 3)
    assert kept.good("audit", "verify")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_checkpoint SET id = id + 1, chain = (SELECT chain FROM audit ORDER BY id LIMIT 1)",
        "UPDATE audit_checkpoint SET id = id - 1",
        "UPDATE audit_checkpoint SET at = at + 1",
        "UPDATE audit_checkpoint SET chain = zeroblob(32)",
        "UPDATE audit_checkpoint SET mac = zeroblob(32)",
    ],
)
def test_a_forged_checkpoint_is_found(kept: CommandLine, sql: str) -> None:
    """I move the checkpoint, cut a little more, and say that it was old."""
    cut(kept)
    assert kept.change(sql) == 1
    kept.change("DELETE FROM audit WHERE id <= (SELECT id FROM audit_checkpoint)")
    ended = kept.run("audit", "verify")
    assert (ended.status, "is not signed by this service" in ended.error) == (1, True)


def test_a_checkpoint_that_was_taken_away_is_found(kept: CommandLine) -> None:
    cut(kept)
    kept.change("DELETE FROM audit_checkpoint")
    ended = kept.run("audit", "verify")
    assert (ended.status, "are missing" in ended.error) == (1, True)


def test_rows_in_front_of_a_checkpoint_cannot_be_deleted_by_sql(kept: CommandLine) -> None:
    cut(kept)
    before = kept.world.count("audit")
    with pytest.raises(sqlite3.IntegrityError, match="audit rows are cut behind a checkpoint only"):
        kept.change("DELETE FROM audit")
    assert kept.world.count("audit") == before


def test_a_head_from_before_the_cut_is_no_reason_for_alarm(kept: CommandLine) -> None:
    """The head was kept when its row was the newest, and that row is the last one that was cut since."""
    number, chain = kept.world.rows("SELECT id, chain FROM audit WHERE count = 4 AND event = 'keys.rewrapped'")[0]
    older, older_chain = kept.world.rows("SELECT id, chain FROM audit WHERE count = 3 AND event = 'keys.rewrapped'")[0]
    cut(kept)
    assert kept.world.rows("SELECT id FROM audit_checkpoint")[0][0] == number
    assert kept.run("audit", "verify", "--head", f"{older}:{older_chain.hex()}").status == 0
    assert kept.run("audit", "verify", "--head", f"{number}:{bytes(32).hex()}").status == 1, "another chain than ours"
    assert kept.run("audit", "verify", "--head", f"{number}:{chain.hex()}").status == 0


def test_rows_cut_while_the_chain_is_walked_are_no_reason_for_alarm(
    kept: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = audit.checkpoint

    def cut_after(*arguments: object) -> object:
        found = checkpoint(*arguments)  # type: ignore[arg-type]
        monkeypatch.setattr(audit, "checkpoint", checkpoint)
        cut(kept)
        return found

    monkeypatch.setattr(audit, "checkpoint", cut_after)
    assert verify_audit.run(kept.world.service.app, None)[1] == []
