"""`GET /slack/oauth_redirect`: turns Slack's answer into a stored installation. Arrows 5 to 15 of the install.

The order is the security of it. Nothing is spent before the browser has shown that it began this install; no call is
made before the state is used up and that is on the disk; nothing is stored before Slack's answer has been checked;
and a token that is not going to be kept is revoked.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from slackapp.checks import browser_binding, code_grant, installer, state_token
from slackapp.errors import Refusal, RefusalKind, Refused, SlackCallError, SlackErrorKind, StoreBusyError, StoreError
from slackapp.flows.app import App
from slackapp.flows.install import drop_dead_pair, exchange_code, store_grant
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.flows.tokens.slack_provider import SLACK
from slackapp.model import (
    NO_TENANT,
    Actor,
    AuditEntry,
    AuditEvent,
    Grant,
    Holder,
    InstallOutcome,
    Secret,
    StateBinding,
    StateOutcome,
    StatePurpose,
    Tenant,
    TokenStatus,
)
from slackapp.store import oauth_states, tokens

KNOWN_ERRORS = frozenset(
    {"access_denied", "bad_redirect_uri", "invalid_scope", "invalid_team_for_non_distributed_app",
     "scope_not_allowed_on_enterprise", "unapproved_scope"}
)  # fmt: skip
PARAMETERS = frozenset({"state", "code", "error"})
_COUNTED_AS_BAD_CODE = frozenset(
    {Refusal.EXCHANGE, Refusal.GRANT_FOREIGN, Refusal.GRANT_MALFORMED, Refusal.TEAM_NOT_ALLOWED,
     Refusal.INSTALLER_NOT_ADMIN, Refusal.INSTALLER_UNKNOWN, Refusal.RATE}
)  # fmt: skip
"""What counts like a made-up code: real ones that are not going to be kept cost Slack's rate, and audit rows, too."""
_CODE_LENGTH = 512
_TRIES = 10


class Callback(NamedTuple):
    """Input of the callback: query, cookie and network of the browser.

    `query` holds each known parameter at most once; `network` is where it comes from.
    """

    query: Mapping[str, str]
    cookie_header: str
    network: str


def run(app: App, callback: Callback, actor: Actor, now: int) -> tuple[InstallOutcome, Tenant]:
    """Finishes the install; returns its outcome and the tenant. Raises Refused."""
    query = callback.query
    # 5. one state, well formed
    claimed_state = query.get("state")
    # claim: C-07
    if not claimed_state:
        return _without_state(query), NO_TENANT
    claimed = state_token.parse_state(claimed_state)
    # claim: C-07
    if ("code" in query) == ("error" in query):
        raise Refused(Refusal.CODE_MISSING)
    if "code" in query:
        _check_code_form(query["code"])
    # 6. the browser's own cookie
    secret = browser_binding.require_browser_secret(callback.cookie_header, app.settings.secure)
    digest = browser_binding.browser_digest(secret)
    # 7. the state's MAC, over this browser; then its age
    binding = StateBinding(StatePurpose.INSTALL, digest)
    state = state_token.verify_state(claimed, binding, app.keyring.state_key_by_id, now)
    with app.exchange_limit.acquire(callback.network) as free:
        # Before the state is spent: reloading the page is all that it takes.
        if not free:
            raise Refused(Refusal.BUSY, retry_after=exchange_code.BUSY_SECONDS)
        if "code" in query:
            _refuse_during_cooldown(app, callback.network, now)
        # 8. use the state up, in one statement
        # claim: C-03, C-06
        if not app.db.commit_in_group(partial(oauth_states.consume, app.db, state, now)):
            raise Refused(Refusal.STATE_USED)
        # 9. what Slack reported
        if "error" in query:
            return _handle_slack_error(app, state, query["error"], actor, now=now), NO_TENANT
        with app.metrics.timed("slackapp_callback_seconds"):
            return InstallOutcome.INSTALLED, _install_with_code(app, state, callback, actor, now=now)


def _refuse_during_cooldown(app: App, network: str, now: int) -> None:
    """Refuses while Slack wants no exchange, and where failed codes have used up their share."""
    # claim: C-85
    if held := app.cooldowns.seconds_left(SLACK.exchange_code.method, now):
        raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=held)
    # claim: C-72
    if wait := app.failed_code_limit.seconds_left(network, now):
        raise Refused(Refusal.BUSY, retry_after=wait)


def _install_with_code(
    app: App, state: state_token.VerifiedState, callback: Callback, actor: Actor, now: int
) -> Tenant:
    data: Mapping[str, Any] = {}
    tenant = NO_TENANT
    try:
        # 10. exchange the code, with no transaction open and without repeating
        data = exchange_code.run(app, SLACK, state, Secret(callback.query["code"]))
        answered_at = app.clock()  # a token's life counts from here
        # 11. the grant is for our app and names its own tenant
        grant = code_grant.verify_grant(data, app.settings.app_id)
        tenant = grant.tenant
        # 12. the workspace is allowed, and the installer may grant what is asked for
        # claim: C-11
        installer.require_allowed(grant, app.settings.allowed_teams)
        # Each user has a rate, and the workspace has one that only those spend who may install: who installs over and
        # over again gives no reason to ask and to write all day.
        # claim: C-72
        app.rate_limiter.require(f"installer {grant.tenant} {grant.installer_id}", now)
        # claim: C-12
        _require_admin(app, grant)
        app.rate_limiter.require(f"tenant {grant.tenant}", now)
        _store(app, grant, state, actor, answered_at=answered_at)
    except StoreError:
        _revoke_and_note(app, data, state, Refusal.NOT_STORED, actor=actor, now=now)
        raise Refused(Refusal.NOT_STORED, retry_after=exchange_code.BUSY_SECONDS, tenant=tenant) from None
    except Refused as refused:
        _revoke_and_note(app, data, state, refused.refusal, actor=actor, now=now)
        refused.tenant = tenant
        if refused.refusal in _COUNTED_AS_BAD_CODE:
            # claim: C-72
            app.failed_code_limit.spend(callback.network, now)
        raise
    except Exception:
        # A bug, too, must not leave a live token that nobody holds.
        _revoke_and_note(app, data, state, Refusal.NOT_STORED, actor=actor, now=now)
        raise
    # 15. send the browser on to a clean page
    return tenant


def _store(app: App, grant: Grant, state: state_token.VerifiedState, actor: Actor, answered_at: int) -> None:
    """Anew where another install of the tenant, or a refresh, was stored since Slack was asked."""
    for _ in range(_TRIES):
        seen = store_grant.read_stored(app, grant)
        # 13. a pair replaces another one only while it lives itself
        living = drop_dead_pair.run(app, grant, seen, actor)
        # 14. seal; store tenant, keys, tokens, audit row and greeting in one transaction
        kept = AuditEntry(
            at=answered_at, event=AuditEvent.TOKEN_UNAVAILABLE, actor=actor, tenant=grant.tenant, purpose="install"
        )
        with refuse_on_key_error(app, kept._replace):
            if store_grant.run(app, living, seen, state.id_hash, actor=actor, now=answered_at):
                return
    raise StoreBusyError("the tenant's tokens kept changing")


def _require_admin(app: App, grant: Grant) -> None:
    """Asks Slack, with the token that was just granted, whether the user may grant what was asked for."""
    settings, granted = app.settings, [token for _, token in store_grant.granted_tokens(grant)]
    # What was asked for counts even where the user declined it, and what was granted even where we did not ask:
    # scopes of earlier installs stay with a token.
    scopes = (*settings.bot_scopes, *settings.user_scopes, *(scope for token in granted for scope in token.scopes))
    if not installer.needs_admin(scopes, settings.require_admin_installer):
        return
    access = next((token.access for token in granted if installer.USERS_READ in token.scopes), None)
    if access is None:
        raise Refused(Refusal.INSTALLER_UNKNOWN)
    try:
        answer = app.slack.call("users.info", access, {"user": grant.installer_id})
    except SlackCallError as error:
        app.log.error("installer_check_failed", {"method": error.method, "code": error.code})
        if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED):
            wait = max(error.retry_after, exchange_code.BUSY_SECONDS)
            raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=wait) from None
        raise Refused(Refusal.INSTALLER_UNKNOWN) from None
    installer.require_admin(answer.data, grant.installer_id, grant.tenant.is_enterprise)


def _without_state(query: Mapping[str, str]) -> InstallOutcome:
    # A code that comes without a state may be somebody else's: it is never exchanged. An error is harmless to show.
    if "error" in query and "code" not in query:
        return InstallOutcome.DECLINED
    # claim: C-07
    raise Refused(Refusal.STATE_MISSING)


def _handle_slack_error(
    app: App, state: state_token.VerifiedState, claimed_error: str, actor: Actor, now: int
) -> InstallOutcome:
    error = claimed_error if claimed_error in KNOWN_ERRORS else "unknown_error"
    told = _is_first_this_minute(app, f"install.declined {error}", now)
    with app.db.transaction():
        oauth_states.set_outcome(app.db, state.id_hash, StateOutcome.DECLINED, NO_TENANT)
        if told:
            app.vault.append(AuditEntry(at=now, event=AuditEvent.INSTALL_DECLINED, actor=actor, result=error))
    app.metrics.count("slackapp_installs_total", {"result": InstallOutcome.DECLINED})
    if error != "access_denied":
        raise Refused(Refusal.SLACK_ERROR)
    return InstallOutcome.DECLINED


def _check_code_form(code: str) -> None:
    if not 0 < len(code) <= _CODE_LENGTH or not code.isascii() or not code.isprintable():
        raise Refused(Refusal.CODE_MISSING)


def _is_first_this_minute(app: App, reason: str, now: int) -> bool:
    """Tells whether to write it: of what anybody can cause, one audit row per reason and minute."""
    # claim: C-72
    return app.throttle.allows(reason, now)


def _revoke_and_note(
    app: App, data: Mapping[str, Any], state: state_token.VerifiedState, refusal: RefusalKind, actor: Actor, now: int
) -> None:
    """Revokes what will not be kept, so that no live token is left that nobody holds; notes the failure.

    But where the bot, or that user, has a live token here and the app's tokens do not rotate, Slack answered with the
    very token that is in use: revoking it would break what works.
    """
    rotates, left = code_grant.has_refresh_token(data), 0
    for holder, token in code_grant.tokens_to_revoke(data):
        # claim: C-14
        if not rotates and _is_in_use(app, data, holder):
            continue
        # claim: C-13
        left += not drop_dead_pair.revoke(app, token)
    # What Slack has granted is a fact, and gets a row of its own.
    result = InstallOutcome.UNCLEAR if refusal is Refusal.EXCHANGE_UNCLEAR else InstallOutcome.FAILED
    told = bool(data) or _is_first_this_minute(app, f"install.{result} {refusal.name}", now)
    entry = AuditEntry(
        at=now, event=_FAILURES[result], actor=actor, result=result, detail=refusal.audit, count=left or None
    )
    _note_failure(app, state, entry, told)


def _is_in_use(app: App, data: Mapping[str, Any], holder: Holder | None) -> bool:
    try:
        tenants = code_grant.claimed_tenants(data)
        if not tenants:
            return tokens.has_long_lived(app.db)  # whose it is cannot be read: it may be any of these
        stored = [token for tenant in tenants for token in tokens.list_by_tenant(app.db, tenant)]
    except StoreError:
        return True  # not knowing is no reason to break what may be in use
    return any(token.status != TokenStatus.DEAD and holder in (token.holder, None) for token in stored)


_FAILURES = {InstallOutcome.UNCLEAR: AuditEvent.INSTALL_UNCLEAR, InstallOutcome.FAILED: AuditEvent.INSTALL_FAILED}


def _note_failure(app: App, state: state_token.VerifiedState, entry: AuditEntry, told: bool) -> None:
    app.metrics.count("slackapp_installs_total", {"result": entry.result})
    try:
        with app.db.transaction():
            oauth_states.set_outcome(app.db, state.id_hash, StateOutcome.FAILED, NO_TENANT)
            if told:
                app.vault.append(entry)
    except StoreError:
        app.log.error("failure_not_recorded", {"refusal": str(entry.detail)})
