"""`/api/v2/slack/messages`: what an organization posts, and what became of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, make_cursor, make_link, read_position
from slackapp.host.checks.csv_text import write_csv
from slackapp.host.checks.fields import require_fields
from slackapp.host.checks.message_content import require_content
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.messages import accept_message, answer_once, change_message, settle_message, show_message
from slackapp.host.flows.messages.accept_message import MessageDraft
from slackapp.host.flows.messages.answer_once import RepeatableRequest
from slackapp.host.forms import MESSAGE, ONE_OF_SEVERAL, optional_time, time_of
from slackapp.host.handlers.messaging.templates import read_content
from slackapp.host.model import HostCaller, MessageOutcome, MessageStatus, ReplyType
from slackapp.host.store import messages
from slackapp.host.store.messages import Message, MessageFilter, NewMessage
from slackapp.host.store.messaging import replies
from slackapp.host.store.messaging.replies import MessageReply
from slackapp.web.response import Response, csv_file

_LIST, _REPLIES, _CONTENT = "messages", "replies", "content"
_MOST_RECEIVED = 200
_MAX_AHEAD = 365 * 86_400
"""Seconds that a message may be scheduled ahead."""


def post(app: App, call: HostCall, now: int) -> Answer:
    """Takes a message: it is on the disk when this is answered."""
    return _accept(app, call, call.body, now)


def reply(app: App, call: HostCall, now: int) -> Answer:
    """Takes a reply to a message."""
    return _accept(app, call, {**call.body, "threadOf": call.id}, now)


def edit(app: App, call: HostCall, now: int) -> Answer:
    """Gives a message other words."""
    fields = require_content(call.body.get("text"), call.body.get("blocks"))
    return change_message.edit(app, call.caller, require_message(app, call), fields, now=now)._asdict()


def withdraw(app: App, call: HostCall, now: int) -> Answer:
    """Takes a message back, or deletes it at Slack."""
    return change_message.withdraw(app, call.caller, require_message(app, call), now)._asdict()


def settle(app: App, call: HostCall, now: int) -> Answer:
    """Settles what is unclear, as a person says who has looked."""
    outcome = MessageOutcome(call.body["outcome"])
    return settle_message.settle(app, call.caller, require_message(app, call), outcome, now=now)._asdict()


def post_all(app: App, call: HostCall, now: int) -> Answer:
    """Takes several messages: each is accepted, or refused for itself."""
    request = RepeatableRequest(call.key, call.route, call.body)
    # claim: C-295
    if (before := answer_once.find_answer(app, call.caller, request)) is not None:
        return before
    prepared = [_prepare_one(app, call, each, number, now=now) for number, each in enumerate(call.body["messages"])]

    def store() -> Answer:
        return {"results": [_store_one(app, each, now) for each in prepared]}

    told = answer_once.run(app, call.caller, request, store, now=now)
    app.wake_worker()
    return told


def _prepare_one(app: App, call: HostCall, given: Any, number: int, now: int) -> NewMessage | HostRefused:
    try:
        require_fields(given, ONE_OF_SEVERAL, f"messages/{number}")
        return accept_message.prepare(app, call.caller, read_draft(app, call.caller, given, now))
    except HostRefused as refused:
        return refused


def _store_one(app: App, prepared: NewMessage | HostRefused, now: int) -> Answer:
    """Stores it in the transaction of all; what it refuses has written nothing."""
    if isinstance(prepared, NewMessage):
        try:
            accept_message.store(app, prepared, now)
            return {**_accepted(prepared), "error": None, "code": None, "field": None}
        except HostRefused as refused:
            prepared = refused
    told = prepared.refusal
    return {"id": None, "status": None, "error": told.sentence, "code": told.code, "field": prepared.field}


def show(app: App, call: HostCall, now: int) -> Answer:
    """Shows what became of a message."""
    message = require_message(app, call)
    permalink = show_message.find_permalink(app, call.caller, message, now)
    (content,) = show_message.find_contents(app, call.caller, [message], now)
    return describe(message._replace(permalink=permalink), content)


def list_all(app: App, call: HostCall, now: int) -> Answer | Response:
    """Lists messages, the newest first; as CSV with the address of the next page in `Link`, and without content."""
    given, before = call.parameters, int(read_position(app, call, _LIST) or messages.NEWEST)
    status = MessageStatus(given["status"]) if given["status"] is not None else None
    wanted = MessageFilter(status, given["channel"], given["senderId"])
    found = messages.page(app.db, call.caller.organization, wanted, before, most=given["limit"])
    if call.wants_csv:
        return csv_file("messages", write_table(found), make_link(app, call, _next_cursor(app, call, _LIST, found)))
    return _page(app, call, _LIST, found, now=now)


def write_table(found: Sequence[Message]) -> str:
    """Writes messages as CSV, under the names that they have in JSON; never what they say."""
    names = [name for name in MESSAGE["properties"] if name != _CONTENT]
    rows = [describe(each, None) for each in found]
    # claim: C-329
    return write_csv(names, [[row[name] for name in names] for row in rows])


def list_replies(app: App, call: HostCall, now: int) -> Answer:
    """Lists the replies to a message that were sent from here, the newest first, and what people answered."""
    before = int(read_position(app, call, _REPLIES) or messages.NEWEST)
    target = require_message(app, call)
    organization = call.caller.organization
    found = messages.page_of_replies(app.db, organization, target.id, before, most=call.parameters["limit"])
    received = replies.list_all(app.db, organization, target.id, _MOST_RECEIVED)
    counted = replies.count_by_type(app.db, organization, target.id)
    return {
        **_page(app, call, _REPLIES, found, now=now),
        "received": list(map(_describe_reply, received)),
        "receivedCount": {"replies": counted[ReplyType.REPLY], "reactions": counted[ReplyType.REACTION]},
    }


def _describe_reply(reply: MessageReply) -> Answer:
    return {
        "type": reply.type,
        "authorId": reply.author_id,
        "reaction": reply.reaction or None,
        "ts": reply.message_ts or None,
        "at": time_of(reply.noted_at),
    }


def read_draft(app: App, caller: HostCaller, given: Mapping[str, Any], now: int) -> MessageDraft:
    """Reads a message from the fields of a body. Raises HostRefused."""
    return MessageDraft(
        fields=read_content(app, caller, given),
        connection_id=given.get("connectionId"),
        channel=given.get("channel"),
        team_id=given.get("teamId"),
        thread_of=given.get("threadOf"),
        send_at=_read_time(given["sendAt"], now) if "sendAt" in given else None,
        purpose=given.get("purpose"),
        internal_message_id=given.get("internalMessageId"),
    )


def require_message(app: App, call: HostCall) -> Message:
    """Finds the message that the address names. Raises HostRefused."""
    found = messages.find(app.db, call.caller.organization, call.id)
    # claim: C-265
    if found is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return found


def describe(message: Message, content: Mapping[str, Any] | None) -> dict[str, Any]:
    """Describes a message; `content` is what it says, where that is kept, for those who may see it."""
    return {
        "id": message.id,
        "connectionId": message.connection_id,
        "internalMessageId": message.internal_message_id or None,
        "type": message.type,
        "status": message.status,
        "reason": message.reason or None,
        "slackError": message.slack_error or None,
        "delivery": message.delivery,
        "channel": message.channel_id or None,
        "ts": message.message_ts or None,
        "threadTs": message.thread_ts or None,
        "permalink": message.permalink or None,
        "content": content,
        "targetId": message.target_id or None,
        "senderId": message.sender_id or None,
        "purpose": message.purpose_id,
        "sendAt": optional_time(message.send_at),
        "createdAt": time_of(message.created_at),
        "sentAt": optional_time(message.sent_at),
        "updatedAt": time_of(message.updated_at),
        "traceId": message.trace_id or None,
    }


def _accept(app: App, call: HostCall, given: Mapping[str, Any], now: int) -> Answer:
    request = RepeatableRequest(call.key, call.route, call.body)
    try:
        message = accept_message.prepare(app, call.caller, read_draft(app, call.caller, given, now))
    except Refused:
        # A time that is over by now, or a connection that serves no more, changes nothing of what was accepted.
        # claim: C-295
        if (before := answer_once.find_answer(app, call.caller, request)) is not None:
            return before
        raise

    is_due = False

    def store() -> Answer:
        nonlocal is_due
        is_due = accept_message.store(app, message, now)
        return _accepted(message)

    told = answer_once.run(app, call.caller, request, store, now=now)
    if is_due:  # most wait behind others of their channel, and thousands of them need no look at the queue each
        app.wake_worker()
    return told


def _accepted(message: NewMessage) -> Answer:
    status = MessageStatus.QUEUED if message.send_at is None else MessageStatus.SCHEDULED
    return {"id": message.id, "status": status}


def _page(app: App, call: HostCall, name: str, found: list[Message], *, now: int) -> Answer:
    cursor = _next_cursor(app, call, name, found)
    contents = show_message.find_contents(app, call.caller, found, now)
    return {"messages": list(map(describe, found, contents)), "cursor": cursor}


def _next_cursor(app: App, call: HostCall, name: str, found: list[Message]) -> str | None:
    is_full = len(found) == call.parameters["limit"]
    return make_cursor(app, call, name, str(found[-1].number)) if is_full else None


def _read_time(text: str, now: int) -> int:
    """Reads when a message is to go out: within a year. Raises HostRefused."""
    try:
        at = int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise HostRefused(HostRefusal.FIELD, field="sendAt") from None
    # claim: C-266
    if not now < at <= now + _MAX_AHEAD:
        raise HostRefused(HostRefusal.SEND_AT, field="sendAt")
    return at
