"""Refreshes a rotating token: one at a time per token, over all threads and processes.

Whoever has issued it is asked, by what is known of that provider. Slack takes a refresh token once, but for a short
grace period. So the intent (a lease with an owner, on this generation
of the token) is committed before the call, and the new pair replaces exactly that generation. A crash in between loses
nothing: the lease runs out, and the same refresh token is tried again while its grace lasts.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.capabilities import Capability
from slackapp.errors import Refusal, RefusalKind, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App, TokenProvider
from slackapp.flows.audit import notes
from slackapp.flows.keys import tenant_keys
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.flows.tokens import brake, judge_token, rotated_pair
from slackapp.flows.tokens.slack_provider import SLACK, provider_of
from slackapp.model import (
    Actor,
    AuditEvent,
    InstallationStatus,
    RefreshOutcome,
    Secret,
    TenantChange,
    Token,
    TokenPart,
    TokenStatus,
)
from slackapp.store import tokens
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.secret_reads import Lease, LeaseTakenError, TokenRead

LEASE = SLACK.lease
"""Seconds that a refresh at Slack has for itself, and a Bolt app that refreshes by itself."""
RETRY_WHILE_LEASED = 1
"""Seconds after which to look again for what another one's refresh has brought."""
_UNREADABLE_DELAY = 3600
"""Seconds after which a refresh token that did not open is tried again."""
_UNCERTAIN_DELAY = 300
"""The same for one that Slack did not take, where that may pass."""
MAX_WAITS, WAIT_SECONDS = 30, 0.1
"""How often and how long, in seconds, somebody without a live token waits for the one who refreshes it."""


class RefreshUncertainError(Refused):
    """Refusal of a refresh token that need not be its fault: it stays, and is tried again later.

    `code` is what Slack said.
    """

    def __init__(self, code: str) -> None:
        super().__init__(Refusal.TOKEN_UNAVAILABLE, retry_after=_UNCERTAIN_DELAY)
        self.code = code


def is_due(token: Token, now: int) -> bool:
    """Tells whether little of the token's life is left; see `checks/token_lifetime.py`."""
    return token.status == TokenStatus.LIVE and token.due_at is not None and now >= token.due_at


def run_or_reread(
    app: App,
    token: Token,
    actor: Actor,
    *,
    statuses: frozenset[InstallationStatus],
    capability: Capability | None = None,
) -> Token:
    """Refreshes a token that is due. Who comes second goes on with one that lives, and waits where it has expired."""
    has_expired = token.expires_at is not None and token.expires_at <= app.clock()
    try:
        return run(app, token, actor, statuses=statuses, wait=has_expired, capability=capability)
    except Refused:
        return tokens.find(app.db, token.tenant, token.holder) or token


def run(
    app: App,
    token: Token,
    actor: Actor,
    *,
    statuses: frozenset[InstallationStatus],
    wait: bool,
    capability: Capability | None = None,
) -> Token:
    """Refreshes the generation that the caller saw; returns the token as it is stored then.

    `statuses` are those of an installation in which it is allowed. With `wait`, somebody who finds another one at it
    waits for up to 3 s. `capability` is the provider's own, unless another is named. Raises
    Refused(TOKEN_UNAVAILABLE) while another one is at it and for what passes by itself, Refused(FROZEN),
    Refused(NEEDS_REINSTALL) when Slack refuses the refresh token.
    """
    provider = provider_of(app, token)
    if token.status == TokenStatus.REFRESH_REFUSED:
        raise _refusal(app, token)
    held = app.cooldowns.seconds_left(provider.refresh.method, app.clock())
    if held:
        raise Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=held)
    # 1. take the lease on this generation
    # 2. open the refresh token
    owner = f"{app.process_id}:{app.entropy(8).hex()}"
    try:
        secret, keys = _open_refresh(app, token, owner, actor=actor, statuses=statuses, capability=capability)
    except LeaseTakenError:
        return _await_other_refresh(app, token, wait)
    # 3. ask Slack for a new pair; after a lost answer, once more with the same token
    asked_at = app.clock()
    try:
        data = _ask(app, provider, token, owner, refresh=secret)
    except SlackCallError as error:
        raise _failed(app, token, owner, error, asked_at=asked_at, actor=actor) from None
    # 4. the answer is a pair of this kind, for this tenant
    try:
        granted = rotated_pair.read(app, provider, token, data, actor=actor)
    except Refused as refused:
        raise _handle_bad_pair(app, token, owner, refused.refusal, actor=actor) from None
    # 5. seal, and put it in place of the generation it came from
    rotated_pair.store(app, token, granted, keys, event=AuditEvent.TOKEN_REFRESHED, actor=actor)
    _count(app, token, RefreshOutcome.OK, "")
    return _reread(app, token)


def _await_other_refresh(app: App, token: Token, wait: bool) -> Token:
    """The token that another one's refresh has brought, or brings within 3 s where the caller waits."""
    for _ in range(MAX_WAITS if wait else 1):
        found = _reread(app, token)
        if (found.generation, found.granted_at) != (token.generation, token.granted_at):
            return found
        if found.status != TokenStatus.LIVE:
            raise _refusal(app, token)
        if wait:
            app.wait(WAIT_SECONDS)
    raise Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=RETRY_WHILE_LEASED)


def _reread(app: App, token: Token) -> Token:
    found = tokens.find(app.db, token.tenant, token.holder)
    if found is None:
        raise _refusal(app, token)  # purged meanwhile
    return found


def _refusal(app: App, token: Token) -> Refused:
    """Makes the refusal that says where somebody grants anew."""
    return Refused(Refusal.NEEDS_REINSTALL, install_url=provider_of(app, token).install_url(app, token.tenant))


def _open_refresh(
    app: App,
    token: Token,
    owner: str,
    *,
    actor: Actor,
    statuses: frozenset[InstallationStatus],
    capability: Capability | None,
) -> tuple[Secret, TenantKeys]:
    """Opens the refresh token, with the lease, and the new pair's keys: their holder may be out of reach later."""
    provider = provider_of(app, token)
    read = TokenRead(
        token=token,
        part=TokenPart.REFRESH,
        capability=capability or provider.refresh.capability,
        method=provider.refresh.method,
        purpose="refresh",
        actor=actor,
        statuses=statuses,
    )
    try:
        secret = tenant_keys.read_token(app, read, lease=Lease(owner, provider.lease))
        with refuse_on_key_error(app, lambda: read.entry(app.clock())):
            # claim: C-107
            return secret, app.keyring.open_holder_keys(token.tenant, token.holder)
    except Refused as refused:
        if refused.refusal is Refusal.TOKEN_UNAVAILABLE:  # it does not open; no minute helps
            tokens.postpone_refresh(app.db, token, owner, app.clock() + _UNREADABLE_DELAY)
        else:
            tokens.release_lease(app.db, token, owner)  # Slack was not asked
        if refused.refusal is Refusal.NOT_INSTALLED:  # purged meanwhile
            raise _refusal(app, token) from None
        if refused.refusal is Refusal.NEEDS_REINSTALL:  # by the installation's status, which says nothing of the token
            raise Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=RETRY_WHILE_LEASED) from None
        raise


def _ask(app: App, provider: TokenProvider, token: Token, owner: str, refresh: Secret) -> Mapping[str, Any]:
    # claim: C-42
    _renew_lease(app, token, owner, provider.lease)
    try:
        return provider.refresh.send(app, refresh)
    except SlackCallError as error:
        if error.kind is not SlackErrorKind.TRANSIENT:
            raise
    _renew_lease(app, token, owner, provider.lease)
    return provider.refresh.send(app, refresh)


def _renew_lease(app: App, token: Token, owner: str, lease: int) -> None:
    """Renews the lease before each call.

    Who was stopped past the end of the lease must not use a refresh token that another one used. It would be answered
    within the grace period, and which of the two pairs Slack then keeps is anybody's guess.
    """
    # claim: C-42
    if not tokens.renew_lease(app.db, token, owner, app.clock.steady() + lease):
        raise Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=RETRY_WHILE_LEASED)


def _handle_bad_pair(app: App, token: Token, owner: str, why: RefusalKind, actor: Actor) -> Refused:
    """Slack gave something, but no pair for this token: the old one stays, and the next one tries again."""
    with app.db.transaction():
        tokens.set_lease_end(app.db, token, owner, app.clock.steady() - 1)
        _note_failed(app, token, why.code, actor)
    _count(app, token, RefreshOutcome.MALFORMED, why.name.lower())
    return Refused(Refusal.TOKEN_UNAVAILABLE)


def _failed(app: App, token: Token, owner: str, error: SlackCallError, asked_at: int, actor: Actor) -> Refused:
    provider = provider_of(app, token)
    app.cooldowns.start(provider.refresh.method, error.retry_after, app.clock())
    is_clear = error.code in provider.dead_refresh_errors
    if not is_clear and error.kind not in judge_token.REFUSED_KINDS:
        return _handle_transient(app, token, owner, error, actor=actor)
    with app.db.transaction():
        now = app.clock()
        # Who was installed again meanwhile does not fail.
        braked = tokens.find_generation(app.db, token) is not None and brake.note_failing(app, token, actor, now)
        # claim: C-80
        ends = is_clear and not braked
        if ends:
            # claim: C-38
            tokens.mark_refresh_refused(app.db, token, owner, error.code)
            brake.note_given_up(app, token)
        else:
            tokens.postpone_refresh(app.db, token, owner, now + _UNCERTAIN_DELAY)
        _note_failed(app, token, error.code, actor)
    _count(app, token, RefreshOutcome.REFUSED if ends else RefreshOutcome.FAILED, error.code)
    if ends:
        app.log.error("refresh_refused", {"code": error.code, "action": "the app must be installed again"})
        return _refusal(app, token)
    if token.expires_at is not None and token.expires_at <= asked_at:
        judge_token.on_refusal(app, token, error.code, asked_at, actor=actor)  # it cannot be used without a refresh
    return RefreshUncertainError(error.code)


def _handle_transient(app: App, token: Token, owner: str, error: SlackCallError, actor: Actor) -> Refused:
    """Slack, or the way there, has failed."""
    with app.db.transaction():
        # At once for whoever comes next; after a limited rate, not before Slack wants to hear of us again.
        tokens.set_lease_end(app.db, token, owner, app.clock.steady() + error.retry_after - 1)
        _note_failed(app, token, error.code, actor)
    _count(app, token, RefreshOutcome.FAILED, error.code)
    return Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=error.retry_after or None)


def _note_failed(app: App, token: Token, code: str, actor: Actor) -> None:
    app.vault.append(notes.token_entry(AuditEvent.TOKEN_REFRESH_FAILED, token, actor, app.clock(), result=code))


def _count(app: App, token: Token, outcome: RefreshOutcome, code: str) -> None:
    app.metrics.count("slackapp_refresh_total", {"result": outcome, "reason": code})
    if code:
        refused = outcome == RefreshOutcome.REFUSED
        change = TenantChange.REFRESH_REFUSED if refused else TenantChange.REFRESH_FAILED
        notes.count_tenant_change(app, token.tenant, change)
