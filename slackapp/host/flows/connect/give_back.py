"""Gives back to Slack what was granted and nobody keeps: refused, not confirmed in time, or of nobody any more.

Removing the app from a tenant ends whatever else lives there, so it is done only where nothing does: no installation,
no row of a connection in any status, no exchange under way that could bring one. While Slack is asked, a lease lets new
grants wait. Elsewhere this pair alone is revoked; and a token that does not rotate is the very one in use, and stays.
"""

from collections.abc import Callable

from slackapp.errors import DecryptError, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.install import drop_dead_pair, store_grant
from slackapp.flows.upkeep.interrupted_calls import MAX_EXCHANGE_SECONDS
from slackapp.host.checks.transitions import UNDER_WAY
from slackapp.host.flows import change_connection, pending_records
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import Connection, GrantOutcome, HostAuditEvent, Quarantine, StatusReason
from slackapp.host.store import connections, quarantines
from slackapp.model import SCHEDULER, Actor, AuditEntry, AuditResult, Grant, Tenant, TenantKind
from slackapp.store import installations, oauth_states

_GIVE_UP_AFTER = 3600
"""Seconds after its expiry for which Slack is asked again, each minute."""


def run(app: App, quarantine: Quarantine, reason: StatusReason, actor: Actor, now: int) -> GrantOutcome | None:
    """Gives a grant back and ends its attempt; None where others are at it, or it must wait."""
    try:
        grant = pending_records.open_grant(app, quarantine, actor, now)
    except DecryptError:
        app.log.error("grant_does_not_open", {"action": "uninstall the app at Slack by hand"})
        return _abandon(app, quarantine, reason, actor, now=now)
    # 20. one gives it back, under a lease; what may be done, as nothing else lives there
    with app.db.transaction():
        attempt = connections.find(app.db, quarantine.organization_id, quarantine.connection_id)
        if attempt is None or attempt.status != ConnectionStatus.QUARANTINED:
            return None
        # Whatever becomes of it, nobody confirms it any more.
        quarantines.expire(app.db, attempt.id, now)
        way = _choose(app, attempt, grant, now)
        # claim: C-164
        if way is None or not quarantines.take_lease(app.db, attempt.id, app.process_id, app.clock.steady()):
            return None
        if way is GrantOutcome.LEFT:
            return _end(app, attempt, way, reason, actor=actor, now=now)
    # 21. tell Slack
    done = _uninstall(app, grant) if way is GrantOutcome.UNINSTALLED else _revoke(app, grant)
    if done is None and now > quarantine.expires_at + _GIVE_UP_AFTER:
        done = GrantOutcome.ABANDONED
    # 22. the attempt has failed, and nothing of the grant is kept
    with app.db.transaction():
        return _end(app, attempt, done, reason, actor=actor, now=app.clock())


def _abandon(app: App, quarantine: Quarantine, reason: StatusReason, actor: Actor, now: int) -> GrantOutcome | None:
    with app.db.transaction():
        attempt = connections.find(app.db, quarantine.organization_id, quarantine.connection_id)
        return _end(app, attempt, GrantOutcome.ABANDONED, reason, actor=actor, now=now) if attempt is not None else None


def _end(
    app: App, attempt: Connection, done: GrantOutcome | None, reason: StatusReason, *, actor: Actor, now: int
) -> GrantOutcome | None:
    if done is not None and attempt.status in UNDER_WAY and change_connection.fail(app.db, attempt.key, reason, now):
        result = AuditResult.OK if done is not GrantOutcome.ABANDONED else AuditResult.FAILED
        entry = AuditEntry(at=now, event=HostAuditEvent.GRANT_GIVEN_BACK, actor=actor, connection=attempt.id)
        app.vault.append(entry._replace(tenant=attempt.tenant or entry.tenant, result=result, detail=done))
    return done


def _choose(app: App, attempt: Connection, grant: Grant, now: int) -> GrantOutcome | None:
    """Chooses what to do; None where that shows only when an exchange is over."""
    rotates = all(token.refresh is not None for _, token in store_grant.granted_tokens(grant))
    # claim: C-164
    if _lives_elsewhere(app, attempt, grant):
        return GrantOutcome.REVOKED if rotates else GrantOutcome.LEFT
    # claim: C-164
    if oauth_states.has_open_exchange(app.db, now - MAX_EXCHANGE_SECONDS):
        return GrantOutcome.REVOKED if rotates else None
    return GrantOutcome.UNINSTALLED


def _lives_elsewhere(app: App, attempt: Connection, grant: Grant) -> bool:
    """Tells whether anything else is stored of the tenant, of its enterprise, or of a workspace of it."""
    over = (Tenant(TenantKind.ENTERPRISE, grant.enterprise_id),) if grant.enterprise_id else ()
    # claim: C-164
    if installations.find_first(app.db, (grant.tenant, *over)) is not None:
        return True
    # claim: C-164
    if grant.tenant.is_enterprise and quarantines.has_workspaces(app.db, grant.tenant.id):
        return True
    return connections.has_rows(app.db, grant.tenant, grant.enterprise_id, attempt.id)


def _uninstall(app: App, grant: Grant) -> GrantOutcome | None:
    """Removes the app. Where Slack does not allow that to this kind of token, the tokens are revoked."""
    for _, token in store_grant.granted_tokens(grant):
        try:
            app.slack.uninstall(token.access)
        except SlackCallError as error:
            if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED):
                return None
            if error.kind is not SlackErrorKind.DEAD:
                continue
        return GrantOutcome.UNINSTALLED
    return _revoke(app, grant)


def _revoke(app: App, grant: Grant) -> GrantOutcome | None:
    revoked = [drop_dead_pair.revoke(app, token.access) for _, token in store_grant.granted_tokens(grant)]
    return GrantOutcome.REVOKED if all(revoked) else None


def run_expired(app: App, stopping: Callable[[], bool]) -> None:
    """Gives back, each minute, what has waited for too long. Raises StoreError."""
    for quarantine in quarantines.list_expired(app.db, app.clock(), app.clock.steady()):
        if stopping():
            return
        # claim: C-173
        run(app, quarantine, StatusReason.NOT_CONFIRMED, SCHEDULER, now=app.clock())


def is_under_way(app: App) -> bool:
    """Tells whether something is given back just now, by this process or another one."""
    return quarantines.is_any_given_back(app.db, app.clock.steady())
