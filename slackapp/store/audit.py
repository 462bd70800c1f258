"""The audit: rows are added, never changed, and chained: `sql/core/audit.sql`.

Each row carries HMAC(key, chain of the row before || this row). The key is not in this layer; the MAC comes in as a
callable. An edited, removed or re-ordered row breaks the chain from there on; cutting off the end does not, which is
why the newest chain value is worth keeping elsewhere.
"""

import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from slackapp.model import Mac, Tenant
from slackapp.store.columns import field_columns
from slackapp.store.engine.database import Database, Row

GENESIS = bytes(32)
BATCH_ROWS = 1000
"""How many rows are read or cut at once."""
_CHECKPOINT = b"slackapp/v1/audit-checkpoint"


@dataclass(frozen=True)
class AuditEntry:
    """Entry of the audit: `detail` holds ids, counts and names of settings; never a secret, never content."""

    at: int
    event: str
    actor: str
    tenant: Tenant
    request_id: str
    result: str
    detail: str


def append(db: Database, entry: AuditEntry, mac: Mac) -> None:
    """Adds a row; inside the caller's transaction, so that the row and what it tells of stand or fall together."""
    # claim: C-27
    if not db.in_transaction():
        raise RuntimeError("an audit row is written inside a transaction")
    last, chain = head(db)
    number = last + 1
    db.execute("add_audit", {**field_columns(entry), "id": number, "chain": mac(chain + encode(number, entry))})


def count(db: Database) -> int:
    """Counts the rows that were ever written, which are numbered without gaps."""
    return head(db)[0]


def encode(number: int, entry: AuditEntry) -> bytes:
    """The bytes of a row that its chain value covers: every field with its length before it."""
    fields = (
        str(number), str(entry.at), entry.event, entry.actor, entry.tenant.kind, entry.tenant.id, entry.request_id,
        entry.result, entry.detail,
    )  # fmt: skip
    return b"".join(struct.pack(">I", len(data)) + data for data in (field.encode() for field in fields))


@dataclass(frozen=True)
class AuditRow:
    """A row as it lies there."""

    number: int
    entry: AuditEntry
    chain: bytes


@dataclass(frozen=True)
class Checkpoint:
    """Start of the chain: the last row that was cut, or nothing."""

    number: int
    chain: bytes
    authentic: bool


def rows(db: Database) -> Iterator[AuditRow]:
    """Yields all rows in order, read in portions."""
    first = -(2**63)  # a row that somebody put before the first is a row, too
    while page := db.many("audit_page", {"first": first, "limit": BATCH_ROWS}):
        yield from (_stored(row) for row in page)
        first = page[-1]["id"] + 1


def tail(db: Database, tenant_id: str | None, event: str | None, since: int, limit: int) -> list[AuditRow]:
    """The last rows, oldest first; None for any tenant or event."""
    parameters = {"tenant_id": tenant_id or "", "event": event or "", "since": since, "limit": limit}
    return [_stored(row) for row in reversed(db.many("audit_tail", parameters))]


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
    expected = mac(_signed(row["id"], row["at"], row["chain"]))
    return Checkpoint(row["id"], row["chain"], hmac.compare_digest(expected, row["mac"]))


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
    tenant = Tenant(row["tenant_kind"], row["tenant_id"])
    entry = AuditEntry(row["at"], row["event"], row["actor"], tenant, row["request_id"], row["result"], row["detail"])
    return AuditRow(row["id"], entry, row["chain"])
