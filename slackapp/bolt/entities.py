"""Conversion between slack_sdk's entities and ours. Ids that are not there are '' here and None there."""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.oauth.installation_store import Bot, Installation

from slackapp.bolt.find_installation import FoundInstallation, PlainToken
from slackapp.checks.scopes import scope_list
from slackapp.checks.slack_ids import is_enterprise, is_workspace
from slackapp.model import (
    BOT,
    ExternalInstallation,
    GrantedToken,
    Holder,
    HolderKind,
    Secret,
    Tenant,
    TenantKind,
    Webhook,
)

_UNPAIRED_FIELDS = ("refresh_token", "token_expires_at")
"""Of a refresh token and an expiry only both together make a pair that rotates; one alone is kept beside the token."""


def external_from_bolt(installation: Installation, now: int) -> ExternalInstallation:
    """Converts an installation of slack_sdk, which a Bolt app saves. Raises ValueError."""
    if not installation.user_id:
        raise ValueError("the installation names no user")
    bot, bot_odd = _granted(installation, HolderKind.BOT, now)
    user, user_odd = _granted(installation, HolderKind.USER, now)
    return ExternalInstallation(
        **_whose(installation),
        bot_user_id=installation.bot_user_id or "",
        holder=Holder.user(installation.user_id),
        bot=bot,
        user=user,
        webhook=_webhook(installation),
        details={
            "enterprise_url": installation.enterprise_url,
            "token_type": installation.token_type,
            "custom_values": dict(installation.custom_values),
            "odd": user_odd,
        },
        bot_details={"bot_id": installation.bot_id, "custom_values": dict(installation.custom_values), "odd": bot_odd},
    )


def external_from_bolt_bot(bot: Bot, now: int) -> ExternalInstallation:
    """Converts a bot alone in the same way. Raises ValueError."""
    granted, odd = _granted(bot, HolderKind.BOT, now)
    return ExternalInstallation(
        **_whose(bot),
        bot_user_id=bot.bot_user_id or "",
        holder=BOT,
        bot=granted,
        user=None,
        webhook=None,
        details={},
        bot_details={"bot_id": bot.bot_id, "custom_values": dict(bot.custom_values), "odd": odd},
    )


def to_bolt_installation(found: FoundInstallation) -> Installation:
    """A fresh entity, the caller's to change."""
    stored, hook = found.installation, found.webhook
    return Installation(
        **_names(found),
        **_bot_fields(found),
        enterprise_url=found.details.get("enterprise_url"),
        user_id=found.holder.id,
        user_token=found.user.access.reveal() if found.user is not None else None,
        user_scopes=list(found.user.scopes) if found.user is not None else None,  # type: ignore[arg-type]
        user_refresh_token=_refresh(found.user, found.details),
        user_token_expires_at=_expires_at(found.user, found.details),
        incoming_webhook_url=hook.get("url"),
        incoming_webhook_channel=hook.get("channel"),
        incoming_webhook_channel_id=hook.get("channel_id"),
        incoming_webhook_configuration_url=hook.get("configuration_url"),
        is_enterprise_install=stored.is_enterprise_install,
        token_type=_token_type(found),
        installed_at=found.installed_at,
        custom_values=dict(found.details.get("custom_values") or {}),
    )


def to_bolt_bot(found: FoundInstallation) -> Bot:
    """A fresh entity, the caller's to change."""
    return Bot(
        **_names(found),
        **_bot_fields(found),
        is_enterprise_install=found.installation.is_enterprise_install,
        installed_at=found.installed_at,
        custom_values=dict(found.bot_details.get("custom_values") or {}),
    )


def _whose(entity: Installation | Bot) -> dict[str, Any]:
    enterprise_id, team_id = entity.enterprise_id or "", entity.team_id or ""
    is_enterprise_install = bool(entity.is_enterprise_install) or not team_id
    if not (is_enterprise(enterprise_id) if is_enterprise_install else is_workspace(team_id)):
        raise ValueError("the installation names neither a team nor an enterprise of Slack's")
    kind = TenantKind.ENTERPRISE if is_enterprise_install else TenantKind.WORKSPACE
    return {
        "tenant": Tenant(kind, enterprise_id if is_enterprise_install else team_id),
        "app_id": entity.app_id or "",
        "enterprise_id": enterprise_id,
        "enterprise_name": entity.enterprise_name or "",
        "team_id": team_id,
        "team_name": entity.team_name or "",
        "installed_at": entity.installed_at,
    }


def _granted(entity: Installation | Bot, kind: HolderKind, now: int) -> tuple[GrantedToken | None, Mapping[str, Any]]:
    access = getattr(entity, f"{kind}_token")
    refresh, expires_at = (getattr(entity, f"{kind}_{name}") for name in _UNPAIRED_FIELDS)
    if access is None:
        return None, {}
    scopes = _scopes(getattr(entity, f"{kind}_scopes"))
    if refresh is None or expires_at is None:
        return GrantedToken(Secret(access), None, None, scopes), dict(
            zip(_UNPAIRED_FIELDS, (refresh, expires_at), strict=True)
        )
    return GrantedToken(Secret(access), Secret(refresh), int(expires_at) - now, scopes), {}


def _scopes(given: Sequence[str] | str | None) -> tuple[str, ...]:
    return scope_list(given.split(",") if isinstance(given, str) else given or ())


def _webhook(installation: Installation) -> Webhook | None:
    if not installation.incoming_webhook_url:
        return None
    return Webhook(
        url=Secret(installation.incoming_webhook_url),
        channel=installation.incoming_webhook_channel or "",
        channel_id=installation.incoming_webhook_channel_id or "",
        configuration_url=installation.incoming_webhook_configuration_url or "",
    )


def _names(found: FoundInstallation) -> dict[str, Any]:
    stored = found.installation
    return {
        "app_id": stored.app_id or None,
        "enterprise_id": stored.enterprise_id or None,
        "enterprise_name": stored.enterprise_name or None,
        "team_id": stored.team_id or None,
        "team_name": stored.team_name or None,
    }


def _bot_fields(found: FoundInstallation) -> dict[str, Any]:
    if found.bot is None:
        return {"bot_token": None, "bot_id": None, "bot_user_id": None, "bot_scopes": None}
    return {
        "bot_token": found.bot.access.reveal(),
        "bot_id": found.bot_details.get("bot_id"),
        "bot_user_id": found.installation.bot_user_id or None,
        "bot_scopes": list(found.bot.scopes),
        "bot_refresh_token": _refresh(found.bot, found.bot_details),
        "bot_token_expires_at": _expires_at(found.bot, found.bot_details),
    }


def _refresh(token: PlainToken | None, details: Mapping[str, Any]) -> str | None:
    if token is None:
        return None
    return token.refresh.reveal() if token.refresh is not None else (details.get("odd") or {}).get(_UNPAIRED_FIELDS[0])


def _expires_at(token: PlainToken | None, details: Mapping[str, Any]) -> int | None:
    if token is None:
        return None
    return token.expires_at if token.expires_at is not None else (details.get("odd") or {}).get(_UNPAIRED_FIELDS[1])


def _token_type(found: FoundInstallation) -> str | None:
    """Token type as it was given; after an install that our own service took, what Slack says then."""
    if "token_type" in found.details:
        return found.details["token_type"]  # type: ignore[no-any-return]
    return "bot" if found.bot is not None else None
