"""Disconnects: the connection is over and hidden at once, whatever Slack answers; then it is ended there and erased."""

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_connection
from slackapp.host.flows.connect import leave_tenant
from slackapp.host.flows.connect.leave_tenant import LeftTenant
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostCaller
from slackapp.host.rows import Connection, HostAuditEvent, StatusReason
from slackapp.host.store import connections
from slackapp.model import AuditEntry


def run(
    app: App, caller: HostCaller, connection_id: str, now: int, *, kind: ConnectionKind = ConnectionKind.WORKSPACE
) -> bool:
    """Ends a connection of the caller's organization; tells whether Slack knows. Raises HostRefused."""
    with app.db.transaction():
        found = connections.find(app.db, caller.organization, connection_id)
        # claim: C-174
        if found is None or found.kind != kind:
            raise HostRefused(HostRefusal.NO_INTEGRATION)
        left = begin(app, caller, found, now)
    return finish(app, left, caller)


def begin(app: App, caller: HostCaller, connection: Connection, now: int) -> LeftTenant | None:
    """Ends it, inside a transaction that has read it; None where no tenant is held. Raises HostRefused."""
    # claim: C-174
    if connection.deleted_at is not None:
        raise HostRefused(HostRefusal.NO_INTEGRATION)
    is_held = connection.token_vault_key is not None and connection.tenant is not None
    if not is_held and connection.status != ConnectionStatus.REVOKED:
        raise HostRefused(HostRefusal.NO_INTEGRATION)
    left = None
    if is_held and connection.tenant is not None:
        # claim: C-174
        change_connection.revoke(app.db, connection.key, StatusReason.DISCONNECTED, now)
        kind = connection.kind
        left = leave_tenant.begin(app, connection.tenant, kind, connection.id, actor=caller, now=now)
    connections.delete(app.db, caller.organization, connection.id, now)
    entry = AuditEntry(at=now, event=HostAuditEvent.INTEGRATION_DELETED, actor=caller, connection=connection.id)
    app.vault.append(entry._replace(tenant=connection.tenant or entry.tenant))
    return left


def finish(app: App, left: LeftTenant | None, caller: HostCaller) -> bool:
    """Tells Slack, and erases; tells whether Slack knows."""
    return leave_tenant.finish(app, left, caller) if left is not None else False
