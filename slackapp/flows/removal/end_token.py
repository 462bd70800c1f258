"""Ends a token that somebody found where it should not be; where Slack rotates it, what works goes on.

Slack is told to revoke an access token that was found, which ends that one alone; then its pair is replaced, which uses
up the refresh token. A token that does not rotate is the only one of its holder: it is dead here, too, and the
workspace installs again.

What somebody who held a refresh token has fetched with it is another pair, which nobody here knows: where that may be
so, the whole tenant is uninstalled (docs.slack.dev/authentication/using-token-rotation).
"""

from typing import NamedTuple

from slackapp.checks.capabilities import REFRESH_TO_REMOVE
from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.install import drop_dead_pair
from slackapp.flows.tokens import needs_reinstall, refresh_token
from slackapp.model import (
    STATUSES_IN_USE,
    Actor,
    AuditEvent,
    AuditResult,
    Secret,
    Token,
    TokenPart,
)

LEAKED = "leaked"
"""Why a token is dead that an operator had revoked."""
_REFRESH_PREFIX = "xoxe-"


class EndedToken(NamedTuple):
    """Token that was ended: which part of it was found, and whether a new pair took its place.

    `is_over` is false where it may live on, and is to be ended again.
    """

    part: TokenPart
    is_over: bool
    is_replaced: bool


def run(app: App, token: Token, leaked: Secret, actor: Actor) -> EndedToken:
    """Ends it at Slack. `leaked` is what was found, and one part of `token`. Raises StoreError."""
    is_refresh = leaked.reveal().startswith(_REFRESH_PREFIX)
    # 1. Slack ends an access token that was found; where it does not, all stays, and it is found once more
    revoked = not is_refresh and drop_dead_pair.revoke(app, leaked)
    # 2. a pair is replaced, which uses up its refresh token; where that fails, the next use does it
    replaced = (is_refresh or revoked) and token.refresh is not None and _replace(app, token, actor)
    # 3. what nothing can take the place of is not used any more
    ended = replaced if is_refresh else revoked
    with app.db.transaction():
        # claim: C-401
        if ended and token.refresh is None:
            needs_reinstall.mark_dead(app, token, LEAKED, actor)
        result = AuditResult.OK if ended else AuditResult.FAILED
        app.vault.append(notes.token_entry(AuditEvent.TOKEN_REVOKED, token, actor, app.clock(), result=result))
    return EndedToken(TokenPart.REFRESH if is_refresh else TokenPart.ACCESS, ended, replaced)


def _replace(app: App, token: Token, actor: Actor) -> bool:
    """Replaces the pair, also in a freeze: what leaked is over then, and the new one opens for nobody."""
    try:
        # claim: C-402
        refresh_token.run(app, token, actor, statuses=STATUSES_IN_USE, wait=True, capability=REFRESH_TO_REMOVE)
    except Refused:
        return False
    return True
