"""Replies and reactions to messages, as Slack tells: by whom, which and when, where the organization wishes to know.

What people write is not kept: of a reply its author and its place. Slack tells where the manifest asks for it, and the
scopes are granted (docs.slack.dev/reference/events/message, reaction_added, reaction_removed).
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.checks.slack_ids import is_bot, is_channel, is_user
from slackapp.flows.app import App, TenantEvent
from slackapp.host.model import ReplyType
from slackapp.host.store.messaging import replies
from slackapp.host.store.messaging.replies import MessageReply

_MESSAGE, _ADDED, _REMOVED = "message", "reaction_added", "reaction_removed"
EVENT_TYPES = (_MESSAGE, _ADDED, _REMOVED)
_SPOKEN = frozenset({None, "thread_broadcast", "file_share", "bot_message", "me_message"})
"""Subtypes by which somebody says something."""
_DELETED = "message_deleted"
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
_NAME = re.compile(r"[a-z0-9_+'-]{1,100}(?:::skin-tone-[2-6])?")


class _PlacedReply(NamedTuple):
    """Reply or reaction, and the place of the message that it is about; `is_gone`: taken back."""

    channel_id: str
    message_ts: str
    reply: MessageReply
    is_gone: bool


def receive(app: App, told: TenantEvent, now: int) -> None:
    """Takes what Slack tells. Raises StoreError: then Slack tells it again."""
    # claim: C-311
    if told.is_own:
        return
    read = _read_message(told.event) if told.type == _MESSAGE else _read_reaction(told.event)
    if read is None:
        return
    # claim: C-310
    message_id = replies.find_message(app.db, told.tenant, read.channel_id, read.message_ts)
    if message_id is None:
        return
    if read.is_gone:
        replies.remove(app.db, told.tenant, message_id, read.reply)
    else:
        replies.add(app.db, told.tenant, message_id, read.reply, now=now)


def _read_message(event: Mapping[str, Any]) -> _PlacedReply | None:
    """Reads a reply in a thread, or that one was deleted; None for whatever else it is."""
    is_gone = event.get("subtype") == _DELETED
    said = event.get("previous_message") if is_gone else event
    if not isinstance(said, dict) or not (is_gone or event.get("subtype") in _SPOKEN):
        return None
    author_id, own_ts, thread_ts = said.get("user") or said.get("bot_id"), said.get("ts"), said.get("thread_ts")
    if not _is_ts(own_ts) or not _is_ts(thread_ts) or own_ts == thread_ts:
        return None  # outside of threads, or the first of one
    reply = MessageReply(ReplyType.REPLY, str(author_id), message_ts=str(own_ts))
    return _place(event.get("channel"), thread_ts, reply, is_gone)


def _read_reaction(event: Mapping[str, Any]) -> _PlacedReply | None:
    item, name = event.get("item"), event.get("reaction")
    if not isinstance(item, dict) or not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    reply = MessageReply(ReplyType.REACTION, str(event.get("user")), name)
    return _place(item.get("channel"), item.get("ts"), reply, event.get("type") == _REMOVED)


def _place(channel_id: Any, message_ts: Any, reply: MessageReply, is_gone: bool) -> _PlacedReply | None:
    """Puts it together, where each part has its form."""
    if not (is_channel(channel_id) and _is_ts(message_ts)):
        return None
    # claim: C-311
    if not (is_user(reply.author_id) or is_bot(reply.author_id)):
        return None
    return _PlacedReply(channel_id, message_ts, reply, is_gone)


def _is_ts(value: Any) -> bool:
    return isinstance(value, str) and _TS.fullmatch(value) is not None
