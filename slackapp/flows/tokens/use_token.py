"""Use of a token, and the only way to one: audit row first, then open, call, and judge the answer.

No token is read without an audit row that was committed before; if the row cannot be written, the call fails. An
opened token lives as long as one call and is kept nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.checks import token_owner, token_refusals
from slackapp.checks.capabilities import Capability, require_capability
from slackapp.crypto import envelope, records
from slackapp.errors import CapabilityError, Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.keys import tenant_keys
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.flows.tokens import judge_token, needs_reinstall, refresh_token
from slackapp.model import (
    Actor,
    AuditEntry,
    AuditEvent,
    AuditResult,
    Holder,
    Installation,
    InstallationStatus,
    Secret,
    SlackResponse,
    Tenant,
    Token,
    TokenStatus,
)
from slackapp.store import installations, tokens

Send = Callable[[Secret], SlackResponse]
_REFUSED = TokenStatus.REFRESH_REFUSED
"""Our code for a token that is over and whose refresh token Slack has refused."""


@dataclass(frozen=True)
class TokenUse:
    """Use of a token: whose, for what, with which capability, and in which statuses.

    `statuses` are those of an installation in which this use is allowed: a resolved
    suspicion and an uninstall may use what nothing else may. `ignore_pause` is for what does not wait for the end of a
    token's pause: an operator's question, and the last call of all.
    """

    tenant: Tenant
    holder: Holder
    purpose: str
    capability: Capability
    statuses: frozenset[InstallationStatus] = frozenset({InstallationStatus.ACTIVE})
    ignore_pause: bool = False


@dataclass(frozen=True)
class _Call:
    """Call: what is sent, for whom, and on whose behalf."""

    use: TokenUse
    method: str
    send: Send
    actor: Actor


def call(
    app: App, use: TokenUse, method: str, params: Mapping[str, Any], actor: Actor, intent: Callable[[], None]
) -> SlackResponse:
    """Calls a method as this tenant.

    `intent` runs in the transaction of the audit row, so that what must be on the disk before the call costs no commit
    of its own. Raises Refused (NOT_INSTALLED, NEEDS_REINSTALL, TOKEN_UNAVAILABLE) and SlackCallError: of the kind DEAD
    only where the token was marked dead. While Slack wants to hear nothing of this method for this tenant, or the token
    pauses, that is told without asking it again.
    """
    return run(app, use, method, lambda token: app.slack.call(method, token, params), actor, intent)


def run(app: App, use: TokenUse, method: str, send: Send, actor: Actor, intent: Callable[[], None]) -> SlackResponse:
    """Uses a token for any call that takes one."""
    _require_capability(app, use, method, actor)
    whose = f"{use.tenant} {use.holder} {method}"
    # 1. nothing is sent while Slack wants to hear nothing of this method, or the token pauses
    held = app.cooldowns.seconds_left(whose, app.clock())
    if held:
        raise SlackCallError(method, "ratelimited", SlackErrorKind.RATE_LIMITED, held)
    # 2. find the token, and refresh it when it is due
    token = _find_unpaused(app, use, method, actor)
    asked_at = app.clock()
    try:
        return _send(app, _Call(use, method, send, actor), token, intent)
    except SlackCallError as error:
        app.cooldowns.start(whose, error.retry_after, app.clock())
        if not _refresh_decides(token, error):
            # claim: C-37
            raise judge_token.judge_error(app, token, error, asked_at, actor) from None
        first = error
    # 6. let one refresh decide about a token that is over or refused, then repeat exactly once
    # claim: C-39, C-78
    token = _refresh(app, token, first, asked_at, actor)
    asked_at = app.clock()
    try:
        return _send(app, _Call(use, method, send, actor), token, lambda: None)
    except SlackCallError as again:
        app.cooldowns.start(whose, again.retry_after, app.clock())
        # claim: C-78
        raise judge_token.judge_error(app, token, again, asked_at, actor, after_refresh=True) from None


def _require_capability(app: App, use: TokenUse, method: str, actor: Actor) -> None:
    """Refuses and notes a method outside the capability, before anything else is done."""
    try:
        require_capability(use.capability, method, app.capabilities)
    except CapabilityError as refused:
        app.vault.append_committed(
            AuditEntry(
                at=app.clock(),
                event=refused.refusal.audit,
                actor=actor,
                tenant=use.tenant,
                holder=use.holder,
                capability=refused.capability,
                method=refused.method or "",
                purpose=use.purpose,
                result=AuditResult.REFUSED,
            )
        )
        raise


def find_usable(app: App, use: TokenUse, actor: Actor) -> Token:
    """Finds the token as it is stored, sealed; refreshed when it is due. Raises Refused."""
    return _usable(app, use, _stored(app, use), actor)


def _find_unpaused(app: App, use: TokenUse, method: str, actor: Actor) -> Token:
    """Finds the token, unless it pauses, or begins to: then SlackCallError, whose pause an event waits for."""
    token = _stored(app, use)
    if not use.ignore_pause:
        _refuse_paused(app, token, method)
    try:
        return _usable(app, use, token, actor)
    except Refused:
        current = tokens.find_generation(app.db, token)
        if current is not None:
            _refuse_paused(app, current, method)
        raise


def _refuse_paused(app: App, token: Token, method: str) -> None:
    left = token_refusals.pause_seconds_left(token, app.clock())
    if left and token.status != TokenStatus.DEAD:
        raise SlackCallError(method, token.reason, SlackErrorKind.UNCERTAIN, left)


def _stored(app: App, use: TokenUse) -> Token:
    installation = installations.find(app.db, use.tenant)
    token = tokens.find(app.db, use.tenant, use.holder) if installation is not None else None
    # claim: C-40
    _refuse_status(app, installation, use)
    # claim: C-37
    if token is None or token.status == TokenStatus.DEAD:
        raise needs_reinstall.refusal(app, use.tenant)
    return token


def _usable(app: App, use: TokenUse, token: Token, actor: Actor) -> Token:
    now = app.clock()
    is_over = token.status == TokenStatus.LIVE and token.expires_at is not None and token.expires_at <= now
    if refresh_token.is_due(token, now) or (use.ignore_pause and is_over):
        token = refresh_token.run_or_reread(app, token, actor)
        if token.status == TokenStatus.DEAD:  # marked dead by another one meanwhile
            raise needs_reinstall.refusal(app, use.tenant)
    # claim: C-36
    if token.expires_at is not None and token.expires_at <= app.clock():
        # Expired, and no refresh came about. There is no other copy to fall back on.
        if token.status != TokenStatus.REFRESH_REFUSED:
            raise Refused(Refusal.TOKEN_UNAVAILABLE)
        raise _mark_expired_dead(app, token, now, actor)
    return token


def _send(app: App, what: _Call, token: Token, intent: Callable[[], None]) -> SlackResponse:
    use, method, actor = what.use, what.method, what.actor
    secret = _open(app, token, use, method, actor, intent)
    # 5. call Slack
    answer = what.send(secret)
    if method == token_owner.AUTH_TEST and token_owner.names_other_owner(use.tenant, use.holder, answer.data):
        # claim: C-81
        needs_reinstall.suspend_foreign(app, token, actor)
        raise SlackCallError(method, token_refusals.FOREIGN_TOKEN, SlackErrorKind.BAD_REQUEST)
    judge_token.on_success(app, token, actor)
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


def _refresh(app: App, token: Token, error: SlackCallError, asked_at: int, actor: Actor) -> Token:
    """The pair that comes in its place. Raises Refused, and SlackCallError where Slack takes neither of the two."""
    try:
        return refresh_token.run(app, token, actor, wait=True)
    except refresh_token.RefreshUncertainError as doubted:
        # Whatever was said of the access token: the refresh token may be good, and so the grant.
        uncertain = SlackCallError(error.method, doubted.code, SlackErrorKind.UNCERTAIN)
        raise judge_token.judge_error(app, token, uncertain, asked_at, actor) from None
    except Refused as refused:
        if refused.refusal is Refusal.NEEDS_REINSTALL:
            if error.kind is SlackErrorKind.DEAD:
                raise judge_token.judge_error(app, token, error, asked_at, actor) from None
            raise _mark_expired_dead(app, token, asked_at, actor) from None
        raise


def _mark_expired_dead(app: App, token: Token, asked_at: int, actor: Actor) -> Refused:
    """Marks dead what is over and cannot be refreshed."""
    left = judge_token.on_refusal(app, token, _REFUSED, asked_at, actor)
    return Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=left) if left else needs_reinstall.refusal(app, token.tenant)


def refusal_of(status: InstallationStatus, reason: str) -> Refusal | None:
    """Finds why tokens of an installation in that status are not used, where a new install does not help."""
    if status == InstallationStatus.SUSPENDED and not reason:
        return Refusal.KEY_REVOKED
    return Refusal.TOKEN_UNAVAILABLE if status in (InstallationStatus.SUSPENDED, InstallationStatus.SUSPECT) else None


def _refuse_status(app: App, installation: Installation | None, use: TokenUse) -> None:
    if installation is None:
        raise Refused(Refusal.NOT_INSTALLED)
    if installation.status not in use.statuses:
        refusal = refusal_of(installation.status, installation.status_reason)
        raise Refused(refusal) if refusal is not None else needs_reinstall.refusal(app, use.tenant)


def _open(app: App, token: Token, use: TokenUse, method: str, actor: Actor, intent: Callable[[], None]) -> Secret:
    context = records.access_token_context(token.tenant, token.holder, token.generation)
    key_id = envelope.claimed_key_id(token.access.blob)
    entry = AuditEntry(
        at=app.clock(),
        event=AuditEvent.TOKEN_READ,
        actor=actor,
        tenant=use.tenant,
        holder=use.holder,
        record_kind=context.kind,
        generation=token.generation,
        key_id=key_id,
        capability=use.capability.name,
        method=method,
        purpose=use.purpose,
    )

    def note() -> None:
        # Once more, under the lock: who has just become suspect, or is being removed, is not used any more.
        # claim: C-40
        _refuse_status(app, installations.find(app.db, use.tenant), use)
        # claim: C-25
        app.vault.append(entry)
        # claim: C-50
        intent()

    # 3. note the read, and the intent to call, and commit both
    # claim: C-25, C-26
    app.db.commit_in_group(note)
    # 4. open the token where it belongs
    with refuse_on_key_error(app, entry):
        return tenant_keys.open_access_token(app, token)
