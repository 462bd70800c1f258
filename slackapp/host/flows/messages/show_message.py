"""Facts about a message beside its row: its address at Slack, and what it said."""

from collections.abc import Iterable, Mapping
from typing import Any

from slackapp.checks.capabilities import POST
from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.host.checks.roles import HostAction, is_allowed
from slackapp.host.flows import call_slack, choose_connection, switch_host
from slackapp.host.flows.call_slack import SlackCall
from slackapp.host.flows.messages import change_message, message_content
from slackapp.host.model import HostCaller, MessageStatus, MessageType
from slackapp.host.store import messages, organizations
from slackapp.host.store.messages import Message
from slackapp.store import freezes

PERMALINK = "chat.getPermalink"
_MAX_PERMALINK = 1024
_PAUSE = 60
"""Seconds for which nobody asks for another address where one could not be had."""


def find_contents(app: App, caller: HostCaller, found: Iterable[Message], now: int) -> list[Mapping[str, Any] | None]:
    """Finds what each message says, or said; None where it is not kept, or not for this caller's eyes."""
    shown = list(found)
    organization = organizations.find(app.db, caller.organization)
    if organization is None or not organization.content_days:
        return [None] * len(shown)
    frozen = {tenant for tenant in {each.tenant for each in shown} if freezes.find(app.db, tenant) is not None}
    return [_find_content(app, caller, each, now) if each.tenant not in frozen else None for each in shown]


def _find_content(app: App, caller: HostCaller, message: Message, now: int) -> Mapping[str, Any] | None:
    # claim: C-302
    if not change_message.may_change(caller, message):
        return None
    try:
        return message_content.open_kept(app, message, caller, now)
    except Refused:
        return None  # the rest of what is known of it is told all the same


def find_permalink(app: App, caller: HostCaller, message: Message, now: int) -> str:
    """Finds its address at Slack, which stays the same; asks Slack once, for a caller who may use the connection.

    "" where there is none, or none can be had just now: that fails no request.
    """
    is_post = message.type in (MessageType.MESSAGE, MessageType.REPLY)
    if message.permalink or message.status != MessageStatus.SENT or not (is_post and message.message_ts):
        return message.permalink
    pause = f"{PERMALINK} {message.tenant}"
    may_ask = is_allowed(caller.role, HostAction.USE) and switch_host.is_enabled(app, caller.organization)
    if not may_ask or app.cooldowns.seconds_left(pause, now):
        return ""
    try:
        permalink = _ask(app, caller, message)
    except Refused:
        permalink = ""
    if not permalink:
        app.cooldowns.start(pause, _PAUSE, now)
        return ""
    messages.set_permalink(app.db, caller.organization, message.id, permalink)
    return permalink


def _ask(app: App, caller: HostCaller, message: Message) -> str:
    connection = choose_connection.require_active(app, caller, message.connection_id)
    if connection.tenant != message.tenant:
        return ""
    ask = SlackCall(connection, caller, POST, PERMALINK, channel=message.channel_id)
    with call_slack.take_place(app, caller):
        told = call_slack.call(app, ask, {"channel": message.channel_id, "message_ts": message.message_ts}).data
    permalink = told.get("permalink")
    is_address = isinstance(permalink, str) and permalink.startswith("https://") and len(permalink) <= _MAX_PERMALINK
    return permalink if is_address and isinstance(permalink, str) else ""
