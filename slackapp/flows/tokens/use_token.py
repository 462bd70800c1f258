"""Use of a token, and the only way to one: audit row first, then open, call, and judge the answer.

No token is read without an audit row that was committed before; if the row cannot be written, the call fails. An
opened token lives as long as one call and is kept nowhere.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from slackapp.checks import token_owner, token_refusals
from slackapp.checks.capabilities import REFRESH_TO_REMOVE, REMOVE, Capability
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.keys import tenant_keys
from slackapp.flows.tokens import judge_token, needs_reinstall, refresh_token
from slackapp.flows.tokens.count_call import count_call
from slackapp.model import (
    SLACK_PROVIDER,
    Actor,
    Holder,
    InstallationStatus,
    Secret,
    SlackResponse,
    Tenant,
    Token,
    TokenPart,
    TokenStatus,
)
from slackapp.store import freezes, installations, tokens
from slackapp.store.queue import Run
from slackapp.vault.secret_reads import TokenRead, TokenReplacedError, refusal_of

Send = Callable[[Secret], SlackResponse]
_ACTIVE = frozenset({InstallationStatus.ACTIVE})
_REFUSED = TokenStatus.REFRESH_REFUSED
"""Our code for a token that is over and whose refresh token Slack has refused."""


class TokenUse(NamedTuple):
    """Use of a token: whose, for which method and purpose, by which capability, and on whose behalf.

    `method` is None where nothing is called; `channel` is an id. `statuses` are those of an installation in which this
    is allowed: a resolved suspicion and an uninstall may use what nothing else may. `ignore_pause` is for what does not
    wait for the end of a token's pause: an operator's question, and the last call of all.
    """

    tenant: Tenant
    holder: Holder
    capability: Capability
    method: str | None
    purpose: str
    actor: Actor
    statuses: frozenset[InstallationStatus] = _ACTIVE
    ignore_pause: bool = False
    channel: str = ""


def call(app: App, use: TokenUse, params: Mapping[str, Any], row: Run | None = None) -> SlackResponse:
    """Calls the method as this tenant.

    The intent of `row`, which is run, stands in the commit of the audit row; the call is counted there. Raises Refused
    (NOT_INSTALLED, NEEDS_REINSTALL, TOKEN_UNAVAILABLE, CAPABILITY, FROZEN) and SlackCallError: of the kind DEAD only
    where the token was marked dead. A pause of the method for this tenant, or of the token, is told without asking.
    """
    return run(app, use, lambda token: app.slack.call(str(use.method), token, params), row)


def run(app: App, use: TokenUse, send: Send, row: Run | None = None) -> SlackResponse:
    """Uses a token for any call that takes one, and counts it as `call` does."""
    with count_call(app.db, row):
        return _run(app, use, send, row)


def _run(app: App, use: TokenUse, send: Send, row: Run | None) -> SlackResponse:
    method = str(use.method)
    whose = f"{use.tenant} {use.holder} {method}"
    # 1. nothing is sent while Slack wants to hear nothing of this method, or the token pauses
    held = app.cooldowns.seconds_left(whose, app.clock())
    if held:
        raise SlackCallError(method, "ratelimited", SlackErrorKind.RATE_LIMITED, held)
    # 2. find the token, and refresh it when it is due
    token = _find_unpaused(app, use)
    # 3. note the read, and the intent to call, and commit both
    # 4. open the token where it belongs
    try:
        secret = _read(app, use, token, row)
    except TokenReplacedError:  # by a refresh or an install since it was found: what came in its place is as good
        token = _find_unpaused(app, use)
        secret = _read(app, use, token, row)
    asked_at = app.clock()
    # 5. call Slack
    try:
        return _accept(app, use, token, send(secret))
    except SlackCallError as error:
        app.cooldowns.start(whose, error.retry_after, app.clock())
        if not _refresh_decides(token, error):
            # claim: C-37
            raise judge_token.judge_error(app, token, error, asked_at, actor=use.actor) from None
        first = error
    # 6. let one refresh decide about a token that is over or refused, then repeat exactly once
    # claim: C-39, C-78
    token = _refresh(app, use, token, first, asked_at=asked_at)
    secret = _read(app, use, token, None)
    asked_at = app.clock()
    try:
        return _accept(app, use, token, send(secret))
    except SlackCallError as again:
        app.cooldowns.start(whose, again.retry_after, app.clock())
        # claim: C-78
        raise judge_token.judge_error(app, token, again, asked_at, actor=use.actor, after_refresh=True) from None


def find_usable(app: App, use: TokenUse) -> Token:
    """Finds the token as it is stored, sealed; refreshed when it is due. Raises Refused."""
    return _usable(app, use, _stored(app, use))


def _find_unpaused(app: App, use: TokenUse) -> Token:
    """Finds the token, unless it pauses, or begins to: then SlackCallError, whose pause an event waits for."""
    token = _stored(app, use)
    if not use.ignore_pause:
        _refuse_paused(app, use, token)
    try:
        return _usable(app, use, token)
    except Refused:
        current = tokens.find_generation(app.db, token)
        if current is not None:
            _refuse_paused(app, use, current)
        raise


def _refuse_paused(app: App, use: TokenUse, token: Token) -> None:
    left = token_refusals.pause_seconds_left(token, app.clock())
    if left and token.status != TokenStatus.DEAD:
        raise SlackCallError(str(use.method), token.reason, SlackErrorKind.UNCERTAIN, left)


def _stored(app: App, use: TokenUse) -> Token:
    installation = installations.find(app.db, use.tenant)
    token = tokens.find(app.db, use.tenant, use.holder) if installation is not None else None
    refusal = refusal_of(installation, use.statuses)
    # claim: C-40
    if refusal is not None:
        if token is not None and freezes.find(app.db, use.tenant) is not None:
            # claim: C-116
            _read(app, use, token, None)  # it is refused as frozen before anything else, with a row of the audit
        raise _refused(app, use, Refused(refusal))
    # claim: C-37
    if token is None or token.status == TokenStatus.DEAD:
        raise needs_reinstall.refusal(app, use.tenant)
    # claim: C-120
    if token.provider != SLACK_PROVIDER:
        raise Refused(Refusal.TOKEN_UNAVAILABLE)  # Slack is shown no token but its own
    return token


def _refused(app: App, use: TokenUse, refused: Refused) -> Refused:
    """The refusal, counted, with the install link where that helps."""
    reason = refused.refusal.name.lower()
    # claim: C-363
    app.metrics.count("slackapp_token_uses_refused_total", {"capability": use.capability.name, "reason": reason})
    return needs_reinstall.refusal(app, use.tenant) if refused.refusal is Refusal.NEEDS_REINSTALL else refused


def _usable(app: App, use: TokenUse, token: Token) -> Token:
    now = app.clock()
    is_over = token.status == TokenStatus.LIVE and token.expires_at is not None and token.expires_at <= now
    if refresh_token.is_due(token, now) or (use.ignore_pause and is_over):
        by = _refresh_capability(use)
        token = refresh_token.run_or_reread(app, token, use.actor, statuses=use.statuses, capability=by)
        if token.status == TokenStatus.DEAD:  # marked dead by another one meanwhile
            raise needs_reinstall.refusal(app, use.tenant)
    # claim: C-36
    if token.expires_at is not None and token.expires_at <= app.clock():
        # Expired, and no refresh came about. There is no other copy to fall back on.
        if token.status != TokenStatus.REFRESH_REFUSED:
            raise Refused(Refusal.TOKEN_UNAVAILABLE)
        raise _mark_expired_dead(app, token, now, use.actor)
    return token


def _read(app: App, use: TokenUse, token: Token, row: Run | None) -> Secret:
    read = TokenRead(
        token=token,
        part=TokenPart.ACCESS,
        capability=use.capability,
        method=use.method,
        purpose=use.purpose,
        actor=use.actor,
        statuses=use.statuses,
        channel=use.channel,
    )
    try:
        return tenant_keys.read_token(app, read, run=row)
    except Refused as refused:
        raise _refused(app, use, refused) from None


def _accept(app: App, use: TokenUse, token: Token, answer: SlackResponse) -> SlackResponse:
    if use.method == token_owner.AUTH_TEST and token_owner.names_other_owner(use.tenant, use.holder, answer.data):
        # claim: C-81
        needs_reinstall.suspend_foreign(app, token, use.actor)
        raise SlackCallError(use.method, token_refusals.FOREIGN_TOKEN, SlackErrorKind.BAD_REQUEST)
    judge_token.on_success(app, token, use.actor)
    return answer


def _refresh_decides(token: Token, error: SlackCallError) -> bool:
    """Tells whether a refresh may help: the token expired, or was pushed out, and its refresh token is untried.

    Slack keeps two access tokens alive. Each refresh makes a new one, and so does each install, also one that we refuse
    (docs.slack.dev/authentication/using-token-rotation).
    """
    if token.refresh is None:
        return False
    # claim: C-78
    untried = token.status == TokenStatus.LIVE and error.kind in judge_token.REFUSED_KINDS
    return untried or error.kind is SlackErrorKind.EXPIRED


def _refresh_capability(use: TokenUse) -> Capability | None:
    """A removal refreshes frozen, too: what is erased here while it lives at Slack, nobody can end any more."""
    # claim: C-127
    return REFRESH_TO_REMOVE if use.capability == REMOVE else None


def _refresh(app: App, use: TokenUse, token: Token, error: SlackCallError, *, asked_at: int) -> Token:
    """The pair that comes in its place. Raises Refused, and SlackCallError where Slack takes neither of the two."""
    actor = use.actor
    try:
        by = _refresh_capability(use)
        return refresh_token.run(app, token, actor, statuses=use.statuses, wait=True, capability=by)
    except refresh_token.RefreshUncertainError as doubted:
        # Whatever was said of the access token: the refresh token may be good, and so the grant.
        uncertain = SlackCallError(error.method, doubted.code, SlackErrorKind.UNCERTAIN)
        raise judge_token.judge_error(app, token, uncertain, asked_at, actor=actor) from None
    except Refused as refused:
        if refused.refusal is Refusal.NEEDS_REINSTALL:
            if error.kind is SlackErrorKind.DEAD:
                raise judge_token.judge_error(app, token, error, asked_at, actor=actor) from None
            raise _mark_expired_dead(app, token, asked_at, actor) from None
        raise


def _mark_expired_dead(app: App, token: Token, asked_at: int, actor: Actor) -> Refused:
    """Marks dead what is over and cannot be refreshed."""
    left = judge_token.on_refusal(app, token, _REFUSED, asked_at, actor=actor)
    return Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=left) if left else needs_reinstall.refusal(app, token.tenant)
