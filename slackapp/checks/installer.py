"""Permission to install: for tenants on the list, if any; to grant sensitive scopes, for admins by Slack's word.

Stops:   a workspace that the operator does not serve storing its tokens here, however it came by the link; a member or
         a guest handing an app what only an admin should give away, such as everybody's messages, and the app becoming
         that user's tool.
How:     the tenant of Slack's answer, or the enterprise that Slack says its workspace belongs to, must be on the
         list. An enterprise-wide install needs the enterprise itself there; one of its workspaces is not enough.
         A table of what is sensitive; `users.info` about the user who installed must say, with a plain `true`, that
         this is an admin or owner: of the enterprise for an enterprise-wide install, else of the workspace. Whatever is
         missing, of another type or about somebody else establishes nothing.
Does not stop: a tenant that was installed before it was taken off the list (`slackapp uninstall` removes it); an admin
         who is mistaken; a workspace that makes everybody an admin; somebody who stops being one later.
Read:    docs.slack.dev/app-management/distribution, docs.slack.dev/reference/methods/users.info,
         docs.slack.dev/reference/objects/user-object
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from slackapp.checks.slack_ids import is_user
from slackapp.errors import Refusal, Refused
from slackapp.model import Grant

USERS_READ = "users:read"
"""The scope without which `users.info` says nothing."""

SENSITIVE = {
    # what users wrote, and who they are
    "*:history": "reads messages",
    "search:read*": "searches messages and files",
    "files:read": "reads files",
    "canvases:read": "reads canvases",
    "lists:read": "reads lists",
    "users:read.email": "reads everybody's email address",
    # who is in, and who may come in
    "admin*": "administers the workspace or the organisation",
    "auditlogs:read": "reads who did what in the organisation",
    "channels:manage": "creates, renames and archives channels",
    "channels:write": "creates, renames and archives channels",
    "groups:write": "manages private channels",
    "groups:write.invites": "invites people to private channels",
    "mpim:write": "begins conversations between people",
    "usergroups:write": "changes who is in a user group",
    "conversations.connect:*": "connects channels with other companies",
    # in whose name is spoken
    "chat:write.customize": "posts under any name and picture",
    "users.profile:write": "changes profiles",
}
"""Scope → what makes it sensitive; `*` stands for any text."""

_NOT_A_MEMBER_FLAGS = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
_WORKSPACE_ADMIN_FLAGS = ("is_admin", "is_owner", "is_primary_owner")
_ENTERPRISE_ADMIN_FLAGS = ("is_admin", "is_owner")


def require_allowed(grant: Grant, allowed: tuple[str, ...]) -> None:
    """Requires a tenant of the list; an empty list is no list: the app is public. Raises Refused."""
    # claim: C-11
    if allowed and grant.tenant.id not in allowed and grant.enterprise_id not in allowed:
        raise Refused(Refusal.TEAM_NOT_ALLOWED)


def why_sensitive(scope: str) -> str:
    """Explains what makes a scope sensitive; "" for one that is not."""
    return next((why for pattern, why in SENSITIVE.items() if fnmatchcase(scope, pattern)), "")


def sensitive_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Selects the sensitive ones of these scopes."""
    return tuple(scope for scope in scopes if why_sensitive(scope))


def needs_admin(scopes: Iterable[str], always: bool) -> bool:
    """Tells whether only an admin may install."""
    return always or bool(sensitive_scopes(scopes))


def require_admin(answer: Mapping[str, Any], installer_id: str, is_enterprise_install: bool) -> None:
    """Passes for an answer of `users.info` that shows an admin.

    Raises Refused: INSTALLER_NOT_ADMIN where Slack says who it is instead, INSTALLER_UNKNOWN where it says nothing
    that can be used.
    """
    user = _mapping(answer.get("user"))
    # A user of an enterprise has two ids, one there and one in the workspace; Slack answers with either and names both.
    # claim: C-12
    if not is_user(user.get("id")) or installer_id not in (user["id"], _mapping(user.get("enterprise_user")).get("id")):
        raise Refused(Refusal.INSTALLER_UNKNOWN)
    barred = [user.get(flag) for flag in _NOT_A_MEMBER_FLAGS]
    # claim: C-12
    if any(flag is True for flag in barred):
        raise Refused(Refusal.INSTALLER_NOT_ADMIN)
    if any(flag is not False and flag is not None for flag in barred):
        raise Refused(Refusal.INSTALLER_UNKNOWN)
    roles = [_mapping(user.get("enterprise_user")).get(flag) for flag in _ENTERPRISE_ADMIN_FLAGS]
    if not is_enterprise_install:
        roles = [user.get(flag) for flag in _WORKSPACE_ADMIN_FLAGS]
    if any(flag is True for flag in roles):
        return
    denied = any(flag is False for flag in roles)
    # claim: C-12
    raise Refused(Refusal.INSTALLER_NOT_ADMIN if denied else Refusal.INSTALLER_UNKNOWN)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
