"""`GET /api/v2/slack/auth/callback`: the browser is back from Slack. Arrows 5 to 14 of connecting.

Whoever approved at Slack need not be whoever began: a link is easily sent on. So the grant of a connection that was
begun on the page becomes active in that member's own session alone, and one that was begun by API waits for such a
session.
What is refused is given back.
"""

import hmac
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from slackapp.checks import browser_binding, code_grant, installer, state_token
from slackapp.errors import Refusal, RefusalKind, Refused, StoreError
from slackapp.flows.app import App
from slackapp.flows.install import exchange_code, require_admin, revoke_answer
from slackapp.flows.install.finish_install import Callback
from slackapp.flows.tokens.slack_provider import SLACK
from slackapp.host.errors import HostRefusal, HostRefused, RefusedRedirect
from slackapp.host.flows import change_connection, pending_records
from slackapp.host.flows.connect import (
    activate_connect,
    begin_connect,
    give_back,
    may_connect,
    note_connect,
    open_session,
    return_to_host,
)
from slackapp.host.flows.connect.activate_connect import ConfirmedGrant
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.model import ConnectionKind, ConnectionStatus, ConnectionWay
from slackapp.host.rows import Connection, Quarantine, StatusReason
from slackapp.host.store import connections, quarantines
from slackapp.model import NO_TENANT, Actor, Grant, Secret, StateOutcome
from slackapp.store import oauth_states

QUARANTINE_COOKIE = "connect"
"""In the name of the cookie that ties a grant to the browser that brought it."""
CONNECT_PATH = "/settings/connect"
"""Our own page, on which a grant is confirmed."""


def _exchange(app: App, code: Secret) -> Mapping[str, Any]:
    fields = {"code": code.reveal(), "redirect_uri": begin_connect.redirect_uri(app.settings)}
    return app.slack.call_as_app(SLACK.exchange_code.method, fields).data


_SLACK = SLACK._replace(exchange_code=SLACK.exchange_code._replace(send=_exchange))
"""Slack, as it is asked for what was begun here: with the same redirect address."""


_OTHERWISE: Mapping[RefusalKind, StatusReason] = {
    Refusal.SLACK_UNREACHABLE: StatusReason.EXCHANGE_FAILED,
    Refusal.RATE: StatusReason.EXCHANGE_FAILED,
}
"""What the host is told, once the code was used, of what else is of the moment."""


class HostRedirect(NamedTuple):
    """Redirect of the browser to the host, with a cookie that it takes along or None."""

    location: str
    cookie: str | None = None


class _Arrival(NamedTuple):
    """Browser that has come back: the connection, and the session where it is the very one that began."""

    attempt: Connection
    state: state_token.VerifiedState
    session: PageMember | None
    actor: Actor
    network: str


def run(app: App, callback: Callback, actor: Actor, now: int) -> HostRedirect:
    """Finishes a connection, or leaves it to be confirmed. Raises Refused, and RefusedRedirect where that is told."""
    # Only where the browser has shown that it is the member's, the page that was asked for is gone to.
    where = [app.settings.host_return_path]
    try:
        return _run(app, callback, actor, where, now=now)
    except RefusedRedirect:
        raise
    except Refused as refused:
        reason = return_to_host.REASONS.get(refused.refusal)
        if reason is None:
            raise
        raise RefusedRedirect(refused, return_to_host.error_url(app, where[0], reason)) from None


def _run(app: App, callback: Callback, actor: Actor, where: list[str], now: int) -> HostRedirect:
    query = callback.query
    # 5. one state, of a connection that was begun here, and which says how
    claimed = state_token.parse_state(query.get("state", ""))
    state_hash = state_token.state_hash(claimed.random)
    attempt = connections.find_by_state(app.db, state_hash)
    # claim: C-168
    if attempt is None:
        raise HostRefused(HostRefusal.STATE_UNKNOWN)
    if attempt.status != ConnectionStatus.PENDING:
        return _show_again(app, attempt)
    # claim: C-196
    if not may_connect.is_key_live(app, attempt.host_key_id):
        raise HostRefused(HostRefusal.KEY_RETIRED)
    # claim: C-168
    if ("code" in query) == ("error" in query):
        raise Refused(Refusal.CODE_MISSING)
    if "code" in query:
        exchange_code.check_code_form(query["code"])
    # 6. the state's MAC, over the session or the connection; then its age
    bound_to = quarantines.find_session_of_state(app.db, state_hash) or b""
    is_page = attempt.way == ConnectionWay.PAGE
    binding = begin_connect.state_binding(attempt.id, bound_to if is_page else None)
    state = state_token.verify_state(claimed, binding, app.keyring.state_key_by_id, now)
    session = open_session.find(app, callback.cookie_header, actor.request_id, now) if is_page else None
    # claim: C-169
    if session is not None and not hmac.compare_digest(session.digest, bound_to):
        session = None
    if session is not None:
        where[0] = return_to_host.read_return_url(app, attempt)
        actor = session
    arrival = _Arrival(attempt, state, session, actor, network=callback.network)
    with app.exchange_limit.acquire(callback.network) as free:
        if not free:
            raise Refused(Refusal.BUSY, retry_after=exchange_code.BUSY_SECONDS)
        if "code" in query:
            exchange_code.refuse_during_cooldown(app, callback.network, now)
        # 7. use the state up, in one statement
        # claim: C-168
        if not app.db.commit_in_group(partial(oauth_states.consume, app.db, state, now)):
            return _come_second(app, state_hash)
        # 8. what Slack reported
        if "error" in query:
            raise _decline(app, arrival, query["error"], now)
        return _with_code(app, arrival, Secret(query["code"]), where[0], now=now)


def _show_again(app: App, attempt: Connection) -> HostRedirect:
    """Shows what came of it: nothing is done again, and nothing given back."""
    where = app.settings.host_return_path
    if attempt.status == ConnectionStatus.QUARANTINED:
        return HostRedirect(_where_it_waits(app, attempt))
    if attempt.status == ConnectionStatus.FAILED:
        return HostRedirect(return_to_host.error_url(app, where, attempt.status_reason))
    return HostRedirect(return_to_host.workspace_url(app, where, attempt.team_name))


def _come_second(app: App, state_hash: bytes) -> HostRedirect:
    """Answers whoever was second with a state; while the first waits for Slack, a reload may help."""
    attempt = connections.find_by_state(app.db, state_hash)
    if attempt is not None and attempt.status != ConnectionStatus.PENDING:
        return _show_again(app, attempt)
    raise Refused(Refusal.BUSY, retry_after=exchange_code.BUSY_SECONDS)


def _decline(app: App, arrival: _Arrival, claimed_error: str, now: int) -> RefusedRedirect:
    """Notes that Slack gave an error in place of a code; what to tell the host."""
    known = {"access_denied": StatusReason.ACCESS_DENIED, "invalid_scope": StatusReason.INVALID_SCOPE}
    reason = known.get(claimed_error, StatusReason.EXCHANGE_FAILED)
    location = return_to_host.error_url(app, _where(app, arrival), reason)
    _end(app, arrival, reason, StateOutcome.DECLINED, now=now)
    return RefusedRedirect(Refused(Refusal.SLACK_ERROR, actor=arrival.actor), location)


def _where(app: App, arrival: _Arrival) -> str:
    if arrival.session is None:
        return app.settings.host_return_path
    return return_to_host.read_return_url(app, arrival.attempt)


def _end(app: App, arrival: _Arrival, reason: StatusReason, outcome: StateOutcome, now: int) -> None:
    """Ends the attempt, of which nothing was granted that we have."""
    with app.db.transaction():
        oauth_states.set_outcome(app.db, arrival.state.id_hash, outcome, NO_TENANT)
        change_connection.fail(app.db, arrival.attempt.key, reason, now)
        note_connect.note_failed(app, arrival.attempt.key, reason, arrival.actor, now=now)


def _with_code(app: App, arrival: _Arrival, code: Secret, return_url: str, now: int) -> HostRedirect:
    data: Mapping[str, Any] = {}
    grant: Grant | None = None
    try:
        # 9. exchange the code, with no transaction open and without repeating
        data = exchange_code.run(app, _SLACK, arrival.state, code)
        # 10. the grant is for our app, brings what was asked for and names its own tenant
        grant = code_grant.verify_grant(data, app.settings.app_id)
        before = _check(app, arrival.attempt, grant, now)
        # 12. on the page: in the session that began, store and activate in one transaction
        if arrival.attempt.way == ConnectionWay.PAGE:
            return _activate(app, arrival, grant, return_url, leaves=activate_connect.is_left(before, grant.tenant))
        # 13. by API, or where another workspace is left for it: the grant waits, sealed, tied to this browser
        return _quarantine(app, arrival, grant)
    except exchange_code.StillGoodError:
        # claim: C-195
        raise
    except (Refused, StoreError) as error:
        refusal = error.refusal if isinstance(error, Refused) else Refusal.NOT_STORED
        if refusal in exchange_code.COUNTED_AS_BAD:
            # claim: C-72
            app.failed_code_limit.spend(arrival.network, now)
        reason = return_to_host.REASONS.get(refusal, _OTHERWISE.get(refusal, StatusReason.NOT_STORED))
        # 14. what is refused is given back
        _refuse(app, arrival, data, grant, reason=reason)
        raise RefusedRedirect(
            Refused(refusal, actor=arrival.actor), return_to_host.error_url(app, return_url, reason)
        ) from None
    except Exception:
        _refuse(app, arrival, data, grant, reason=StatusReason.NOT_STORED)
        raise


def _check(app: App, attempt: Connection, grant: Grant, now: int) -> Connection | None:
    """Returns the connection that is brought back. Raises Refused."""
    is_personal = attempt.kind is ConnectionKind.PERSONAL
    # What whoever approves adds to the address of the consent page is not taken along.
    # claim: C-170
    if (grant.bot is None) != is_personal or (is_personal and grant.user is None):
        raise HostRefused(HostRefusal.OTHER_GRANT)
    # claim: C-192
    before = activate_connect.require_allowed(app, attempt, grant, now)
    # 11. the workspace is allowed, and whoever approved is an admin of it
    # claim: C-170
    installer.require_allowed(grant, app.settings.allowed_teams)
    app.rate_limiter.require(f"installer {grant.tenant} {grant.installer_id}", now)
    if is_personal:  # whoever approved gives nothing but their own
        return before
    # claim: C-170
    require_admin.run(app, grant, always=True)
    app.rate_limiter.require(f"tenant {grant.tenant}", now)
    return before


def _activate(app: App, arrival: _Arrival, grant: Grant, return_url: str, leaves: bool) -> HostRedirect:
    # claim: C-169
    if arrival.session is None:
        raise HostRefused(HostRefusal.NOT_CONFIRMED)
    # claim: C-191
    if leaves:
        return _quarantine(app, arrival, grant)
    confirmed = ConfirmedGrant(arrival.attempt, grant, arrival.session.digest)
    activate_connect.run(app, confirmed, arrival.actor, app.clock())
    return HostRedirect(return_to_host.workspace_url(app, return_url, activate_connect.workspace_name(grant)))


def _quarantine(app: App, arrival: _Arrival, grant: Grant) -> HostRedirect:
    secret = browser_binding.new_browser_secret(app.entropy(browser_binding.SECRET_BYTES))
    _keep(app, arrival, grant, secret, expires_at=app.clock() + quarantines.LIFETIME, ask=True)
    cookie = browser_binding.set_cookie(secret, app.settings.secure, quarantines.LIFETIME, QUARANTINE_COOKIE)
    return HostRedirect(_where_it_waits(app, arrival.attempt), cookie)


def _where_it_waits(app: App, attempt: Connection) -> str:
    """Finds the page on which a grant is confirmed. By API the host's page opens a session first."""
    if attempt.way == ConnectionWay.PAGE:
        return app.settings.public_url + CONNECT_PATH
    return app.settings.host_url + app.settings.host_complete_path


def _keep(app: App, arrival: _Arrival, grant: Grant, secret: str, *, expires_at: int, ask: bool) -> None:
    """Keeps a grant that is nobody's yet, sealed. Raises Refused where the attempt is over, or may not be any more."""
    now, attempt = app.clock(), arrival.attempt
    sealed = pending_records.seal_grant(app, attempt.id, grant, now)
    with app.db.transaction():
        if ask:
            if connections.find(app.db, attempt.organization_id, attempt.id) is None:
                raise HostRefused(HostRefusal.NOT_CONFIRMED)
            # claim: C-151
            activate_connect.require_free(app, attempt, grant)
            own = activate_connect.to_own_connection(app, attempt, grant)
            may_connect.require(app, attempt.organization_id, attempt.user_id, own.reconnects, kind=attempt.kind)
        if not connections.quarantine(app.db, attempt.key, grant.tenant, grant.enterprise_id, now=now):
            raise HostRefused(HostRefusal.NOT_CONFIRMED)
        digest, approved_by = browser_binding.browser_digest(secret), grant.installer_id
        quarantines.add(app.db, attempt.id, digest, sealed, expires_at=expires_at, installer_id=approved_by)
        # It has brought no installation: that is told where one comes of it.
        oauth_states.set_outcome(app.db, arrival.state.id_hash, StateOutcome.FAILED, grant.tenant)


def _refuse(app: App, arrival: _Arrival, data: Mapping[str, Any], grant: Grant | None, reason: StatusReason) -> None:
    """Gives back what was granted. First it is kept as what nobody confirms: a kill loses nothing."""
    now = app.clock()
    try:
        if grant is None:
            revoke_answer.run(app, data)
            _end(app, arrival, reason, StateOutcome.FAILED, now=now)
            return
        unknown = browser_binding.new_browser_secret(app.entropy(browser_binding.SECRET_BYTES))
        _keep(app, arrival, grant, unknown, expires_at=now - 1, ask=False)
        kept = quarantines.find(app.db, arrival.attempt.organization_id, arrival.attempt.id)
        if kept is not None:
            give_back.run(app, kept, reason, arrival.actor, now=now)
    except (Refused, StoreError):
        # The attempt was ended meanwhile, or nothing can be stored: as in an install.
        if grant is None:
            revoke_answer.run(app, data)
        else:
            give_back.revoke_own(app, arrival.attempt.id, grant)
        app.log.error("grant_not_kept", {"reason": str(reason)})


def quarantine_of(app: App, cookie_header: str) -> Quarantine | None:
    """Finds what waits in this browser."""
    secret = browser_binding.find_browser_secret(cookie_header, app.settings.secure, QUARANTINE_COOKIE)
    return quarantines.find_by_cookie(app.db, browser_binding.browser_digest(secret)) if secret is not None else None
