"""Capability and methods: what each part of the service may call with a token, in one table.

Slack's scopes only add up: whatever the app was ever granted, every line of it may use. So the line is drawn here.

Stops:   a part that calls what it was not made for, such as a behaviour that revokes its tenant's token; a thread that
         looks through a tenant's channels by itself; the name of a method that leads elsewhere, such as
         `x/../auth.revoke`.
How:     each opening of a token names its capability. The method must be one of that capability's, as it is registered
         under its name: a value that only looks like it allows nothing. Denied names count in any letter case.
Does not stop: what a Bolt app calls with a token that it was handed.
Read:    RFC 9700 section 2.3, docs.slack.dev/authentication/best-practices-for-security
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from slackapp.errors import CapabilityError
from slackapp.model import ActorKind

_METHOD = re.compile(r"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)+")
_MAX_METHOD = 80
_ANY = "*"
_PEOPLE = frozenset({ActorKind.MEMBER, ActorKind.HOST, ActorKind.OPERATOR})
"""Actors on whose request something is looked up: no thread of ours, and no event of Slack."""


class Capability(NamedTuple):
    """Capability by its name, and its methods: single ones, families such as `chat.*`, or `*` but for `denied`.

    A denied family such as `auth.revoke.*` has its first name in it, too: `auth.revoke`.

    One without methods opens a token and calls nothing. One that `works_frozen` ends a frozen tenant's token, or gives
    it to nobody; a circle has none such. One that is `for_people` serves a request that somebody waits for, and nothing
    that runs by itself.
    """

    name: str
    methods: frozenset[str]
    denied: frozenset[str] = frozenset()
    works_frozen: bool = False
    for_people: bool = False


POST = Capability("post", frozenset({"chat.*", "conversations.info"}))
DISCOVER = Capability("discover", frozenset({"conversations.list", "conversations.info"}), for_people=True)
JOIN = Capability("join", frozenset({"conversations.join"}))
SETTLE = Capability("settle", frozenset({"conversations.history", "conversations.replies"}))
VALIDATE = Capability("validate", frozenset({"auth.test", "team.info"}))
REMOVE = Capability("remove", frozenset({"auth.revoke", "apps.uninstall"}), works_frozen=True)
BEHAVIOUR = Capability(
    "behaviour",
    frozenset({_ANY}),
    denied=frozenset({
        "auth.revoke.*", "apps.*", "oauth.*", "openid.*", "tooling.*", "migration.*", "admin.*",
        "team.externalTeams.*",
    }),
)  # fmt: skip
REFRESH = Capability("refresh", frozenset({"oauth.v2.access"}))
REFRESH_TO_REMOVE = Capability("refresh_to_remove", REFRESH.methods, works_frozen=True)
"""A refresh for `REMOVE` alone: a tenant that was frozen for longer than its tokens live must still end at Slack."""
EXCHANGE = Capability("exchange", frozenset({"oauth.v2.exchange"}))
BOLT = Capability("bolt", frozenset())
REENCRYPT = Capability("reencrypt", frozenset(), works_frozen=True)
FINGERPRINT = Capability("fingerprint", frozenset(), works_frozen=True)
TRIAL = Capability("trial", frozenset(), works_frozen=True)

CAPABILITIES: Mapping[str, Capability] = {
    each.name: each
    for each in (
        POST, DISCOVER, JOIN, SETTLE, VALIDATE, REMOVE, BEHAVIOUR, REFRESH, REFRESH_TO_REMOVE, EXCHANGE, BOLT,
        REENCRYPT, FINGERPRINT, TRIAL,
    )
}  # fmt: skip
"""Capabilities that the core registers, by name."""


def require_capability(
    capability: Capability, method: str | None, registered: Mapping[str, Capability], actor: ActorKind | None = None
) -> None:
    """Raises CapabilityError unless the capability that is registered under that name has the method, for that actor.

    `method` is None where nothing is called, `actor` where nobody is given what is opened.
    """
    known = registered.get(capability.name)
    # claim: C-108
    if known is None or not _has_method(known, method):
        raise CapabilityError(capability.name, method if method is None or is_method(method) else "malformed")
    # claim: C-364
    if known.for_people and actor not in _PEOPLE:
        raise CapabilityError(capability.name, method)


def is_method(text: str) -> bool:
    """Tells whether a text can be the name of a method and nothing else, as part of an address."""
    return len(text) <= _MAX_METHOD and _METHOD.fullmatch(text) is not None


def merge_capabilities(own: Iterable[Capability], methods: Iterable[str] | None) -> Mapping[str, Capability]:
    """Merges what circles register, under names of their own, into the core's table.

    With `methods` the behaviour has exactly these. Raises ValueError for one that only the core may have.
    """
    found = dict(CAPABILITIES)
    if methods is not None:
        found[BEHAVIOUR.name] = Capability(BEHAVIOUR.name, frozenset(methods))
    for capability in own:
        # claim: C-119
        if capability.works_frozen:
            raise ValueError(f"the capability {capability.name} works while everything is frozen")
        found[capability.name] = capability
    return found


def _has_method(known: Capability, method: str | None) -> bool:
    if method is None:
        return not known.methods
    return is_method(method) and _matches(method, known.methods) and not _is_denied(method, known.denied)


def _is_denied(method: str, families: frozenset[str]) -> bool:
    return any(f"{method}.".lower().startswith(family.removesuffix("*").lower()) for family in families)


def _matches(method: str, patterns: frozenset[str]) -> bool:
    return not patterns.isdisjoint((method, f"{method.partition('.')[0]}.*", _ANY))
