"""Replies and reactions to messages, as Slack tells of them: `sql/host/replies.sql`. No text is kept."""

from collections.abc import Mapping
from typing import NamedTuple

from slackapp.host.model import ReplyType
from slackapp.model import Tenant
from slackapp.store.columns import by_word, count_rows, read_columns, read_tenant, tenant_columns
from slackapp.store.engine.database import Database

BATCH_ROWS = 500
KEEP_SECONDS = 90 * 86_400
MAX_ROWS = 1000
"""Rows of one message: what comes then is not counted any more."""
_TYPES = by_word(ReplyType)


class MessageReply(NamedTuple):
    """Reply or reaction to a message: of whom, which one, and when it was noted."""

    type: ReplyType
    author_id: str
    reaction: str = ""
    message_ts: str = ""
    noted_at: int = 0


def find_message(db: Database, tenant: Tenant, channel_id: str, message_ts: str) -> str | None:
    """Finds the id of the message at that place, where its organization wishes to know who answers."""
    asked = {**tenant_columns(tenant), "channel_id": channel_id, "message_ts": message_ts}
    row = db.one("find_message_at", asked)
    return str(row["id"]) if row is not None and row["tracks_replies"] else None


def add(db: Database, tenant: Tenant, message_id: str, reply: MessageReply, now: int) -> bool:
    """Adds one; False for one that is there, where there are too many, or where nobody wishes it any more."""
    said = {"type": str(reply.type), "author_id": reply.author_id, "reaction": reply.reaction}
    columns = {**_key(tenant, message_id), **said, "message_ts": reply.message_ts, "now": now, "most": MAX_ROWS}
    return db.execute("add_reply", columns) == 1


def remove(db: Database, tenant: Tenant, message_id: str, reply: MessageReply) -> None:
    """Removes a reaction that was taken back, or a reply that was deleted, whoever wrote it."""
    key = _key(tenant, message_id)
    if reply.type is ReplyType.REACTION:
        db.execute("remove_reaction", {**key, "author_id": reply.author_id, "reaction": reply.reaction})
    else:
        db.execute("remove_reply", {**key, "message_ts": reply.message_ts})


def list_all(db: Database, organization_id: str, message_id: str, most: int) -> list[MessageReply]:
    """Lists those to a message, the newest first."""
    asked = {"organization_id": organization_id, "message_id": message_id, "most": most}
    rows = db.many("list_received", asked)
    return [MessageReply(**{**read_columns(row), "type": _TYPES[row["type"]]}) for row in rows]


def count_by_type(db: Database, organization_id: str, message_id: str) -> Mapping[ReplyType, int]:
    """Counts those to a message, by type."""
    rows = db.many("count_received", {"organization_id": organization_id, "message_id": message_id})
    return {**dict.fromkeys(ReplyType, 0), **{_TYPES[row["type"]]: int(row["found"]) for row in rows}}


def forget(db: Database, organization_id: str) -> None:
    """Forgets all of an organization that wishes to know no more."""
    db.execute("forget_replies_of", {"organization_id": organization_id})


def sweep(db: Database, now: int) -> None:
    """Deletes what is too old."""
    db.execute("sweep_replies", {"before": now - KEEP_SECONDS})


def erase(db: Database, tenant: Tenant) -> int:
    """Erases a tenant's, in portions; how many."""
    return db.execute("erase_replies", {**tenant_columns(tenant), "most": BATCH_ROWS})


def count(db: Database, tenant: Tenant) -> int:
    """Counts a tenant's."""
    return count_rows(db, "count_replies", tenant_columns(tenant))


def list_tenants(db: Database) -> frozenset[Tenant]:
    """Lists the tenants that have such rows."""
    return frozenset(read_tenant(row) for row in db.many("reply_owners", {}))


def export(db: Database, tenant: Tenant) -> list[Mapping[str, object]]:
    """Lists what is stored of a tenant, in plain fields."""
    return [read_columns(row) for row in db.many("export_replies", tenant_columns(tenant))]


def _key(tenant: Tenant, message_id: str) -> dict[str, str]:
    return {**tenant_columns(tenant), "message_id": message_id}
