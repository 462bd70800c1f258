"""What each part may call with a token: the table, and names that only look like methods."""

import pytest

from slackapp.checks import capabilities
from slackapp.checks.capabilities import BEHAVIOUR, CAPABILITIES, DISCOVER, Capability, require_capability
from slackapp.errors import CapabilityError, Refusal
from slackapp.model import ActorKind

HELD = {
    "post": {"chat.postMessage", "chat.update", "conversations.info"},
    "discover": {"conversations.list", "conversations.info"},
    "join": {"conversations.join"},
    "settle": {"conversations.history"},
    "validate": {"auth.test", "team.info"},
    "remove": {"auth.revoke", "apps.uninstall"},
    "behaviour": {"auth.test", "team.info", "chat.postMessage", "chat.update", "conversations.info", "views.open"}
    | {"conversations.list", "conversations.join", "conversations.history", "users.info"},
    "refresh": {"oauth.v2.access"},
    "refresh_to_remove": {"oauth.v2.access"},
    "exchange": {"oauth.v2.exchange"},
    "bolt": set(),
    "reencrypt": set(),
    "fingerprint": set(),
    "trial": set(),
}
METHODS = sorted(set().union(*HELD.values()) | {"admin.users.list", "apps.manifest.export", "oauth.access"})


def holds(capability: Capability, method: str | None, **own: Capability) -> bool:
    try:
        require_capability(capability, method, {**CAPABILITIES, **own}, ActorKind.MEMBER)
    except CapabilityError:
        return False
    return True


@pytest.mark.claim("C-108")
@pytest.mark.parametrize("name", CAPABILITIES)
def test_each_capability_has_its_methods_and_no_other(name: str) -> None:
    assert {method for method in METHODS if holds(CAPABILITIES[name], method)} == HELD[name]
    assert holds(CAPABILITIES[name], None) == (not HELD[name])


def test_the_table_is_literally_this() -> None:
    assert CAPABILITIES.keys() == HELD.keys()


@pytest.mark.claim("C-108")
@pytest.mark.parametrize("method", [
    "AUTH.REVOKE", "Auth.revoke", "x/../auth.revoke", "auth.revoke?x=1", "auth.revoke#", "auth%2Erevoke",
    "auth.revoke\n", " auth.revoke", "/auth.revoke", "auth..revoke", "auth.", ".revoke", "auth", "", "*", "chat.*",
    "\u0430uth.test", "chat.postMessage\x00", "a." + "b" * 80, "APPS.uninstall", "ADMIN.users.list", "oAuth.v2.access",
])  # fmt: skip
def test_a_name_that_leads_elsewhere_is_no_method(method: str) -> None:
    """I am a behaviour that takes the method from what a user wrote."""
    assert not holds(BEHAVIOUR, method)


@pytest.mark.claim("C-108")
@pytest.mark.parametrize("method", [
    "auth.revoke", "auth.revoke.all", "Auth.Revoke.x", "apps.uninstall", "apps.auth.x.y", "oauth.v2.access",
    "openid.connect.token", "tooling.tokens.rotate", "migration.exchange", "admin.users.remove",
    "team.externalTeams.disconnect", "TEAM.externalteams.list",
])  # fmt: skip
def test_a_behaviour_calls_nothing_that_makes_or_ends_tokens_or_administers(method: str) -> None:
    """I am a behaviour that asks for a token of its own, or for an end of everything."""
    assert not holds(BEHAVIOUR, method)
    assert holds(BEHAVIOUR, "team.info")
    assert holds(BEHAVIOUR, "auth.teams.list")


@pytest.mark.claim("C-108")
def test_a_capability_that_is_not_registered_allows_nothing() -> None:
    own = Capability("poll", frozenset({"auth.test"}))
    assert not holds(own, "auth.test")
    assert holds(own, "auth.test", poll=own)


@pytest.mark.claim("C-108")
def test_a_value_under_a_registered_name_allows_what_is_registered() -> None:
    wide = Capability("validate", frozenset({"*"}))
    assert holds(wide, "auth.test")
    assert not holds(wide, "auth.revoke")


def test_a_behaviour_may_be_held_to_exactly_its_own_list() -> None:
    held = capabilities.merge_capabilities((), ["chat.postMessage"])
    assert capabilities.merge_capabilities((), None) == CAPABILITIES
    assert [method for method in METHODS if holds(BEHAVIOUR, method, **held)] == ["chat.postMessage"]
    assert not holds(BEHAVIOUR, "auth.test", **capabilities.merge_capabilities((), ()))


def test_a_circle_adds_capabilities() -> None:
    poll = Capability("poll", frozenset({"auth.test"}))
    assert capabilities.merge_capabilities([poll], None) == {**CAPABILITIES, "poll": poll}


@pytest.mark.claim("C-119")
def test_no_circle_has_a_capability_that_works_while_everything_is_frozen() -> None:
    with pytest.raises(ValueError, match="works while everything is frozen"):
        capabilities.merge_capabilities([Capability("poll", frozenset(), works_frozen=True)], None)
    assert {each.name for each in CAPABILITIES.values() if each.works_frozen} == {
        "remove", "refresh_to_remove", "reencrypt", "fingerprint", "trial",
    }  # fmt: skip


BEHAVIOURS = "none of the methods of the capability behaviour; it must stand in METHODS of the behaviour's module"
JOINS = "none of the methods of the capability join; it must stand in its Capability"


@pytest.mark.parametrize(
    ("capability", "method", "told"),
    [
        (BEHAVIOUR, "auth.revoke", f"auth.revoke is {BEHAVIOURS}"),
        (BEHAVIOUR, "a b\n", f"malformed is {BEHAVIOURS}"),
        (CAPABILITIES["join"], None, f"to call nothing is {JOINS}"),
    ],
)
def test_the_refusal_names_method_and_remedy_and_no_text_that_is_no_method(
    capability: Capability, method: str | None, told: str
) -> None:
    with pytest.raises(CapabilityError) as found:
        require_capability(capability, method, CAPABILITIES)
    assert (str(found.value), found.value.refusal) == (told, Refusal.CAPABILITY)


@pytest.mark.claim("C-364")
@pytest.mark.parametrize("kind", ActorKind)
def test_channels_are_looked_through_for_people_alone(kind: ActorKind) -> None:
    """I have the service list every channel of a workspace each night."""
    may = kind in {ActorKind.MEMBER, ActorKind.HOST, ActorKind.OPERATOR}
    try:
        require_capability(DISCOVER, "conversations.list", CAPABILITIES, kind)
    except CapabilityError:
        assert not may
    else:
        assert may
    require_capability(BEHAVIOUR, "conversations.list", CAPABILITIES, kind)
