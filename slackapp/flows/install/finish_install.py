"""`GET /slack/oauth_redirect`: turns Slack's answer into a stored installation. Arrows 5 to 15 of the install.

The order is the security of it. Nothing is spent before the browser has shown that it began this install; no call is
made before the state is used up and that is on the disk; nothing is stored before Slack's answer has been checked;
and a token that is not going to be kept is revoked.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from slackapp.checks import browser_binding, code_grant, installer, state_token
from slackapp.errors import Refusal, RefusalKind, Refused, StoreError
from slackapp.flows.app import App
from slackapp.flows.install import exchange_code, keep_grant, require_admin, revoke_answer
from slackapp.flows.tokens.slack_provider import SLACK
from slackapp.model import (
    NO_TENANT,
    Actor,
    AuditEntry,
    AuditEvent,
    InstallOutcome,
    Secret,
    StateBinding,
    StateOutcome,
    StatePurpose,
    Tenant,
)
from slackapp.store import oauth_states

KNOWN_ERRORS = frozenset(
    {"access_denied", "bad_redirect_uri", "invalid_scope", "invalid_team_for_non_distributed_app",
     "scope_not_allowed_on_enterprise", "unapproved_scope"}
)  # fmt: skip
PARAMETERS = frozenset({"state", "code", "error"})


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
        exchange_code.check_code_form(query["code"])
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
            exchange_code.refuse_during_cooldown(app, callback.network, now)
        # 8. use the state up, in one statement
        # claim: C-03, C-06
        if not app.db.commit_in_group(partial(oauth_states.consume, app.db, state, now)):
            raise Refused(Refusal.STATE_USED)
        # 9. what Slack reported
        if "error" in query:
            return _handle_slack_error(app, state, query["error"], actor, now=now), NO_TENANT
        with app.metrics.timed("slackapp_callback_seconds"):
            return InstallOutcome.INSTALLED, _install_with_code(app, state, callback, actor, now=now)


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
        require_admin.run(app, grant, app.settings.require_admin_installer)
        app.rate_limiter.require(f"tenant {grant.tenant}", now)
        # 13. a pair replaces another one only while it lives itself
        # 14. seal; store tenant, keys, tokens, audit row and greeting in one transaction
        keep_grant.run(app, grant, state.id_hash, actor, now=answered_at)
    except StoreError:
        _revoke_and_note(app, data, state, Refusal.NOT_STORED, actor=actor, now=now)
        raise Refused(Refusal.NOT_STORED, retry_after=exchange_code.BUSY_SECONDS, tenant=tenant) from None
    except Refused as refused:
        _revoke_and_note(app, data, state, refused.refusal, actor=actor, now=now)
        refused.tenant = tenant
        if refused.refusal in exchange_code.COUNTED_AS_BAD:
            # claim: C-72
            app.failed_code_limit.spend(callback.network, now)
        raise
    except Exception:
        # A bug, too, must not leave a live token that nobody holds.
        _revoke_and_note(app, data, state, Refusal.NOT_STORED, actor=actor, now=now)
        raise
    # 15. send the browser on to a clean page
    return tenant


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


def _is_first_this_minute(app: App, reason: str, now: int) -> bool:
    """Tells whether to write it: of what anybody can cause, one audit row per reason and minute."""
    # claim: C-72
    return app.throttle.allows(reason, now)


def _revoke_and_note(
    app: App, data: Mapping[str, Any], state: state_token.VerifiedState, refusal: RefusalKind, actor: Actor, now: int
) -> None:
    """Revokes what will not be kept, and notes the failure."""
    left = revoke_answer.run(app, data)
    # What Slack has granted is a fact, and gets a row of its own.
    result = InstallOutcome.UNCLEAR if refusal is Refusal.EXCHANGE_UNCLEAR else InstallOutcome.FAILED
    told = bool(data) or _is_first_this_minute(app, f"install.{result} {refusal.name}", now)
    entry = AuditEntry(
        at=now, event=_FAILURES[result], actor=actor, result=result, detail=refusal.audit, count=left or None
    )
    _note_failure(app, state, entry, told)


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
