"""What Slack's answer to a call means for the token: it serves, it pauses, or it is given up.

The one place where a token is given up for an answer. Whoever has a refresh token that was not tried tries it first.
"""

import zlib
from functools import partial

from slackapp.checks import giving_up
from slackapp.errors import SlackCallError, SlackErrorKind, StoreError
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.flows.tokens import brake, needs_reinstall
from slackapp.model import Origin, Tenant, Token
from slackapp.store import answers, tokens

AGAIN = 1
"""Seconds after which to try again with a token that has come in the place of the refused one."""
REFUSED = frozenset({SlackErrorKind.DEAD, SlackErrorKind.DOUBT})
_NOTED = 8
"""Tenants that each process notes as served within a minute."""


def served(app: App, token: Token, origin: Origin) -> None:
    """Slack took the token. Costs nothing but a look, except a few times a minute, or after a refusal.

    The call has been made: that this cannot be noted does not make it fail.
    """
    try:
        if token.refused_since is not None:
            _resume(app, token, origin)
        note_answered(app, token.tenant)
    except StoreError as error:
        app.log.error("answer_not_noted", {"why": str(error)})


def note_answered(app: App, tenant: Tenant) -> None:
    """Keeps for other tenants' sake that Slack serves this one; for at most eight a minute. Raises StoreError."""
    now = app.clock()
    if app.once.first(f"answered {zlib.crc32(tenant.id.encode()) % _NOTED}", now):
        app.db.together_unflushed(partial(answers.note_answered, app.db, tenant, now))


def judged(
    app: App, token: Token, error: SlackCallError, asked_at: int, origin: Origin, *, after_refresh: bool = False
) -> SlackCallError:
    """The error as the caller is to see it: DEAD only where the token was given up, else DOUBT with a pause.

    `asked_at` is when the call began, in Unix seconds. Raises StoreError.
    """
    if error.kind not in REFUSED:
        return error
    left = refused(app, token, error.code, asked_at, origin, after_refresh=after_refresh)
    return SlackCallError(error.method, error.code, SlackErrorKind.DOUBT if left else SlackErrorKind.DEAD, left)


def refused(
    app: App, token: Token, code: str, asked_at: int, origin: Origin, *, after_refresh: bool = False
) -> int:
    """Gives the token up, or lets it pause: 0, or the seconds until it is tried again. Raises StoreError.

    `after_refresh` says that Slack has given this very access token for its refresh token just before.
    """
    is_clear = code != giving_up.UNCLEAR and not after_refresh
    with app.db.transaction():
        now = app.clock()
        current = tokens.find_same(app.db, token)
        # claim: C-64
        if current is None:
            # Refreshed or installed again since it was sent, or erased.
            return AGAIN if tokens.find(app.db, token.tenant, token.user_id) is not None else 0
        if current.status == "dead":
            return 0
        left = giving_up.pause_left(current, asked_at)
        if left and not is_clear:
            return left  # asked out of turn, or beside another one: that counts once
        paused = giving_up.pause(current, code, now, not is_clear and _is_contradicted(app, current, code, asked_at))
        braked = brake.note_failing(app, current, origin, now)
        # claim: C-80
        if giving_up.counts(paused, is_clear) and not braked:
            needs_reinstall.give_up(app, current, code, origin)
            answers.mark_given_up(app.db, token.tenant)
            return 0
        _pause(app, current, paused, origin, now)
        return giving_up.pause_left(paused, now)


def _is_contradicted(app: App, token: Token, code: str, asked_at: int) -> bool:
    """Whether it was refused before, and something speaks against that since.

    For `invalid_auth`, that others were served meanwhile, before this call began; for the rest, that Slack has just
    taken its refresh token.
    """
    if token.refused_since is None:
        return False
    if code != giving_up.UNCLEAR:
        return True
    return answers.another_answered(app.db, token.tenant, token.refused_at, asked_at)


def _pause(app: App, before: Token, paused: Token, origin: Origin, now: int) -> None:
    tokens.pause(app.db, paused)
    if before.refused_since is None:
        audit_log.note(app, "token.paused", paused.tenant, origin, paused.reason, f"user={paused.user_id}", now)
        audit_log.count_change(app, paused.tenant, "token_paused")
        app.log.error("token_paused", {"code": paused.reason, "mend": "see slackapp tenants, and the app's addresses"})


def _resume(app: App, token: Token, origin: Origin) -> None:
    now = app.clock()
    with app.db.transaction():
        if tokens.resume(app.db, token):
            audit_log.note(app, "token.resumed", token.tenant, origin, "ok", f"user={token.user_id}", now)
            brake.note_served(app, token.tenant, origin, now)
