"""Turns a long-lived token into a rotating pair, once (docs.slack.dev/reference/methods/oauth.v2.exchange).

Slack does so once per token, and the long-lived one works on until its pair is refreshed for the first time. So nothing
is lost when the answer is lost: the pair that nobody has is never refreshed, and the token that we have stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slackapp.checks import token_owner
from slackapp.checks.capabilities import VALIDATE
from slackapp.errors import CommandError, Refused, SlackCallError, SlackErrorKind
from slackapp.flows import named_tenants
from slackapp.flows.app import App, TokenProvider
from slackapp.flows.audit import notes
from slackapp.flows.keys import tenant_keys
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.flows.tokens import judge_token, rotated_pair, use_token
from slackapp.flows.tokens.slack_provider import SLACK, provider_of
from slackapp.model import (
    Actor,
    AuditEvent,
    Holder,
    InstallationStatus,
    Tenant,
    Token,
    TokenPart,
    TokenStatus,
)
from slackapp.store import installations, tokens
from slackapp.vault.secret_reads import Lease, LeaseTakenError, TokenRead

METHOD = SLACK.exchange_token.method
EXCHANGED = "exchanged"
NOT_ENABLED = "token_rotation_not_enabled"
ALREADY_EXCHANGED = "token_already_exchanged"
_UNCLEAR = frozenset({"invalid_token", "authorization_not_found"})
"""Said of a token that is dead, and of one that only cannot be exchanged."""
_ACTIVE = frozenset({InstallationStatus.ACTIVE})
_LEASED_ELSEWHERE = "another process is at it"
_REPLACED = "the token was replaced or given up meanwhile"


@dataclass(frozen=True)
class ExchangeResult:
    """Result of the exchange for one token; `result` is `exchanged`, or why not."""

    tenant: Tenant
    holder: Holder
    result: str


def list_exchangeable(app: App, tenant: Tenant | None) -> list[Token]:
    """The long-lived tokens there are: of one tenant, or of all."""
    return [token for token in tokens.list_long_lived(app.db) if tenant is None or token.tenant == tenant]


def run_all(app: App, claimed_id: str | None, actor: Actor) -> tuple[int, Iterator[ExchangeResult]]:
    """Exchanges every long-lived token, of one tenant or of all; returns how many, and each result as it comes.

    Raises CommandError.
    """
    tenant = named_tenants.require_installation(app, claimed_id).tenant if claimed_id is not None else None
    waiting = list_exchangeable(app, tenant)
    return len(waiting), run(app, waiting, actor)


def run(app: App, waiting_tokens: list[Token], actor: Actor) -> Iterator[ExchangeResult]:
    """Exchanges the tokens one after the other; may be ended at any time and begun again.

    Raises CommandError, StoreError. Where Slack says that the app does not rotate its tokens, there is no use to go on.
    After a limited rate, waits as long as Slack said.
    """
    for token in waiting_tokens:
        held = app.cooldowns.seconds_left(provider_of(app, token).exchange_token.method, app.clock())
        if held:
            app.wait(held)
        yield ExchangeResult(token.tenant, token.holder, _exchange(app, token, actor))


def _exchange(app: App, token: Token, actor: Actor) -> str:
    if _was_replaced(app, token):
        return _REPLACED
    # For the operator's sake alone: the vault asks again.
    installation = installations.find(app.db, token.tenant)
    if installation is None or installation.status not in _ACTIVE:
        return "the tenant is not served just now"
    provider = provider_of(app, token)
    read = _reading(provider, token, actor)
    # 1. take the lease on this generation
    owner = f"{app.process_id}:{app.entropy(8).hex()}"
    try:
        # 2. open the token, with the keys for the pair: Slack gives it once, so they are opened first
        secret = tenant_keys.read_token(app, read, lease=Lease(owner, provider.lease))
        with refuse_on_key_error(app, lambda: read.entry(app.clock())):
            # claim: C-107
            keys = app.keyring.open_holder_keys(token.tenant, token.holder)
        # 3. ask Slack for its pair, once; not so whoever was stopped past the end of the lease
        if not tokens.renew_lease(app.db, token, owner, app.clock.steady() + provider.lease):
            return _LEASED_ELSEWHERE
        asked_at = app.clock()
        data = provider.exchange_token.send(app, secret)
        # 4. the answer is a pair of this kind, for this tenant
        granted = rotated_pair.read(app, provider, token, data, actor=actor)
        # 5. seal, and put it in place of the long-lived token
        if _was_replaced(app, token):
            return _REPLACED
        with refuse_on_key_error(app, lambda: read.entry(app.clock())):
            stored = rotated_pair.store(app, token, granted, keys, event=AuditEvent.TOKEN_EXCHANGED, actor=actor)
    except LeaseTakenError:
        return _REPLACED if _was_replaced(app, token) else _LEASED_ELSEWHERE
    except SlackCallError as error:
        return _handle_failure(app, token, owner, error, asked_at=asked_at, actor=actor)
    except Refused as refused:
        return _note_failure(app, token, owner, refused.refusal.code, actor=actor)
    return EXCHANGED if stored else _REPLACED


def _was_replaced(app: App, token: Token) -> bool:
    """Tells whether the token was replaced, or marked dead."""
    found = tokens.find_generation(app.db, token)
    return found is None or found.status != TokenStatus.LIVE


def _reading(provider: TokenProvider, token: Token, actor: Actor) -> TokenRead:
    return TokenRead(
        token=token,
        part=TokenPart.ACCESS,
        capability=provider.exchange_token.capability,
        method=provider.exchange_token.method,
        purpose="exchange",
        actor=actor,
        statuses=_ACTIVE,
    )


def _handle_failure(app: App, token: Token, owner: str, error: SlackCallError, asked_at: int, actor: Actor) -> str:
    app.cooldowns.start(provider_of(app, token).exchange_token.method, error.retry_after, app.clock())
    is_clear = error.code not in _UNCLEAR
    told = (
        judge_token.judge_error(app, token, error, asked_at, actor=actor)
        if is_clear
        else _ask_about_token(app, token, error, actor)
    )
    if told.kind is SlackErrorKind.DEAD:
        return f"dead: {error.code}"
    result = _note_failure(app, token, owner, error.code, actor=actor)
    if error.code == NOT_ENABLED:
        raise CommandError(f"{NOT_ENABLED}: switch token rotation on in the app's settings at Slack first")
    return result


def _ask_about_token(app: App, token: Token, error: SlackCallError, actor: Actor) -> SlackCallError:
    """Asks with the token itself where the answer is not clear; a live one must not be marked dead."""
    use = use_token.TokenUse(
        tenant=token.tenant,
        holder=token.holder,
        capability=VALIDATE,
        method=token_owner.AUTH_TEST,
        purpose="exchange",
        actor=actor,
    )
    try:
        use_token.call(app, use, {})
    except SlackCallError as told:
        return told
    except Refused:
        pass
    return error


def _note_failure(app: App, token: Token, owner: str, code: str, actor: Actor) -> str:
    """The token stays, and works; a repeat is free to try again."""
    with app.db.transaction():
        tokens.release_lease(app.db, token, owner)
        app.vault.append(notes.token_entry(AuditEvent.TOKEN_EXCHANGE_FAILED, token, actor, app.clock(), result=code))
    if code == ALREADY_EXCHANGED:
        return f"{code}: its pair was lost; the token works on, and a new install makes it rotate"
    return code
