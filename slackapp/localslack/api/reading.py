"""Reading of what was said: a channel's messages, a thread's, and where each of them is.

Follows docs.slack.dev/reference/methods/conversations.history, conversations.replies, chat.getPermalink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slackapp.localslack.accounts import Channel
from slackapp.localslack.api import conversations
from slackapp.localslack.api.calls import ApiError, Params, TokenCaller
from slackapp.localslack.model import Json

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack


def history(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`conversations.history`: the newest messages of a channel outside of threads, with metadata where asked for."""
    channel = conversations.find(slack, caller, params.get("channel", ""))
    caller.require("groups:history" if channel.private else "channels:history")
    if channel.id not in slack.state.joined:
        raise ApiError("not_in_channel")
    found = [each for each in reversed(slack.state.messages) if each.get("thread_ts", each["ts"]) == each["ts"]]
    return _page(slack, found, channel, params)


def replies(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`conversations.replies`: a message and the replies to it, the oldest first."""
    channel = conversations.find(slack, caller, params.get("channel", ""))
    caller.require("groups:history" if channel.private else "channels:history")
    if channel.id not in slack.state.joined:
        raise ApiError("not_in_channel")
    parent = params.get("ts", "")
    found = [each for each in slack.state.messages if parent in (each["ts"], each.get("thread_ts"))]
    if not any(each["ts"] == parent for each in found):
        raise ApiError("thread_not_found")
    return _page(slack, found, channel, params)


def permalink(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`chat.getPermalink`: the address of a message; that of a reply names its thread."""
    channel = conversations.find(slack, caller, params.get("channel", ""))
    ts = params.get("message_ts", "")
    for message in (*slack.state.spoken, *slack.state.messages):
        if (message["channel"], message["ts"]) == (channel.id, ts):
            domain = slack.accounts.workspaces[channel.team_id].domain
            address = f"https://{domain}.slack.test/archives/{channel.id}/p{ts.replace('.', '')}"
            thread = message.get("thread_ts", ts)
            return {
                "channel": channel.id,
                "permalink": address if thread == ts else f"{address}?thread_ts={thread}&cid={channel.id}",
            }
    raise ApiError("message_not_found")


def _page(slack: LocalSlack, messages: list[Json], channel: Channel, params: Params) -> Json:
    """Cuts out a page of a channel's messages, with metadata where that was asked for."""
    oldest, latest = float(params.get("oldest", "") or "0"), float(params.get("latest", "") or "inf")
    shows_all = params.get("include_all_metadata", "") in ("1", "true", "True")
    found = [
        each if shows_all else {name: value for name, value in each.items() if name != "metadata"}
        for each in messages
        if each["channel"] == channel.id and oldest <= float(each["ts"]) <= latest and "ephemeral_to" not in each
    ]
    page, cursor = conversations.page_of(slack, found, params, limit_max=999)
    return {"messages": page, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}
