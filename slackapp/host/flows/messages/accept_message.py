"""Acceptance of messages: checked, sealed and on the disk before anybody is told that they will go out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.crypto import envelope
from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import choose_connection, list_channels
from slackapp.host.flows.messages import message_content, take_turns
from slackapp.host.flows.personal import token_holder
from slackapp.host.model import DeliveryWay, HostCaller, MessageStatus, MessageType
from slackapp.host.rows import Connection
from slackapp.host.store import messages, outbox, purposes
from slackapp.host.store.messages import Message, NewMessage

_ID_BYTES = 12
_GONE = frozenset({MessageStatus.FAILED, MessageStatus.CANCELED, MessageStatus.UNCLEAR})
"""Statuses of a message in whose thread nothing can be said."""


class MessageDraft(NamedTuple):
    """Message as it was asked for, with the fields for Slack, which were checked. None: was not said.

    `target` is what it updates or deletes; `id` is None for one that is given here.
    """

    fields: Mapping[str, Any]
    connection_id: str | None = None
    channel: str | None = None
    team_id: str | None = None
    thread_of: str | None = None
    send_at: int | None = None
    purpose: str | None = None
    internal_message_id: str | None = None
    target: Message | None = None
    type: MessageType = MessageType.MESSAGE
    id: str | None = None


def prepare(app: App, caller: HostCaller, draft: MessageDraft) -> NewMessage:
    """Prepares a message, sealed; whatever can be said before it is sent is said now. Raises Refused."""
    connection_id = draft.target.connection_id if draft.target is not None else draft.connection_id
    thread = _find_thread(app, caller, draft)
    if thread is not None and connection_id is None:
        connection_id = thread.connection_id
    connection = token_holder.require_sender(app, caller, connection_id, draft.purpose)
    if connection.tenant is None:
        raise choose_connection.refusal_of_inactive(app)
    if thread is not None and thread.connection_id != connection.id:
        raise HostRefused(HostRefusal.NOT_THERE, field="threadOf")
    if draft.team_id is not None:
        # claim: C-312
        list_channels.team_fields(connection, draft.team_id)
    delivery = _choose_delivery(connection, draft, thread)
    channel_id = _choose_channel(connection, draft, thread, delivery)
    message_id = draft.id or app.entropy(_ID_BYTES).hex()
    body = message_content.seal(app, connection.tenant, message_id, draft.fields, actor=caller)
    return NewMessage(
        id=message_id,
        organization_id=caller.organization,
        connection_id=connection.id,
        tenant=connection.tenant,
        type=MessageType.REPLY if thread is not None else draft.type,
        channel_id=channel_id,
        sender_id=caller.id or "",
        purpose_id=_choose_purpose(app, caller, connection, draft),
        body=body,
        key_id=envelope.key_id_of(body.blob),
        trace_id=caller.request_id or "",
        send_at=draft.send_at,
        internal_message_id=draft.internal_message_id or "",
        target_id=next((each.id for each in (draft.target, thread) if each is not None), ""),
        message_ts=draft.target.message_ts if draft.target is not None else "",
        delivery=delivery,
    )


def store(app: App, message: NewMessage, now: int) -> bool:
    """Stores a message, in a transaction or a shared commit, with its turn where it is next. Raises HostRefused.

    Tells whether it may go out at once, as `take_turns.give_next` does.
    """
    internal_id = message.internal_message_id
    # claim: C-254
    if internal_id and messages.find_internal(app.db, message.organization_id, internal_id) is not None:
        raise HostRefused(HostRefusal.INTERNAL_ID, field="internalMessageId")
    # claim: C-245
    if not messages.add(app.db, message, now):
        raise choose_connection.refusal_of_inactive(app)
    if message.send_at is not None:
        outbox.schedule_turn(app.db, message.tenant, message.id)
        return False
    return give_next(app, message, now)


def give_next(app: App, message: Message | NewMessage, now: int) -> bool:
    """Gives the next message of that one's channel its turn, as `store` where nobody has it."""
    return take_turns.give_next(app, message.tenant, message.channel_id, now)


def _find_thread(app: App, caller: HostCaller, draft: MessageDraft) -> Message | None:
    """Finds the message that is answered, which must be there, or come to be there. Raises HostRefused."""
    if draft.thread_of is None:
        return None
    found = messages.find(app.db, caller.organization, draft.thread_of)
    is_post = found is not None and found.type in (MessageType.MESSAGE, MessageType.REPLY)
    # claim: C-255
    if found is None or not is_post or not found.channel_id or found.status in _GONE:
        raise HostRefused(HostRefusal.NOT_THERE, field="threadOf")
    # What went out by a webhook has no place that anybody knows.
    # claim: C-309
    if found.delivery is DeliveryWay.WEBHOOK:
        raise HostRefused(HostRefusal.NOT_THERE, field="threadOf")
    # claim: C-299
    if found.status == MessageStatus.SCHEDULED and (draft.send_at or 0) <= (found.send_at or 0):
        raise HostRefused(HostRefusal.SEND_AT, field="sendAt")
    return found


def _choose_delivery(connection: Connection, draft: MessageDraft, thread: Message | None) -> DeliveryWay:
    """Chooses the way: a webhook is for what names no channel, where the connection says so."""
    is_free = draft.channel is None and draft.target is None and thread is None
    return connection.delivery if is_free else DeliveryWay.BOT


def _choose_channel(connection: Connection, draft: MessageDraft, thread: Message | None, delivery: DeliveryWay) -> str:
    """Chooses where it goes: as the draft says, or to the default channel, and where it is allowed alone."""
    default = connection.webhook_channel_id if delivery is DeliveryWay.WEBHOOK else connection.default_channel_id
    of = draft.target or thread
    if of is not None and draft.channel not in (None, of.channel_id):
        raise HostRefused(HostRefusal.CHANNEL_NOT_ALLOWED, field="channel")
    channel_id = of.channel_id if of is not None else draft.channel or default
    if not channel_id:
        raise HostRefused(HostRefusal.NO_CHANNEL, field="channel")
    # claim: C-256
    if not is_allowed(connection, channel_id):
        raise HostRefused(HostRefusal.CHANNEL_NOT_ALLOWED, field="channel")
    return channel_id


def is_allowed(connection: Connection, channel_id: str) -> bool:
    """Tells whether the connection may post to that channel; without a list it may to any."""
    return not connection.allowed_channels or channel_id in connection.allowed_channels


def _choose_purpose(app: App, caller: HostCaller, connection: Connection, draft: MessageDraft) -> str:
    if draft.purpose is None:
        return connection.purpose_id
    if purposes.find(app.db, caller.organization, draft.purpose) is None:
        raise HostRefused(HostRefusal.FIELD, field="purpose")
    return draft.purpose
