"""Makes a connection active: with the grant, in one transaction that asks everything again.

Time has gone by since it was begun, and others have done something: whatever was asked then is asked here, where nobody
can change it any more before the commit.
"""

from functools import partial
from typing import NamedTuple

from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.install import keep_grant
from slackapp.flows.removal import uninstall_tenant
from slackapp.host.checks.transitions import HELD, UNDER_WAY
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_connection
from slackapp.host.flows.connect import may_connect, note_connect
from slackapp.host.rows import Connection, HeldWorkspace
from slackapp.host.store import connections, quarantines, sessions
from slackapp.model import Actor, Grant, Installation, Tenant

_RETRY_AFTER = 5
Left = list[tuple[Tenant, Installation | None]]
"""Tenant that a connection has left for another one, and what was installed there."""


class ConfirmedGrant(NamedTuple):
    """Grant that a member's own session has confirmed: `session` is the digest of its secret.

    `leaves` is the id of the tenant that is left for it, as it was shown to that member, or "".
    """

    attempt: Connection
    grant: Grant
    session: bytes
    team_domain: str = ""
    leaves: str = ""


def run(app: App, confirmed: ConfirmedGrant, actor: Actor, now: int) -> None:
    """Stores grant and connection together, or nothing. Raises Refused, and StoreError."""
    left: Left = []
    attempt, grant = confirmed.attempt, confirmed.grant
    also = partial(_activate, app, confirmed, actor, left=left, now=now)
    keep_grant.run(app, grant, attempt.state_hash or b"", actor, now=now, also=also)
    for tenant, installation in left:
        # That was decided in the transaction, and the worker does it where we do not come to it.
        uninstall_tenant.finish(app, tenant, installation, actor)


def _activate(app: App, confirmed: ConfirmedGrant, actor: Actor, *, left: Left, now: int) -> None:
    """Asks everything again, and activates. Raises Refused, which undoes all of the transaction."""
    db, grant = app.db, confirmed.grant
    attempt = connections.find(db, confirmed.attempt.organization_id, confirmed.attempt.id)
    if attempt is None or attempt.status not in UNDER_WAY:
        raise HostRefused(HostRefusal.NOT_CONFIRMED)
    session = sessions.find(db, confirmed.session, now)
    # claim: C-167
    if session is None or session.login[:2] != (attempt.organization_id, attempt.user_id):
        raise HostRefused(HostRefusal.NOT_CONFIRMED)
    # claim: C-196
    if not all(may_connect.is_key_live(app, key_id) for key_id in (attempt.host_key_id, session.login.host_key_id)):
        raise HostRefused(HostRefusal.NOT_CONFIRMED)
    may_connect.use_approval(app, attempt, session.login.role, actor, now=now)
    # claim: C-167
    if quarantines.is_being_given_back(db, grant.tenant, app.clock.steady()):
        raise Refused(Refusal.BUSY, retry_after=_RETRY_AFTER)
    # claim: C-151
    if connections.is_taken(db, attempt.organization_id, grant.tenant, grant.enterprise_id):
        raise HostRefused(HostRefusal.TAKEN)
    attempt = to_own_connection(app, attempt, grant.tenant)
    may_connect.require(app, attempt.organization_id, attempt.user_id, attempt.reconnects)
    done = change_connection.activate(db, attempt, _held(confirmed), actor, now=now)
    if done is None:
        raise HostRefused(HostRefusal.NOT_CONFIRMED)
    # claim: C-191
    if done.left is not None and done.left.id != confirmed.leaves:
        raise HostRefused(HostRefusal.LEAVES)
    note_connect.note_completed(app, attempt, done.connection.id, grant.tenant, actor=actor, now=now)
    left.clear()
    if done.left is not None:
        left.append((done.left, uninstall_tenant.begin(app, done.left, actor, now)))


def require_allowed(app: App, attempt: Connection, tenant: Tenant, now: int) -> Connection | None:
    """Asks who may before anything more is asked of Slack; returns what is brought back. Raises HostRefused."""
    may_connect.require_role(app, attempt, now)
    own = to_own_connection(app, attempt, tenant)
    return may_connect.require(app, attempt.organization_id, attempt.user_id, own.reconnects)


def to_own_connection(app: App, attempt: Connection, tenant: Tenant) -> Connection:
    """A workspace that the organization holds, or has held, is brought back, asked for or not: it has one connection.

    One that was held is so unless another one was asked for.
    """
    own = connections.find_held(app.db, tenant)
    if own is not None and own.organization_id == attempt.organization_id:
        return attempt._replace(reconnects=own.id)
    if attempt.reconnects:
        return attempt
    # claim: C-197
    return attempt._replace(reconnects=connections.find_ended(app.db, attempt.organization_id, tenant) or "")


def find_left(app: App, attempt: Connection, tenant: Tenant) -> Connection | None:
    """Finds the connection whose workspace is left, removed and erased where the attempt brings that tenant."""
    own = to_own_connection(app, attempt, tenant)
    before = connections.find(app.db, attempt.organization_id, own.reconnects) if own.reconnects else None
    return before if is_left(before, tenant) else None


def is_left(before: Connection | None, tenant: Tenant) -> bool:
    """Tells whether what is brought back holds another workspace, which is left then."""
    return before is not None and before.status in HELD and before.tenant != tenant


def _held(confirmed: ConfirmedGrant) -> HeldWorkspace:
    grant = confirmed.grant
    return HeldWorkspace(
        tenant=grant.tenant,
        enterprise_id=grant.enterprise_id,
        team_name=workspace_name(grant),
        team_domain=confirmed.team_domain,
        bot_user_id=grant.bot_user_id,
        scopes=grant.bot.scopes if grant.bot is not None else (),
        installer_id=grant.installer_id,
    )


def workspace_name(grant: Grant) -> str:
    """The name that people know the tenant by."""
    return grant.enterprise_name if grant.tenant.is_enterprise else grant.team_name
