"""Disconnects: the connection is over and hidden at once, whatever Slack answers; then it is uninstalled and erased."""

from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.flows.removal import uninstall_tenant
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_connection
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostCaller
from slackapp.host.rows import Connection, HostAuditEvent, StatusReason
from slackapp.host.store import connections
from slackapp.model import AuditEntry, Installation, Tenant

_REACHED = ("uninstalled", "revoked")


class EndedConnection(NamedTuple):
    """End of a connection that was begun: the tenant, or None where none was held, and its installation."""

    tenant: Tenant | None
    installation: Installation | None


def run(app: App, caller: HostCaller, connection_id: str, now: int) -> bool:
    """Ends a workspace connection of the caller's organization; tells whether Slack knows. Raises HostRefused."""
    with app.db.transaction():
        found = connections.find(app.db, caller.organization, connection_id)
        if found is None:
            raise HostRefused(HostRefusal.NO_INTEGRATION)
        ending = begin(app, caller, found, now)
    return finish(app, ending, caller)


def begin(app: App, caller: HostCaller, connection: Connection, now: int) -> EndedConnection:
    """Ends it, inside a transaction that has read it. Raises HostRefused."""
    # claim: C-174
    if connection.deleted_at is not None or connection.kind != ConnectionKind.WORKSPACE:
        raise HostRefused(HostRefusal.NO_INTEGRATION)
    is_held = connection.token_vault_key is not None and connection.tenant is not None
    if not is_held and connection.status != ConnectionStatus.REVOKED:
        raise HostRefused(HostRefusal.NO_INTEGRATION)
    tenant, installation = connection.tenant if is_held else None, None
    if tenant is not None:
        # claim: C-174
        change_connection.revoke(app.db, connection.key, StatusReason.DISCONNECTED, now)
        installation = uninstall_tenant.begin(app, tenant, caller, now)
    connections.delete(app.db, caller.organization, connection.id, now)
    entry = AuditEntry(at=now, event=HostAuditEvent.INTEGRATION_DELETED, actor=caller, connection=connection.id)
    app.vault.append(entry._replace(tenant=connection.tenant or entry.tenant))
    return EndedConnection(tenant, installation)


def finish(app: App, ending: EndedConnection, caller: HostCaller) -> bool:
    """Tells Slack, and erases; tells whether Slack knows."""
    if ending.tenant is None:
        return False
    return uninstall_tenant.finish(app, ending.tenant, ending.installation, caller).slack in _REACHED
