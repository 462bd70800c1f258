"""The audit: rows are added, never changed, and chained."""

import hashlib
import hmac
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackapp.model import Tenant
from slackapp.store import audit
from slackapp.store.audit import AuditEntry
from slackapp.store.engine.database import Database
from tests.store.rows import NORTH, NOW, change, look

KEY = bytes(range(32))
ENTRY = AuditEntry(NOW, "installed", "anyone", NORTH, "a-request", "ok", "generation=1")
COLUMNS = "id, at, event, actor, tenant_kind, tenant_id, request_id, result, detail, chain"


def mac(data: bytes) -> bytes:
    return hmac.new(KEY, data, hashlib.sha256).digest()


def append(db: Database, *entries: AuditEntry) -> None:
    with db.transaction():
        for entry in entries:
            audit.append(db, entry, mac)


def broken_at(db: Database) -> int:
    """The first row whose chain value is not that of the row before it and its own fields; 0 for none."""
    chain = bytes(32)
    for row in look(db.path, f"SELECT {COLUMNS} FROM audit ORDER BY id"):
        fields = [str(field).encode() for field in row[:-1]]
        covered = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
        if row[-1] != mac(chain + covered):
            return int(row[0])
        chain = row[-1]
    return 0


def test_rows_are_numbered_from_one_and_linked(db: Database) -> None:
    append(db, ENTRY)
    append(db, replace(ENTRY, event="token.read"), replace(ENTRY, event="token.dead"))
    assert look(db.path, "SELECT id, event FROM audit ORDER BY id") == [
        (1, "installed"),
        (2, "token.read"),
        (3, "token.dead"),
    ]
    assert broken_at(db) == 0


def test_a_row_holds_every_field(db: Database) -> None:
    append(db, ENTRY)
    expected = (1, NOW, "installed", "anyone", "T", NORTH.id, "a-request", "ok", "generation=1")
    assert look(db.path, f"SELECT {COLUMNS} FROM audit")[0][:-1] == expected


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", NOW + 1),
        ("event", "x"),
        ("actor", "operator"),
        ("tenant_kind", "E"),
        ("tenant_id", "T0SOUTH001"),
        ("request_id", "another"),
        ("result", "failed"),
        ("detail", "generation=2"),
        ("chain", bytes(32)),
    ],
)
def test_an_edited_row_breaks_the_chain(db: Database, column: str, value: object) -> None:
    """I have the database file, take the trigger away, and rewrite what I did."""
    append(db, ENTRY, ENTRY, ENTRY)
    change(db.path, "DROP TRIGGER audit_rows_do_not_change")
    assert change(db.path, f"UPDATE audit SET {column} = ? WHERE id = 2", value) == 1
    assert broken_at(db) == 2


def test_a_removed_row_breaks_the_chain(db: Database) -> None:
    """I have the database file, take the trigger away, and take out the row that tells of me."""
    append(db, ENTRY, ENTRY, ENTRY)
    for (trigger,) in look(db.path, "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'"):
        change(db.path, f"DROP TRIGGER {trigger}")
    change(db.path, "DELETE FROM audit WHERE id = 2")
    assert broken_at(db) == 3


def test_rows_that_change_places_break_the_chain(db: Database) -> None:
    append(db, ENTRY, replace(ENTRY, event="x"), ENTRY)
    change(db.path, "DROP TRIGGER audit_rows_do_not_change")
    for new, old in ((9, 1), (1, 2), (2, 9)):
        change(db.path, "UPDATE audit SET id = ? WHERE id = ?", new, old)
    assert broken_at(db) == 1


def test_a_row_cannot_be_edited_by_hand(db: Database) -> None:
    append(db, ENTRY)
    with pytest.raises(sqlite3.IntegrityError, match="audit rows do not change"):
        change(db.path, "UPDATE audit SET result = 'x'")
    assert broken_at(db) == 0


def test_a_row_cannot_be_taken_out_by_hand(db: Database) -> None:
    append(db, ENTRY, ENTRY)
    with pytest.raises(sqlite3.IntegrityError, match="audit rows are cut behind a checkpoint only"):
        change(db.path, "DELETE FROM audit")
    assert len(look(db.path, "SELECT id FROM audit")) == 2


def test_a_row_cannot_be_replaced_by_hand(db: Database) -> None:
    """I write a row of mine over the one that tells of me."""
    append(db, ENTRY)
    columns = "id, at, event, actor, result, chain"
    with pytest.raises(sqlite3.IntegrityError, match="audit rows are not replaced"):
        change(db.path, f"INSERT OR REPLACE INTO audit ({columns}) VALUES (1, 2, 'e', 'a', 'r', zeroblob(32))")
    assert broken_at(db) == 0


@pytest.mark.claim("C-27")
def test_a_row_outside_a_transaction_is_refused(db: Database) -> None:
    with pytest.raises(RuntimeError, match="inside a transaction"):
        audit.append(db, ENTRY, mac)
    assert look(db.path, "SELECT * FROM audit") == []


def test_a_row_goes_with_the_transaction_that_it_tells_of(db: Database) -> None:
    append(db, ENTRY)

    def fail() -> None:
        with db.transaction():
            audit.append(db, replace(ENTRY, event="x"), mac)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    append(db, ENTRY)
    assert look(db.path, "SELECT id, event FROM audit ORDER BY id") == [(1, "installed"), (2, "installed")]
    assert broken_at(db) == 0


TEXT = st.text("ab1é\x00", max_size=3)
ENTRIES = st.builds(AuditEntry, st.integers(0, 99), TEXT, TEXT, st.builds(Tenant, TEXT, TEXT), TEXT, TEXT, TEXT)


@settings(max_examples=50)
@given(st.integers(1, 99), ENTRIES, st.integers(1, 99), ENTRIES)
def test_two_different_rows_never_encode_alike(one_id: int, one: AuditEntry, other_id: int, other: AuditEntry) -> None:
    """I move text from the end of one field to the beginning of the next."""
    alike = audit.encode(one_id, one) == audit.encode(other_id, other)
    assert alike is ((one_id, one) == (other_id, other))


def test_text_that_moves_to_the_next_field_changes_the_bytes() -> None:
    one, other = replace(ENTRY, result="ok", detail="x"), replace(ENTRY, result="okx", detail="")
    assert audit.encode(1, one) != audit.encode(1, other)
