"""Keys under which the host asks once: `sql/host/idempotency_keys.sql`."""

from slackapp.host.rows import IdempotentResponse
from slackapp.store.columns import read_columns
from slackapp.store.engine.database import Database

LIFETIME = 24 * 3600
"""Seconds for which a repeat is answered alike."""


def begin(db: Database, organization_id: str, key_hash: bytes, body_hash: bytes, now: int) -> bool:
    """Takes a key: of many requests at once, one gets True. Both hashes are 32 bytes."""
    taken = {"organization_id": organization_id, "key_hash": key_hash, "body_hash": body_hash}
    return db.execute("begin_idempotent", {**taken, "expires_at": now + LIFETIME}) == 1


def find(db: Database, organization_id: str, key_hash: bytes) -> IdempotentResponse | None:
    """Finds what was asked under a key, and answered."""
    row = db.one("find_idempotent", {"organization_id": organization_id, "key_hash": key_hash})
    return IdempotentResponse(**read_columns(row)) if row is not None else None


def finish(db: Database, organization_id: str, key_hash: bytes, status: int, answer: str) -> None:
    """Keeps the answer to the first request."""
    given = {"organization_id": organization_id, "key_hash": key_hash, "answer_status": status, "answer": answer}
    db.execute("finish_idempotent", given)


def forget(db: Database, organization_id: str, key_hash: bytes) -> None:
    """Gives a key back: the request was refused, and did nothing."""
    db.execute("forget_idempotent", {"organization_id": organization_id, "key_hash": key_hash})


def erase(db: Database, organization_id: str) -> None:
    """Erases all of an organization's: answers hold what was asked."""
    db.execute("erase_idempotent", {"organization_id": organization_id})


def sweep(db: Database, before: int) -> None:
    """Deletes keys that have expired before then."""
    db.execute("sweep_idempotent", {"before": before})
