"""`/api/v2/slack/approvals`: a member asks to connect, somebody else decides, and what was approved works once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.host.store.approvals import LIFETIME
from tests.support import connecting
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import Person, led_to
from tests.support.host_world import ADMIN, AUDITOR, MEMBER, OWNER, Host, told
from tests.support.world import NORTH, SOUTH, World

APPROVALS = "slack/approvals"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connecting.make_host_world(tmp_path, SLACKAPP_HOST_APPROVAL="yes") as made:
        yield made


def member(world: World, name: str = "meg", organization: str = ACME) -> Host:
    return Host(world).of(name, MEMBER, organization)


def admin(world: World, name: str = "ada", organization: str = ACME) -> Host:
    return Host(world).of(name, ADMIN, organization)


def asked(host: Host, reason: str = "for deployment alerts") -> Any:
    reply = host.post(APPROVALS, {"reason": reason})
    assert reply.status == 200, reply.text
    return reply.json


def decide(host: Host, approval: Any, decision: str = "approved", **more: str) -> Any:
    return host.post(f"{APPROVALS}/{approval['id']}/decision", {"decision": decision, **more})


def events(world: World) -> list[tuple[str, str]]:
    """What the audit says of approvals: event and whose."""
    rows = world.rows("SELECT event, actor_id FROM audit WHERE event LIKE 'approval.%' ORDER BY id")
    return [(row["event"], row["actor_id"]) for row in rows]


def begins(host: Host) -> Any:
    return host.post("slack/auth", {})


@pytest.mark.parametrize("reason", ["", " ", "\u200b", "\u2060 \u3164", "\u00a0", "x" * 201])
def test_a_reason_says_something(world: World, reason: str) -> None:
    refused = member(world).post(APPROVALS, {"reason": reason})
    assert (told(refused), refused.json["field"]) == ((400, "BAD_REQUEST"), "reason")


@pytest.mark.claim("C-201", "C-204")
def test_a_member_asks_and_connects_once_that_was_approved(world: World) -> None:
    host = member(world)
    assert told(begins(host)) == (409, "APPROVAL_REQUIRED")
    wish = asked(host)
    assert (wish["memberId"], wish["status"], wish["reason"]) == ("meg", "requested", "for deployment alerts")
    assert told(begins(host)) == (409, "APPROVAL_REQUIRED")
    done = decide(admin(world), wish, note="go ahead").json
    assert (done["status"], done["note"], done["decidedBy"]) == ("approved", "go ahead", "ada")
    person = Person(world, world.browser(), ACME, "meg", MEMBER)
    begun = begins(host).json
    person.come_back(person.approve(begun["authUrl"]))
    person.sign_in()
    assert "status=success" in led_to(person.press("confirm"))
    (shown,) = host.get(APPROVALS).json["approvals"]
    assert (shown["status"], shown["usedAt"] is not None) == ("used", True)
    assert told(begins(host)) == (409, "APPROVAL_REQUIRED")
    assert events(world) == [("approval.requested", "meg"), ("approval.granted", "ada"), ("approval.used", "meg")]
    assert [row["record_id"] for row in world.facts("approval.used")] == [wish["id"]]


@pytest.mark.claim("C-201")
def test_who_asks_again_is_shown_what_waits_and_what_is_decided_on_does_not_change(world: World) -> None:
    """I ask for something harmless, and change my words while somebody reads them."""
    host = member(world)
    wish = asked(host)
    assert asked(host, "for everything") == wish
    assert (len(host.get(APPROVALS).json["approvals"]), events(world)) == (1, [("approval.requested", "meg")])
    assert asked(member(world, "mia"))["id"] != wish["id"]
    assert decide(admin(world), wish, "denied").status == 200
    assert asked(host, "once more")["reason"] == "once more"


@pytest.mark.claim("C-201")
def test_where_no_approvals_are_there_nobody_asks(tmp_path: Path) -> None:
    with connecting.make_host_world(tmp_path) as world:
        assert told(member(world).post(APPROVALS, {"reason": "x"})) == (403, "FORBIDDEN")
        assert world.count("approvals") == 0


@pytest.mark.claim("C-202")
def test_nobody_decides_on_an_approval_of_their_own(world: World) -> None:
    """I asked as a member, and am an admin since; the token says so."""
    wish = asked(member(world))
    world.clock.advance(60)
    mine = admin(world, "meg")
    assert told(decide(mine, wish)) == (403, "FORBIDDEN")
    assert member(world, "other").get("slack/integration").status == 200
    for other in (member(world, "other"), Host(world).of("aud", AUDITOR), Host(world)):
        assert told(decide(other, wish)) == (403, "FORBIDDEN")
    assert host_shows(world) == ["requested"]
    assert decide(Host(world).of("olga", OWNER), wish).json["status"] == "approved"


def host_shows(world: World) -> list[str]:
    return [each["status"] for each in Host(world).get(APPROVALS).json["approvals"]]


@pytest.mark.claim("C-202")
@pytest.mark.parametrize("first", ["approved", "denied"])
def test_what_was_decided_is_not_decided_again(world: World, first: str) -> None:
    wish = asked(member(world))
    assert decide(admin(world), wish, first).status == 200
    for again in ("approved", "denied"):
        assert told(decide(admin(world, "other"), wish, again)) == (503, "BUSY")
    assert (host_shows(world), len(events(world))) == ([first], 2)


@pytest.mark.claim("C-202")
def test_after_a_week_neither_the_wish_nor_the_approval_counts(world: World) -> None:
    host = member(world)
    wish = asked(host)
    world.clock.advance(LIFETIME + 1)
    assert told(decide(admin(world), wish)) == (503, "BUSY")
    again = asked(host)
    assert again["id"] != wish["id"]
    assert decide(admin(world), again).status == 200
    world.clock.advance(LIFETIME)
    assert begins(host).status == 200
    world.clock.advance(1)
    assert told(begins(host)) == (409, "APPROVAL_REQUIRED")


def test_an_approval_is_that_members_alone(world: World) -> None:
    assert decide(admin(world), asked(member(world))).status == 200
    assert told(begins(member(world, "mia"))) == (409, "APPROVAL_REQUIRED")


def test_who_falls_to_an_auditor_meanwhile_has_no_use_of_it(world: World) -> None:
    host = member(world)
    assert decide(admin(world), asked(host)).status == 200
    person = Person(world, world.browser(), ACME, "meg", MEMBER)
    approved = person.approve(begins(host).json["authUrl"])
    world.clock.advance(60)
    Host(world).of("meg", AUDITOR).get("slack/integration")
    assert connecting.told(person.come_back(approved).location)["error"] == "not_confirmed"
    assert (person.statuses(), live_tokens(world, NORTH), host_shows(world)) == (["failed"], [], ["approved"])


@pytest.mark.claim("C-182")
def test_another_organizations_approvals_are_not_there(world: World) -> None:
    wish = asked(member(world))
    other = admin(world, "ada", GLOBEX)
    assert other.get(APPROVALS).json == {"approvals": [], "cursor": None}
    assert told(decide(other, wish)) == (404, "NOT_FOUND")
    assert host_shows(world) == ["requested"]


@pytest.mark.claim("C-203")
def test_members_are_shown_their_own_and_the_list_goes_on_by_a_cursor(world: World) -> None:
    for name in ("meg", "mia", "max"):
        asked(member(world, name))
        world.clock.advance(1)
    for shown in (admin(world), Host(world).of("aud", AUDITOR), Host(world)):
        assert [each["memberId"] for each in shown.get(APPROVALS).json["approvals"]] == ["meg", "mia", "max"]
    own = member(world, "mia").get(f"{APPROVALS}?limit=1").json
    assert [each["memberId"] for each in own["approvals"]] == ["mia"]
    assert member(world, "mia").get(f"{APPROVALS}?cursor={own['cursor']}").json == {"approvals": [], "cursor": None}
    first = admin(world).get(f"{APPROVALS}?limit=2").json
    rest = admin(world).get(f"{APPROVALS}?cursor={first['cursor']}").json
    assert ([each["memberId"] for each in rest["approvals"]], rest["cursor"]) == (["max"], None)


def test_two_connects_by_one_approval_end_in_one(world: World) -> None:
    host = member(world)
    assert decide(admin(world), asked(host)).status == 200
    assert Host(world).put("organization", {"workspaceLimit": 5}).status == 200
    people = [Person(world, world.browser(), ACME, "meg", MEMBER) for _ in range(2)]
    for person, target in zip(people, (NORTH, SOUTH), strict=True):
        person.come_back(person.approve(begins(host).json["authUrl"], target))
        person.sign_in()
    done = [connecting.told(led_to(person.press("confirm"))) for person in people]
    assert [each["status"] for each in done] == ["success", "error"]
    assert world.slack.installed == [NORTH]


@pytest.mark.claim("C-297")
def test_what_a_member_was_allowed_ends_when_it_leaves(world: World) -> None:
    """I was allowed to connect, left, and am back with another task: nobody has allowed that."""
    mia, ned = member(world, "mia"), member(world, "ned")
    decide(admin(world), asked(mia))
    open_wish = asked(ned)
    for name in ("mia", "ned"):
        assert Host(world).post(f"members/{name}/offboard").status == 200
    assert told(decide(admin(world), open_wish)) == (503, "BUSY")
    for host in (mia, ned):
        assert Host(world).post(f"members/{host.member}/reinstate").status == 200
        assert told(begins(host)) == (409, "APPROVAL_REQUIRED")
