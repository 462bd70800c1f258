"""Scopes that exist (docs.slack.dev/reference/scopes), as far as a bot for many workspaces may meet them."""

from __future__ import annotations

import re

SIGN_IN = frozenset(
    {
        "openid",
        "email",
        "profile",
        "identity.basic",
        "identity.email",
        "identity.avatar",
        "identity.team",
    }
)

PLAIN = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "calls:read",
        "calls:write",
        "chat:write",
        "chat:write.customize",
        "chat:write.public",
        "commands",
        "conversations.connect:manage",
        "conversations.connect:read",
        "conversations.connect:write",
        "identify",
        "incoming-webhook",
        "metadata.message:read",
        "search:read",
        "team.billing:read",
        "team.preferences:read",
        "users.profile:read",
        "users.profile:write",
        "users:read.email",
        "channels:write.invites",
        "channels:write.topic",
        "groups:write.invites",
        "groups:write.topic",
        "im:write.topic",
        "mpim:write.topic",
        "users:write",
        "channels:join",
        "channels:manage",
        "tokens.basic",
        "auditlogs:read",
        "hosting:read",
        "hosting:write",
        "datastore:read",
        "datastore:write",
        "triggers:read",
        "triggers:write",
        "workflow.steps:execute",
        "remote_files:share",
        "search:read.public",
        "search:read.private",
        "search:read.files",
        "search:read.users",
        "search:read.im",
        "search:read.mpim",
        "connections:write",
        "authorizations:read",
        "app_configurations:read",
        "app_configurations:write",
    }
)

FAMILIES = re.compile(
    r"(admin(\.[a-z_]+)?|bookmarks|canvases|channels|dnd|emoji|files|groups|im|links|links\.embed|lists|mpim|pins"
    r"|reactions|reminders|remote_files|stars|team|usergroups|users)"
    r":(read|write|history)"
)


def problem(bot: list[str], user: list[str]) -> str:
    """Checks scopes; returns Slack's error code, or an empty string.

    Sign-in scopes cannot be mixed with others in one flow (docs.slack.dev/authentication/sign-in-with-slack).
    """
    asked = [*bot, *user]
    if not asked:
        return "no_scopes"
    if not all(exists(scope) for scope in asked) or SIGN_IN.intersection(bot):
        return "invalid_scope"
    signing_in = SIGN_IN.intersection(user)
    return "invalid_scope" if signing_in and len(signing_in) < len(set(asked)) else ""


def exists(scope: str) -> bool:
    """Tells whether Slack has that scope."""
    return scope in PLAIN or scope in SIGN_IN or FAMILIES.fullmatch(scope) is not None


def split(text: str) -> list[str]:
    """A comma-separated list of scopes, in order, without repeats and blanks."""
    return list(dict.fromkeys(scope.strip() for scope in text.split(",") if scope.strip()))
