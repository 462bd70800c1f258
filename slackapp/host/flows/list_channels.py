"""Channels that somebody may choose: all that Slack tells this token of, complete or with the reason why not.

docs.slack.dev/reference/methods/conversations.list: pages may be short, or empty, with more behind them; a type whose
scope is missing is refused, or silently left out beside others.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.capabilities import DISCOVER
from slackapp.checks.slack_ids import is_channel
from slackapp.flows.app import App
from slackapp.host.channel_list import ChannelList, IncompleteReason, ListedChannel, ListKey
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import call_slack, choose_connection
from slackapp.host.flows.call_slack import SlackCall
from slackapp.host.memory import host_memory
from slackapp.host.model import HostCaller
from slackapp.host.rows import Connection
from slackapp.store import freezes

METHOD = "conversations.list"
PAGE_LIMIT = 999
"""Channels of one page: Slack asks for less than 1000."""
MOST_PAGES = 15
"""Pages for one list: Slack answers at least 20 calls of this method in a minute, and others list, too."""
MOST_SECONDS = 10
"""Seconds after which no further page is asked for: a person waits."""
_SCOPES = {"public_channel": "channels:read", "private_channel": "groups:read"}
_READ_ONLY = ("is_read_only", "is_thread_only", "is_frozen")
_EXTERNAL = ("is_ext_shared", "is_pending_ext_shared")


def run(app: App, connection: Connection, team_id: str, caller: HostCaller) -> ChannelList:
    """Lists the channels, from memory where they were asked for within a minute. Raises Refused."""
    types = [name for name, scope in _SCOPES.items() if scope in connection.scopes]
    # claim: C-186
    if not types:
        raise choose_connection.refusal_of_inactive(app, HostRefusal.SCOPE)
    key, lists = _key(connection, team_id), host_memory(app).channel_lists
    kept = lists.find(key, app.clock())
    if kept is not None:
        if connection.tenant is not None:
            # What no token may be opened for is not told from memory either.
            # claim: C-209
            freezes.require_none(app.db, connection.tenant)
        return kept
    with call_slack.take_place(app, caller):
        told = _ask(app, SlackCall(connection, caller, DISCOVER, METHOD), types, team_id)
    lists.keep(key, told)
    return told


def name_of_default(app: App, connection: Connection) -> str:
    """Finds the name of its default channel in memory; "" where nobody has listed it lately, or it is private."""
    return find_names(app, connection).get(connection.default_channel_id, "")


def find_names(app: App, connection: Connection) -> Mapping[str, str]:
    """Finds the names of public channels in memory, by their ids: those that somebody has listed lately."""
    # claim: C-209
    if connection.tenant is None or freezes.find(app.db, connection.tenant) is not None:
        return {}
    kept = host_memory(app).channel_lists.find(_key(connection, ""), app.clock())
    return {each.id: each.name for each in (kept.channels if kept is not None else ()) if not each.is_private}


def team_fields(connection: Connection, team_id: str) -> dict[str, str]:
    """Names the workspace that is meant, which only an org-wide installation must. Raises HostRefused."""
    is_enterprise = connection.tenant is not None and connection.tenant.is_enterprise
    if is_enterprise and team_id:
        return {"team_id": team_id}
    if is_enterprise or team_id not in ("", connection.team_id):
        raise HostRefused(HostRefusal.FIELD, field="teamId")
    return {}


def _ask(app: App, ask: SlackCall, types: list[str], team_id: str) -> ChannelList:
    found: dict[str, ListedChannel] = {}
    # claim: C-186
    incomplete = [IncompleteReason.MISSING_SCOPE] if len(types) < len(_SCOPES) else []
    asked_at, began = app.clock(), app.clock.steady()
    params = {"types": ",".join(types), "limit": PAGE_LIMIT, "exclude_archived": True}
    params |= team_fields(ask.connection, team_id)
    cursor = ""
    for number in range(MOST_PAGES + 1):
        if number == MOST_PAGES or app.clock.steady() - began > MOST_SECONDS:
            # claim: C-186
            incomplete.append(IncompleteReason.TOO_MANY)
            break
        try:
            data = call_slack.call(app, ask, {**params, "cursor": cursor}).data
        except HostRefused as refused:
            if not number or refused.refusal not in _REASONS:
                raise  # nothing to show, or nobody to show it to
            # claim: C-186
            incomplete.append(_REASONS[refused.refusal])
            break
        channels = data.get("channels")
        found |= {each.id: each for each in map(_channel, channels if isinstance(channels, list) else ()) if each}
        cursor = _next_cursor(data)
        # An empty page is no end: only an empty cursor is.
        if not cursor:
            break
    return ChannelList(tuple(sorted(found.values())), tuple(incomplete), asked_at, pages={})


_REASONS = {
    HostRefusal.SLACK_RATE: IncompleteReason.RATE_LIMITED,
    HostRefusal.SLACK_FAILED: IncompleteReason.SLACK_ERROR,
}
"""Failures of a later page after which the pages before it are shown."""


def _next_cursor(data: Mapping[str, Any]) -> str:
    metadata = data.get("response_metadata")
    cursor = metadata.get("next_cursor") if isinstance(metadata, dict) else ""
    return cursor if isinstance(cursor, str) else ""


def _channel(told: Any) -> ListedChannel | None:
    """Reads a channel; None for what has no id or no name. Whether it is private the flag says, and not its letter."""
    if not isinstance(told, dict) or not is_channel(told.get("id")) or not isinstance(told.get("name"), str):
        return None
    return ListedChannel(
        name=told["name"].encode(errors="replace").decode(),  # half a pair of surrogates is nothing that can be shown
        id=told["id"],
        is_private=told.get("is_private") is not False,
        is_member=told.get("is_member") is True,
        is_external=any(told.get(flag) is True for flag in _EXTERNAL),
        is_read_only=any(told.get(flag) is True for flag in _READ_ONLY),
    )


def _key(connection: Connection, team_id: str) -> ListKey:
    tenant_id = connection.tenant.id if connection.tenant is not None else ""
    place = (connection.organization_id, connection.id, tenant_id, team_id)
    # claim: C-185
    return ListKey(*place, connection.installed_at or 0, connection.scopes)
