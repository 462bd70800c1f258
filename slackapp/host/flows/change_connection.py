"""Changes of a connection's status, each with what the host is told of it, inside the transaction of the caller.

Only the database is needed, and no key: so it is done with the change of the tenant that stands behind it.
"""

from typing import NamedTuple

from slackapp.host.checks.transitions import HELD, NEXT, UNDER_WAY
from slackapp.host.model import ConnectionKind, ConnectionStatus, MemberStatus
from slackapp.host.rows import Connection, ConnectionKey, ConnectionSettings, HeldWorkspace, HostEventKind, StatusReason
from slackapp.host.store import connections, events, members, organizations, quarantines
from slackapp.host.store.reviews import reviews
from slackapp.model import Actor, Holder, Tenant, TokenFreeze
from slackapp.store import freezes, tokens
from slackapp.store.engine.database import Database

_EVENTS = {
    ConnectionStatus.ACTIVE: HostEventKind.CONNECTION_ACTIVE,
    ConnectionStatus.NEEDS_RECONNECT: HostEventKind.CONNECTION_NEEDS_RECONNECT,
    ConnectionStatus.SUSPENDED: HostEventKind.CONNECTION_SUSPENDED,
}
_OUTLASTS_GRANT = frozenset({StatusReason.REVIEW, StatusReason.OWNER})
"""Reasons of a suspension that no new grant of Slack answers."""


class Activation(NamedTuple):
    """Result of a grant: the connection that has it, and the tenant that it has left for it, or None."""

    connection: ConnectionKey
    left: Tenant | None


def set_status(
    db: Database, key: ConnectionKey, status: ConnectionStatus, reason: StatusReason | None, *, seen: str = "", now: int
) -> bool:
    """Moves to a status in which a tenant is held; False where it is not as it was seen. See `connections.set_status`.

    What may not follow, such as a suspension of what must be connected anew, changes nothing: False.
    """
    if status not in NEXT[key.status] or not connections.set_status(db, key, status, reason, seen=seen, now=now):
        return False
    # claim: C-152
    events.add(db, key, _EVENTS[status], reason, now=now)
    return True


def resume(db: Database, key: ConnectionKey, why: StatusReason, now: int) -> bool:
    """Ends a suspension for that reason, of which the status in the key says nothing; False where there is none.

    Where a freeze stands it goes on for that, and upkeep ends it when there is none any more; where nobody has answered
    for it in a review, it goes on until somebody does.
    """
    found = connections.find(db, key.organization_id, key.id)
    if found is None or found.tenant is None or found.status != ConnectionStatus.SUSPENDED:
        return False
    # claim: C-199, C-388
    if (waits := _waits_for(db, found, found.tenant)) is not None:
        return connections.set_status(db, found.key, ConnectionStatus.SUSPENDED, waits, seen=why, now=now)
    return set_status(db, found.key, ConnectionStatus.ACTIVE, None, seen=why, now=now)


def _waits_for(db: Database, connection: Connection, tenant: Tenant) -> StatusReason | None:
    """Finds what else it must wait for."""
    if _is_frozen(db, connection.organization_id, tenant):
        return StatusReason.FREEZE
    return StatusReason.REVIEW if connection.unattested_at is not None else None


def _is_frozen(db: Database, organization_id: str, tenant: Tenant) -> bool:
    """Tells whether the organization is frozen, or the tenant, by whomever."""
    organization = organizations.find(db, organization_id)
    is_own = organization is not None and organization.frozen_at is not None
    return is_own or freezes.find(db, tenant) is not None


def revoke(db: Database, key: ConnectionKey, reason: StatusReason, now: int) -> bool:
    """Ends what was granted and is held; False where it is not as it was seen."""
    if ConnectionStatus.REVOKED not in NEXT[key.status] or not connections.revoke(db, key, reason, now):
        return False
    reviews.end_items(db, key.id, now)
    # claim: C-152
    events.add(db, key, HostEventKind.CONNECTION_REVOKED, reason, now=now)
    return True


def fail(db: Database, key: ConnectionKey, reason: StatusReason, now: int) -> bool:
    """Ends an attempt, with what was quarantined; False where it is not as it was seen."""
    if not connections.fail(db, key, reason, now):
        return False
    quarantines.delete(db, key.id)
    return True


def end_attempt(db: Database, key: ConnectionKey, now: int, reason: StatusReason = StatusReason.NOT_CONFIRMED) -> None:
    """Ends what is pending at once; what Slack has granted is over, and waits to be given back."""
    if key.status == ConnectionStatus.PENDING:
        fail(db, key, reason, now)
    else:
        quarantines.expire(db, key.id, now)


def configure(db: Database, connection: Connection, settings: ConnectionSettings, now: int) -> bool:
    """Stores what people set, inside the transaction that has read it; False where nothing is held.

    What was suspended for its owner or its age serves again where that is mended.
    """
    owner = members.find(db, connection.organization_id, settings.owner_id)
    is_owned = owner is not None and owner.status == MemberStatus.ACTIVE
    missing_at = None if is_owned else connection.owner_missing_at or now
    if not connections.save_settings(db, connection.key, settings, missing_at, now=now):
        return False
    is_young = settings.max_age is None or (connection.installed_at or 0) + settings.max_age >= now
    for why, is_mended in ((StatusReason.OWNER, is_owned), (StatusReason.AGE, is_young)):
        if is_mended:
            resume(db, connection.key, why, now)
    return True


def activate(db: Database, attempt: Connection, held: HeldWorkspace, actor: Actor, now: int) -> Activation | None:
    """Gives an attempt what Slack has granted, or the connection that it was begun to bring back.

    None, and nothing changed, where the attempt is under way no more. Who may is the caller's to have checked, in the
    same transaction. What no grant answers stays: a freeze, a review, a missing owner.
    """
    organization = organizations.find(db, attempt.organization_id)
    # claim: C-156
    if organization is None or organization.removed_at is not None or attempt.status not in UNDER_WAY:
        return None
    before = _brought_back(db, attempt)
    key = before.key if before is not None else attempt.key
    quarantines.delete(db, attempt.id)
    if before is not None and not connections.drop_attempt(db, attempt.organization_id, attempt.id):
        return None
    if not connections.activate(db, key, held, attempt.state_hash, now=now):
        return None
    left = before.tenant if before is not None and before.status in HELD and before.tenant != held.tenant else None
    if left is not None and attempt.kind == ConnectionKind.WORKSPACE:
        freezes.delete(db, left, organization=key.organization_id)
    active = key._replace(status=ConnectionStatus.ACTIVE)
    if organization.frozen_at is not None:
        freeze(db, key, held.tenant, attempt.kind, actor=actor, now=now)
    reason = _lasting_suspension(before)
    if reason is None and _is_frozen(db, key.organization_id, held.tenant):
        reason = StatusReason.FREEZE
    if reason is not None:
        set_status(db, active, ConnectionStatus.SUSPENDED, reason, now=now)
    else:
        # claim: C-152
        events.add(db, active, HostEventKind.CONNECTION_ACTIVE, None, now=now)
    return Activation(active, left)


def freeze(db: Database, key: ConnectionKey, tenant: Tenant, kind: ConnectionKind, *, actor: Actor, now: int) -> None:
    """Stops the tokens of a connection with its organization: all of its tenant's, or its member's own alone."""
    if kind == ConnectionKind.PERSONAL:
        holder = Holder.connection(key.id)
        # claim: C-343
        tokens.set_freeze(db, tenant, holder, TokenFreeze.FROZEN, expected=TokenFreeze.NONE, now=now)
    else:
        # claim: C-157
        freezes.add(db, tenant, actor, now, organization=key.organization_id)


def _brought_back(db: Database, attempt: Connection) -> Connection | None:
    """Finds the connection that an attempt is to bring back; a personal one comes back by its own member alone."""
    found = connections.find(db, attempt.organization_id, attempt.reconnects) if attempt.reconnects else None
    if found is None or found.deleted_at is not None or found.status not in HELD | {ConnectionStatus.REVOKED}:
        return None
    if found.installed_at is None:
        return None
    is_of_whoever_asks = found.kind == ConnectionKind.WORKSPACE or found.user_id == attempt.user_id
    return found if found.kind == attempt.kind and is_of_whoever_asks else None


def _lasting_suspension(before: Connection | None) -> StatusReason | None:
    """Finds why what was just granted must wait all the same."""
    if before is None or before.status not in HELD:
        return None
    # claim: C-388
    if before.unattested_at is not None:
        return StatusReason.REVIEW
    if before.status != ConnectionStatus.SUSPENDED:
        return None
    reason = StatusReason(before.status_reason)
    return reason if reason in _OUTLASTS_GRANT else None
