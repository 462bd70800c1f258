"""Circle of the host side: all that the core knows of it.

A connection outlives its tenant: ids, states and times stay. What is sealed in its row, and in a quarantine, is under
the service's own key, so that a tenant's new keys have nothing to do with it.
"""

from collections.abc import Iterable, Mapping, Sequence

from slackapp.flows.app import Circle, TenantData, no_sealed_records
from slackapp.host.checks.transitions import HELD, UNDER_WAY
from slackapp.host.flows import change_connection, pending_records, upkeep
from slackapp.host.flows.connect import give_back
from slackapp.host.flows.events import context_post, note_channel, note_reply
from slackapp.host.flows.inventory import follow_tokens
from slackapp.host.flows.messages import message_content, post_webhook, send_message
from slackapp.host.flows.messages.message_data import MESSAGE_DATA
from slackapp.host.flows.personal import reveal_token
from slackapp.host.flows.reviews import reconcile
from slackapp.host.flows.webhook import deliver_events
from slackapp.host.memory import NAME, make_memory
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostRefusedEvent
from slackapp.host.rows import ConnectionKey, HostAuditEvent, StatusReason
from slackapp.host.store import connections, idempotency_keys, messages, organizations, outbox, quarantines, sessions
from slackapp.host.store.inventory import token_uses
from slackapp.host.store.messaging import channel_states
from slackapp.host.store.personal import personal_connections as personal
from slackapp.model import BOT, Holder, HolderKind, InstallationStatus, Tenant, Token, TokenFreeze, UnclearRow
from slackapp.store import freezes, installations, tokens
from slackapp.store.engine.database import Database

_DEACTIVATED = "account_inactive"
"""What Slack says of a user whose account there was ended."""


def _erase(db: Database, tenant: Tenant, now: int) -> int:
    """Revokes what serves the tenant. A grant that waits dies with it: of that attempt not even the tenant is kept."""
    ended = channel_states.erase(db, tenant)
    for key, kind in connections.list_of_tenant(db, tenant):
        if key.status in UNDER_WAY:
            # claim: C-190
            ended += change_connection.fail(db, key, StatusReason.NOT_CONFIRMED, now)
        else:
            ended += _revoke(db, tenant, key, kind, now=now)
            _forget_answers(db, key.organization_id)
    return ended


def _forget_answers(db: Database, organization_id: str) -> None:
    """Forgets what was answered to an organization that holds nothing any more.

    One that holds another workspace may repeat a request for that one, and nothing must go out twice.
    """
    # claim: C-304
    if not connections.list_held(db, organization_id):
        idempotency_keys.erase(db, organization_id)


def _revoke(db: Database, tenant: Tenant, key: ConnectionKey, kind: ConnectionKind, *, now: int) -> bool:
    """Revokes a connection, and ends what its organization wished for the tenant: the next one is not frozen for it."""
    if kind == ConnectionKind.WORKSPACE:
        freezes.delete(db, tenant, organization=key.organization_id)
    # claim: C-152
    return change_connection.revoke(db, key, StatusReason.UNINSTALLED, now)


def _count(db: Database, tenant: Tenant) -> int:
    return connections.count_of_tenant(db, tenant) + channel_states.count(db, tenant)


def _export(db: Database, tenant: Tenant) -> Iterable[Mapping[str, object]]:
    return [*connections.export(db, tenant), *channel_states.export(db, tenant)]


def _follow(db: Database, tenant: Tenant, status: InstallationStatus, now: int) -> None:
    """Follows the tenant: what Slack has ended is revoked, or must be connected anew; what has lost its key waits."""
    installation = installations.find(db, tenant)
    is_foreign = installation is not None and bool(installation.status_reason)
    is_over = status == InstallationStatus.NEEDS_REINSTALL or (status == InstallationStatus.SUSPENDED and is_foreign)
    held = [(key, kind) for key, kind in connections.list_of_tenant(db, tenant) if key.status in HELD]
    for key, kind in held:
        if is_over and kind == ConnectionKind.WORKSPACE:
            if tokens.find(db, tenant, BOT) is None:
                _revoke(db, tenant, key, kind, now=now)
            else:
                reconnect = ConnectionStatus.NEEDS_RECONNECT
                # claim: C-152
                change_connection.set_status(db, key, reconnect, StatusReason.TOKEN_DEAD, now=now)
        elif not is_over and status == InstallationStatus.SUSPENDED:
            change_connection.set_status(db, key, ConnectionStatus.SUSPENDED, StatusReason.KEY, now=now)
        elif status == InstallationStatus.ACTIVE:
            change_connection.resume(db, key, StatusReason.KEY, now)


def _find_holders(db: Database, tenant: Tenant, user_ids: Sequence[str]) -> Sequence[Holder]:
    """Finds whose personal connections hold what Slack has granted to these users."""
    held = personal.list_in(db, tenant) if user_ids else []
    # claim: C-341
    return [Holder.connection(key.id) for key, user_id in held if user_id in user_ids]


def _follow_token(db: Database, token: Token, code: str | None, now: int) -> None:
    """Follows a personal connection's token: one that is gone is revoked, one that is dead must be connected anew."""
    held = personal.list_in(db, token.tenant) if token.holder.kind == HolderKind.CONNECTION else []
    for key in (key for key, _ in held if key.id == token.holder.id):
        if code is None:
            # claim: C-341
            change_connection.revoke(db, key, StatusReason.TOKEN_REVOKED, now)
        elif code == _DEACTIVATED and change_connection.revoke(db, key, StatusReason.DEACTIVATED, now):
            # Nothing brings the account back by itself: upkeep erases what is left of it.
            seen = tokens.find_freeze(db, token.tenant, token.holder)
            # claim: C-341
            tokens.set_freeze(db, token.tenant, token.holder, TokenFreeze.ENDING, expected=seen, now=now)
        else:
            reconnect = ConnectionStatus.NEEDS_RECONNECT
            # claim: C-341
            change_connection.set_status(db, key, reconnect, StatusReason.TOKEN_DEAD, now=now)


def _restored(db: Database, now: int) -> Sequence[UnclearRow]:
    """Voids what may have been used, ended or confirmed since the copy was made."""
    # claim: C-159
    quarantines.drop_all(db)
    # claim: C-159
    connections.fail_all(db, now)
    # claim: C-159
    sessions.end_all(db)
    for freeze in freezes.list_all(db):
        if freeze.organization:
            organizations.freeze(db, freeze.organization, now)
    return ()


DATA = TenantData(
    name="connections",
    tables=("connections", "channel_states"),
    erase=_erase,
    count=_count,
    list_tenants=lambda db: connections.list_tenants(db) | channel_states.list_tenants(db),
    export=_export,
    sealed_records=no_sealed_records,
    restored=_restored,
    status_changed=_follow,
    validated=follow_tokens.note_validated,
    scopes_changed=follow_tokens.note_scopes,
    find_holders=_find_holders,
    token_ended=_follow_token,
    collected="where a product connects it for a customer of its own: that customer's id and name, the ids, names and "
    "roles of its people, their wishes to connect, what they say in reviews, hashes of their sessions, what each "
    "connection is for, its channels, who answers for it, the messages that it says again and again, for 30 days what "
    "that product was told, and for 400 days how often it was used; of a connection that is not confirmed yet what "
    "Slack granted, encrypted, for ten minutes; after a removal ids, states and times of connections, until that "
    "customer is deleted",
)

HOST = Circle(
    name=NAME,
    tenant_data=(DATA, *MESSAGE_DATA),
    audit_events=(HostAuditEvent, HostRefusedEvent),
    service_records=pending_records.LIMITS,
    memory=make_memory,
    is_on=lambda settings: settings.host_keys_file is not None,
    told="the product through which it was connected: its id, name and channels, and what becomes of the connection "
    "and of messages",
    record_limits=message_content.LIMITS,
    queues=(outbox.QUEUE,),
    context={"post": context_post.make_post, "schedule": context_post.make_schedule},
    jobs={messages.TURN: send_message.run},
    capabilities=(post_webhook.WEBHOOK, reconcile.RECONCILE, reveal_token.REVEAL),
    events={
        **dict.fromkeys(note_channel.EVENT_TYPES, note_channel.receive),
        **dict.fromkeys(note_reply.EVENT_TYPES, note_reply.receive),
    },
    sweep=upkeep.sweep,
    remote_upkeep=upkeep.run_remote,
    deliver=deliver_events.find_sender,
    find_connection=token_uses.find_connection,
    is_giving_back=give_back.is_under_way,
)
"""`slackapp/app.py` names it beside the core."""
