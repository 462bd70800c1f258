"""A connect that would replace a workspace that works is asked about; what has ended comes back as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.flows.removal import uninstall_tenant
from slackapp.host.errors import HostRefused
from slackapp.host.flows.connect import may_connect
from slackapp.host.store import quarantines
from slackapp.model import SCHEDULER
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME
from tests.support.connecting import (
    OURS,
    RETURN,
    Person,
    ann,
    eve,
    form_token,
    led_to,
    make_host_world,
    run_upkeep,
    told,
)
from tests.support.world import NORTH, SOUTH, World, north_tenant

CONNECT = f"{OURS}/settings/connect"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        yield made


def on_page(person: Person, target: str, **fields: str) -> str:
    """A connect on our page, up to where the browser is sent when it is back from Slack."""
    return person.come_back(person.approve(led_to(person.begin_on_page(**fields)), target)).location


def is_untouched(world: World, person: Person) -> bool:
    """Whether the first workspace is as it was."""
    return (person.held().status, world.status(), len(live_tokens(world, NORTH))) == ("active", "active", 1)


@pytest.mark.claim("C-191")
@pytest.mark.parametrize("way", ["api", "page"])
def test_what_is_left_is_named_before_it_goes(world: World, way: str) -> None:
    """I press Reconnect for one workspace, and choose another one on Slack's page by mistake."""
    person = ann(world)
    first = person.connect()
    person.sign_in()
    if way == "page":
        assert on_page(person, SOUTH, reconnect=first.id) == CONNECT
    else:
        person.come_back(person.approve(person.begin(reconnect=first.id).authorize_url, SOUTH))
        person.sign_in()
    page = person.browser.get("/settings/connect")
    assert "It replaces <strong>Northwind</strong>: that workspace is removed, and everything of it is" in page.text
    assert is_untouched(world, person)
    done = led_to(person.press("confirm"))
    assert (done.partition("?")[0], told(done)["status"]) == (RETURN, "success")
    assert (person.held(SOUTH).id, world.status(NORTH), world.status(SOUTH)) == (first.id, "", "active")


@pytest.mark.claim("C-191")
@pytest.mark.parametrize("way", ["api", "page"])
def test_whoever_does_not_confirm_it_keeps_what_works(world: World, way: str) -> None:
    person = ann(world)
    first = person.connect()
    person.sign_in()
    if way == "page":
        on_page(person, SOUTH, reconnect=first.id)
    else:
        person.come_back(person.approve(person.begin(reconnect=first.id).authorize_url, SOUTH))
    world.clock.advance(quarantines.LIFETIME + 1)
    run_upkeep(world)
    assert is_untouched(world, person)
    assert (person.statuses(), live_tokens(world, SOUTH)) == (["active", "failed"], [])


@pytest.mark.claim("C-191")
def test_a_form_that_does_not_name_what_is_left_replaces_nothing(world: World) -> None:
    """The page was loaded before there was anything to replace; or a form says something else."""
    person = ann(world)
    first = person.connect()
    person.come_back(person.approve(person.begin(reconnect=first.id).authorize_url, SOUTH))
    person.sign_in()
    token = form_token(person.browser.get("/settings/connect"))
    for fields in ({}, {"leaves": SOUTH}, {"leaves": ""}):
        reply = person.post("/settings/connect", {"form_token": token, "step": "confirm", **fields})
        assert (reply.status, "open the page again" in reply.text) == (409, True)
    assert is_untouched(world, person)
    assert "status=success" in led_to(person.press("confirm"))


def test_the_same_workspace_is_not_asked_about(world: World) -> None:
    person = ann(world)
    first = person.connect()
    person.sign_in()
    assert told(on_page(person, NORTH, reconnect=first.id))["status"] == "success"
    assert (person.statuses(), world.slack.installed) == (["active"], [NORTH])


@pytest.mark.claim("C-169")
def test_what_waits_on_the_page_is_confirmed_in_that_very_session(world: World) -> None:
    """The browser is signed in anew: what was begun on the page belongs to the session that is over."""
    person = ann(world)
    first = person.connect()
    person.sign_in()
    on_page(person, SOUTH, reconnect=first.id)
    person.sign_in()
    assert person.browser.get("/settings/connect").status == 403
    assert is_untouched(world, person)
    assert (person.statuses(), live_tokens(world, SOUTH)) == (["active", "failed"], [])


def test_going_back_to_the_callback_leads_to_what_waits(world: World) -> None:
    person = ann(world)
    first = person.connect()
    person.sign_in()
    approved = person.approve(led_to(person.begin_on_page(reconnect=first.id)), SOUTH)
    assert [person.come_back(approved).location for _ in range(2)] == [CONNECT, CONNECT]
    assert world.calls("apps.uninstall") == []


# What has ended


def uninstall(world: World) -> None:
    uninstall_tenant.run(world.service.app, north_tenant(), SCHEDULER, world.clock())


@pytest.mark.claim("C-197")
@pytest.mark.parametrize("way", ["api", "page"])
def test_a_workspace_that_ended_comes_back_as_the_connection_that_it_was(world: World, way: str) -> None:
    """Nobody asks for a reconnect: the workspace is connected as if it were new."""
    person = ann(world)
    first = person.connect()
    uninstall(world)
    assert person.statuses() == ["revoked"]
    if way == "page":
        person.sign_in()
        on_page(person, NORTH)
    else:
        person.connect()
    assert (person.statuses(), person.held().id) == (["active"], first.id)


@pytest.mark.claim("C-197")
def test_another_organizations_end_brings_nothing_back(world: World) -> None:
    first, other = ann(world).connect(), eve(world)
    uninstall(world)
    mine = other.connect()
    assert (mine.id != first.id, other.statuses(), ann(world).statuses()) == (True, ["active"], ["revoked"])


@pytest.mark.claim("C-190")
def test_an_attempt_that_came_to_nothing_brings_nothing_back_and_tells_nothing(world: World) -> None:
    """I begin, a victim approves, and the victim's workspace is erased; I ask to reconnect, and read the feed."""
    world.browser().install()
    attacker = eve(world)
    attacker.come_back(attacker.approve(attacker.begin().authorize_url))
    assert attacker.statuses() == ["quarantined"]
    uninstall(world)
    (row,) = attacker.all()
    assert (row["status"], row["tenant_id"], row["team_id"], row["team_name"]) == ("failed", "", "", "")
    assert world.count("host_events") == 0
    with pytest.raises(HostRefused):
        attacker.begin(reconnect=row["id"])
    assert world.count("quarantines") == 0
    late = ann(world)
    late.come_back(late.approve(late.begin().authorize_url))
    world.clock.advance(quarantines.LIFETIME + 1)
    run_upkeep(world)
    assert (world.slack.installed, world.facts("grant.given_back")[-1]["detail"]) == ([], "uninstalled")


@pytest.mark.claim("C-190")
def test_only_what_was_active_once_is_brought_back(world: World) -> None:
    held = ann(world).connect()
    assert may_connect.is_brought_back(held, held.user_id, held.kind)
    assert not may_connect.is_brought_back(held._replace(installed_at=None), held.user_id, held.kind)
    assert held.organization_id == ACME
