"""Holder of a connection's token: the bot of its workspace, or the connection itself where it is a member's own.

A personal connection is found by organization, member and id together, and its token by the tenant besides.
"""

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import choose_connection
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostCaller
from slackapp.host.rows import Connection
from slackapp.host.store import connections
from slackapp.model import BOT, Holder, InstallationStatus

POSTS = "chat:write"
"""The scope without which nothing is posted as a user."""
_ACTIVE = frozenset({InstallationStatus.ACTIVE})
_WITHOUT_BOT = _ACTIVE | {InstallationStatus.NEEDS_REINSTALL}


def holder_of(connection: Connection) -> Holder:
    """Finds who holds the token that a connection uses."""
    return Holder.connection(connection.id) if connection.kind is ConnectionKind.PERSONAL else BOT


def statuses_for(connection: Connection) -> frozenset[InstallationStatus]:
    """Finds in which statuses of the installation it serves: a user's own token does, whatever became of the bot."""
    return _WITHOUT_BOT if connection.kind is ConnectionKind.PERSONAL else _ACTIVE


def find_own(app: App, caller: HostCaller, connection_id: str) -> Connection | None:
    """Finds a personal connection of the caller's, in whatever status; None for anybody else's."""
    found = connections.find(app.db, caller.organization, connection_id)
    is_personal = found is not None and found.kind is ConnectionKind.PERSONAL and found.deleted_at is None
    # claim: C-351
    if found is None or not is_personal or found.user_id != caller.id or found.installed_at is None:
        return None
    return found


def require_sender(app: App, caller: HostCaller, connection_id: str | None, purpose: str | None) -> Connection:
    """Finds the connection by which the caller may post: a workspace, or a personal one of its own.

    A personal one posts for its own purpose alone. Raises HostRefused.
    """
    own = find_own(app, caller, connection_id) if connection_id is not None else None
    if own is None:
        return choose_connection.require_active(app, caller, connection_id)
    if own.status != ConnectionStatus.ACTIVE or own.tenant is None:
        is_suspended = own.status == ConnectionStatus.SUSPENDED
        raise choose_connection.refusal_of_inactive(
            app, HostRefusal.SUSPENDED if is_suspended else HostRefusal.INACTIVE
        )  # fmt: skip
    # claim: C-352
    if POSTS not in own.scopes:
        raise choose_connection.refusal_of_inactive(app, HostRefusal.SCOPE)
    # claim: C-352
    if purpose not in (None, own.purpose_id):
        raise HostRefused(HostRefusal.FIELD, field="purpose")
    return own
