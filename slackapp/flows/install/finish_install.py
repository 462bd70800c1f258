"""`GET /slack/oauth_redirect`: from Slack's answer to a stored installation. Arrows 5 to 15 of the install.

The order is the security of it. Nothing is spent before the browser has shown that it began this install; no call is
made before the state is used up and that is on the disk; nothing is stored before Slack's answer has been checked;
and a token that is not going to be kept is revoked.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slackapp.checks import browser_binding, code_grant, distribution, state_token
from slackapp.checks.slack_errors import NOTHING_DONE
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind, StoreBusyError, StoreError
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.flows.install import check_installer, living_pair, store_grant
from slackapp.flows.install.begin_install import PURPOSE
from slackapp.flows.keys.suspend_tenant import guard
from slackapp.model import NO_TENANT, Grant, Origin, Tenant
from slackapp.store import oauth_states, tokens

KNOWN_ERRORS = frozenset(
    {"access_denied", "bad_redirect_uri", "invalid_scope", "invalid_team_for_non_distributed_app",
     "scope_not_allowed_on_enterprise", "unapproved_scope"}
)  # fmt: skip
PARAMETERS = frozenset({"state", "code", "error"})
METHOD = "oauth.v2.access"
_SPENT = frozenset(
    {Refusal.EXCHANGE, Refusal.GRANT_FOREIGN, Refusal.GRANT_MALFORMED, Refusal.TEAM_NOT_ALLOWED,
     Refusal.INSTALLER_NOT_ADMIN, Refusal.INSTALLER_UNKNOWN, Refusal.RATE}
)  # fmt: skip
"""What counts like a made-up code: real ones that are not going to be kept cost Slack's rate, and audit rows, too."""
_BUSY_SECONDS = 5
_CODE_LENGTH = 512
_TRIES = 10


class Landing(enum.Enum):
    """Where the person comes out."""

    INSTALLED = "installed"
    DECLINED = "declined"


@dataclass(frozen=True)
class Callback:
    """What the browser brings. `query` holds each known parameter at most once; `network` is where it comes from."""

    query: Mapping[str, str]
    cookie_header: str
    network: str


def run(app: App, callback: Callback, origin: Origin, now: int) -> tuple[Landing, Tenant]:
    """Where the person comes out, and the tenant. Raises Refused."""
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
        _refuse_code_form(query["code"])
    # 6. the browser's own cookie
    secret = browser_binding.require_browser_secret(callback.cookie_header, app.settings.secure)
    digest = browser_binding.browser_digest(secret)
    # 7. the state's MAC, over this browser; then its age
    state = state_token.verify_state(claimed, PURPOSE, digest, app.keyring.state_key_by_id, now)
    with app.exchanges.take(callback.network) as free:
        # Before the state is spent: reloading the page is all that it takes.
        if not free:
            raise Refused(Refusal.BUSY, retry_after=_BUSY_SECONDS)
        if "code" in query:
            _refuse_when_exchanges_rest(app, callback.network, now)
        # 8. use the state up, in one statement
        # claim: C-03, C-06
        if not app.db.together(partial(oauth_states.consume, app.db, state.id_hash, digest, PURPOSE, now)):
            raise Refused(Refusal.STATE_USED)
        # 9. what Slack reported
        if "error" in query:
            return _reported(app, state, query["error"], origin, now), NO_TENANT
        with app.metrics.timed("slackapp_callback_seconds"):
            return Landing.INSTALLED, _with_code(app, state, callback, origin, now)


def _refuse_when_exchanges_rest(app: App, network: str, now: int) -> None:
    """While Slack wants to hear of no exchange, and where vain ones have used up what there is for them."""
    # claim: C-85
    if held := app.pauses.left(METHOD, now):
        raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=held)
    # claim: C-72
    if wait := app.bad_codes.left(network, now):
        raise Refused(Refusal.BUSY, retry_after=wait)


def _with_code(app: App, state: state_token.State, callback: Callback, origin: Origin, now: int) -> Tenant:
    data: Mapping[str, Any] = {}
    tenant = NO_TENANT
    try:
        # 10. exchange the code, with no transaction open and without repeating
        data = _exchange(app, state, callback, now)
        answered_at = app.clock()  # a token's life counts from here
        # 11. the grant is for our app and names its own tenant
        grant = code_grant.verify_grant(data, app.settings.app_id)
        tenant = grant.tenant
        # 12. the workspace is allowed, and the installer may grant what is asked for
        # claim: C-11
        distribution.require_allowed(grant, app.settings.allowed_teams)
        # Each person has a rate, and the workspace has one that only those spend who may install.
        # claim: C-72
        _limit(app, f"installer {grant.tenant} {grant.installer_id}", now)
        # claim: C-12
        check_installer.run(app, grant)
        _limit(app, f"tenant {grant.tenant}", now)
        _store(app, grant, state, origin, answered_at)
    except StoreError:
        _undo(app, data, state, Refusal.NOT_STORED, origin, now)
        raise Refused(Refusal.NOT_STORED, retry_after=_BUSY_SECONDS, tenant=tenant) from None
    except Refused as refused:
        _undo(app, data, state, refused.refusal, origin, now)
        refused.tenant = tenant
        if refused.refusal in _SPENT:
            # claim: C-72
            app.bad_codes.spend(callback.network, now)
        raise
    except Exception:
        # A bug, too, must not leave a live token that nobody holds.
        _undo(app, data, state, Refusal.NOT_STORED, origin, now)
        raise
    # 15. send the browser on to a clean page
    return tenant


def _store(app: App, grant: Grant, state: state_token.State, origin: Origin, answered_at: int) -> None:
    """Anew where another install of the tenant, or a refresh, was stored since Slack was asked."""
    for _ in range(_TRIES):
        seen = store_grant.look(app, grant)
        # 13. a pair replaces another one only while it lives itself
        living = living_pair.run(app, grant, seen, origin)
        # 14. seal; store tenant, keys, tokens, audit row and greeting in one transaction
        with guard(app, grant.tenant, origin, "install"):
            if store_grant.run(app, living, seen, state.id_hash, origin, answered_at):
                return
    raise StoreBusyError("the tenant's tokens kept changing")


def _limit(app: App, key: str, now: int) -> None:
    """Who installs over and over again is no reason to ask and to write all day."""
    wait = app.rate_gate.admit(key, now)
    if wait:
        raise Refused(Refusal.RATE, retry_after=wait)


def _without_state(query: Mapping[str, str]) -> Landing:
    # A code that comes without a state may be somebody else's: it is never exchanged. An error is harmless to show.
    if "error" in query and "code" not in query:
        return Landing.DECLINED
    # claim: C-07
    raise Refused(Refusal.STATE_MISSING)


def _reported(app: App, state: state_token.State, claimed_error: str, origin: Origin, now: int) -> Landing:
    error = claimed_error if claimed_error in KNOWN_ERRORS else "unknown_error"
    told = _is_to_be_told(app, f"install.declined {error}", now)
    with app.db.transaction():
        oauth_states.finish(app.db, state.id_hash, "declined", NO_TENANT)
        if told:
            audit_log.note(app, "install.declined", NO_TENANT, origin, "declined", error, now)
    app.metrics.count("slackapp_installs_total", {"result": "declined"})
    if error != "access_denied":
        raise Refused(Refusal.SLACK_ERROR)
    return Landing.DECLINED


def _refuse_code_form(code: str) -> None:
    if not 0 < len(code) <= _CODE_LENGTH or not code.isascii() or not code.isprintable():
        raise Refused(Refusal.CODE_MISSING)


def _is_to_be_told(app: App, reason: str, now: int) -> bool:
    """Of what anybody can bring about, one row of the audit per reason and minute; all of it is counted."""
    # claim: C-72
    return app.once.first(reason, now)


def _exchange(app: App, state: state_token.State, callback: Callback, now: int) -> Mapping[str, Any]:
    try:
        fields = {"code": callback.query["code"], "redirect_uri": app.settings.redirect_uri}
        return app.slack.call_as_app(METHOD, fields).data
    except SlackCallError as error:
        app.log.error("exchange_failed", {"method": error.method, "code": error.code})
        wait = max(error.retry_after, _BUSY_SECONDS)
        if error.kind is SlackErrorKind.RATE:
            # Slack has not looked at the code: after the wait, the same page may be loaded again.
            app.pauses.hold(METHOD, error.retry_after, app.clock())
            oauth_states.give_back(app.db, state.id_hash)
            raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=wait) from None
        if error.kind is SlackErrorKind.TRANSIENT:
            # Slack may have granted what nobody holds now, and the code works no more.
            nothing_done = error.code in NOTHING_DONE
            lost = Refusal.SLACK_UNREACHABLE if nothing_done else Refusal.EXCHANGE_UNCLEAR
            raise Refused(lost, retry_after=wait) from None
        raise Refused(Refusal.EXCHANGE) from None


def _undo(
    app: App, data: Mapping[str, Any], state: state_token.State, refusal: Refusal, origin: Origin, now: int
) -> None:
    """Revokes what is not going to be kept, so that no live token exists that nobody holds, and notes the failure.

    But where the bot, or that person, has a live token here and the app's tokens do not rotate, Slack answered with the
    very token that is in use: revoking it would break what works.
    """
    rotates, left = code_grant.has_refresh_token(data), 0
    for user_id, token in code_grant.tokens_to_revoke(data):
        # claim: C-14
        if not rotates and _is_in_use(app, data, user_id):
            continue
        try:
            # claim: C-13
            app.slack.call("auth.revoke", token, {})
        except SlackCallError as error:
            if error.kind is not SlackErrorKind.DEAD:
                app.log.error("revoke_failed", {"code": error.code})
                left += 1
    # What Slack has granted is a fact, and gets a row of its own.
    detail = f"{refusal.value.audit}{f' not_revoked={left}' if left else ''}"
    _note_failure(app, state, refusal, detail, bool(data), origin, now)


def _is_in_use(app: App, data: Mapping[str, Any], user_id: str) -> bool:
    try:
        tenants = code_grant.claimed_tenants(data)
        if not tenants:
            return tokens.any_long_lived(app.db)  # whose it is cannot be read: it may be any of these
        stored = [token for tenant in tenants for token in tokens.of_tenant(app.db, tenant)]
    except StoreError:
        return True  # not knowing is no reason to break what may be in use
    return any(token.status != "dead" and user_id in (token.user_id, code_grant.SOMEBODY) for token in stored)


def _note_failure(
    app: App, state: state_token.State, refusal: Refusal, detail: str, is_fact: bool, origin: Origin, now: int
) -> None:
    result = "unclear" if refusal is Refusal.EXCHANGE_UNCLEAR else "failed"
    app.metrics.count("slackapp_installs_total", {"result": result})
    told = is_fact or _is_to_be_told(app, f"install.{result} {refusal.name}", now)
    try:
        with app.db.transaction():
            oauth_states.finish(app.db, state.id_hash, "failed", NO_TENANT)
            if told:
                audit_log.note(app, f"install.{result}", NO_TENANT, origin, result, detail, now)
    except StoreError:
        app.log.error("failure_not_recorded", {"refusal": refusal.name})
