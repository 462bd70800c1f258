"""A caller does only what its role allows.

Stops:   a member who does what only an admin, the owner or the host may do; an auditor who changes anything.
How:     one table, action to roles; each route of the host side names its action. The host itself has no role, and does
         nothing that must be a member's own word: to connect, and to decide.
Does not stop: a role that the host has given to the wrong person.
Read:    docs/threat-model.md
"""

from collections.abc import Mapping
from enum import StrEnum

from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller, HostRole


class HostAction(StrEnum):
    """Action for which a route is there."""

    CONNECT = "connect"  # begin a connection of the organization, or give one up and begin anew
    ASK = "ask"  # to connect: by an approval, where the role alone does not allow it
    MANAGE = "manage"  # change or end a connection, and what it may do
    DECIDE = "decide"  # on somebody else's wish
    USE = "use"  # a connection: its channels, messages, a test; and one's own connections
    READ = "read"
    REPORT = "report"  # what all members did
    GOVERN = "govern"  # stop the organization, or a member
    PROVISION = "provision"  # organizations themselves, sessions, and the feed of events


_OWNER, _ADMIN, _MEMBER, _AUDITOR = HostRole
_HOST = None
"""In the place of a role: the host itself."""
ALLOWED: Mapping[HostAction, frozenset[HostRole | None]] = {
    HostAction.CONNECT: frozenset({_OWNER, _ADMIN}),
    HostAction.ASK: frozenset({_OWNER, _ADMIN, _MEMBER}),
    HostAction.MANAGE: frozenset({_OWNER, _ADMIN, _HOST}),
    HostAction.DECIDE: frozenset({_OWNER, _ADMIN}),
    HostAction.USE: frozenset({_OWNER, _ADMIN, _MEMBER, _HOST}),
    HostAction.READ: frozenset({_OWNER, _ADMIN, _MEMBER, _AUDITOR, _HOST}),
    HostAction.REPORT: frozenset({_OWNER, _ADMIN, _AUDITOR, _HOST}),
    HostAction.GOVERN: frozenset({_OWNER, _HOST}),
    HostAction.PROVISION: frozenset({_HOST}),
}


def is_allowed(role: HostRole | None, action: HostAction) -> bool:
    """Tells whether that role, or None for the host itself, may do it."""
    return role in ALLOWED[action]


def require_role(caller: HostCaller, action: HostAction) -> None:
    """Raises HostRefused where the caller's role does not allow the action."""
    # claim: C-142
    if not is_allowed(caller.role, action):
        raise HostRefused(HostRefusal.ROLE, actor=caller)
