"""Choice of the connection that a call is about: the organization's one workspace, or the one whose id it names."""

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostCaller
from slackapp.host.rows import Connection
from slackapp.host.store import connections


def find(app: App, caller: HostCaller, connection_id: str | None) -> Connection | None:
    """Finds it; None where the organization has none. One that it holds comes before those that were revoked.

    Raises HostRefused where there is none of that id, and where there are several and none is named.
    """
    if connection_id is not None:
        found = connections.find(app.db, caller.organization, connection_id)
        # claim: C-182
        if found is None or not is_shown(found):
            raise HostRefused(HostRefusal.NOT_THERE, field="connectionId")
        return found
    held = connections.list_serving(app.db, caller.organization)
    if len(held) > 1:
        raise HostRefused(HostRefusal.CHOICE, field="connectionId")
    return held[0] if held else connections.find_newest_ended(app.db, caller.organization)


def require(app: App, caller: HostCaller, connection_id: str | None) -> Connection:
    """Finds it in whatever status. Raises HostRefused."""
    found = find(app, caller, connection_id)
    if found is None:
        raise HostRefused(HostRefusal.NO_INTEGRATION)
    return found


def require_active(app: App, caller: HostCaller, connection_id: str | None) -> Connection:
    """Finds one that serves. Raises HostRefused, with where it is connected again."""
    found = require(app, caller, connection_id)
    # claim: C-183
    if found.status != ConnectionStatus.ACTIVE or found.tenant is None:
        is_suspended = found.status == ConnectionStatus.SUSPENDED  # which another grant does not end
        raise refusal_of_inactive(app, HostRefusal.SUSPENDED if is_suspended else HostRefusal.INACTIVE)
    return found


def refusal_of_inactive(app: App, refusal: HostRefusal = HostRefusal.INACTIVE) -> HostRefused:
    """Makes the refusal that says where it is connected again."""
    return HostRefused(refusal, reconnect_url=build_reconnect_url(app))


def build_reconnect_url(app: App) -> str:
    """Builds the address of the host's page on which an owner or admin connects again."""
    return app.settings.host_url + app.settings.host_return_path


def is_shown(connection: Connection) -> bool:
    """Tells whether it is a workspace that was held some time, and not disconnected for good."""
    is_workspace = connection.kind == ConnectionKind.WORKSPACE
    return is_workspace and connection.installed_at is not None and connection.deleted_at is None
