"""The audit: rows are added, never changed, and chained."""

import hashlib
import hmac
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackapp.checks.audit_word import as_audit_word
from slackapp.model import BOT, Actor, ActorKind, AuditEntry, AuditEvent, AuditRecord, Holder
from slackapp.store import audit
from slackapp.store.engine.database import Database
from tests.store.rows import NORTH, NOW, change, look

KEY = bytes(range(32))
ENTRY = AuditEntry(
    at=NOW,
    event=AuditEvent.INSTALLED,
    actor=Actor(ActorKind.ANYONE, "a-request", id="1", organization="acme", trace_id="t1"),
    tenant=NORTH,
    connection="c1",
    holder=Holder.user("U0NORTH001"),
    record_kind=AuditRecord.EVENT,
    record_id="Ev1",
    generation=1,
    key_id=2,
    count=3,
    capability="post",
    method="chat.postMessage",
    channel="C1",
    purpose="p1",
    detail=AuditRecord.SCOPE,
)
COLUMNS = {
    "format": 2, "id": 1, "at": NOW, "event": "installed", "actor": "anyone", "tenant_kind": "T",
    "tenant_id": NORTH.id, "request_id": "a-request", "result": "ok", "detail": "scope", "actor_id": "1",
    "organization": "acme", "trace_id": "t1", "connection": "c1", "holder_kind": "user", "holder_id": "U0NORTH001",
    "record_kind": "event", "record_id": "Ev1", "generation": 1, "key_id": 2, "count": 3, "capability": "post",
    "method": "chat.postMessage", "channel": "C1", "purpose": "p1",
}  # fmt: skip
"""The columns of `ENTRY`, in the order in which the chain value covers them."""
LETTERS = {int: "i", str: "t", type(None): "n"}


def mac(data: bytes) -> bytes:
    return hmac.new(KEY, data, hashlib.sha256).digest()


def append(db: Database, *entries: AuditEntry) -> None:
    with db.transaction():
        for entry in entries:
            audit.append(db, entry, mac)


def broken_at(db: Database) -> int:
    """The first row whose chain value is not that of the row before it and its own fields; 0 for none."""
    chain = bytes(32)
    for *row, found in look(db.path, f"SELECT {', '.join(COLUMNS)}, chain FROM audit ORDER BY id"):
        texts = [("" if field is None else str(field), LETTERS[type(field)]) for field in row]
        covered = "".join(f"{len(text)}{letter}{text}" for text, letter in texts)
        if found != mac(b"slackapp/v2/audit-row" + chain + covered.encode()):
            return int(row[1])
        chain = found
    return 0


def test_rows_are_numbered_from_one_and_linked(db: Database) -> None:
    append(db, ENTRY)
    append(db, ENTRY._replace(event=AuditEvent.TOKEN_READ), ENTRY._replace(event=AuditEvent.TOKEN_DEAD))
    assert look(db.path, "SELECT id, event FROM audit ORDER BY id") == [
        (1, "installed"),
        (2, "token.read"),
        (3, "token.dead"),
    ]
    assert broken_at(db) == 0


def test_a_row_holds_every_field(db: Database) -> None:
    append(db, ENTRY)
    assert look(db.path, f"SELECT {', '.join(COLUMNS)} FROM audit") == [tuple(COLUMNS.values())]
    assert {name for _, name, *_ in look(db.path, "PRAGMA table_info(audit)")} == {*COLUMNS, "chain"}


@pytest.mark.claim("C-111")
@pytest.mark.parametrize(
    "text",
    [
        "two words",
        "a\nb",
        "Frank M\u00fcller",
        "xoxb-1-2-abc",
        "xoxe.xoxp-1",
        "xapp-1-A",
        "XOXB-1-2",
        "Bearer:xoxb-1-2",
        "https://hooks.slack.com/services/T0/B0/abc",
        "ghp_16C7e42F292c6912E7",
        "github_pat_11A",
        "ya29.a0AfH6SMB",
        "eyJhbGciOi.eyJzdWIi.abc",
        "a" * 129,
        "a=b",
        "<script>",
        "\ud800",
    ],
)
def test_what_is_no_word_does_not_come_into_the_audit(db: Database, text: str) -> None:
    """I get a text of mine, or a token, into what outlives the purge of its tenant."""
    actor = Actor(ActorKind.SLACK, text, id=text, organization=text, trace_id=text)
    words = ("connection", "record_id", "capability", "method", "channel", "purpose", "result")
    append(db, ENTRY._replace(actor=actor, holder=Holder.user(text), **dict.fromkeys(words, text)))
    (row,) = look(db.path, f"SELECT {', '.join(COLUMNS)} FROM audit")
    assert [value for value in row if value == "not_a_word"] == ["not_a_word"] * 12
    assert broken_at(db) == 0


@pytest.mark.parametrize("text", ["T0XOXB0001", "Ev0XOX0001", "chat.postMessage", "eyJ0", "/slack/{id}", "users:read"])
def test_an_id_stays_what_it_is(text: str) -> None:
    assert as_audit_word(text) == text


def test_the_bot_is_a_holder_without_an_id_and_nobody_is_none(db: Database) -> None:
    append(db, ENTRY._replace(holder=BOT), ENTRY._replace(holder=None))
    assert look(db.path, "SELECT holder_kind, holder_id FROM audit ORDER BY id") == [("bot", ""), ("", "")]


def test_no_number_is_none_and_not_0(db: Database) -> None:
    append(db, ENTRY._replace(count=None, key_id=0))
    assert look(db.path, "SELECT count, key_id FROM audit") == [(None, 0)]


@pytest.mark.parametrize("column", [*COLUMNS, "chain"])
def test_an_edited_row_breaks_the_chain(db: Database, column: str) -> None:
    """I have the database file, take the trigger away, and rewrite what I did."""
    if column in ("id", "format"):
        return  # another row's place, or another encoding: see below
    append(db, ENTRY, ENTRY, ENTRY)
    change(db.path, "DROP TRIGGER audit_rows_do_not_change")
    value: object = bytes(32) if column == "chain" else 9 if isinstance(COLUMNS[column], int) else "another"
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
    append(db, ENTRY, ENTRY._replace(event=AuditEvent.KEYS_FLUSHED), ENTRY)
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
            audit.append(db, ENTRY._replace(event=AuditEvent.KEYS_FLUSHED), mac)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    append(db, ENTRY)
    assert look(db.path, "SELECT id, event FROM audit ORDER BY id") == [(1, "installed"), (2, "installed")]
    assert broken_at(db) == 0


VALUES = st.one_of(st.none(), st.integers(-9, 99), st.text("ab1nit\u00e9\x00", max_size=3))
ROWS = st.fixed_dictionaries({name: VALUES for name in COLUMNS if name != "format"})


@settings(max_examples=100)
@given(ROWS, ROWS)
def test_two_different_rows_never_encode_alike(one: dict[str, object], other: dict[str, object]) -> None:
    """I move text from the end of one column to the beginning of the next, or write 0 or nothing for NULL."""
    covered = [audit.covered(bytes(32), {**row, "format": 2}) for row in (one, other)]
    assert (covered[0] == covered[1]) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"result": "ok", "detail": "x"}, {"result": "okx", "detail": ""}),
        ({"count": None}, {"count": 0}),
        ({"count": None}, {"count": ""}),
        ({"count": 0}, {"count": "0"}),
        ({"record_id": "1t1"}, {"record_id": "1", "generation": "1"}),
    ],
)
def test_what_looks_alike_is_covered_by_other_bytes(one: dict[str, object], other: dict[str, object]) -> None:
    assert audit.covered(bytes(32), {**COLUMNS, **one}) != audit.covered(bytes(32), {**COLUMNS, **other})


def test_a_row_of_the_first_format_is_covered_as_it_was_written() -> None:
    """Byte for byte what the release before wrote: every field as text, with its length in four bytes before it."""
    row = {
        "id": 7, "at": NOW, "event": "token.read", "actor": "slack:1", "tenant_kind": "T", "tenant_id": "T0NORTH001",
        "request_id": "r\u00e9", "result": "ok", "detail": "purpose=x user=",
    }  # fmt: skip
    fields = [str(value).encode() for value in row.values()]
    expected = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    assert audit.covered(b"c" * 32, {**COLUMNS, **row, "format": 1}) == b"c" * 32 + expected
