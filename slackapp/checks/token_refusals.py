"""Decision whether a token that Slack refuses is dead now, or pauses and is tried again.

Stops:   installations that are lost by what is not theirs: an address of ours that is not on the app's list, which
         Slack answers with the same `invalid_auth` as an unknown token; a fault at Slack, or a wrong secret of ours,
         that makes many tenants fail at once.
How:     a clear word of Slack counts at once. But where more tenants fail within ten minutes than uninstall in that
         time, a brake holds all of it. `invalid_auth` counts after five refusals more, each after a pause in which
         calls of another tenant succeeded. A clear word about an access token that Slack has just given for its refresh
         token counts after as many: the grant lives, and somebody's installs may have pushed that token out. Whatever
         does not count pauses the token: as long as it has been refused already, between a minute and an hour.
Does not stop: a fault that concerns no more tenants than the brake lets pass, and calls their tokens revoked.
Read:    docs.slack.dev/reference/methods/auth.test (errors), docs.slack.dev/authentication/best-practices-for-security
         (the list of addresses)
"""

from slackapp.model import Token, TokenStatus

INVALID_AUTH = "invalid_auth"
"""The token is not known, or the address that we call from is not on the app's list: Slack does not say which."""
FOREIGN_TOKEN = "foreign_token"  # noqa: S105  (a word, no secret)
"""Our code for a token that Slack says is another tenant's."""
MIN_CONTRADICTIONS = 5
"""So often the answer must be `invalid_auth` while others are served; the pauses make that a quarter of an hour."""
MIN_PAUSE, MAX_PAUSE = 60, 3600
"""Seconds that a token pauses."""
FAILURE_WINDOW = 600
"""Seconds within which tenants count that fail."""
SUCCESS_WINDOW = 3600
"""Seconds for which it is known that a tenant was served: no pause is longer."""
RELEASE_SECONDS = 3600
"""Seconds for which the operator's word holds the brake off."""
_MIN_FAILING, _MAX_FAILING, _FAILING_DIVISOR = 3, 20, 10


def failing_limit(installed: int) -> int:
    """Computes how many tenants may fail within the window before the brake holds.

    A tenth of all. Never fewer than 3: with three tenants the brake never holds, or it would for good where all of them
    left. Never more than 20: that is 2,880 a day, which no app loses by itself, and is what a fault at Slack may cost.
    """
    return max(_MIN_FAILING, min(_MAX_FAILING, installed // _FAILING_DIVISOR))


def pause_seconds_left(token: Token, now: int) -> int:
    """Counts the seconds until the token's pause ends.

    0 where it does not pause, or only by a clock that has been set back since.
    """
    left = token.paused_until - now
    return left if token.refused_since is not None and 0 < left <= MAX_PAUSE else 0


def refused_again(token: Token, code: str, now: int, contradicted: bool) -> Token:
    """Notes one more refusal; `contradicted` says whether something speaks against it."""
    since = min(now, now if token.refused_since is None else token.refused_since)
    return token._replace(
        reason=code,
        refused_since=since,
        refused_at=now,
        paused_until=now + max(MIN_PAUSE, min(MAX_PAUSE, now - since)),
        contradicted=token.contradicted + int(contradicted),
    )


def ends_token(paused: Token, is_clear: bool) -> bool:
    """Tells whether Slack's answer ends the token, while no brake holds."""
    # claim: C-79
    return is_clear or paused.contradicted >= MIN_CONTRADICTIONS


def confirms_uninstall(token: Token) -> bool:
    """Tells whether a token died by a clear word of Slack, which confirms a reported uninstall."""
    # claim: C-79
    return token.status == TokenStatus.DEAD and token.reason not in ("", INVALID_AUTH, FOREIGN_TOKEN)
