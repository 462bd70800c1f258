"""What was granted and nobody keeps is given back: how, with rotating and long-lived tokens, and beside what."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.host.store import quarantines
from slackapp.localslack.model import Fault
from tests.support.callback_world import live_tokens
from tests.support.client import Reply
from tests.support.connecting import Person, ann, eve, find_dead, led_to, make_host_world, run_upkeep, told
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

pytestmark = pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])
UNINSTALL, REVOKE = "apps.uninstall", "auth.revoke"


@pytest.fixture
def world(tmp_path: Path, rotation: bool) -> Iterator[World]:
    with make_host_world(tmp_path, rotation) as made:
        yield made


def quarantine(person: Person, target: str = NORTH) -> None:
    """Somebody approves at Slack what that person has begun, and confirms nothing."""
    person.come_back(person.approve(person.begin().authorize_url, target))
    assert person.statuses()[-1] == "quarantined"


def expire(world: World) -> None:
    """The time for a confirmation is over."""
    world.clock.advance(quarantines.LIFETIME + 1)
    run_upkeep(world)


def given_back(world: World) -> list[str]:
    """What the audit says was done with each grant."""
    return [row["detail"] for row in world.facts("grant.given_back")]


@pytest.mark.claim("C-173", "C-164")
def test_where_nothing_else_lives_the_app_is_removed(world: World) -> None:
    quarantine(ann(world))
    run_upkeep(world)
    assert world.slack.installed == [NORTH]  # it still waits
    expire(world)
    assert (world.slack.installed, live_tokens(world, NORTH)) == ([], [])
    assert (world.calls(UNINSTALL), world.calls(REVOKE)) == ([UNINSTALL], [])
    assert (ann(world).statuses(), world.count("quarantines"), given_back(world)) == (["failed"], 0, ["uninstalled"])
    run_upkeep(world)
    assert world.calls(UNINSTALL) == [UNINSTALL]


@pytest.mark.claim("C-164")
def test_beside_a_live_installation_this_pair_alone_goes(world: World, rotation: bool) -> None:
    quarantine(ann(world))
    world.browser().install()
    before = live_tokens(world, NORTH)
    expire(world)
    assert (world.slack.installed, world.status(), world.calls(UNINSTALL)) == ([NORTH], "active", [])
    assert len(before) - len(live_tokens(world, NORTH)) == (1 if rotation else 0)
    assert (world.calls(REVOKE), given_back(world)) == (([REVOKE], ["revoked"]) if rotation else ([], ["left"]))
    world.mention()
    world.work()
    assert world.slack.messages(NORTH)


@pytest.mark.claim("C-164")
def test_beside_an_installation_that_waits_for_somebody_to_install_again(world: World, rotation: bool) -> None:
    quarantine(ann(world))
    world.browser().install()
    find_dead(world)
    expire(world)
    assert (world.status(), world.slack.installed, world.calls(UNINSTALL)) == ("needs_reinstall", [NORTH], [])
    assert given_back(world) == ["revoked" if rotation else "left"]


@pytest.mark.claim("C-164")
def test_beside_another_grant_that_waits_it_goes_on_waiting(world: World, rotation: bool) -> None:
    """Of two that were begun for the same workspace the second is confirmed after the first was given back."""
    first, second = ann(world), eve(world)
    quarantine(first)
    world.clock.advance(300)
    quarantine(second)
    world.clock.advance(301)
    run_upkeep(world)
    assert (first.statuses(), second.statuses()) == (["failed"], ["quarantined"])
    assert (world.slack.installed, given_back(world)) == ([NORTH], ["revoked" if rotation else "left"])
    second.sign_in()
    second.press("confirm")
    assert (second.statuses(), world.status()) == (["active"], "active")
    world.mention()
    world.work()
    assert world.slack.messages(NORTH)


@pytest.mark.claim("C-164")
def test_two_that_are_over_leave_nothing_alive(world: World) -> None:
    quarantine(ann(world))
    quarantine(eve(world))
    expire(world)
    assert live_tokens(world, NORTH) == []
    assert world.count("quarantines") == 0


@pytest.mark.claim("C-164")
def test_an_enterprise_that_is_installed_keeps_its_workspaces(world: World, rotation: bool) -> None:
    """Also the other way round: a workspace that is installed, when the enterprise's grant is given back."""
    world.slack.org_install_rules = False
    world.browser().install(ORG_TEAM)
    quarantine(ann(world), ORG)
    expire(world)
    assert (world.status(ORG_TEAM), world.calls(UNINSTALL)) == ("active", [])
    world.browser().install(ORG)
    quarantine(ann(world), ORG_TEAM)
    expire(world)
    assert (world.status(ORG), world.calls(UNINSTALL)) == ("active", [])


def during(world: World, method: str, do: Callable[[], object]) -> None:
    """Does something once, while Slack is being asked for that method."""
    probe, done = world.slack.probe, list[str]()

    def watching(called: str) -> None:
        probe(called)
        if called == method and not done:
            done.append(called)
            do()

    world.slack.probe = watching


@pytest.mark.claim("C-164")
@pytest.mark.parametrize("target", [NORTH, SOUTH])
def test_while_an_exchange_is_under_way_nothing_is_removed(world: World, target: str) -> None:
    """It may bring an installation of the same tenant, of which nobody knows yet."""
    quarantine(ann(world))
    world.clock.advance(quarantines.LIFETIME + 1)
    during(world, "oauth.v2.access", lambda: run_upkeep(world))
    assert world.browser().install(target).status == 303
    assert (world.calls(UNINSTALL), world.status(target)) == ([], "active")
    world.clock.advance(61)
    run_upkeep(world)
    assert ann(world).statuses() == ["failed"]
    assert len(live_tokens(world, NORTH)) == (1 if target == NORTH else 0)
    assert target in world.slack.installed


@pytest.mark.claim("C-160")
@pytest.mark.parametrize("way", ["public", "api"])
@pytest.mark.parametrize("target", [NORTH, SOUTH])
def test_what_is_granted_while_the_app_is_removed_waits_and_is_not_stored_dead(
    world: World, way: str, target: str
) -> None:
    """Slack is being asked to remove the app; before it has done so, it grants somebody else's code."""
    quarantine(ann(world))
    world.clock.advance(quarantines.LIFETIME + 1)
    browser, second = world.browser(), eve(world)
    consented = browser.consent(browser.begin(), target)
    approved = second.approve(second.begin().authorize_url, target)
    asked, go_on = threading.Event(), threading.Event()
    during(world, UNINSTALL, lambda: asked.set() or go_on.wait(10))  # type: ignore[func-returns-value]
    upkeep = threading.Thread(target=run_upkeep, args=(world,))

    def wait(seconds: float) -> None:
        go_on.set()
        upkeep.join(10)

    world.replace_parts(wait=wait)
    upkeep.start()
    assert asked.wait(10)
    reply = browser.follow_callback(consented) if way == "public" else second.come_back(approved)
    assert go_on.is_set()
    lives = target == SOUTH
    assert (len(live_tokens(world, target)), world.count("installations") + world.count("quarantines")) == (
        lives,
        lives,
    )
    if way == "public":
        assert reply.status == (303 if lives else 503)
    else:
        assert "set-cookie" in reply.headers if lives else told(reply.location)["error"] == "exchange_failed"


@pytest.mark.claim("C-160")
def test_what_is_granted_while_the_app_is_removed_for_very_long_is_refused(world: World) -> None:
    quarantine(ann(world))
    world.clock.advance(quarantines.LIFETIME + 1)
    waited: list[float] = []
    world.replace_parts(wait=waited.append)
    browser = world.browser()
    consented = browser.consent(browser.begin())
    replies: list[Reply] = []
    during(world, UNINSTALL, lambda: replies.append(browser.follow_callback(consented)))
    run_upkeep(world)
    assert ([reply.status for reply in replies], len(waited)) == ([503], 10)
    assert (live_tokens(world, NORTH), world.count("installations")) == ([], 0)


@pytest.mark.claim("C-164")
@pytest.mark.parametrize("kind", ["html500", "cut", "ratelimited"])
def test_a_slack_that_does_not_answer_is_asked_again(world: World, kind: str) -> None:
    quarantine(ann(world))
    world.slack.fault(Fault(UNINSTALL, kind))  # type: ignore[arg-type]
    expire(world)
    assert (ann(world).statuses(), given_back(world)) == (["quarantined"], [])
    world.clock.advance(61)
    run_upkeep(world)
    assert (ann(world).statuses(), given_back(world), live_tokens(world, NORTH)) == (["failed"], ["uninstalled"], [])


def test_after_an_hour_of_no_answer_it_is_given_up_and_told(world: World) -> None:
    quarantine(ann(world))
    world.slack.fault(Fault(UNINSTALL, "html500", times=-1))
    expire(world)
    for _ in range(61):
        world.clock.advance(61)
        run_upkeep(world)
    assert (ann(world).statuses(), given_back(world)) == (["failed"], ["abandoned"])


def test_a_kind_of_token_that_may_not_uninstall_is_revoked(world: World) -> None:
    quarantine(ann(world))
    world.slack.fault(Fault(UNINSTALL, "error", error="no_permission"))
    expire(world)
    assert (given_back(world), live_tokens(world, NORTH)) == (["revoked"], [])


@pytest.mark.claim("C-172")
def test_what_was_removed_at_slack_meanwhile_is_not_confirmed(world: World) -> None:
    person = ann(world)
    quarantine(person)
    world.slack.uninstall(NORTH)
    person.sign_in()
    done = person.press("confirm")
    assert told(led_to(done)) == {"status": "error", "error": "exchange_failed"}
    assert (person.statuses(), world.count("installations")) == (["failed"], 0)
