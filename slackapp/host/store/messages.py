"""Messages of organizations: `sql/host/messages.sql`. Every change of a status is compare-and-swap."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from slackapp.host.checks.message_transitions import require_change
from slackapp.host.model import DeliveryWay, MessageReason, MessageStatus, MessageType
from slackapp.host.store.messaging import contents
from slackapp.model import Sealed, Tenant, UnclearRow
from slackapp.store.columns import (
    by_word,
    count_rows,
    field_columns,
    read_columns,
    read_portions,
    read_sealed,
    read_tenant,
    row_fields,
    sealed_column,
    tenant_columns,
)
from slackapp.store.engine.database import Database, Row

TURN = "slackapp.message"
"""Type of the row of the outbox by which a message has its turn."""
BATCH_ROWS = 500
NEWEST = 2**62
"""A number behind that of every message."""
_TYPES, _STATUSES, _DELIVERY_WAYS = by_word(MessageType), by_word(MessageStatus), by_word(DeliveryWay)


class Message(NamedTuple):
    """A row of `messages`. `sender_id` is the member, or "" for the host; `body` is None once it is over."""

    number: int
    id: str
    organization_id: str
    connection_id: str
    tenant: Tenant
    type: MessageType
    status: MessageStatus
    reason: str
    slack_error: str
    internal_message_id: str
    target_id: str
    channel_id: str
    message_ts: str
    thread_ts: str
    permalink: str
    sender_id: str
    purpose_id: str
    body: Sealed | None
    send_at: int | None
    queued_at: int
    parked_at: int | None
    sent_at: int | None
    created_at: int
    updated_at: int
    trace_id: str
    delivery: DeliveryWay


class NewMessage(NamedTuple):
    """Message that was accepted, before it is stored. `body` is sealed under the tenant's key."""

    id: str
    organization_id: str
    connection_id: str
    tenant: Tenant
    type: MessageType
    channel_id: str
    sender_id: str
    purpose_id: str
    body: Sealed | None
    key_id: int
    trace_id: str
    send_at: int | None = None
    internal_message_id: str = ""
    target_id: str = ""
    message_ts: str = ""
    thread_ts: str = ""
    delivery: DeliveryWay = DeliveryWay.BOT


class SentPlace(NamedTuple):
    """Place of a message at Slack; `thread_ts` is that of the thread's first message, or "" outside of any."""

    channel_id: str
    message_ts: str
    thread_ts: str = ""


class AcceptedMessage(NamedTuple):
    """Message that was accepted, or changed while it waits: its id and status."""

    id: str
    status: MessageStatus


class WaitingMessage(NamedTuple):
    """Message that waits, as upkeep looks at it."""

    id: str
    tenant: Tenant
    channel_id: str
    organization_id: str
    connection_id: str
    status: MessageStatus


class MessageFilter(NamedTuple):
    """Filter of a list of messages: None takes every one, and those accepted from `since` on, before `until`."""

    status: MessageStatus | None = None
    channel_id: str | None = None
    sender_id: str | None = None
    purpose_id: str | None = None
    since: int = 0
    until: int = NEWEST


# Reading


def find(db: Database, organization_id: str, message_id: str) -> Message | None:
    """Finds a message of that organization."""
    row = db.one("find_message", {"organization_id": organization_id, "message_id": message_id})
    return _message(row) if row is not None else None


def find_of_tenant(db: Database, tenant: Tenant, message_id: str) -> Message | None:
    """Finds a message that goes to that tenant."""
    row = db.one("find_message_of", _key(tenant, message_id))
    return _message(row) if row is not None else None


def find_internal(db: Database, organization_id: str, internal_message_id: str) -> str | None:
    """Finds the id of the message that the host calls so."""
    asked = {"organization_id": organization_id, "internal_message_id": internal_message_id}
    row = db.one("find_internal", asked)
    return str(row["id"]) if row is not None else None


def page(db: Database, organization_id: str, wanted: MessageFilter, before: int, most: int) -> list[Message]:
    """Lists messages, the newest first, with numbers below that one."""
    columns = {
        "status": str(wanted.status or ""),
        "channel_id": wanted.channel_id or "",
        "sender_id": wanted.sender_id or "",
        "purpose_id": wanted.purpose_id or "",
        "since": wanted.since,
        "until": wanted.until,
    }
    asked = {"organization_id": organization_id, "before_number": before, "most": most}
    return list(map(_message, db.many("list_messages", {**asked, **columns})))


def page_of_replies(db: Database, organization_id: str, target_id: str, before: int, most: int) -> list[Message]:
    """Lists the replies to a message that were sent from here, the newest first."""
    asked = {"organization_id": organization_id, "target_id": target_id, "before_number": before, "most": most}
    return list(map(_message, db.many("list_replies", asked)))


def next_of_channel(db: Database, tenant: Tenant, channel_id: str) -> str | None:
    """Finds the id of the message whose turn is next in a channel; None while another one has it."""
    row = db.one("next_of_channel", {**tenant_columns(tenant), "channel_id": channel_id})
    return str(row["id"]) if row is not None else None


# Changing, inside the transaction of the caller


def add(db: Database, message: NewMessage, now: int) -> bool:
    """Adds a message; False where its connection is not active, its tenant goes, or its key is out of use."""
    status = MessageStatus.QUEUED if message.send_at is None else MessageStatus.SCHEDULED
    columns = field_columns(message)
    columns["message_id"] = columns.pop("id")
    columns["type"], columns["delivery"] = str(message.type), str(message.delivery)
    columns["body"] = sealed_column(message.body)
    queued_at = message.send_at if message.send_at is not None else now
    return db.execute("add_message", {**columns, "status": str(status), "queued_at": queued_at, "now": now}) == 1


def set_status(
    db: Database,
    message: Message | WaitingMessage,
    status: MessageStatus,
    reason: MessageReason | None = None,
    *,
    slack_error: str = "",
    now: int,
) -> bool:
    """Moves to another status, and erases what it says where that is its end; False where it was changed meanwhile."""
    require_change(message.status, status)
    change = {"status": str(status), "reason": str(reason or ""), "slack_error": slack_error, "now": now}
    seen = {**_key(message.tenant, message.id), "expected": str(message.status)}
    return db.execute("set_message_status", {**seen, **change}) == 1


def set_sent(db: Database, message: Message, place: SentPlace, now: int) -> bool:
    """Notes where it is at Slack; what it says goes, or is kept where its organization wishes that.

    What a deletion took from Slack is kept nowhere. False where it was changed meanwhile.
    """
    require_change(message.status, MessageStatus.SENT)
    seen = {**_key(message.tenant, message.id), "expected": str(message.status)}
    contents.keep(db, message.tenant, message.id, str(message.status), now=now)
    if db.execute("set_message_sent", {**seen, **place._asdict(), "now": now}) != 1:
        return False
    if message.type == MessageType.DELETE:
        # claim: C-301
        contents.forget_of_target(db, message.tenant, message.organization_id, message.target_id)
    return True


def replace_body(db: Database, message: Message, body: Sealed, key_id: int, *, now: int) -> bool:
    """Gives what waits other words; False where it was changed meanwhile, or the key is out of use."""
    seen = {**_key(message.tenant, message.id), "expected": str(message.status)}
    return db.execute("replace_message_body", {**seen, "body": body.blob, "key_id": key_id, "now": now}) == 1


def set_reason(db: Database, message: Message, reason: MessageReason, slack_error: str = "") -> None:
    """Notes why it is in the status that the queue has just given it."""
    change = {"reason": str(reason), "slack_error": slack_error, "expected": str(message.status)}
    db.execute("set_message_reason", {**_key(message.tenant, message.id), **change})


def set_permalink(db: Database, organization_id: str, message_id: str, permalink: str) -> None:
    """Notes its address at Slack, which stays the same."""
    asked = {"organization_id": organization_id, "message_id": message_id, "permalink": permalink}
    db.execute("set_permalink", asked)


# Upkeep


def list_connections_waiting(db: Database) -> list[Row]:
    """Lists the connections of which messages wait, with the status of each."""
    return list(db.many("list_connections_waiting", {}))


def list_waiting(
    db: Database, connection_id: str, status: MessageStatus, other: MessageStatus, most: int = BATCH_ROWS
) -> list[WaitingMessage]:
    """Lists messages of a connection that wait in one of two statuses."""
    asked = {"connection_id": connection_id, "status": str(status), "other_status": str(other), "most": most}
    return list(map(_waiting, db.many("list_waiting", asked)))


def list_unclear_since(db: Database, since: int, most: int = BATCH_ROWS) -> list[Message]:
    """Lists messages and replies that became unclear since then, the longest ago first."""
    return list(map(_message, db.many("list_unclear_since", {"since": since, "most": most})))


def list_parked_before(db: Database, before: int, most: int = BATCH_ROWS) -> list[WaitingMessage]:
    """Lists messages that were parked before then."""
    return list(map(_waiting, db.many("list_parked_before", {"before": before, "most": most})))


def delete_of_organization(db: Database, organization_id: str) -> int:
    """Deletes messages of an organization, at most `BATCH_ROWS`; how many."""
    return db.execute("delete_messages_of", {"organization_id": organization_id, "most": BATCH_ROWS})


# Tenants that go, copies, keys


def erase(db: Database, tenant: Tenant, now: int) -> int:
    """Erases all but ids, statuses and times, of at most `BATCH_ROWS`; how many. What waits has failed."""
    return db.execute("erase_messages", {**tenant_columns(tenant), "most": BATCH_ROWS, "now": now})


def list_erased(db: Database, tenant: Tenant) -> list[WaitingMessage]:
    """Lists what is not over of those that `erase` erases next."""
    return list(map(_waiting, db.many("list_erased_waiting", {**tenant_columns(tenant), "most": BATCH_ROWS})))


def count(db: Database, tenant: Tenant) -> int:
    """Counts the rows that hold more than that."""
    return count_rows(db, "count_messages", tenant_columns(tenant))


def list_tenants(db: Database) -> frozenset[Tenant]:
    """Lists the tenants that have such rows."""
    return frozenset(read_tenant(row) for row in db.many("message_owners", {}))


def export(db: Database, tenant: Tenant, portion: int) -> Iterator[Message]:
    """Yields the messages of a tenant, so many of them read at a time."""
    return map(_message, read_portions(db, "export_messages", tenant_columns(tenant), "id", portion=portion))


def list_bodies(db: Database, tenant: Tenant, portion: int) -> Iterator[tuple[str, Sealed]]:
    """Yields id and sealed content of the tenant's messages that wait, so many of them read at a time."""
    rows = read_portions(db, "list_message_bodies", tenant_columns(tenant), "id", portion=portion)
    return ((row["id"], Sealed(row["body"])) for row in rows)


def body_of(db: Database, tenant: Tenant, message_id: str) -> Sealed | None:
    """The sealed content of a message as it lies there now."""
    row = db.one("find_message_body", _key(tenant, message_id))
    return Sealed(row["body"]) if row is not None else None


def reseal(db: Database, tenant: Tenant, message_id: str, body: Sealed) -> None:
    """Replaces its content by the same under another data key."""
    db.execute("reseal_message", {**_key(tenant, message_id), "body": body.blob})


def mark_restored(db: Database, now: int) -> list[UnclearRow]:
    """Marks what waits in a restored copy as unclear; returns which they are."""
    return [UnclearRow(**row_fields(row), type=TURN) for row in db.many("mark_messages_restored", {"now": now})]


def _key(tenant: Tenant, message_id: str) -> dict[str, Any]:
    return {**tenant_columns(tenant), "message_id": message_id}


def _message(row: Row) -> Message:
    fields = row_fields(row)
    fields["type"], fields["status"] = _TYPES[fields["type"]], _STATUSES[fields["status"]]
    fields["body"], fields["delivery"] = read_sealed(fields["body"]), _DELIVERY_WAYS[fields["delivery"]]
    return Message(**fields)


def _waiting(row: Row) -> WaitingMessage:
    fields = {**read_columns(row), "status": _STATUSES[row["status"]]}
    del fields["tenant_kind"], fields["tenant_id"]
    return WaitingMessage(tenant=read_tenant(row), **fields)
