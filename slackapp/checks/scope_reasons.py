"""Reason for each scope, with the features that need it.

Stops:   a scope that is asked for and serves nothing, and a feature that fails because its scope is not asked for.
How:     a table. Features are named as the code names them: an event's type, a command, another key of the behaviour, a
         setting. What Slack gives without a scope stands in a second table, so that nothing is in neither.
Does not stop: a reason that is written down and not true.
Read:    docs.slack.dev/reference/scopes
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from slackapp.checks.capabilities import BEHAVIOUR, DISCOVER, JOIN, POST, SETTLE

HOST = "SLACKAPP_HOST_KEYS_FILE"
"""The setting that switches the host side on."""


class DescribedScope(NamedTuple):
    """DescribedScope as a page tells of it."""

    scope: str
    why: str
    capabilities: tuple[str, ...]


_CHANNELS = ("conversations.list", "conversations.info")


class ScopeReason(NamedTuple):
    """Scope: what it is for, in the words of the manifest, and the features that fail without it.

    `optional` are the features that it serves and that do without it. `capabilities` name the parts that call a method
    of the scope with a stored token, and `methods` are those. `host_why` is what it is for where a customer connects.
    """

    scope: str
    why: str
    features: tuple[str, ...]
    optional: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    host_why: str = ""


REASONS = (
    ScopeReason("app_mentions:read", "to receive the mention", ("app_mention",)),
    ScopeReason(
        "chat:write", "to answer it, and to greet whoever installed the app", ("app_mention", "slackapp.installed"),
        capabilities=(POST.name, BEHAVIOUR.name), methods=("chat.*",), host_why="to send messages",
    ),
    ScopeReason("commands", "to take /example", ("/example",)),
    ScopeReason(
        "users:read", "to see who is an admin",
        ("SLACKAPP_HOME_ADMIN", "SLACKAPP_REQUIRE_ADMIN_INSTALLER", HOST, "block_actions:remove_app"),
        capabilities=(BEHAVIOUR.name,), host_why="to see whether an admin of the workspace approves",
    ),
    ScopeReason(
        "channels:read", "to list the channels that may be chosen", (), (HOST,),
        capabilities=(DISCOVER.name, POST.name), methods=_CHANNELS,
        host_why="to list public channels, so that one can be chosen",
    ),
    ScopeReason(
        "groups:read", "to list private channels with them", (), (HOST,),
        capabilities=(DISCOVER.name, POST.name), methods=_CHANNELS, host_why="to list private channels that it is in",
    ),
    ScopeReason(
        "channels:join", "to join a public channel that was chosen", (), (HOST,),
        capabilities=(JOIN.name,), methods=("conversations.join",), host_why="to join a public channel that you choose",
    ),
    ScopeReason(
        "channels:history", "to see whether a message whose answer was lost is there", (), (HOST,),
        capabilities=(SETTLE.name,), methods=("conversations.history", "conversations.replies"),
        host_why="to see whether a message arrived whose answer was lost",
    ),
    ScopeReason(
        "groups:history", "the same in private channels", (), (HOST,),
        capabilities=(SETTLE.name,), methods=("conversations.history", "conversations.replies"),
        host_why="to see the same in private channels",
    ),
    ScopeReason(
        "chat:write.public", "to post to public channels without joining them", (), (HOST,), capabilities=(POST.name,)
    ),
    ScopeReason(
        "incoming-webhook", "to post to one channel that the installer chooses", (), (HOST,), capabilities=(POST.name,)
    ),
    ScopeReason(
        "reactions:read", "to note reactions to messages", (), (HOST,),
        host_why="to note who reacts to a message, where your organization asks for that",
    ),
)  # fmt: skip
"""What the service and its example need. A behaviour of your own says why it needs a scope in its module's `SCOPES`."""

HOST_EVENTS: Mapping[str, tuple[str, ...]] = {
    "channels:read": (
        "channel_archive", "channel_unarchive", "channel_rename", "channel_deleted", "channel_left",
        "member_joined_channel", "member_left_channel",
    ),
    "groups:read": (
        "group_archive", "group_unarchive", "group_rename", "group_deleted", "group_left", "member_joined_channel",
        "member_left_channel",
    ),
}  # fmt: skip
"""What the host side asks Slack for besides, by the scope that it takes: none is asked for without that."""

REPLY_EVENTS: Mapping[str, tuple[str, ...]] = {
    "channels:history": ("message.channels",),
    "groups:history": ("message.groups",),
    "reactions:read": ("reaction_added", "reaction_removed"),
}
"""The same of what people answer to messages, which is asked for only where somebody wishes that."""

EVENTS_WITHOUT_SCOPE = {
    "app_home_opened": "to fill the Home tab",
    "app_uninstalled": "to erase what is stored when the app is removed",
    "tokens_revoked": "to erase a token that was revoked",
}
"""What Slack sends to every app that asks for the event, and why we do."""

BY_SCOPE = {reason.scope: reason for reason in REASONS}


def reason_text(scope: str, handles: Collection[str], own_reasons: Mapping[str, str]) -> str:
    """Finds what a scope is for, in the behaviour's `own` words, or by its `handles`; "" where nobody says."""
    commands = sorted(key for key in handles if key.startswith("/"))
    if scope in own_reasons or (scope == "commands" and commands):
        return own_reasons.get(scope) or f"to take {', '.join(commands)}"
    reason = BY_SCOPE.get(scope)
    served = (*reason.features, *reason.optional) if reason is not None else ()
    serves = any(feature in handles or feature.isupper() for feature in served)
    return reason.why if reason is not None and serves else ""


def describe(scope: str, handles: Collection[str], own_reasons: Mapping[str, str]) -> DescribedScope:
    """Describes a scope to whoever connects: what it is for, and which capabilities use it."""
    reason = BY_SCOPE.get(scope)
    host_why, capabilities = (reason.host_why, reason.capabilities) if reason is not None else ("", ())
    why = own_reasons.get(scope) or host_why or reason_text(scope, handles, own_reasons)
    return DescribedScope(scope, why, capabilities)


def methods_of(scope: str) -> tuple[str, ...]:
    """Finds the methods that a scope is needed for; none where it lets in events, or is not known."""
    return BY_SCOPE[scope].methods if scope in BY_SCOPE else ()


def scopes_for(feature: str) -> tuple[str, ...]:
    """Lists the scopes that a feature needs; none for one that needs none, or that no row knows."""
    if feature.startswith("/"):
        return ("commands",)
    return tuple(reason.scope for reason in REASONS if feature in reason.features)


def host_events(scopes: Iterable[str], replies: bool = False) -> frozenset[str]:
    """Finds what the host side asks Slack for with those scopes; `replies`: of those who answer, too."""
    tables = (HOST_EVENTS, REPLY_EVENTS) if replies else (HOST_EVENTS,)
    return frozenset(event for scope in scopes for table in tables for event in table.get(scope, ()))


def unknown_features(features: Iterable[str]) -> tuple[str, ...]:
    """Lists the features that stand in neither table."""
    needing = {feature for reason in REASONS for feature in (*reason.features, *reason.optional)}
    known = (
        needing
        | EVENTS_WITHOUT_SCOPE.keys()
        | {event for table in (HOST_EVENTS, REPLY_EVENTS) for events in table.values() for event in events}
    )
    return tuple(feature for feature in features if feature not in known and not feature.startswith("/"))
