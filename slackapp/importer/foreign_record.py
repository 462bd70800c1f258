"""A record of another store says whose it is, and holds tokens of the kind that it says.

Stops:   a user's token taken for a bot's, a token without a tenant, ids that are none, a record of another app, half of
         a pair that rotates.
How:     every field that is used is checked for its form; one of the wrong type is not taken for an empty one. Times
         come as numbers or as text in several spellings; text without a zone is UTC, as SQLite writes it.
Does not stop: a token that died at Slack; `slackapp check` finds it. A record that claims another app's token for ours.
Read:    docs.slack.dev/tools/python-slack-sdk/oauth
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slackapp.checks.code_grant import PREFIXES, is_token
from slackapp.checks.scopes import scope_list
from slackapp.checks.slack_ids import is_enterprise, is_user, is_workspace
from slackapp.model import GrantedToken, HolderKind, Secret, Tenant, TenantKind, Webhook

_TOKEN_BYTES = 16 * 1024
_URL = re.compile(r"https?://[!-~]+")
_MAX_LIFE = 366 * 24 * 3600


class RecordError(Exception):
    """Reason why a record is not imported, in a sentence without any of its values."""


def read_tenant(fields: Mapping[str, Any], app_id: str) -> Tenant:
    """Reads the tenant of a record. Raises RecordError."""
    enterprise_id, team_id = text_field(fields, "enterprise_id"), text_field(fields, "team_id")
    is_enterprise_install = fields.get("is_enterprise_install")
    if text_field(fields, "app_id") not in ("", app_id):
        raise RecordError("it belongs to another app")
    if is_enterprise_install not in (None, False, True):  # as well as 0 and 1, which is how SQLite keeps them
        raise RecordError("it does not say whether it is for a whole enterprise")
    if is_enterprise_install or not team_id:
        if not is_enterprise(enterprise_id):
            raise RecordError("it names neither a workspace nor an enterprise")
        return Tenant(TenantKind.ENTERPRISE, enterprise_id)
    if not is_workspace(team_id) or not (enterprise_id == "" or is_enterprise(enterprise_id)):
        raise RecordError("its team or enterprise id is none")
    return Tenant(TenantKind.WORKSPACE, team_id)


def read_user_id(fields: Mapping[str, Any], name: str = "user_id") -> str:
    """Reads a user's id, or the bot's own. Raises RecordError."""
    user_id = text_field(fields, name)
    if not is_user(user_id):
        raise RecordError(f"its {name} is none")
    return user_id


def read_token(fields: Mapping[str, Any], kind: HolderKind, now: int) -> GrantedToken | None:
    """The token of that kind, `bot` or `user`; None where the record has none. Raises RecordError."""
    access, refresh = text_field(fields, f"{kind}_token"), text_field(fields, f"{kind}_refresh_token")
    if not access:
        return None
    expires_at = read_time(fields.get(f"{kind}_token_expires_at"))
    if not is_token(access, PREFIXES[kind]):
        raise RecordError(f"what it has for a {kind}'s token is none")
    if bool(refresh) != (expires_at is not None) or (access.startswith("xoxe") and not refresh):
        raise RecordError(f"its {kind}'s token expires and cannot be refreshed, or the other way round")
    if refresh and not is_token(refresh, ("xoxe-",)):
        raise RecordError(f"what it has for a {kind}'s refresh token is none")
    expires_in = int(expires_at) - now if expires_at is not None else None
    if expires_in is not None and expires_in > _MAX_LIFE:
        raise RecordError(f"its {kind}'s token lives for longer than any does")
    scopes = fields.get(f"{kind}_scopes")
    parts = scopes.split(",") if isinstance(scopes, str) else scopes if isinstance(scopes, list) else []
    named = scope_list(part for part in parts if isinstance(part, str) and part.isascii())
    return GrantedToken(Secret(access), Secret(refresh) if refresh else None, expires_in, named)


def read_webhook(fields: Mapping[str, Any]) -> Webhook | None:
    """The incoming webhook; None where the record has none. Raises RecordError."""
    url = text_field(fields, "incoming_webhook_url")
    if not url:
        return None
    if not _URL.fullmatch(url) or len(url) > _TOKEN_BYTES:
        raise RecordError("its incoming webhook is none")
    channel, channel_id, configuration_url = (
        text_field(fields, f"incoming_webhook_{name}") for name in ("channel", "channel_id", "configuration_url")
    )
    return Webhook(Secret(url), channel, channel_id, configuration_url)


def read_time(value: Any) -> float | None:
    """Unix seconds from a number, or from text such as `2026-11-22 10:00:00`. Raises RecordError."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            moment = datetime.fromisoformat(value)
            seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
        else:
            seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        raise RecordError("it has a time that cannot be read") from None
    if not 0 <= seconds < 2**40:
        raise RecordError("it has a time that cannot be read")
    return seconds


def text_field(fields: Mapping[str, Any], name: str) -> str:
    """A field that is text; '' where it is not there. Raises RecordError."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise RecordError(f"its {name} is not text")
    return value or ""


def display_name(fields: Mapping[str, Any], name: str) -> str:
    """A name for people, fit to be stored. Raises RecordError."""
    return text_field(fields, name).encode("utf-8", "replace").decode()


def read_custom_values(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Reads the values that the app stores with an installation. Raises RecordError."""
    custom = fields.get("custom_values")
    if custom is not None and not isinstance(custom, dict):
        raise RecordError("its custom_values have no names")
    return custom or {}
