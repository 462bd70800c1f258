"""`conversations.*`: which channels a token sees, and paging through them.

Follows docs.slack.dev/reference/methods/conversations.list, .info, .join, .open and
docs.slack.dev/apis/web-api/pagination.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, TypeVar

from slackapp.localslack.accounts import Channel, dm_channel_of
from slackapp.localslack.api.calls import ApiError, Params, TokenCaller
from slackapp.localslack.model import Json

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

READ_SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
Item = TypeVar("Item")


def find(slack: LocalSlack, caller: TokenCaller, claimed: str, *, readable: bool = True) -> Channel:
    """The channel a caller means, by id or (workspace tokens only) by name.

    A user's id, or that of a direct message, gives the direct-message channel. Raises `channel_not_found` for
    one the token cannot see, `team_access_not_granted` for a workspace an enterprise-wide app was not added to, and
    `team_not_found` for a name sent with an enterprise-wide token.
    """
    direct = _direct(slack, caller, claimed)
    if direct is not None:
        return direct
    channel = slack.accounts.channel(claimed)
    if channel is None and not caller.install.is_enterprise_install:
        team = slack.accounts.workspaces[caller.install.team_id]
        channel = next((c for c in team.channels if c.name == claimed.removeprefix("#")), None)
    if channel is None and caller.install.is_enterprise_install and claimed[:1] not in "CG":
        raise ApiError("team_not_found")
    if channel is None or channel.team_id not in slack.accounts.teams_of(caller.install.tenant):
        raise ApiError("channel_not_found")
    if caller.install.is_enterprise_install and channel.team_id not in caller.install.granted_teams:
        raise ApiError("team_access_not_granted")
    if channel.private and readable and channel.id not in slack.state.joined:
        raise ApiError("channel_not_found")
    return channel


def _direct(slack: LocalSlack, caller: TokenCaller, claimed: str) -> Channel | None:
    if claimed[:1] not in ("U", "W", "D"):
        return None
    for user_id in (claimed, "U" + claimed[1:], "W" + claimed[1:]):
        user = slack.accounts.member(caller.install.tenant, user_id)
        if user is not None:
            return Channel(dm_channel_of(user.id), "", caller.install.team_id or user.teams[0], private=True)
    return None


def team_for(caller: TokenCaller, params: Params) -> str:
    """The workspace a call is about. An enterprise-wide token must say; a workspace token's `team_id` is ignored."""
    if not caller.install.is_enterprise_install:
        return caller.install.team_id
    team_id = params.get("team_id", "")
    if not team_id:
        raise ApiError("missing_argument")
    if team_id not in caller.install.granted_teams:
        raise ApiError("team_access_not_granted")
    return team_id


def list_all(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`conversations.list`: pages of the channels of the types asked for; the scopes needed depend on the types."""
    types = [name.strip() for name in (params.get("types") or "public_channel").split(",")]
    if not set(types).issubset(READ_SCOPES):
        raise ApiError("invalid_types")
    for name in types:
        caller.require(READ_SCOPES[name])
    team = slack.accounts.workspaces[team_for(caller, params)]
    items: list[Json] = []
    leaves_archived = params.get("exclude_archived", "").lower() in ("1", "true")
    for channel in team.channels:
        kind = "private_channel" if channel.private else "public_channel"
        is_left_out = leaves_archived and "is_archived" in channel.flags
        if kind in types and not is_left_out and (not channel.private or channel.id in slack.state.joined):
            items.append(describe(slack, channel))
    if "im" in types:
        items += [
            {
                "id": dm_channel_of(p.id),
                "created": 1_700_000_000,
                "is_im": True,
                "is_org_shared": False,
                "user": p.id,
                "is_user_deleted": False,
                "priority": 0,
            }
            for p in slack.accounts.users_of(team.id)
        ]
    found, cursor = page_of(slack, items, params, limit_max=999)
    return {"channels": found, "response_metadata": {"next_cursor": cursor}}


def describe(slack: LocalSlack, channel: Channel) -> Json:
    """The channel object of the Web API."""
    empty = {"value": "", "creator": "", "last_set": 0}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": 1_700_000_000,
        "creator": slack.accounts.workspaces[channel.team_id].admin,
        "updated": 1_700_000_000_000,
        "unlinked": 0,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": False,
        "is_general": channel.general,
        "is_shared": False,
        "is_ext_shared": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "is_member": channel.id in slack.state.joined,
        "context_team_id": channel.team_id,
        "topic": empty,
        "purpose": empty,
        "previous_names": [],
        "num_members": 3,
        **dict.fromkeys(channel.flags, True),
    }


def info(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`conversations.info`: one channel."""
    channel = find(slack, caller, params.get("channel", ""))
    if channel.id.startswith("D"):
        caller.require("im:read")
        return {"channel": {"id": channel.id, "is_im": True, "created": 1_700_000_000}}
    caller.require("groups:read" if channel.private else "channels:read")
    return {"channel": describe(slack, channel)}


def join(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`conversations.join`: public channels only; joining twice is a warning, not an error."""
    channel = find(slack, caller, params.get("channel", ""), readable=False)
    if channel.id.startswith("D"):
        raise ApiError("method_not_supported_for_channel_type")
    if channel.private:
        known = channel.id in slack.state.joined
        raise ApiError("method_not_supported_for_channel_type" if known else "channel_not_found")
    if "is_archived" in channel.flags:
        raise ApiError("is_archived")
    already = channel.id in slack.state.joined
    if not already:
        slack.state.joined.append(channel.id)
        slack.save()
    answer: Json = {"channel": describe(slack, channel)}
    if already:
        answer |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return answer


def open_dm(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`conversations.open`: the direct-message channel with one user."""
    users = [user.strip() for user in params.get("users", "").split(",") if user.strip()]
    if len(users) != 1 or slack.accounts.member(caller.install.tenant, users[0]) is None:
        raise ApiError("user_not_found" if users else "users_list_not_supplied")
    return {"channel": {"id": dm_channel_of(users[0])}}


def page_of(slack: LocalSlack, items: list[Item], params: Params, *, limit_max: int) -> tuple[list[Item], str]:
    """Cuts out one page, with the next cursor, which is an empty string at the end.

    With `slack.short_pages` the first page holds one item and the second none, both with a next cursor: the
    number of items on a page says nothing about the end.
    """
    limit = _limit(params.get("limit", ""), limit_max)
    start, step = _cursor(params.get("cursor", ""), len(items))
    if slack.short_pages and step < 2:
        limit = min(limit, 1 - step)
    end = start + limit
    short = slack.short_pages and step < 2 and start < len(items)
    more = end < len(items) or short
    cursor = base64.b64encode(json.dumps([end, step + 1]).encode()).decode() if more else ""
    return items[start:end], cursor


def _limit(text: str, limit_max: int) -> int:
    if text in ("", "0"):
        return 100
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= limit_max:
        raise ApiError("invalid_limit")
    return int(text)


def _cursor(text: str, size: int) -> tuple[int, int]:
    if not text:
        return 0, 0
    try:
        start, step = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise ApiError("invalid_cursor") from None
    if not (isinstance(start, int) and isinstance(step, int) and 0 <= start <= size and step >= 0):
        raise ApiError("invalid_cursor")
    return start, step
