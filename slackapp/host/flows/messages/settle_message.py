"""Settlement of what is unclear: found at Slack by its metadata, or decided by a person; by nothing else.

An empty answer of Slack proves nothing: a message may show later. So it is looked for some times, and then left.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slackapp.checks.capabilities import SETTLE
from slackapp.errors import CapabilityError, Refused, SlackCallError
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.flows.tokens.use_token import TokenUse
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.messages import change_message, take_turns
from slackapp.host.flows.messages.send_message import METADATA, find_thread_ts
from slackapp.host.flows.personal import token_holder
from slackapp.host.model import ConnectionStatus, HostCaller, MessageOutcome, MessageReason, MessageStatus, MessageType
from slackapp.host.store import connections, events, messages, outbox
from slackapp.host.store.messages import AcceptedMessage, Message, SentPlace
from slackapp.model import SCHEDULER

HISTORY, REPLIES = "conversations.history", "conversations.replies"
"""Methods: what is said in a thread is not in a channel's history."""
LOOK_SECONDS = 15 * 60
"""Seconds for which an unclear message is looked for."""
_PAGE = 100
"""Messages of one look; to some apps Slack gives 15 all the same (docs.slack.dev/apis/web-api/rate-limits)."""
_HISTORY = frozenset({"channels:history", "groups:history"})
_AROUND = 60
"""Seconds before a message was accepted, and after it became unclear, within which it can have been said."""


def settle(app: App, caller: HostCaller, message: Message, outcome: MessageOutcome, now: int) -> AcceptedMessage:
    """Settles a message as a person says. Raises HostRefused."""
    change_message.require_own(caller, message)
    if message.status != MessageStatus.UNCLEAR:
        raise HostRefused(HostRefusal.MESSAGE_STATUS)
    with app.db.transaction():
        current = messages.find(app.db, caller.organization, message.id)
        status = _apply(app, current or message, outcome, now)
    app.wake_worker()
    return AcceptedMessage(message.id, status)


def _apply(app: App, message: Message, outcome: MessageOutcome, now: int) -> MessageStatus:
    """Settles it inside a transaction. Raises HostRefused where somebody was quicker."""
    if message.status != MessageStatus.UNCLEAR:
        raise HostRefused(HostRefusal.CHANGED, retry_after=1)
    # claim: C-271
    if outcome is MessageOutcome.AGAIN and message.body is None:
        raise HostRefused(HostRefusal.MESSAGE_STATUS)
    done: bool
    if outcome is MessageOutcome.SENT:
        status = MessageStatus.SENT
        done = messages.set_sent(app.db, message, SentPlace(message.channel_id, message.message_ts), now)
        events.add_of_message(app.db, message, status, None, now=now)
    elif outcome is MessageOutcome.DROPPED:
        status = MessageStatus.FAILED
        done = messages.set_status(app.db, message, status, MessageReason.DROPPED, now=now)
        events.add_of_message(app.db, message, status, MessageReason.DROPPED, now=now)
    else:
        status = MessageStatus.QUEUED
        done = messages.set_status(app.db, message, status, now=now)
    if not done:
        raise HostRefused(HostRefusal.CHANGED, retry_after=1)
    if outcome is not MessageOutcome.AGAIN:  # then its next turn takes the row
        outbox.end_unclear(app.db, message.tenant, message.id, now)
    take_turns.give_next(app, message.tenant, message.channel_id, now)
    return status


def look_for_all(app: App, stopping: Callable[[], bool]) -> None:
    """Looks for what became unclear just now, a channel or a thread at a time. Raises StoreError."""
    waiting: dict[tuple[str, str, str], list[Message]] = {}
    for message in messages.list_unclear_since(app.db, app.clock() - LOOK_SECONDS):
        thread_ts = _thread_of(app, message)
        if thread_ts is not None:
            # Of one connection: another organization's token looks for none of them.
            # claim: C-272
            waiting.setdefault((message.connection_id, message.channel_id, thread_ts), []).append(message)
    for (_, _, thread_ts), found in waiting.items():
        if stopping():
            return
        _look_for(app, found, thread_ts)


def _thread_of(app: App, message: Message) -> str | None:
    """Finds the thread that it would be in, "" outside of any; None where that is known no more."""
    if message.type != MessageType.REPLY:
        return ""
    try:
        return find_thread_ts(app, message)
    except SlackCallError:
        return None


def _look_for(app: App, wanted: list[Message], thread_ts: str) -> None:
    """Looks for the messages of one channel, or of one thread, and marks those that are there as sent."""
    first = wanted[0]
    connection = connections.find(app.db, first.organization_id, first.connection_id)
    if connection is None or connection.status != ConnectionStatus.ACTIVE or _HISTORY.isdisjoint(connection.scopes):
        return
    use = TokenUse(
        tenant=first.tenant,
        holder=token_holder.holder_of(connection),
        capability=SETTLE,
        method=REPLIES if thread_ts else HISTORY,
        purpose=first.purpose_id,
        statuses=token_holder.statuses_for(connection),
        actor=replace(SCHEDULER, organization=first.organization_id),
        channel=first.channel_id,
    )
    # Slack gives the newest first: what others have said since must not fill the page.
    fields = {
        "channel": first.channel_id,
        "oldest": str(min(message.created_at for message in wanted) - _AROUND),
        "latest": str(max(message.updated_at for message in wanted) + _AROUND),
        "limit": _PAGE,
        "include_all_metadata": True,
    }
    if thread_ts:
        fields["ts"] = thread_ts
    try:
        told = use_token.call(app, use, fields).data.get("messages")
    except (SlackCallError, Refused, CapabilityError):
        return  # that says nothing of the message
    places = {_id_of(each): each for each in told if isinstance(each, dict)} if isinstance(told, list) else {}
    for message in wanted:
        place = places.get(message.id)
        # claim: C-272
        if place is not None and isinstance(place.get("ts"), str):
            _mark_found(app, message, SentPlace(message.channel_id, place["ts"], thread_ts), app.clock())


def _mark_found(app: App, message: Message, place: SentPlace, now: int) -> None:
    with app.db.transaction():
        current = messages.find_of_tenant(app.db, message.tenant, message.id)
        is_unclear = current is not None and current.status == MessageStatus.UNCLEAR
        if is_unclear and messages.set_sent(app.db, message, place, now):
            outbox.end_unclear(app.db, message.tenant, message.id, now)
            events.add_of_message(app.db, message, MessageStatus.SENT, None, now=now)


def _id_of(told: dict[str, Any]) -> str:
    """Reads the id of a message of ours from its metadata; "" for any other."""
    metadata = told.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != METADATA:
        return ""
    payload = metadata.get("event_payload")
    claimed = payload.get("id") if isinstance(payload, dict) else None
    return claimed if isinstance(claimed, str) else ""
