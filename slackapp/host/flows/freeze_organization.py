"""Freezes an organization: from that commit on no token of what it holds opens; what it connects waits, too.

Each tenant that it holds gets a freeze of its own, beside one of the operator; so the core asks one table alone. Of a
personal connection its token is frozen, and not the tenant, which may be another organization's. What removes goes on.
"""

from slackapp.flows.app import App
from slackapp.host.flows import change_connection
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, StatusReason
from slackapp.host.store import connections, organizations
from slackapp.model import Actor, AuditEntry, Holder, TokenFreeze
from slackapp.store import freezes, tokens
from slackapp.store.freezes import Freeze


def run(app: App, organization_id: str, actor: Actor, now: int) -> bool:
    """Freezes an organization; False where that is so, or where there is none. Raises StoreError."""
    with app.db.transaction():
        # claim: C-157
        if not organizations.freeze(app.db, organization_id, now):
            return False
        held = connections.list_held(app.db, organization_id)
        for key, tenant, kind in held:
            change_connection.freeze(app.db, key, tenant, kind, actor=actor, now=now)
            change_connection.set_status(app.db, key, ConnectionStatus.SUSPENDED, StatusReason.FREEZE, now=now)
        entry = _entry(HostAuditEvent.ORGANIZATION_FROZEN, organization_id, actor, now)
        app.vault.append(entry._replace(count=len(held)))
    return True


def end(app: App, organization_id: str, actor: Actor, now: int) -> bool:
    """Ends that freeze, and no other; False where there is none. Raises StoreError."""
    with app.db.transaction():
        if not organizations.end_freeze(app.db, organization_id, now):
            return False
        held = connections.list_held(app.db, organization_id)
        for key, tenant, kind in held:
            if kind == ConnectionKind.PERSONAL:
                holder = Holder.connection(key.id)
                tokens.set_freeze(app.db, tenant, holder, TokenFreeze.NONE, expected=TokenFreeze.FROZEN, now=now)
            else:
                freezes.delete(app.db, tenant, organization=organization_id)
            change_connection.resume(app.db, key, StatusReason.FREEZE, now)
        entry = _entry(HostAuditEvent.ORGANIZATION_UNFROZEN, organization_id, actor, now)
        app.vault.append(entry._replace(count=len(held)))
    return True


def is_frozen(app: App, organization_id: str) -> bool:
    """Tells whether an organization is frozen by its own wish."""
    found = organizations.find(app.db, organization_id)
    return found is not None and found.frozen_at is not None


def list_remaining(app: App, organization_id: str) -> list[Freeze]:
    """Lists the freezes that still keep tokens closed of what it holds."""
    held = {tenant for _, tenant, _ in connections.list_held(app.db, organization_id)}
    return [each for each in freezes.list_all(app.db) if each.is_of_everything or each.tenant in held]


def _entry(event: HostAuditEvent, organization_id: str, actor: Actor, now: int) -> AuditEntry:
    kind = HostAuditRecord.ORGANIZATION
    return AuditEntry(at=now, event=event, actor=actor, record_kind=kind, record_id=organization_id)
