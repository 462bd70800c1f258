"""Contents of messages that were sent, for as long as their organization keeps them: `sql/host/contents.sql`."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from slackapp.model import Sealed, Tenant
from slackapp.store.columns import count_rows, read_portions, read_sealed, read_tenant, tenant_columns
from slackapp.store.engine.database import Database

BATCH_ROWS = 500
DAY = 86_400


class MessageContent(NamedTuple):
    """A row of `message_contents`. `body` is sealed as the message's own content was."""

    message_id: str
    organization_id: str
    tenant: Tenant
    body: Sealed
    kept_at: int
    kept_until: int


def keep(db: Database, tenant: Tenant, message_id: str, expected: str, now: int) -> None:
    """Keeps what a message says, before its row forgets it, where its organization wishes that."""
    db.execute("keep_content", {**_key(tenant, message_id), "expected": expected, "now": now})


def find(db: Database, tenant: Tenant, message_id: str, now: int) -> Sealed | None:
    """Finds what a message said; None where it is kept no more, or never was."""
    row = db.one("find_content", {**_key(tenant, message_id), "now": now})
    return read_sealed(row["body"]) if row is not None else None


def body_of(db: Database, tenant: Tenant, message_id: str) -> Sealed | None:
    """The sealed content as it lies there now."""
    row = db.one("find_kept_body", _key(tenant, message_id))
    return read_sealed(row["body"]) if row is not None else None


def forget_of_target(db: Database, tenant: Tenant, organization_id: str, target_id: str) -> None:
    """Forgets what a message said that was deleted at Slack, and what it was changed to."""
    whose = {**tenant_columns(tenant), "organization_id": organization_id}
    db.execute("forget_contents_of_target", {**whose, "target_id": target_id})


def shorten(db: Database, organization_id: str, days: int) -> None:
    """Has an organization's contents kept for so many days and no longer, those that are there included."""
    db.execute("shorten_contents", {"organization_id": organization_id, "seconds": days * DAY})


def sweep(db: Database, now: int) -> int:
    """Deletes what is kept no longer, at most `BATCH_ROWS`; how many."""
    return db.execute("sweep_contents", {"now": now, "most": BATCH_ROWS})


def erase(db: Database, tenant: Tenant) -> int:
    """Erases a tenant's, at most `BATCH_ROWS`; how many."""
    return db.execute("erase_contents", {**tenant_columns(tenant), "most": BATCH_ROWS})


def count(db: Database, tenant: Tenant) -> int:
    """Counts a tenant's."""
    return count_rows(db, "count_contents", tenant_columns(tenant))


def list_tenants(db: Database) -> frozenset[Tenant]:
    """Lists the tenants that have such rows."""
    return frozenset(read_tenant(row) for row in db.many("content_owners", {}))


def export(db: Database, tenant: Tenant, portion: int) -> Iterator[MessageContent]:
    """Yields a tenant's, so many of them read at a time."""
    for row in read_portions(db, "export_contents", tenant_columns(tenant), "message_id", portion=portion):
        yield MessageContent(
            row["message_id"],
            row["organization_id"],
            read_tenant(row),
            Sealed(row["body"]),
            kept_at=row["kept_at"],
            kept_until=row["kept_until"],
        )


def reseal(db: Database, tenant: Tenant, message_id: str, body: Sealed) -> None:
    """Replaces a content by the same under another data key."""
    db.execute("reseal_content", {**_key(tenant, message_id), "body": body.blob})


def _key(tenant: Tenant, message_id: str) -> Mapping[str, str]:
    return {**tenant_columns(tenant), "message_id": message_id}
