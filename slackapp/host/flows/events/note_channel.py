"""Channels that settings name and that are gone, as Slack tells: noted, shown, and told to the host once.

An event is a hint: it may be late, come twice, or be lost. So the errors of sending say the same, and a message that
was sent says that all is well (docs.slack.dev/reference/events/channel_archive and its like).
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.slack_ids import is_channel
from slackapp.flows.app import App, TenantEvent
from slackapp.host.memory import host_memory
from slackapp.host.model import ChannelState
from slackapp.host.rows import Connection, HostEventKind
from slackapp.host.store import connections, events
from slackapp.host.store.messages import Message
from slackapp.host.store.messaging import channel_states
from slackapp.host.store.messaging.channel_states import NotedChannel
from slackapp.model import Tenant
from slackapp.store.engine.database import Database

_LOST: Mapping[str, ChannelState] = {
    **dict.fromkeys(("channel_archive", "group_archive"), ChannelState.ARCHIVED),
    **dict.fromkeys(("channel_deleted", "group_deleted"), ChannelState.DELETED),
    **dict.fromkeys(("channel_left", "group_left", "member_left_channel"), ChannelState.LEFT),
}
_BACK = ("channel_unarchive", "group_unarchive", "member_joined_channel")
_RENAMED = ("channel_rename", "group_rename")
_MEMBERSHIP = frozenset({"member_left_channel", "member_joined_channel"})
EVENT_TYPES = (*_LOST, *_BACK, *_RENAMED)
"""Types of Slack's events that are about a channel, or the bot in it."""
_ERRORS = {"is_archived": ChannelState.ARCHIVED, "not_in_channel": ChannelState.LEFT}
"""Errors of posting that say the same. `channel_not_found` may be a private channel, or none that ever was."""


def receive(app: App, told: TenantEvent, now: int) -> None:
    """Takes what Slack tells of a channel. Raises StoreError: then Slack tells it again."""
    connection = connections.find_held(app.db, told.tenant)
    if connection is None:
        return
    # claim: C-306
    if told.type in _MEMBERSHIP and told.event.get("user") != connection.bot_user_id:
        return  # somebody else has come or gone
    host_memory(app).channel_lists.forget(connection.id)
    channel_id = _channel_of(told.event)
    if channel_id not in named_channels(connection):
        return
    if told.type in _BACK:
        channel_states.clear(app.db, told.tenant, channel_id, connection.id)
    elif told.type in _LOST:
        with app.db.transaction():
            note(app.db, told.tenant, channel_id, _LOST[told.type], now=now)


def note(db: Database, tenant: Tenant, channel_id: str, state: ChannelState, now: int) -> None:
    """Notes, inside a transaction, that nothing can be posted there; the host is told where that is new."""
    connection = connections.find_held(db, tenant)
    # claim: C-305
    if connection is None or channel_id not in named_channels(connection):
        return
    if channel_states.note(db, connection.key, tenant, channel_id, state=state, now=now):
        # claim: C-305
        events.add(db, connection.key, HostEventKind.CHANNEL_UNAVAILABLE, state, now=now)


def note_failure(db: Database, message: Message, slack_error: str, now: int) -> None:
    """Notes, inside a transaction, what the failure of a bot's post says of its channel.

    That of a member's own post says nothing of the bot, which may be another organization's.
    """
    state, connection = _ERRORS.get(slack_error), connections.find_held(db, message.tenant)
    # claim: C-305
    if state is not None and connection is not None and connection.id == message.connection_id:
        note(db, message.tenant, message.channel_id, state, now=now)


def find_unavailable(db: Database, connection: Connection) -> list[NotedChannel]:
    """Finds the channels that its settings name, and to which nothing can be posted now."""
    named = named_channels(connection)
    noted = channel_states.list_all(db, connection.organization_id, connection.id)
    return [each for each in noted if each.channel_id in named]


def named_channels(connection: Connection) -> frozenset[str]:
    """Names the channels of its settings."""
    return frozenset({*connection.allowed_channels, connection.default_channel_id} - {""})


def _channel_of(event: Mapping[str, Any]) -> str:
    """Reads the channel's id, which some types have in an object; "" where there is none."""
    channel = event.get("channel")
    channel_id = channel.get("id") if isinstance(channel, dict) else channel
    return str(channel_id) if is_channel(channel_id) else ""
