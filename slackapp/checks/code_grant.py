"""Slack's answer to the exchange of a code is for our app and names its own tenant.

Stops:   a token of another app, or one without a tenant, being stored; a tenant taken from anywhere but this answer.
How:     every field that is used is checked for its form; the tenant is the team's id, or the enterprise's id when
         `is_enterprise_install` is true. An `enterprise` alone does not make an install enterprise-wide.
Does not stop: Slack telling a lie.
Read:    docs.slack.dev/reference/methods/oauth.v2.access
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from slackapp.checks.scopes import scope_set
from slackapp.checks.slack_ids import is_enterprise, is_user, is_workspace
from slackapp.errors import Refusal, Refused
from slackapp.model import BOT, Grant, GrantedToken, Holder, HolderKind, Secret, Tenant, TenantKind, Webhook

BOT_PREFIXES = ("xoxb-", "xoxe.xoxb-")
USER_PREFIXES = ("xoxp-", "xoxe.xoxp-")
PREFIXES = {HolderKind.BOT: BOT_PREFIXES, HolderKind.USER: USER_PREFIXES}
_TOKEN_BYTES = 16 * 1024
_NAME_LENGTH = 255
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[!-~]*")
_MAX_LIFE = 366 * 24 * 3600


def verify_grant(data: Mapping[str, Any], app_id: str) -> Grant:
    """Verifies the answer. Raises Refused: GRANT_FOREIGN for another app, GRANT_MALFORMED for anything unusable."""
    # claim: C-08
    if data.get("app_id") != app_id:
        raise Refused(Refusal.GRANT_FOREIGN)
    team_id, team_name = _id_and_name(data, "team", is_workspace)
    enterprise_id, enterprise_name = _id_and_name(data, "enterprise", is_enterprise)
    user = data.get("authed_user")
    # claim: C-75
    if not isinstance(user, dict) or not is_user(user.get("id")):
        raise _malformed()
    bot_token = read_token_pair(data, HolderKind.BOT)
    user_token = read_token_pair(user, HolderKind.USER)
    bot_user_id = data.get("bot_user_id") or ""
    # claim: C-75
    if bot_token is None and user_token is None:
        raise _malformed()
    # claim: C-75
    if bot_token is not None and not is_user(bot_user_id):
        raise _malformed()
    return Grant(
        tenant=_tenant(data, team_id, enterprise_id),
        enterprise_id=enterprise_id,
        enterprise_name=enterprise_name,
        team_id=team_id,
        team_name=team_name,
        installer_id=user["id"],
        bot_user_id=bot_user_id if bot_token is not None else "",
        bot=bot_token,
        user=user_token,
        webhook=_webhook(data.get("incoming_webhook")),
    )


def tokens_to_revoke(data: Mapping[str, Any]) -> tuple[tuple[Holder | None, Secret], ...]:
    """Lists every token of an answer that will not be stored, with its owner, however malformed the rest is.

    None is a user without a readable id.
    """
    user = data.get("authed_user")
    found: list[tuple[Holder | None, object]] = [(BOT, data.get("access_token"))]
    if isinstance(user, dict):
        found.append((Holder.user(user["id"]) if is_user(user.get("id")) else None, user.get("access_token")))
    return tuple((whose, Secret(token)) for whose, token in found if isinstance(token, str) and _printable(token))


def has_refresh_token(data: Mapping[str, Any]) -> bool:
    """Tells whether an answer holds tokens that rotate."""
    user = data.get("authed_user")
    return bool(data.get("refresh_token") or (isinstance(user, dict) and user.get("refresh_token")))


def claimed_tenants(data: Mapping[str, Any]) -> tuple[Tenant, ...]:
    """Lists the tenants that a refused answer may be about: good for sparing them, and for nothing else."""
    found = []
    for key, kind, right in (
        ("team", TenantKind.WORKSPACE, is_workspace),
        ("enterprise", TenantKind.ENTERPRISE, is_enterprise),
    ):
        party = data.get(key)
        if isinstance(party, dict) and right(party.get("id")):
            found.append(Tenant(kind, party["id"]))
    return tuple(found)


def read_token_pair(data: Mapping[str, Any], kind: HolderKind) -> GrantedToken | None:
    """Access token, refresh token, life and scopes at one level of an answer; None when there is no access token.

    The answer must call it by the kind of its holder.
    """
    access = data.get("access_token")
    if access is None:
        return None
    refresh, expires_in = data.get("refresh_token"), data.get("expires_in")
    # claim: C-45
    if data.get("token_type") != kind or not is_token(access, PREFIXES[kind]):
        raise _malformed()
    # claim: C-75
    if (refresh is None) != (expires_in is None):
        raise _malformed()
    # claim: C-75
    if refresh is not None and not is_token(refresh, ("xoxe-",)):
        raise _malformed()
    # claim: C-75
    if expires_in is not None and (type(expires_in) is not int or not 0 < expires_in <= _MAX_LIFE):
        raise _malformed()
    secret = Secret(refresh) if refresh is not None else None
    return GrantedToken(Secret(access), secret, expires_in, read_scopes(data.get("scope")))


def read_scopes(value: Any) -> tuple[str, ...]:
    """A sorted set from Slack's comma-separated list; spaces may follow the commas."""
    if value is None:
        return ()
    if not isinstance(value, str) or len(value) > _TOKEN_BYTES or not value.isascii() or "\x00" in value:
        raise _malformed()
    return scope_set(value.split(","))


def _tenant(data: Mapping[str, Any], team_id: str, enterprise_id: str) -> Tenant:
    is_enterprise_install = data.get("is_enterprise_install")
    if is_enterprise_install is True and enterprise_id:
        return Tenant(TenantKind.ENTERPRISE, enterprise_id)
    if (is_enterprise_install is None or is_enterprise_install is False) and team_id:
        return Tenant(TenantKind.WORKSPACE, team_id)
    # claim: C-09
    raise _malformed()


def _id_and_name(data: Mapping[str, Any], key: str, is_right: Callable[[Any], bool]) -> tuple[str, str]:
    """Reads a team's or an enterprise's, both empty where there is none."""
    party = data.get(key)
    if party is None:
        return "", ""
    # claim: C-74
    if not isinstance(party, dict) or not is_right(party.get("id")):
        raise _malformed()
    return party["id"], _text(party.get("name"))


def _webhook(hook: Any) -> Webhook | None:
    if hook is None:
        return None
    if not isinstance(hook, dict):
        raise _malformed()
    url = hook.get("url")
    if not isinstance(url, str) or len(url) > _TOKEN_BYTES or not _URL.fullmatch(url):
        raise _malformed()
    channel, channel_id, configuration = (
        _text(hook.get(key)) for key in ("channel", "channel_id", "configuration_url")
    )
    return Webhook(Secret(url), channel, channel_id, configuration)


def is_token(value: Any, prefixes: tuple[str, ...]) -> bool:
    """Text that begins so, can stand in a header, and has at most 16 KiB."""
    return isinstance(value, str) and value.startswith(prefixes) and _printable(value)


def _printable(value: str) -> bool:
    # A token goes into a header: nothing but visible ASCII may.
    return 0 < len(value) <= _TOKEN_BYTES and all("!" <= character <= "~" for character in value)


def _text(value: Any) -> str:
    """A name for people; whatever is not text is no name."""
    return value[:_NAME_LENGTH].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _malformed() -> Refused:
    return Refused(Refusal.GRANT_MALFORMED)
