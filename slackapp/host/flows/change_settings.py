"""Settings of a connection, changed by people: who answers for it, what it is for, and where it may post.

The default channel is asked for at Slack before it is stored, so that a message without a channel finds one.
"""

from slackapp.checks.capabilities import DISCOVER
from slackapp.flows.app import App
from slackapp.host.checks.transitions import HELD
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import call_slack, change_connection, choose_connection
from slackapp.host.flows.call_slack import SlackCall
from slackapp.host.flows.messages import post_webhook
from slackapp.host.model import ConnectionStatus, DeliveryWay, HostCaller, MemberStatus
from slackapp.host.rows import Connection, ConnectionSettings, HostAuditEvent
from slackapp.host.store import connections, members, purposes
from slackapp.host.store.messaging import channel_states
from slackapp.model import AuditEntry

_READS_CHANNELS = frozenset({"channels:read", "groups:read"})


def settings_of(connection: Connection) -> ConnectionSettings:
    """Returns its settings as they are."""
    return ConnectionSettings(*(getattr(connection, name) for name in ConnectionSettings._fields))


def run(app: App, caller: HostCaller, before: Connection, settings: ConnectionSettings, now: int) -> Connection:
    """Stores the settings; returns the connection as it is then. Raises HostRefused."""
    if before.status not in HELD:
        raise choose_connection.refusal_of_inactive(app)
    if settings.delivery is not before.delivery:
        settings = settings._replace(webhook_channel_id=_find_webhook_channel(app, caller, before, settings))
    _check(app, caller, before, settings)
    if settings.default_channel_id not in ("", before.default_channel_id):
        _look_up(app, caller, before, settings)
    with app.db.transaction():
        current = connections.find(app.db, caller.organization, before.id)
        if current is None or settings_of(current) != settings_of(before):
            raise HostRefused(HostRefusal.CHANGED, retry_after=1)
        is_new_owner = settings.owner_id != before.owner_id
        # claim: C-187
        if is_new_owner and not _is_member(app, caller, settings):
            raise HostRefused(HostRefusal.FIELD, field="ownerId")
        if not change_connection.configure(app.db, current, settings, now):
            raise choose_connection.refusal_of_inactive(app)
        _forget_states(app, current, settings)
        event = HostAuditEvent.INTEGRATION_CHANGED
        app.vault.append(AuditEntry(at=now, event=event, actor=caller, connection=before.id))
    after = connections.find(app.db, caller.organization, before.id)
    if after is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return after


def _forget_states(app: App, before: Connection, settings: ConnectionSettings) -> None:
    """Forgets what was noted of channels that no setting names any more, or that were just looked at."""
    looked_at = {settings.default_channel_id} - {before.default_channel_id}
    kept = {*settings.allowed_channels, settings.default_channel_id} - looked_at
    for noted in channel_states.list_all(app.db, before.organization_id, before.id):
        if noted.channel_id not in kept and before.tenant is not None:
            channel_states.clear(app.db, before.tenant, noted.channel_id, before.id)


def _check(app: App, caller: HostCaller, before: Connection, settings: ConnectionSettings) -> None:
    is_known = purposes.find(app.db, caller.organization, settings.purpose_id) is not None
    if settings.purpose_id != before.purpose_id and not is_known:
        raise HostRefused(HostRefusal.FIELD, field="purpose")
    is_allowed = not settings.allowed_channels or settings.default_channel_id in ("", *settings.allowed_channels)
    if not is_allowed:
        raise HostRefused(HostRefusal.CHANNEL, field="defaultChannel")
    # claim: C-307
    if settings.allowed_channels and settings.webhook_channel_id not in ("", *settings.allowed_channels):
        raise HostRefused(HostRefusal.CHANNEL_NOT_ALLOWED, field="delivery")


def _find_webhook_channel(app: App, caller: HostCaller, before: Connection, settings: ConnectionSettings) -> str:
    """Finds where the webhook posts, where that is to be the way. Raises HostRefused where none was granted."""
    if settings.delivery is not DeliveryWay.WEBHOOK:
        return ""
    if before.status != ConnectionStatus.ACTIVE or before.tenant is None:
        raise choose_connection.refusal_of_inactive(app)
    channel_id = post_webhook.find_channel(app, before.tenant, before.purpose_id, caller)
    if not channel_id:
        raise HostRefused(HostRefusal.NO_WEBHOOK, field="delivery")
    return channel_id


def _is_member(app: App, caller: HostCaller, settings: ConnectionSettings) -> bool:
    """Tells whether the one who is to answer for it is a member of this organization, and has not left."""
    owner = members.find(app.db, caller.organization, settings.owner_id)
    return owner is not None and owner.status == MemberStatus.ACTIVE


def _look_up(app: App, caller: HostCaller, connection: Connection, settings: ConnectionSettings) -> None:
    if connection.status != ConnectionStatus.ACTIVE:
        raise choose_connection.refusal_of_inactive(app)
    if _READS_CHANNELS.isdisjoint(connection.scopes):
        return  # nobody may ask; a message to a channel that is not there says so
    ask = SlackCall(connection, caller, DISCOVER, "conversations.info", channel=settings.default_channel_id)
    with call_slack.take_place(app, caller):
        channel = call_slack.call(app, ask, {"channel": settings.default_channel_id}).data.get("channel")
    if not isinstance(channel, dict) or channel.get("is_archived") is True:
        raise HostRefused(HostRefusal.CHANNEL, field="defaultChannel")
