"""Tokens: made, found, refreshed, and killed.

Follows docs.slack.dev/authentication/tokens (prefixes) and docs.slack.dev/authentication/using-token-rotation
(lifetimes, one-use refresh tokens, at most two active access tokens). Every function expects the caller to
hold `slack.lock`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slackapp.localslack.model import AppInstall, Json, SlackRefreshToken, SlackToken, TokenKind

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

LONG_LIVED = {"bot": "xoxb-", "user": "xoxp-"}
ROTATING = {"bot": "xoxe.xoxb-1-", "user": "xoxe.xoxp-1-"}
REFRESH = "xoxe-1-"
MAX_ACTIVE = 2


def secret(slack: LocalSlack, prefix: str, size: int = 24) -> str:
    """A new unique secret with that prefix and `size` random bytes, noted as issued."""
    value = f"{prefix}{slack.entropy(size).hex()}"
    slack.state.issued.append(value)
    return value


def issue(slack: LocalSlack, kind: TokenKind, tenant: str, user_id: str) -> Json:
    """A token for a new install: the fields `access_token` and, with rotation, `refresh_token`, `expires_in`.

    Without rotation a token that is still alive is given again: installing twice adds scopes to it.
    """
    if slack.app.rotation:
        return issue_pair(slack, kind, tenant, user_id)
    for token in _active(slack, kind, tenant, user_id):
        if not token.expires_at:
            return {"access_token": token.value}
    value = secret(slack, f"{LONG_LIVED[kind]}local-")
    slack.keep_token(SlackToken(value, kind, tenant, user_id, serial=slack.next_serial()))
    return {"access_token": value}


def issue_pair(slack: LocalSlack, kind: TokenKind, tenant: str, user_id: str) -> Json:
    """A rotating access token with its refresh token; the oldest of three active access tokens dies."""
    access = secret(slack, f"{ROTATING[kind]}local-")
    refresh = secret(slack, f"{REFRESH}local-")
    expires_at = slack.clock() + slack.token_lifetime
    slack.keep_token(SlackToken(access, kind, tenant, user_id, serial=slack.next_serial(), expires_at=expires_at))
    slack.state.refreshes[refresh] = SlackRefreshToken(refresh, kind, tenant, user_id)
    rotating = [token for token in _active(slack, kind, tenant, user_id) if token.expires_at]
    for token in rotating[:-MAX_ACTIVE]:
        token.dead = slack.revoked_error
    return {"access_token": access, "refresh_token": refresh, "expires_in": slack.token_lifetime}


def use_refresh(slack: LocalSlack, claimed: str) -> tuple[SlackRefreshToken, Json] | None:
    """Turn a refresh token into a new pair, or None when it is unknown, dead or past its grace period.

    The first use starts the grace period, in which a repeat (a lost answer, two workers) gets a further,
    different pair. The current access token lives on to its own expiry.
    """
    refresh = slack.state.refreshes.get(claimed)
    now = slack.clock()
    if refresh is None or refresh.dead:
        return None
    if refresh.used_at is not None and now > refresh.used_at + slack.grace_seconds:
        return None
    if refresh.used_at is None:
        refresh.used_at = now
    pair = issue_pair(slack, refresh.kind, refresh.tenant, refresh.user_id)
    for token in _active(slack, refresh.kind, refresh.tenant, refresh.user_id):
        if not token.expires_at:
            # The long-lived token that was exchanged for this chain dies with the first refresh.
            token.dead = slack.revoked_error
    return refresh, pair


def problem_of(slack: LocalSlack, token: SlackToken | None) -> str:
    """The error a call with this token gets, or an empty string when the token is good."""
    if token is None:
        return "invalid_auth"
    if token.dead:
        return token.dead
    if token.expires_at and slack.clock() >= token.expires_at:
        return "token_expired"
    return "" if token.tenant in slack.state.installs else "account_inactive"


def scopes_of(install: AppInstall, token: SlackToken) -> list[str]:
    """The scopes the token has now. Scopes belong to the install: installing again adds to live tokens."""
    return install.bot_scopes if token.kind == "bot" else install.user_scopes.get(token.user_id, [])


def end_token(slack: LocalSlack, tenant: str, kind: TokenKind | None = None, user_id: str = "") -> list[str]:
    """End tokens and refresh tokens of a tenant (one kind, one user, or all); the user ids that lost one.

    The answers afterwards follow docs.slack.dev/reference/methods/auth.test: `account_inactive` for a bot
    token, `token_revoked` for a user token.
    """
    lost: list[str] = []
    for token in slack.tokens_of[tenant]:
        if kind in (None, token.kind) and user_id in ("", token.user_id) and not token.dead:
            token.dead = "account_inactive" if token.kind == "bot" else "token_revoked"
            lost.append(token.user_id)
    for refresh in slack.state.refreshes.values():
        if refresh.tenant == tenant and kind in (None, refresh.kind) and user_id in ("", refresh.user_id):
            refresh.dead = True
    return list(dict.fromkeys(lost))


def has_live(slack: LocalSlack, tenant: str) -> bool:
    """Tells whether a token of that tenant still works: an access token, expired or not, or a refresh token."""
    access = any(not token.dead for token in slack.tokens_of[tenant])
    return access or any(r.tenant == tenant and not r.dead for r in slack.state.refreshes.values())


def _active(slack: LocalSlack, kind: TokenKind, tenant: str, user_id: str) -> list[SlackToken]:
    now = slack.clock()
    found = [
        token
        for token in slack.tokens_of[tenant]
        if (token.kind, token.user_id) == (kind, user_id)
        and not token.dead
        and (not token.expires_at or token.expires_at > now)
    ]
    return sorted(found, key=lambda token: token.serial)
