"""Disconnects: the connection is over and hidden at once, whatever Slack answers; then it is uninstalled and erased."""

from slackapp.flows.app import App
from slackapp.flows.removal import uninstall_tenant
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_connection
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostCaller
from slackapp.host.rows import HostAuditEvent, StatusReason
from slackapp.host.store import connections
from slackapp.model import AuditEntry

_REACHED = ("uninstalled", "revoked")


def run(app: App, caller: HostCaller, connection_id: str, now: int) -> bool:
    """Ends a workspace connection of the caller's organization; tells whether Slack knows. Raises HostRefused."""
    with app.db.transaction():
        found = connections.find(app.db, caller.organization, connection_id)
        # claim: C-174
        if found is None or found.deleted_at is not None or found.kind != ConnectionKind.WORKSPACE:
            raise HostRefused(HostRefusal.NO_INTEGRATION)
        is_held = found.token_vault_key is not None and found.tenant is not None
        if not is_held and found.status != ConnectionStatus.REVOKED:
            raise HostRefused(HostRefusal.NO_INTEGRATION)
        installation = None
        if is_held and found.tenant is not None:
            # claim: C-174
            change_connection.revoke(app.db, found.key, StatusReason.DISCONNECTED, now)
            installation = uninstall_tenant.begin(app, found.tenant, caller, now)
        connections.delete(app.db, caller.organization, connection_id, now)
        entry = AuditEntry(at=now, event=HostAuditEvent.INTEGRATION_DELETED, actor=caller, connection=connection_id)
        app.vault.append(entry._replace(tenant=found.tenant or entry.tenant))
    if not is_held or found.tenant is None:
        return False
    return uninstall_tenant.finish(app, found.tenant, installation, caller).slack in _REACHED
