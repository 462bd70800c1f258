"""Judgement of Slack's answer to a call: the token serves, pauses, or is dead.

The one place where a token is marked dead for an answer. Whoever
has a refresh token that was not tried tries it first.
"""

import zlib
from functools import partial

from slackapp.checks import token_refusals
from slackapp.errors import SlackCallError, SlackErrorKind, StoreError
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.tokens import brake, needs_reinstall
from slackapp.model import Actor, AuditEntry, AuditEvent, Tenant, TenantChange, Token, TokenStatus
from slackapp.store import tenant_outcomes, tokens

RETRY_REPLACED = 1
"""Seconds after which to try again with a token that has come in the place of the refused one."""
REFUSED_KINDS = frozenset({SlackErrorKind.DEAD, SlackErrorKind.UNCERTAIN})
_NOTED_PER_MINUTE = 8
"""Tenants that each process notes as served within a minute."""


def on_success(app: App, token: Token, actor: Actor) -> None:
    """Slack took the token. Costs nothing but a look, except a few times a minute, or after a refusal.

    The call has been made: that this cannot be noted does not make it fail.
    """
    try:
        if token.refused_since is not None:
            _resume(app, token, actor)
        note_answered(app, token.tenant)
    except StoreError as error:
        app.log.error("answer_not_noted", {"why": str(error)})


def note_answered(app: App, tenant: Tenant) -> None:
    """Notes, for other tenants' sake, that Slack serves this one; at most eight a minute. Raises StoreError."""
    now = app.clock()
    if app.throttle.allows(f"answered {zlib.crc32(tenant.id.encode()) % _NOTED_PER_MINUTE}", now):
        app.db.commit_in_group(partial(tenant_outcomes.note_answered, app.db, tenant, now), durable=False)


def judge_error(
    app: App, token: Token, error: SlackCallError, asked_at: int, actor: Actor, *, after_refresh: bool = False
) -> SlackCallError:
    """Converts a refusal: DEAD only where the token was marked dead, else UNCERTAIN with a pause.

    `asked_at` is when the call began, in Unix seconds. Raises StoreError.
    """
    if error.kind not in REFUSED_KINDS:
        return error
    left = on_refusal(app, token, error.code, asked_at, actor=actor, after_refresh=after_refresh)
    return SlackCallError(error.method, error.code, SlackErrorKind.UNCERTAIN if left else SlackErrorKind.DEAD, left)


def on_refusal(app: App, token: Token, code: str, asked_at: int, actor: Actor, *, after_refresh: bool = False) -> int:
    """Marks the token dead, or pauses it: 0, or the seconds until it is tried again. Raises StoreError.

    `after_refresh` says that Slack has given this very access token for its refresh token just before.
    """
    is_clear = code != token_refusals.INVALID_AUTH and not after_refresh
    with app.db.transaction():
        now = app.clock()
        current = tokens.find_generation(app.db, token)
        # claim: C-64
        if current is None:
            # Refreshed or installed again since it was sent, or erased.
            return RETRY_REPLACED if tokens.find(app.db, token.tenant, token.holder) is not None else 0
        if current.status == TokenStatus.DEAD:
            return 0
        left = token_refusals.pause_seconds_left(current, asked_at)
        if left and not is_clear:
            return left  # asked early, or beside another one: that counts once
        paused = token_refusals.refused_again(
            current, code, now, not is_clear and _is_contradicted(app, current, code, asked_at)
        )
        braked = brake.note_failing(app, current, actor, now)
        # claim: C-80
        if token_refusals.ends_token(paused, is_clear) and not braked:
            needs_reinstall.mark_dead(app, current, code, actor)
            brake.note_given_up(app, token)
            return 0
        _pause(app, current, paused, actor, now=now)
        return token_refusals.pause_seconds_left(paused, now)


def _is_contradicted(app: App, token: Token, code: str, asked_at: int) -> bool:
    """Tells whether it was refused before, and something speaks against that since.

    For `invalid_auth`, that others were served meanwhile, before this call began; for the rest, that Slack has just
    taken its refresh token.
    """
    if token.refused_since is None:
        return False
    if code != token_refusals.INVALID_AUTH:
        return True
    return tenant_outcomes.has_other_success(app.db, token.tenant, token.refused_at, asked_at)


def _pause(app: App, before: Token, paused: Token, actor: Actor, now: int) -> None:
    tokens.save_pause(app.db, paused)
    if before.refused_since is None:
        entry = AuditEntry(
            at=now, event=AuditEvent.TOKEN_PAUSED, actor=actor, tenant=paused.tenant, holder=paused.holder
        )
        app.vault.append(entry._replace(result=paused.reason))
        notes.count_tenant_change(app, paused.tenant, TenantChange.TOKEN_PAUSED)
        app.log.error(
            "token_paused", {"code": paused.reason, "action": "see slackapp tenants, and the app's addresses"}
        )


def _resume(app: App, token: Token, actor: Actor) -> None:
    now = app.clock()
    with app.db.transaction():
        if tokens.clear_pause(app.db, token):
            app.vault.append(
                AuditEntry(
                    at=now, event=AuditEvent.TOKEN_RESUMED, actor=actor, tenant=token.tenant, holder=token.holder
                )
            )
            brake.note_served(app, token, actor, now)
