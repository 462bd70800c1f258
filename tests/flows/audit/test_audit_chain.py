"""`slackapp audit verify`: whoever can write to the database file cannot change the past unseen."""

import contextlib
import hashlib
import hmac
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import StoreDamagedError
from slackapp.flows.audit import verify_audit
from slackapp.model import AuditEntry, AuditEvent
from slackapp.store import audit
from slackapp.store.audit import AuditRow
from slackapp.store.engine.database import Database
from tests.support.operator import ACTOR, CommandLine, Ended, open_shell
from tests.support.world import NORTH

TABLES = ("audit", "audit_checkpoint")
TRIGGERS = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'"


def insert(shell: CommandLine, row: dict[str, Any], how: str = "INSERT") -> None:
    """Writes a row past the service."""
    places = ", ".join("?" * len(row))
    shell.change(f"{how} INTO audit ({', '.join(row)}) VALUES ({places})", *row.values())


def note(shell: CommandLine, number: int) -> None:
    shell.world.service.app.vault.append_committed(
        AuditEntry(at=number, event=AuditEvent.KEYS_REWRAPPED, actor=ACTOR, count=number)
    )


@pytest.fixture(scope="module")
def shared(memory_folder: Path) -> Iterator[CommandLine]:
    """An audit of some rows, whose triggers an attacker has taken away."""
    with open_shell(memory_folder, tenants=(NORTH,)) as shell:
        for number in range(8):
            note(shell, number)
        for (name,) in shell.world.rows(TRIGGERS):
            shell.change(f"DROP TRIGGER {name}")
        yield shell


@pytest.fixture
def ledger(shared: CommandLine) -> Iterator[CommandLine]:
    """The same, and what a test did to it is undone."""
    kept = {table: [tuple(row) for row in shared.world.rows(f"SELECT * FROM {table}")] for table in TABLES}
    yield shared
    with contextlib.closing(sqlite3.connect(shared.world.settings.database)) as connection, connection:
        for table, rows in kept.items():
            connection.execute(f"DELETE FROM {table}")
            for row in rows:
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def last(shell: CommandLine) -> int:
    return int(shell.world.rows("SELECT max(id) FROM audit")[0][0])


def verify(shell: CommandLine, *words: str) -> Ended:
    return shell.run("audit", "verify", *words)


def test_an_untouched_audit_verifies_and_says_how_far(ledger: CommandLine) -> None:
    assert ledger.good("audit", "verify") == f"all rows up to {last(ledger)} follow from one another\n"


def test_it_says_how_far_it_walked_and_nothing_of_rows_that_were_appended_meanwhile(
    ledger: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I wait for the walk to be over, and write what nobody looks at."""
    walked, walk = last(ledger), audit.rows

    def append_after(db: Database) -> Iterator[AuditRow]:
        yield from walk(db)
        note(ledger, 99)

    monkeypatch.setattr(audit, "rows", append_after)
    assert ledger.good("audit", "verify") == f"all rows up to {walked} follow from one another\n"
    assert last(ledger) == walked + 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", 1), ("event", "token.read"), ("actor", "slack"), ("actor_id", "1"), ("organization", "o"),
        ("request_id", "r2"), ("trace_id", "t"), ("tenant_kind", "T"), ("tenant_id", NORTH), ("connection", "c"),
        ("holder_kind", "bot"), ("holder_id", "U1"), ("record_kind", "scope"), ("record_id", "1"), ("generation", 0),
        ("key_id", 0), ("count", None), ("count", 0), ("capability", "post"), ("method", "auth.test"),
        ("channel", "C1"), ("purpose", "test"), ("result", "failed"), ("detail", "accepted"), ("chain", bytes(32)),
    ],
)  # fmt: skip
@pytest.mark.claim("C-28")
def test_an_edit_of_any_column_is_found_and_the_row_named(ledger: CommandLine, column: str, value: object) -> None:
    """I rewrite what I did."""
    number = last(ledger) - 4
    assert ledger.change(f"UPDATE audit SET {column} = ? WHERE id = ?", value, number) == 1
    ended = verify(ledger)
    assert (ended.status, ended.out) == (1, "")
    assert f"row {number} does not follow from the one before" in ended.error.splitlines()[0]


@pytest.mark.parametrize("back", [3, 4, 5])
@pytest.mark.claim("C-28")
def test_rows_that_were_taken_out_are_named(ledger: CommandLine, back: int) -> None:
    """I take out the rows that tell of me."""
    first = last(ledger) - back
    ledger.change("DELETE FROM audit WHERE id BETWEEN ? AND ?", first, first + 1)
    ended = verify(ledger)
    assert (ended.status, f"rows {first} to {first + 1} are missing" in ended.error) == (1, True)


def test_the_first_rows_taken_out_are_named(ledger: CommandLine) -> None:
    ledger.change("DELETE FROM audit WHERE id < 3")
    ended = verify(ledger)
    assert (ended.status, "rows 1 to 2 are missing" in ended.error) == (1, True)


def test_rows_that_changed_places_are_named(ledger: CommandLine) -> None:
    """I put what happened into another order."""
    one, two = last(ledger) - 4, last(ledger) - 2
    for old, new in ((one, -7), (two, one), (-7, two)):
        ledger.change("UPDATE audit SET id = ? WHERE id = ?", new, old)
    ended = verify(ledger)
    assert ended.status == 1
    for number in (one, two):
        assert f"row {number} does not follow" in ended.error


@pytest.mark.parametrize("number", [None, 0, -1, -5, -(2**63)])
@pytest.mark.claim("C-28")
def test_a_row_that_was_added_is_found_wherever_it_is_put(ledger: CommandLine, number: int | None) -> None:
    """I add a row that somebody else is to be blamed for. Without the key, a plain hash is all that I have."""
    place = last(ledger) + 1 if number is None else number
    last_row = dict(ledger.world.rows("SELECT * FROM audit ORDER BY id DESC LIMIT 1")[0])
    made_up = {**last_row, "id": place, "event": "token.read"}
    insert(ledger, {**made_up, "chain": hashlib.sha256(audit.covered(last_row["chain"], made_up)).digest()})
    assert verify(ledger).status == 1


def copy_first(shell: CommandLine, number: int, **changes: str) -> None:
    """Adds a copy of the first row under that number; the changes are SQL."""
    columns = [str(row["name"]) for row in shell.world.rows("PRAGMA table_info(audit)")]
    values = ", ".join({"id": str(number), **changes}.get(name, name) for name in columns)
    shell.change(f"INSERT INTO audit ({', '.join(columns)}) SELECT {values} FROM audit WHERE id = 1")


@pytest.mark.parametrize("number", [-(2**63), 2**63 - 1])
def test_a_row_under_the_first_or_the_last_number_of_all_is_found(ledger: CommandLine, number: int) -> None:
    copy_first(ledger, number)
    assert any(str(number) in finding for finding in findings_of(ledger))


def test_no_row_follows_the_last_number_of_all_and_a_restore_begins_with_a_whole_audit(ledger: CommandLine) -> None:
    """I add a row by hand after which no number is left, so that nothing can be noted any more."""
    ledger.good("backup", str(ledger.folder / "b0"))
    copy_first(ledger, 2**63 - 1)
    app = ledger.world.service.app
    with pytest.raises(StoreDamagedError, match=f"row {2**63 - 1} of the audit was added by hand"):
        app.vault.append_committed(AuditEntry(at=1, event=AuditEvent.KEYS_FLUSHED, actor=ACTOR))
    ended = ledger.run("keys", "flush")
    assert (ended.status, ended.error.endswith("none can follow it; restore a backup\n")) == (75, True)
    assert ledger.restore(str(ledger.folder / "b0")).status == 0
    assert (verify(ledger).status, ledger.run("keys", "flush").status) == (0, 0)


def test_a_row_with_a_text_that_is_none_is_found_and_hides_no_other(ledger: CommandLine) -> None:
    before, shown = last(ledger), ledger.good("audit", "tail")
    copy_first(ledger, before + 1, detail="CAST(x'ff' AS TEXT)")
    assert findings_of(ledger) == [f"row {before + 1} cannot be read: it was added or edited"]
    again = ledger.good("audit", "tail")
    assert "unreadable" in again
    assert len(again.splitlines()) == len(shown.splitlines()) + 1


@pytest.mark.parametrize(("number", "at"), [(0, -1), (-1, 0)])
def test_a_checkpoint_with_a_number_below_0_is_found(ledger: CommandLine, number: int, at: int) -> None:
    ledger.change(f"INSERT INTO audit_checkpoint VALUES (1, {number}, {at}, zeroblob(32), zeroblob(32))")
    assert f"the checkpoint at row {number} is not signed by this service" in findings_of(ledger)


def findings_of(shell: CommandLine) -> list[str]:
    return verify_audit.run(shell.world.service.app, None)[1]


def test_a_row_put_over_another_is_found(ledger: CommandLine) -> None:
    """I use REPLACE, which asks no trigger that watches UPDATE."""
    number = last(ledger) - 3
    row = dict(ledger.world.rows("SELECT * FROM audit WHERE id = ?", number)[0])
    insert(ledger, {**row, "result": "rewritten"}, how="REPLACE")
    assert f"row {number} does not follow" in verify(ledger).error


def append_as_service(shell: CommandLine, **columns: object) -> int:
    """A row that follows from the last one, chained with the service's own key."""
    app = shell.world.service.app
    entry = AuditEntry(at=1, event=AuditEvent.KEYS_FLUSHED, actor=ACTOR)
    row = {**audit.next_row(app.db, entry, app.keyring.audit_mac), **columns}
    before = audit.head(app.db)[1]
    insert(shell, {**row, "chain": app.keyring.audit_mac(audit.covered(before, row))})
    return int(row["id"])


@pytest.mark.claim("C-113")
def test_a_row_of_the_first_format_after_one_of_the_second_is_found(ledger: CommandLine) -> None:
    """I run the release before, whose rows say less, on a copy with its keys, and put my file in the place of yours."""
    number = append_as_service(ledger, format=1)
    ended = verify(ledger)
    assert (ended.status, ended.error) == (1, f"row {number} is of format 1, after rows of format 2\n")


@pytest.mark.claim("C-113")
@pytest.mark.parametrize(
    ("column", "value"), [("organization", "another"), ("generation", 0), ("count", 0), ("holder_kind", "bot")]
)
def test_a_row_of_the_first_format_has_no_column_of_the_second(ledger: CommandLine, column: str, value: object) -> None:
    """I fill in a column of an old row, which its chain value does not cover."""
    ledger.change("DELETE FROM audit")
    number = append_as_service(ledger, format=1)
    assert verify(ledger).status == 0
    ledger.change(f"UPDATE audit SET {column} = ?", value)
    ended = verify(ledger)
    assert (ended.status, ended.error) == (1, f"row {number} is of format 1, and has columns that it never had\n")


def test_a_chain_made_anew_with_another_key_is_found(ledger: CommandLine) -> None:
    """I compute every chain value again, with a key of my own."""
    chain = bytes(32)
    for row in ledger.world.rows("SELECT * FROM audit ORDER BY id"):
        chain = hmac.new(bytes(32), audit.covered(chain, dict(row)), "sha256").digest()
        ledger.change("UPDATE audit SET chain = ? WHERE id = ?", chain, row["id"])
    ended = verify(ledger)
    assert (ended.status, len(ended.error.splitlines()) <= 20) == (1, True)
    assert "row 1 does not follow" in ended.error


@pytest.mark.claim("C-28")
def test_a_cut_off_end_is_found_with_a_head_that_was_kept_elsewhere(ledger: CommandLine) -> None:
    """I cut off the end, where I am told of; what is left is a whole chain."""
    head = ledger.good("audit", "head").strip()
    number = last(ledger)
    assert head == f"{number}:{ledger.world.rows('SELECT chain FROM audit WHERE id = ?', number)[0][0].hex()}"
    assert verify(ledger, "--head", head).status == 0
    ledger.change("DELETE FROM audit WHERE id > ?", number - 2)
    assert verify(ledger).status == 0, "nothing in the file shows it"
    ended = verify(ledger, "--head", head)
    assert (ended.status, ended.error) == (1, f"row {number} is not there any more: the end was cut off\n")


def test_an_end_that_was_replaced_is_found_with_a_head(ledger: CommandLine) -> None:
    """I cut off the end and let the service write other rows in its place."""
    head = ledger.good("audit", "head").strip()
    number = last(ledger)
    ledger.change("DELETE FROM audit WHERE id = ?", number)
    note(ledger, 99)
    ended = verify(ledger, "--head", head)
    assert (ended.status, ended.error) == (1, f"row {number} is not the one that it was\n")


def test_an_empty_audit_is_found_with_a_head(ledger: CommandLine) -> None:
    head = ledger.good("audit", "head").strip()
    ledger.change("DELETE FROM audit")
    assert verify(ledger, "--head", head).status == 1


def test_a_broken_chain_does_not_hold_up_the_service(ledger: CommandLine) -> None:
    ledger.change("UPDATE audit SET detail = 'x' WHERE id = 2")
    assert ledger.world.mention("EvStill").status == 200
    assert verify_audit.run(ledger.world.service.app, None)[1] == [
        "row 2 does not follow from the one before: edited, moved, or its forerunner was"
    ]


def test_rows_that_are_not_behind_a_checkpoint_cannot_be_changed_by_sql(shell: CommandLine) -> None:
    """I have a shell on the database, and no time to look for triggers."""
    before = [tuple(row) for row in shell.world.rows("SELECT * FROM audit")]
    for sql in (
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        "UPDATE audit SET detail = ''",
        "REPLACE INTO audit (id, at, event, actor, result, chain) SELECT id, at, 'x', actor, '', chain FROM audit",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            shell.change(sql)
    assert [tuple(row) for row in shell.world.rows("SELECT * FROM audit")] == before
    assert audit.count(shell.world.service.app.db) == len(before)
