"""Gives back to Slack what was granted and nobody keeps: refused, not confirmed in time, or of nobody any more.

Removing the app from a tenant ends whatever else lives there, so it is done only where nothing does: no installation,
no row of a connection in any status, no exchange under way that could bring one. While Slack is asked, a lease lets new
grants wait. Elsewhere each token is judged by itself: a rotating pair is revoked, and so is a token that does not
rotate and that nobody else has. One that is in use stays: whoever grants again gets the very same.
"""

from collections.abc import Callable
from typing import NamedTuple

from slackapp.errors import DecryptError, SlackCallError, SlackErrorKind, StoreError
from slackapp.flows.app import App
from slackapp.flows.install import drop_dead_pair, store_grant
from slackapp.flows.upkeep.interrupted_calls import MAX_EXCHANGE_SECONDS
from slackapp.host.checks.transitions import UNDER_WAY
from slackapp.host.flows import change_connection, pending_records
from slackapp.host.flows.connect import note_connect
from slackapp.host.model import ConnectionStatus, GrantOutcome
from slackapp.host.rows import Connection, HostAuditEvent, Quarantine, StatusReason
from slackapp.host.store import connections, quarantines
from slackapp.model import (
    BOT,
    SCHEDULER,
    Actor,
    AuditEntry,
    AuditResult,
    Grant,
    GrantedToken,
    Holder,
    InstallationStatus,
    Tenant,
    TenantKind,
    TokenStatus,
)
from slackapp.store import installations, oauth_states, tokens

_GIVE_UP_AFTER = 3600
"""Seconds after its expiry for which Slack is asked again, each minute."""
_WAITS = 5 * MAX_EXCHANGE_SECONDS
"""Seconds after its expiry for which it waits while exchanges are under way. The one that may bring the same token is
over long before: what goes on then was begun later, and others could begin one after the other for ever."""


class _Plan(NamedTuple):
    """Plan of what is done with a grant, and with which of its tokens."""

    outcome: GrantOutcome
    tokens: tuple[GrantedToken, ...]


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
        # claim: C-164
        if not quarantines.take_lease(app.db, attempt.id, app.process_id, app.clock.steady()):
            return None
        plan = _choose(app, attempt, grant, waited=now - quarantine.expires_at, now=now)
        if plan is None:
            quarantines.release(app.db, attempt.id, app.process_id, app.clock.steady())
            return None
        if plan.outcome is GrantOutcome.LEFT:
            return _end(app, attempt, plan.outcome, reason, actor=actor, now=now)
    # 21. tell Slack
    done = (_uninstall if plan.outcome is GrantOutcome.UNINSTALLED else _revoke)(app, plan.tokens)
    if done is None and now > quarantine.expires_at + _GIVE_UP_AFTER:
        done = GrantOutcome.ABANDONED
    # 22. the attempt has failed, and nothing of the grant is kept
    with app.db.transaction():
        if done is None:
            quarantines.release(app.db, attempt.id, app.process_id, app.clock.steady())
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
        note_connect.note_failed(app, attempt.key, reason, actor, now=now)
    return done


def _choose(app: App, attempt: Connection, grant: Grant, *, waited: int, now: int) -> _Plan | None:
    """Chooses what to do; None where that shows only when an exchange is over."""
    granted = tuple(store_grant.granted_tokens(grant))
    own = tuple(each[1] for each in granted if _is_own(app, attempt.id, grant, each))
    # claim: C-164
    is_exchanging = oauth_states.has_open_exchange(app.db, now - MAX_EXCHANGE_SECONDS)
    # claim: C-164
    if not is_exchanging and not _lives_elsewhere(app, attempt, grant):
        return _Plan(GrantOutcome.UNINSTALLED, tuple(token for _, token in granted))
    # claim: C-194
    if is_exchanging and waited <= _WAITS and any(token.refresh is None for token in own):
        return None
    return _Plan(GrantOutcome.REVOKED if own else GrantOutcome.LEFT, own)


def _tenants(grant: Grant) -> tuple[Tenant, ...]:
    """The tenant, and the enterprise over it."""
    over = (Tenant(TenantKind.ENTERPRISE, grant.enterprise_id),) if grant.enterprise_id else ()
    return (grant.tenant, *(each for each in over if each != grant.tenant))


def _is_own(app: App, connection_id: str, grant: Grant, granted: tuple[Holder, GrantedToken]) -> bool:
    """Tells whether nobody but this grant has the token. Of one that does not rotate, what is stored or waits says."""
    holder, token = granted
    if token.refresh is not None:
        return True
    for tenant in _tenants(grant):
        # claim: C-193
        if quarantines.has_other(app.db, tenant, "" if holder == BOT else grant.installer_id, connection_id):
            return False
        # claim: C-193
        if _is_bot_in_use(app, tenant) if holder == BOT else _is_user_in_use(app, tenant, holder, token):
            return False
    return True


def _is_bot_in_use(app: App, tenant: Tenant) -> bool:
    """Tells whether the bot is stored, or was. To end it would end the app for all who wait to install again."""
    installation = installations.find(app.db, tenant)
    if installation is None:
        return False
    return installation.status != InstallationStatus.ACTIVE or tokens.find(app.db, tenant, BOT) is not None


def _is_user_in_use(app: App, tenant: Tenant, holder: Holder, token: GrantedToken) -> bool:
    """Tells whether the user's token is stored: as the user's own, or of a connection that holds the very same."""
    found = tokens.find(app.db, tenant, holder)
    same = tokens.find_by_fingerprint(app.db, app.keyring.fingerprint(token.access))
    return any(each is not None and each.status != TokenStatus.DEAD for each in (found, *same))


def _lives_elsewhere(app: App, attempt: Connection, grant: Grant) -> bool:
    """Tells whether anything else is stored of the tenant, of its enterprise, or of a workspace of it."""
    # claim: C-164
    if installations.find_first(app.db, _tenants(grant)) is not None:
        return True
    # claim: C-164
    if grant.tenant.is_enterprise and quarantines.has_workspaces(app.db, grant.tenant.id):
        return True
    return connections.has_rows(app.db, grant.tenant, grant.enterprise_id, attempt.id)


def _uninstall(app: App, granted: tuple[GrantedToken, ...]) -> GrantOutcome | None:
    """Removes the app. Where Slack does not allow that to this kind of token, the tokens are revoked."""
    for token in granted:
        try:
            app.slack.uninstall(token.access)
        except SlackCallError as error:
            if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED):
                return None
            if error.kind is not SlackErrorKind.DEAD:
                continue
        return GrantOutcome.UNINSTALLED
    return _revoke(app, granted)


def _revoke(app: App, granted: tuple[GrantedToken, ...]) -> GrantOutcome | None:
    revoked = [drop_dead_pair.revoke(app, token.access) for token in granted]
    return GrantOutcome.REVOKED if all(revoked) else None


def revoke_own(app: App, connection_id: str, grant: Grant) -> None:
    """Revokes at once, of a grant that cannot be kept, what nobody else has."""
    for granted in store_grant.granted_tokens(grant):
        try:
            is_own = _is_own(app, connection_id, grant, granted)
        except StoreError:
            is_own = False  # not knowing is no reason to break what may be in use
        if is_own:
            drop_dead_pair.revoke(app, granted[1].access)


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
