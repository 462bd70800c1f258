"""Changes of messages by those who may: edited or taken back here, or changed at Slack.

A change at Slack is a message of its own, in the order of its channel.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.crypto import envelope
from slackapp.flows.app import App
from slackapp.host.checks.message_transitions import WAITING
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.messages import accept_message, message_content, take_turns
from slackapp.host.flows.messages.accept_message import MessageDraft
from slackapp.host.flows.personal import token_holder
from slackapp.host.model import HostCaller, HostRole, MessageStatus, MessageType
from slackapp.host.store import messages, outbox
from slackapp.host.store.messages import AcceptedMessage, Message

_ANYBODYS = frozenset({None, HostRole.OWNER, HostRole.ADMIN})
"""Roles that may change everybody's messages: the host itself, owners and admins."""
_POSTS = frozenset({MessageType.MESSAGE, MessageType.REPLY})


def edit(app: App, caller: HostCaller, message: Message, fields: Mapping[str, Any], now: int) -> AcceptedMessage:
    """Gives a message other words: at once where it waits, at Slack where it was sent. Raises HostRefused."""
    require_own(caller, message)
    token_holder.require_sender(app, caller, message.connection_id, None)
    if message.type == MessageType.DELETE:  # which says nothing
        raise HostRefused(HostRefusal.MESSAGE_STATUS)
    if message.status not in WAITING:
        return _change_at_slack(app, caller, message, MessageDraft(fields, type=MessageType.UPDATE), now=now)
    body = message_content.seal(app, message.tenant, message.id, fields, actor=caller)
    with app.db.transaction():
        # claim: C-268
        _require_waiting(app, message)
        if not messages.replace_body(app.db, message, body, envelope.key_id_of(body.blob), now=now):
            raise HostRefused(HostRefusal.CHANGED, retry_after=1)
    return AcceptedMessage(message.id, message.status)


def withdraw(app: App, caller: HostCaller, message: Message, now: int) -> AcceptedMessage:
    """Takes back what waits, to the last second; deletes at Slack what was sent. Raises HostRefused."""
    require_own(caller, message)
    if message.status not in WAITING:
        return _change_at_slack(app, caller, message, MessageDraft({}, type=MessageType.DELETE), now=now)
    with app.db.transaction():
        # claim: C-268
        _require_waiting(app, message)
        if not messages.set_status(app.db, message, MessageStatus.CANCELED, now=now):
            raise HostRefused(HostRefusal.CHANGED, retry_after=1)
        taken = outbox.end_turn(app.db, message.tenant, message.id, now)
        if taken is not None and message.status != MessageStatus.SCHEDULED:
            take_turns.give_back(app, message.tenant, message.channel_id, taken)
        accept_message.give_next(app, message, now)
    app.wake_worker()
    return AcceptedMessage(message.id, MessageStatus.CANCELED)


def _change_at_slack(app: App, caller: HostCaller, message: Message, draft: MessageDraft, now: int) -> AcceptedMessage:
    # claim: C-268
    if message.status == MessageStatus.SENDING:
        raise HostRefused(HostRefusal.CHANGED, retry_after=1)
    is_at_slack = message.status == MessageStatus.SENT and message.type in _POSTS and message.message_ts
    if not is_at_slack:
        raise HostRefused(HostRefusal.MESSAGE_STATUS)
    change = accept_message.prepare(app, caller, draft._replace(target=message))
    with app.db.transaction():
        accept_message.store(app, change, now)
    app.wake_worker()
    return AcceptedMessage(change.id, MessageStatus.QUEUED)


def require_own(caller: HostCaller, message: Message) -> None:
    """Requires that the caller has asked for the message, or may change everybody's."""
    # claim: C-269
    if not may_change(caller, message):
        raise HostRefused(HostRefusal.NOT_OWN, actor=caller)


def may_change(caller: HostCaller, message: Message) -> bool:
    """Tells whether the caller has asked for the message, or may change everybody's."""
    return caller.role in _ANYBODYS or (bool(caller.id) and caller.id == message.sender_id)


def _require_waiting(app: App, message: Message) -> None:
    """Requires, inside a transaction, that no worker has it just now."""
    if outbox.is_running(app.db, message.tenant, message.id):
        raise HostRefused(HostRefusal.CHANGED, retry_after=1)
