"""Sends the message whose turn it is, in the worker of the outbox: looked at, announced, called once, and marked.

What Slack has certainly not done waits and is sent again; what nobody knows is unclear, and never repeated by itself.
The mark, and the turn of the next message of the channel, are one transaction.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from slackapp.checks.capabilities import POST
from slackapp.errors import Refusal, Refused, SlackCallError
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.flows.tokens.use_token import TokenUse
from slackapp.host.checks.post_errors import UNREADABLE, PostOutcome, judge_post
from slackapp.host.flows import switch_host
from slackapp.host.flows.events import note_channel
from slackapp.host.flows.messages import look_up_channel, message_content, post_webhook, take_turns
from slackapp.host.flows.messages.accept_message import is_allowed
from slackapp.host.flows.personal import token_holder
from slackapp.host.model import ConnectionStatus, DeliveryWay, MessageReason, MessageStatus, MessageType
from slackapp.host.rows import Connection
from slackapp.host.store import connections, events, messages
from slackapp.host.store.messages import Message, SentPlace
from slackapp.host.store.messaging import channel_states
from slackapp.model import Actor, QueueState, SlackResponse
from slackapp.store import queue
from slackapp.store.queue import Run

METADATA = "slackapp_message"
"""Type of the metadata by which a message of ours is recognised; beside it stands a random id, and nothing else."""
_METHODS = {
    MessageType.MESSAGE: "chat.postMessage",
    MessageType.REPLY: "chat.postMessage",
    MessageType.UPDATE: "chat.update",
    MessageType.DELETE: "chat.delete",
}
_PARKED_BY = {
    ConnectionStatus.NEEDS_RECONNECT: MessageReason.NEEDS_RECONNECT,
    ConnectionStatus.SUSPENDED: MessageReason.SUSPENDED,
}
_PARKING = frozenset({Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED})
_WAIT, _OFF_WAIT = 30, 60
"""Seconds after which what could not be done, or was switched off, is looked at again."""


def run(app: App, row: Run, now: int) -> None:
    """Sends the message of a row of the outbox, and ends the row. Raises StoreError, and what only a bug raises."""
    # 1. find the message; one that was canceled meanwhile has nothing to send
    message = messages.find_of_tenant(app.db, row.tenant, row.event_id)
    if message is None or message.status not in (MessageStatus.SCHEDULED, MessageStatus.QUEUED):
        _end(app, row, message, lambda: None, now=now)
        return
    # 2. one whose time has come takes its place among those of its channel
    if message.status == MessageStatus.SCHEDULED:
        too_early = (message.send_at or 0) - now
        # A row that lies years ahead counts as due, and so do all of them for a clock that is years behind.
        # claim: C-290
        if too_early > 0:
            queue.postpone(app.db, row, "not before its time", now=now, wait=too_early, refund_attempt=True)
            return
        _end(app, row, message, partial(messages.set_status, app.db, message, MessageStatus.QUEUED, now=now), now=now)
        return
    # 3. ask whether the connection may post, and there
    connection = connections.find(app.db, message.organization_id, message.connection_id)
    if not _may_send(app, row, message, connection, now=now) or connection is None:
        return
    actor = replace(row.actor, organization=message.organization_id)
    try:
        # 4. look at the channel where it may be private
        # 5. note the intent, open the token, call Slack
        answer = _call(app, row, message, connection, actor=actor)
    except SlackCallError as error:
        # 6. judge what was not taken
        _judge(app, row, message, error, now=app.clock())
    except Refused as refused:
        _refuse(app, row, message, refused, now=app.clock())
    else:
        # 7. mark it as sent, and erase what it says
        _mark_sent(app, row, message, answer, now=app.clock())


def _may_send(app: App, row: Run, message: Message, connection: Connection | None, now: int) -> bool:
    """Tells whether it may go out now; else it is parked, put back or has failed."""
    if connection is None or connection.status == ConnectionStatus.REVOKED or connection.tenant != message.tenant:
        _fail(app, row, message, MessageReason.REVOKED, now=now)
    elif connection.status != ConnectionStatus.ACTIVE:
        # claim: C-258
        _park(app, row, message, _PARKED_BY.get(connection.status, MessageReason.SUSPENDED), now=now)
    elif not switch_host.is_enabled(app, message.organization_id):
        # claim: C-258
        queue.postpone(app.db, row, "switched off", now=now, wait=_OFF_WAIT, refund_attempt=True)
    # claim: C-256
    elif not is_allowed(connection, message.channel_id):
        _fail(app, row, message, MessageReason.CHANNEL, now=now)
    else:
        return True
    return False


def _call(app: App, row: Run, message: Message, connection: Connection, actor: Actor) -> SlackResponse:
    fields = _fields(app, message, actor)
    if message.delivery is DeliveryWay.WEBHOOK:
        # claim: C-307
        post_webhook.send(app, row, message, fields, actor=actor)
        return SlackResponse({}, None)
    is_post = message.type in (MessageType.MESSAGE, MessageType.REPLY)
    if is_post:
        # claim: C-259
        look_up_channel.require_open(app, connection, message, actor)
    use = TokenUse(
        tenant=message.tenant,
        holder=token_holder.holder_of(connection),
        # claim: C-260
        capability=POST,
        method=_METHODS[message.type],
        # claim: C-260
        purpose=message.purpose_id,
        actor=actor,
        statuses=token_holder.statuses_for(connection),
        channel=message.channel_id,
    )
    try:
        return use_token.call(app, use, fields, row)
    except SlackCallError as error:
        may_join = is_post and error.code == look_up_channel.NOT_IN_CHANNEL
        # claim: C-303
        if not may_join or not look_up_channel.join(app, connection, message, actor):
            raise
    return use_token.call(app, use, fields, row)


def _fields(app: App, message: Message, actor: Actor) -> dict[str, Any]:
    """Fields of the call. Raises SlackCallError where what is answered was not sent."""
    where: dict[str, Any] = {"channel": message.channel_id}
    if message.type in (MessageType.UPDATE, MessageType.DELETE):
        where["ts"] = message.message_ts
        return where | (_open(app, message, actor) if message.type == MessageType.UPDATE else {})
    said = _open(app, message, actor)
    if message.type == MessageType.REPLY:
        where["thread_ts"] = find_thread_ts(app, message)
    mark = {"event_type": METADATA, "event_payload": {"id": message.id}}
    return {**said, **where, "metadata": mark, "unfurl_links": False, "unfurl_media": False}


def _open(app: App, message: Message, actor: Actor) -> dict[str, Any]:
    """Opens what it says. Raises SlackCallError where that never will: those behind it do not wait for it."""
    try:
        return message_content.open_fields(app, message, actor)
    except Refused as refused:
        # claim: C-296
        if refused.refusal is Refusal.TOKEN_UNAVAILABLE:
            raise look_up_channel.refusal(_METHODS[message.type], UNREADABLE) from None
        raise


def find_thread_ts(app: App, message: Message) -> str:
    """Finds the thread that a reply goes to. Raises SlackCallError where what is answered was not sent."""
    target = messages.find(app.db, message.organization_id, message.target_id)
    if target is None or target.status != MessageStatus.SENT or not target.message_ts:
        raise look_up_channel.refusal(_METHODS[message.type], "thread_not_found")
    return target.thread_ts or target.message_ts


# What became of it


def _mark_sent(app: App, row: Run, message: Message, answer: SlackResponse, now: int) -> None:
    channel_id = _text(answer.data.get("channel")) or message.channel_id
    message_ts = _text(answer.data.get("ts")) or message.message_ts
    told = answer.data.get("message")
    thread_ts = _text(told.get("thread_ts")) if isinstance(told, dict) else ""

    place = SentPlace(channel_id, message_ts, thread_ts)

    def mark() -> None:
        current = _current(app, message)
        if current.status == MessageStatus.QUEUED:  # Slack says that it is so already
            messages.set_status(app.db, current, MessageStatus.SENDING, now=now)
            current = _current(app, message)
        messages.set_sent(app.db, current, place, now)
        channel_states.clear(app.db, message.tenant, message.channel_id, message.connection_id)
        events.add_of_message(app.db, current, MessageStatus.SENT, None, now=now)

    if _end(app, row, message, mark, now=now):
        take_turns.count_message(app, MessageStatus.SENT, None)


def _judge(app: App, row: Run, message: Message, error: SlackCallError, now: int) -> None:
    outcome = judge_post(message.type, error)
    if isinstance(outcome, MessageReason):
        _fail(app, row, message, outcome, now=now, slack_error=error.code)
    elif outcome is PostOutcome.DONE:
        _mark_sent(app, row, message, SlackResponse({}, None), now=now)
    elif outcome is PostOutcome.PARKED:
        _park(app, row, message, MessageReason.NEEDS_RECONNECT, now=now)
    elif outcome is PostOutcome.WAITS:
        _postpone(app, row, message, error, now=now)
    elif outcome is PostOutcome.REPEATED and row.attempts < row.queue.max_attempts:
        queue.postpone(app.db, row, error.code, now=now, wait=queue.seconds_to_wait(row))
    else:
        _leave_unclear(app, row, message, error, now=now)


def _refuse(app: App, row: Run, message: Message, refused: Refused, now: int) -> None:
    """Deals with a token that is not opened: nothing was sent."""
    if refused.refusal in _PARKING:
        _park(app, row, message, MessageReason.NEEDS_RECONNECT, now=now)
    elif refused.refusal is Refusal.CAPABILITY:
        _fail(app, row, message, MessageReason.REFUSED, now=now)
    else:
        wait = refused.retry_after or _WAIT
        queue.postpone(app.db, row, refused.refusal.code, now=now, wait=wait, refund_attempt=True)


def _postpone(app: App, row: Run, message: Message, error: SlackCallError, now: int) -> None:
    """Puts it back for as long as Slack says. Then for its place: many that wait do not go out at once."""
    earliest = now + (error.retry_after or _WAIT)
    with app.db.transaction():
        # claim: C-261
        at = take_turns.take_place(app, message.tenant, message.channel_id, earliest)
        queue.postpone(app.db, row, error.code, now=now, wait=max(earliest, at) - now, refund_attempt=True)


def _fail(app: App, row: Run, message: Message, reason: MessageReason, now: int, slack_error: str = "") -> None:
    def mark() -> None:
        current = _current(app, message)
        messages.set_status(app.db, current, MessageStatus.FAILED, reason, slack_error=slack_error, now=now)
        events.add_of_message(app.db, current, MessageStatus.FAILED, reason, now=now)
        # claim: C-305
        note_channel.note_failure(app.db, message, slack_error, now)

    if _end(app, row, message, mark, now=now):
        take_turns.count_message(app, MessageStatus.FAILED, reason)


def _park(app: App, row: Run, message: Message, reason: MessageReason, now: int) -> None:
    """Parks it; those behind it follow in upkeep, and none of them has a turn meanwhile."""

    def mark() -> None:
        current = _current(app, message)
        messages.set_status(app.db, current, MessageStatus.PARKED, reason, now=now)
        events.add_of_message(app.db, current, MessageStatus.PARKED, reason, now=now)

    if _finish(app, row, QueueState.DONE, mark, now=now):
        take_turns.count_message(app, MessageStatus.PARKED, reason)


def _leave_unclear(app: App, row: Run, message: Message, error: SlackCallError, now: int) -> None:
    def mark() -> None:
        messages.set_reason(app.db, _current(app, message), MessageReason.ANSWER_LOST, error.code)
        # claim: C-262
        take_turns.give_next(app, message.tenant, message.channel_id, now)

    app.log.error("message_unclear", {"row": row.event_id, "trace_id": row.trace_id, "reason": error.code})
    if _finish(app, row, QueueState.UNCLEAR, mark, now=now):
        take_turns.count_message(app, MessageStatus.UNCLEAR, MessageReason.ANSWER_LOST)


def _end(app: App, row: Run, message: Message | None, mark: Callable[[], object], now: int) -> bool:
    """Ends the row as `_finish`, and gives the next message of the channel its turn."""

    is_due = False

    def mark_and_go_on() -> None:
        nonlocal is_due
        mark()
        if message is not None:
            # claim: C-246
            is_due = take_turns.give_next(app, message.tenant, message.channel_id, now)

    is_ours = _finish(app, row, QueueState.DONE, mark_and_go_on, now=now)
    if is_due:
        app.wake_worker()
    return is_ours


def _finish(app: App, row: Run, state: QueueState, also: Callable[[], object], now: int) -> bool:
    """Ends the row, with the mark; False where it is not ours any more."""
    with app.db.transaction():
        return queue.finish(app.db, row, state, str(state), now=now, also=also)


def _current(app: App, message: Message) -> Message:
    """The message as it is in this transaction: the queue changes its status, too."""
    return messages.find_of_tenant(app.db, message.tenant, message.id) or message


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 64 else ""
