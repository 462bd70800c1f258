"""Makes a connection active: with the grant, in one transaction that asks everything again.

Time has gone by since it was begun, and others have done something: whatever was asked then is asked here, where nobody
can change it any more before the commit.
"""

from functools import partial
from typing import NamedTuple

from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.install import keep_grant
from slackapp.host.checks.transitions import HELD, UNDER_WAY
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_connection
from slackapp.host.flows.connect import leave_tenant, may_connect, note_connect
from slackapp.host.flows.connect.leave_tenant import LeftTenant
from slackapp.host.model import ConnectionKind
from slackapp.host.rows import Connection, HeldWorkspace
from slackapp.host.store import connections, quarantines, sessions
from slackapp.host.store.personal import personal_connections as personal
from slackapp.model import Actor, Grant, Holder, Tenant, TokenStatus
from slackapp.store import tokens

_RETRY_AFTER = 5
Left = list[LeftTenant]
"""Tenant that a connection has left for another one."""


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
    attempt = confirmed.attempt
    grant = confirmed.grant._replace(connection_id=holder_id(app, attempt, confirmed.grant))
    confirmed = confirmed._replace(grant=grant)
    also = partial(_activate, app, confirmed, actor, left=left, now=now)
    keep_grant.run(app, grant, attempt.state_hash or b"", actor, now=now, also=also)
    for each in left:
        # That was decided in the transaction, and the worker does it where we do not come to it.
        leave_tenant.finish(app, each, actor)


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
    require_free(app, attempt, grant)
    # The token is stored for the connection that was found before: another one by now begins anew.
    if grant.connection_id != holder_id(app, attempt, grant):
        raise Refused(Refusal.BUSY, retry_after=_RETRY_AFTER)
    attempt = to_own_connection(app, attempt, grant)
    may_connect.require(app, attempt.organization_id, attempt.user_id, attempt.reconnects, kind=attempt.kind)
    done = change_connection.activate(db, attempt, _held(confirmed), actor, now=now)
    if done is None:
        raise HostRefused(HostRefusal.NOT_CONFIRMED)
    # claim: C-191
    if done.left is not None and done.left.id != confirmed.leaves:
        raise HostRefused(HostRefusal.LEAVES)
    note_connect.note_completed(app, attempt, done.connection.id, grant.tenant, actor=actor, now=now)
    left.clear()
    if done.left is not None:
        left.append(leave_tenant.begin(app, done.left, attempt.kind, done.connection.id, actor=actor, now=now))


def require_allowed(app: App, attempt: Connection, grant: Grant, now: int) -> Connection | None:
    """Asks who may before anything more is asked of Slack; returns what is brought back. Raises HostRefused."""
    may_connect.require_role(app, attempt, now)
    own = to_own_connection(app, attempt, grant)
    return may_connect.require(app, attempt.organization_id, attempt.user_id, own.reconnects, kind=attempt.kind)


def require_free(app: App, attempt: Connection, grant: Grant) -> None:
    """Raises HostRefused where what was granted is somebody else's: the tenant, or a user's token in it."""
    if attempt.kind is ConnectionKind.PERSONAL:
        _require_own_user(app, attempt, grant)
    # claim: C-151
    elif connections.is_taken(app.db, attempt.organization_id, grant.tenant, grant.enterprise_id):
        raise HostRefused(HostRefusal.TAKEN)


def _require_own_user(app: App, attempt: Connection, grant: Grant) -> None:
    """Raises HostRefused where the user is connected already, to another member or in the place of another user.

    Slack gives one user one token that does not expire, and of those that rotate it keeps two: a third ends the first.
    """
    own_id = holder_id(app, attempt, grant)
    held = personal.find_by_user(app.db, grant.tenant, grant.installer_id)
    # claim: C-348
    if held is not None and held.id != own_id:
        raise HostRefused(HostRefusal.OTHER_USER)
    token = grant.user
    same = tokens.find_by_fingerprint(app.db, app.keyring.fingerprint(token.access)) if token is not None else []
    # claim: C-348
    if any(each.holder != Holder.connection(own_id) and each.status != TokenStatus.DEAD for each in same):
        raise HostRefused(HostRefusal.OTHER_USER)
    before = connections.find(app.db, attempt.organization_id, own_id)
    is_held = before is not None and before.status in HELD and before.tenant == grant.tenant
    # claim: C-348
    if is_held and before is not None and before.installed_by_slack_user_id != grant.installer_id:
        raise HostRefused(HostRefusal.OTHER_USER)


def holder_id(app: App, attempt: Connection, grant: Grant) -> str:
    """Finds the id of the personal connection that is to hold the token; "" where the workspace's bot does."""
    if attempt.kind is not ConnectionKind.PERSONAL:
        return ""
    return to_own_connection(app, attempt, grant).reconnects or attempt.id


def to_own_connection(app: App, attempt: Connection, grant: Grant) -> Connection:
    """A workspace that the organization holds, or has held, is brought back, asked for or not: it has one connection.

    One that was held is so unless another one was asked for. Of personal ones the same holds for a member.
    """
    if attempt.kind is ConnectionKind.PERSONAL:
        return _to_own_personal(app, attempt, grant)
    tenant = grant.tenant
    own = connections.find_held(app.db, tenant)
    if own is not None and own.organization_id == attempt.organization_id:
        return attempt._replace(reconnects=own.id)
    if attempt.reconnects:
        return attempt
    # claim: C-197
    return attempt._replace(reconnects=connections.find_ended(app.db, attempt.organization_id, tenant) or "")


def _to_own_personal(app: App, attempt: Connection, grant: Grant) -> Connection:
    own = personal.find_by_user(app.db, grant.tenant, grant.installer_id)
    if own is not None and (own.organization_id, own.user_id) == (attempt.organization_id, attempt.user_id):
        return attempt._replace(reconnects=own.id)
    if attempt.reconnects:
        return attempt
    ended = personal.find_ended(app.db, attempt.organization_id, attempt.user_id, grant.tenant)
    return attempt._replace(reconnects=ended or "")


def find_left(app: App, attempt: Connection, grant: Grant) -> Connection | None:
    """Finds the connection whose workspace is left, removed and erased where the attempt brings that tenant."""
    own, tenant = to_own_connection(app, attempt, grant), grant.tenant
    before = connections.find(app.db, attempt.organization_id, own.reconnects) if own.reconnects else None
    return before if is_left(before, tenant) else None


def is_left(before: Connection | None, tenant: Tenant) -> bool:
    """Tells whether what is brought back holds another workspace, which is left then."""
    return before is not None and before.status in HELD and before.tenant != tenant


def _held(confirmed: ConfirmedGrant) -> HeldWorkspace:
    grant = confirmed.grant
    granted = grant.user if grant.connection_id else grant.bot
    return HeldWorkspace(
        tenant=grant.tenant,
        enterprise_id=grant.enterprise_id,
        team_name=workspace_name(grant),
        team_domain=confirmed.team_domain,
        bot_user_id=grant.bot_user_id,
        scopes=granted.scopes if granted is not None else (),
        installer_id=grant.installer_id,
    )


def workspace_name(grant: Grant) -> str:
    """The name that people know the tenant by."""
    return grant.enterprise_name if grant.tenant.is_enterprise else grant.team_name
