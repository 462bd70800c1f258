"""The only way to a token: audit row first, then open, call, and what the answer means for the token.

No token is read without an audit row that was committed before; if the row cannot be written, the call fails. An
opened token lives as long as one call and is kept nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.checks import giving_up, whose_token
from slackapp.crypto import envelope, records
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.flows.keys import open_token
from slackapp.flows.keys.suspend_tenant import guard
from slackapp.flows.tokens import judge_token, needs_reinstall, refresh_token
from slackapp.model import Installation, Origin, Secret, SlackAnswer, Tenant, Token
from slackapp.store import installations, tokens

Send = Callable[[Secret], SlackAnswer]
_REFUSED = "refresh_refused"
"""Our code for a token that is over and whose refresh token Slack has refused."""


@dataclass(frozen=True)
class Use:
    """Whose token, and what for.

    `user_id` is "" for the bot. `statuses` are those of an installation in which this use is allowed: a settled
    suspicion and an uninstall may use what nothing else may. `out_of_turn` is for what does not wait for the end of a
    token's pause: a person's question, and the last call of all.
    """

    tenant: Tenant
    user_id: str
    purpose: str
    statuses: frozenset[str] = frozenset({"active"})
    out_of_turn: bool = False


@dataclass(frozen=True)
class _Call:
    """What is sent, for whom, and on whose behalf."""

    use: Use
    method: str
    send: Send
    origin: Origin


def call(
    app: App, use: Use, method: str, params: Mapping[str, Any], origin: Origin, intent: Callable[[], None]
) -> SlackAnswer:
    """Calls a method as this tenant.

    `intent` runs in the transaction of the audit row, so that what must be on the disk before the call costs no commit
    of its own. Raises Refused (NOT_INSTALLED, NEEDS_REINSTALL, TOKEN_UNAVAILABLE) and SlackCallError: of the kind DEAD
    only where the token was given up. While Slack wants to hear nothing of this method for this tenant, or the token
    pauses, that is told without asking it again.
    """
    return run(app, use, method, lambda token: app.slack.call(method, token, params), origin, intent)


def run(app: App, use: Use, method: str, send: Send, origin: Origin, intent: Callable[[], None]) -> SlackAnswer:
    """The same for any call that takes a token."""
    whose = f"{use.tenant} {use.user_id} {method}"
    # 1. nothing is sent while Slack wants to hear nothing of this method, or the token pauses
    held = app.pauses.left(whose, app.clock())
    if held:
        raise SlackCallError(method, "ratelimited", SlackErrorKind.RATE, held)
    # 2. find the token, and refresh it when it is due
    token = _in_turn(app, use, method, origin)
    asked_at = app.clock()
    try:
        return _send(app, _Call(use, method, send, origin), token, intent)
    except SlackCallError as error:
        app.pauses.hold(whose, error.retry_after, app.clock())
        if not _refresh_decides(token, error):
            # claim: C-37
            raise judge_token.judged(app, token, error, asked_at, origin) from None
        first = error
    # 6. let one refresh decide about a token that is over or refused, then repeat exactly once
    # claim: C-39, C-78
    token = _refresh(app, token, first, asked_at, origin)
    asked_at = app.clock()
    try:
        return _send(app, _Call(use, method, send, origin), token, lambda: None)
    except SlackCallError as again:
        app.pauses.hold(whose, again.retry_after, app.clock())
        # claim: C-78
        raise judge_token.judged(app, token, again, asked_at, origin, after_refresh=True) from None


def fresh(app: App, use: Use, origin: Origin) -> Token:
    """The token as it is stored, sealed; refreshed when it is due. Raises Refused."""
    return _usable(app, use, _stored(app, use), origin)


def _in_turn(app: App, use: Use, method: str, origin: Origin) -> Token:
    """The same, unless it pauses, or begins to: then SlackCallError, whose pause an event waits for."""
    token = _stored(app, use)
    if not use.out_of_turn:
        _refuse_paused(app, token, method)
    try:
        return _usable(app, use, token, origin)
    except Refused:
        current = tokens.find_same(app.db, token)
        if current is not None:
            _refuse_paused(app, current, method)
        raise


def _refuse_paused(app: App, token: Token, method: str) -> None:
    left = giving_up.pause_left(token, app.clock())
    if left and token.status != "dead":
        raise SlackCallError(method, token.reason, SlackErrorKind.DOUBT, left)


def _stored(app: App, use: Use) -> Token:
    installation = installations.find(app.db, use.tenant)
    token = tokens.find(app.db, use.tenant, use.user_id) if installation is not None else None
    # claim: C-40
    _refuse_status(app, installation, use)
    # claim: C-37
    if token is None or token.status == "dead":
        raise needs_reinstall.refusal(app, use.tenant)
    return token


def _usable(app: App, use: Use, token: Token, origin: Origin) -> Token:
    now = app.clock()
    is_over = token.status == "live" and token.expires_at is not None and token.expires_at <= now
    if refresh_token.is_due(token, now) or (use.out_of_turn and is_over):
        token = refresh_token.run_if_free(app, token, origin)
        if token.status == "dead":  # given up by another one meanwhile
            raise needs_reinstall.refusal(app, use.tenant)
    # claim: C-36
    if token.expires_at is not None and token.expires_at <= app.clock():
        # Expired, and no refresh came about. There is no other copy to fall back on.
        if token.status != "refresh_refused":
            raise Refused(Refusal.TOKEN_UNAVAILABLE)
        raise _without_refresh(app, token, now, origin)
    return token


def _send(app: App, what: _Call, token: Token, intent: Callable[[], None]) -> SlackAnswer:
    use, method, origin = what.use, what.method, what.origin
    secret = _open(app, token, use, method, origin, intent)
    # 5. call Slack
    answer = what.send(secret)
    if method == whose_token.METHOD and whose_token.is_anothers(use.tenant, use.user_id, answer.data):
        # claim: C-81
        needs_reinstall.suspend_foreign(app, token, origin)
        raise SlackCallError(method, giving_up.FOREIGN, SlackErrorKind.OURS)
    judge_token.served(app, token, origin)
    return answer


def _refresh_decides(token: Token, error: SlackCallError) -> bool:
    """Whether a refresh may help: the token expired, or others have pushed it out, and its refresh token is untried.

    Slack keeps two access tokens alive. Each refresh makes a new one, and so does each install, also one that we refuse
    (docs.slack.dev/authentication/using-token-rotation).
    """
    if token.refresh is None:
        return False
    # claim: C-78
    untried = token.status == "live" and error.kind in judge_token.REFUSED
    return untried or error.kind is SlackErrorKind.EXPIRED


def _refresh(app: App, token: Token, error: SlackCallError, asked_at: int, origin: Origin) -> Token:
    """The pair that comes in its place. Raises Refused, and SlackCallError where Slack takes neither of the two."""
    try:
        return refresh_token.run(app, token, origin, wait=True)
    except refresh_token.DoubtedError as doubted:
        # Whatever was said of the access token: the refresh token may be good, and so the grant.
        doubt = SlackCallError(error.method, doubted.code, SlackErrorKind.DOUBT)
        raise judge_token.judged(app, token, doubt, asked_at, origin) from None
    except Refused as refused:
        if refused.refusal is Refusal.NEEDS_REINSTALL:
            if error.kind is SlackErrorKind.DEAD:
                raise judge_token.judged(app, token, error, asked_at, origin) from None
            raise _without_refresh(app, token, asked_at, origin) from None
        raise


def _without_refresh(app: App, token: Token, asked_at: int, origin: Origin) -> Refused:
    """Gives up what is over and cannot be refreshed."""
    left = judge_token.refused(app, token, _REFUSED, asked_at, origin)
    return Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=left) if left else needs_reinstall.refusal(app, token.tenant)


def refusal_of(status: str, reason: str) -> Refusal | None:
    """Why the tokens of an installation in that status are not used, where a new install is not the mend."""
    if status == "suspended" and not reason:
        return Refusal.KEY_REVOKED
    return Refusal.TOKEN_UNAVAILABLE if status in ("suspended", "suspect") else None


def _refuse_status(app: App, installation: Installation | None, use: Use) -> None:
    if installation is None:
        raise Refused(Refusal.NOT_INSTALLED)
    if installation.status not in use.statuses:
        refusal = refusal_of(installation.status, installation.status_reason)
        raise Refused(refusal) if refusal is not None else needs_reinstall.refusal(app, use.tenant)


def _open(app: App, token: Token, use: Use, method: str, origin: Origin, intent: Callable[[], None]) -> Secret:
    context = records.access_of(token.tenant, token.user_id, token.generation)
    key_id = envelope.claimed_key_id(token.access.blob)
    of = f"kind={context.kind} user={use.user_id} generation={token.generation} key={key_id}"
    detail = f"purpose={use.purpose} method={method} {of}"

    def note() -> None:
        # Once more, under the lock: who has just become suspect, or is being removed, is not used any more.
        # claim: C-40
        _refuse_status(app, installations.find(app.db, use.tenant), use)
        # claim: C-25
        audit_log.note(app, "token.read", use.tenant, origin, "ok", detail, app.clock())
        # claim: C-50
        intent()

    # 3. note the read, and the intent to call, and commit both
    # claim: C-25, C-26
    app.db.together(note)
    # 4. open the token where it belongs
    with guard(app, use.tenant, origin, detail):
        return open_token.access(app, token)
