"""The audit: rows are added, never changed, and chained: `sql/core/audit.sql`.

Each row carries HMAC(key, chain of the row before || this row). The key is not in this layer; the MAC comes in as a
callable. An edited, removed or re-ordered row breaks the chain from there on; cutting off the end does not, which is
why the newest chain value is worth keeping elsewhere.

New rows are of format 2, which has a column for each fact. Rows of format 1 have texts in their place; they are covered
as they were written, and nobody parses them.
"""

import hmac
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from slackapp.checks.audit_word import as_audit_word
from slackapp.errors import StoreDamagedError
from slackapp.model import AuditEntry, InstallationStatus, Mac, Tenant, Token
from slackapp.store.columns import named_holder_columns, tenant_columns
from slackapp.store.engine.database import Database, Parameters, Row

GENESIS = bytes(32)
BATCH_ROWS = 1000
"""How many rows are read or cut at once."""
FORMAT = 2
"""The format of new rows."""
UNREADABLE = "unreadable"
"""What stands for the event of a row that cannot be read."""
_FIRST, _LAST = -(2**63), 2**63 - 1
"""Numbers that a row may have: one that somebody put before the first is a row, too."""
_CHECKPOINT = b"slackapp/v1/audit-checkpoint"
_ROW = b"slackapp/v2/audit-row"

_COLUMNS_1 = ("id", "at", "event", "actor", "tenant_kind", "tenant_id", "request_id", "result", "detail")
_ADDED = (
    "actor_id", "organization", "trace_id", "connection", "holder_kind", "holder_id", "record_kind", "record_id",
    "generation", "key_id", "count", "capability", "method", "channel", "purpose",
)  # fmt: skip
_COLUMNS_2 = ("format", *_COLUMNS_1, *_ADDED)
"""What the chain value of a row covers, in this order."""
COLUMNS = (
    "id", "at", "format", "event", "actor", "actor_id", "organization", "request_id", "trace_id", "tenant_kind",
    "tenant_id", "connection", "holder_kind", "holder_id", "record_kind", "record_id", "generation", "key_id", "count",
    "capability", "method", "channel", "purpose", "result", "detail",
)  # fmt: skip
"""The same in the order in which a row is read."""

Columns = Mapping[str, Any]


def append(db: Database, entry: AuditEntry, mac: Mac) -> None:
    """Adds a row; inside the caller's transaction, so that the row and what it tells of stand or fall together."""
    # claim: C-27
    if not db.in_transaction():
        raise RuntimeError("an audit row is written inside a transaction")
    db.execute("add_audit", next_row(db, entry, mac))


def next_row(db: Database, entry: AuditEntry, mac: Mac) -> dict[str, Any]:
    """Makes the columns of the row that follows the last one: all that an INSERT needs. Raises StoreDamagedError."""
    last, chain = head(db)
    if last == _LAST:  # only somebody else writes one; whoever removes it by hand breaks the chain
        raise StoreDamagedError(f"row {last} of the audit was added by hand, and none can follow it; restore a backup")
    columns = {"format": FORMAT, "id": last + 1, **entry_columns(entry)}
    return {**columns, "chain": mac(covered(chain, columns))}


def append_read(
    db: Database,
    row: Mapping[str, Any],
    tenant: Tenant,
    token: Token | None,
    *,
    status: InstallationStatus,
    works_frozen: bool,
) -> bool:
    """Adds a reading's row if the tenant is in that status, not frozen, and the token of that generation.

    `token` is None for another record. False, and nothing written, where one of them does not hold.
    """
    # Apart from the row's own columns, whose words may be others: see `as_audit_word`.
    asked = {
        "status": str(status),
        "works_frozen": int(works_frozen),
        "asked_tenant_kind": str(tenant.kind),
        "asked_tenant_id": tenant.id,
        "asked_holder_kind": str(token.holder.kind) if token is not None else "",
        "asked_holder_id": token.holder.id if token is not None else "",
        "asked_generation": token.generation if token is not None else None,
        "granted_at": token.granted_at if token is not None else None,
    }
    return db.execute("add_read", {**row, **asked}) == 1


def entry_columns(entry: AuditEntry) -> dict[str, Any]:
    """Names the columns of an entry with their values: words that have the form of one, and numbers."""
    actor = entry.actor
    words = {
        **tenant_columns(entry.tenant),
        **named_holder_columns(entry.holder),
        "event": entry.event,
        "actor": actor.kind,
        "actor_id": actor.id,
        "organization": actor.organization,
        "request_id": actor.request_id,
        "trace_id": actor.trace_id,
        "connection": entry.connection,
        "record_kind": entry.record_kind,
        "record_id": entry.record_id,
        "capability": entry.capability,
        "method": entry.method,
        "channel": entry.channel,
        "purpose": entry.purpose,
        "result": entry.result,
        "detail": entry.detail,
    }
    numbers = {"at": entry.at, "generation": entry.generation, "key_id": entry.key_id, "count": entry.count}
    # claim: C-111
    return numbers | {name: as_audit_word(word) for name, word in words.items()}


def count(db: Database) -> int:
    """Counts the rows that were ever written, which are numbered without gaps."""
    return head(db)[0]


def covered(chain: bytes, columns: Columns) -> bytes:
    """Builds what a row's chain value covers: the chain value before it, and every column of its format."""
    if columns["format"] == 1:
        return chain + _encode_1(columns)
    # A label of its own: nothing that was ever signed in another format reads as a row of this one.
    return _ROW + chain + "".join(_encode_value(columns[name]) for name in _COLUMNS_2).encode()


def _encode_1(columns: Columns) -> bytes:
    fields = (str(columns[name]).encode() for name in _COLUMNS_1)
    return b"".join(struct.pack(">I", len(data)) + data for data in fields)


def _encode_value(value: object) -> str:
    """Length, kind and text: NULL, "" and 0 are three things, and no text moves to the next column."""
    text = "" if value is None else str(value)
    return f"{len(text)}{_KINDS.get(type(value), '?')}{text}"


_KINDS = {type(None): "n", int: "i", str: "t"}


class AuditRow(NamedTuple):
    """A row as it lies there: every column by name but the chain value."""

    number: int
    format: int
    columns: Columns
    chain: bytes
    is_readable: bool = True

    @property
    def is_bare(self) -> bool:
        """Tells whether what format 2 has added is empty, as it is in every row of format 1."""
        return not any(self.columns[name] not in ("", None) for name in _ADDED)


class Checkpoint(NamedTuple):
    """Start of the chain: the last row that was cut, or nothing."""

    number: int
    chain: bytes
    authentic: bool


def rows(db: Database) -> Iterator[AuditRow]:
    """Yields all rows in order, read in portions."""
    first = _FIRST
    while page := _page(db, first):
        yield from page
        if page[-1].number == _LAST:
            return
        first = page[-1].number + 1


def tail(db: Database, asked: Parameters) -> list[AuditRow]:
    """The last rows that are like that, oldest first; an empty text stands for any."""
    return list(_each(db, reversed(db.many("audit_tail", asked))))


def _page(db: Database, first: int) -> list[AuditRow]:
    asked = {"first": first, "limit": BATCH_ROWS}
    try:
        return [_stored(row) for row in db.many("audit_page", asked)]
    except StoreDamagedError:
        return list(_each(db, db.many("audit_numbers", asked)))


def _each(db: Database, numbers: Iterable[Row]) -> Iterator[AuditRow]:
    """Reads rows one by one: whoever adds one with a text that is none hides no other."""
    for number in (int(row["id"]) for row in numbers):
        try:
            found = db.many("audit_page", {"first": number, "limit": 1})
        except StoreDamagedError:
            columns = {**dict.fromkeys(COLUMNS, ""), "id": number, "at": 0, "event": UNREADABLE}
            yield AuditRow(number, FORMAT, columns, GENESIS, is_readable=False)
        else:
            yield from (_stored(row) for row in found if row["id"] == number)


def head(db: Database) -> tuple[int, bytes]:
    """Number and chain value of the last row."""
    last = db.one("last_audit", {})
    return (last["id"], last["chain"]) if last is not None else (0, GENESIS)


def chain_of(db: Database, number: int) -> bytes | None:
    """The chain value of a row that is there."""
    row = db.one("audit_row", {"id": number})
    return bytes(row["chain"]) if row is not None else None


def checkpoint(db: Database, mac: Mac) -> Checkpoint:
    """Reads where the chain begins, and whether that is signed as it must be."""
    row = db.one("get_checkpoint", {})
    if row is None:
        return Checkpoint(0, GENESIS, authentic=True)
    # Numbers that are below 0 were never signed, and cannot be.
    is_possible = row["id"] >= 0 and row["at"] >= 0
    is_signed = is_possible and hmac.compare_digest(mac(_signed(row["id"], row["at"], row["chain"])), row["mac"])
    return Checkpoint(row["id"], row["chain"], authentic=is_signed)


def delete_before(db: Database, before: int, mac: Mac) -> int:
    """Deletes rows from before a time behind a signed checkpoint, inside a transaction.

    Returns the last number deleted, 0 for none.
    """
    row = db.one("last_to_cut", {"before": before})
    if row is None:
        return 0
    signature = mac(_signed(row["id"], row["at"], row["chain"]))
    db.execute("set_checkpoint", {"id": row["id"], "at": row["at"], "chain": row["chain"], "mac": signature})
    db.execute("cut_audit", {"id": row["id"]})
    return int(row["id"])


def _signed(number: int, at: int, chain: bytes) -> bytes:
    return _CHECKPOINT + struct.pack(">QQ", number, at) + chain


def _stored(row: Row) -> AuditRow:
    # As it lies there: whoever edits a row may write any kind, and the chain must tell of it.
    columns = {name: row[name] for name in COLUMNS}
    return AuditRow(row["id"], row["format"], columns, row["chain"])
