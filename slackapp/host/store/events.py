"""Events that the host is told of: `sql/host/events.sql`. Each is added with what it tells of."""

from slackapp.host.model import ChannelState, MessageReason, MessageStatus
from slackapp.host.rows import ConnectionKey, HostEvent, HostEventKind, StatusReason
from slackapp.host.store.messages import Message, WaitingMessage
from slackapp.store.columns import by_word, read_columns
from slackapp.store.engine.database import Database

BATCH_ROWS = 500
"""How many are deleted in one transaction."""
KEEP_SECONDS = 30 * 86_400
"""Seconds for which the host may read one."""
_TYPES = by_word(HostEventKind)
_OF_MESSAGES = {
    MessageStatus.SENT: HostEventKind.MESSAGE_SENT,
    MessageStatus.FAILED: HostEventKind.MESSAGE_FAILED,
    MessageStatus.PARKED: HostEventKind.MESSAGE_PARKED,
}


def add(
    db: Database, key: ConnectionKey, event_type: HostEventKind, detail: StatusReason | ChannelState | None, now: int
) -> None:
    """Adds an event of a connection, inside the transaction that changes it."""
    what = {"organization_id": key.organization_id, "connection_id": key.id, "about_message": ""}
    db.execute("add_host_event", {**what, "type": str(event_type), "detail": str(detail or ""), "now": now})


def add_of_message(
    db: Database, message: Message | WaitingMessage, status: MessageStatus, reason: MessageReason | None, now: int
) -> None:
    """Adds an event of a message, where the host is told of its status, inside the transaction that changes it."""
    event_type = _OF_MESSAGES.get(status)
    # claim: C-263
    if event_type is not None:
        whose = {"organization_id": message.organization_id, "connection_id": message.connection_id}
        what = {"about_message": message.id, "type": str(event_type), "detail": str(reason or "")}
        db.execute("add_host_event", {**whose, **what, "now": now})


def page(db: Database, organization_id: str | None, after: int, most: int = 200) -> list[HostEvent]:
    """Lists events behind that number, in the order of commits: an organization's, or everybody's for None."""
    asked: dict[str, object] = {"after_number": after, "most": most}
    if organization_id is None:
        rows = db.many("list_host_events", asked)
    else:
        rows = db.many("list_host_events_of", {**asked, "organization_id": organization_id})
    return [HostEvent(**{**read_columns(row), "type": _TYPES[row["type"]]}) for row in rows]


def erase(db: Database, organization_id: str) -> None:
    """Erases all of an organization's."""
    db.execute("erase_host_events", {"organization_id": organization_id})


def sweep(db: Database, before: int) -> int:
    """Deletes events from before then, at most `BATCH_ROWS`; how many."""
    return db.execute("sweep_host_events", {"before": before, "most": BATCH_ROWS})
