"""The audit: rows are added, never changed, and chained: `sql/audit.sql`.

Each row carries HMAC(key, chain of the row before || this row). The key is not in this layer; the MAC comes in as a
callable. An edited, removed or re-ordered row breaks the chain from there on; cutting off the end does not, which is
why the newest chain value is worth keeping elsewhere.
"""

import struct
from dataclasses import dataclass

from slackapp.model import Mac, Tenant
from slackapp.store.db import Database

GENESIS = bytes(32)


@dataclass(frozen=True)
class Entry:
    """What happened. `detail` holds ids, counts and names of settings; never a secret, never content."""

    at: int
    event: str
    actor: str
    tenant: Tenant
    request_id: str
    result: str
    detail: str


def append(db: Database, entry: Entry, mac: Mac) -> None:
    """Adds a row; inside the caller's transaction, so that the row and what it tells of stand or fall together."""
    if not db.in_transaction():
        raise RuntimeError("an audit row is written inside a transaction")
    last = db.one("last_audit", {})
    number, chain = (last["id"] + 1, last["chain"]) if last is not None else (1, GENESIS)
    db.execute(
        "add_audit",
        {
            "id": number,
            "at": entry.at,
            "event": entry.event,
            "actor": entry.actor,
            "tenant_kind": entry.tenant.kind,
            "tenant_id": entry.tenant.id,
            "request_id": entry.request_id,
            "result": entry.result,
            "detail": entry.detail,
            "chain": mac(chain + encode(number, entry)),
        },
    )


def count(db: Database) -> int:
    """How many rows were ever written: they are numbered without gaps."""
    last = db.one("last_audit", {})
    return int(last["id"]) if last is not None else 0


def encode(number: int, entry: Entry) -> bytes:
    """The bytes of a row that its chain value covers: every field with its length before it."""
    fields = (
        str(number), str(entry.at), entry.event, entry.actor, entry.tenant.kind, entry.tenant.id, entry.request_id,
        entry.result, entry.detail,
    )  # fmt: skip
    return b"".join(struct.pack(">I", len(data)) + data for data in (field.encode() for field in fields))
