"""A connection is brought back, moved or ended; and what Slack reports at any step."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.connect import disconnect
from slackapp.host.model import HostRole
from slackapp.host.rows import ConnectionSettings
from slackapp.host.store import connections
from slackapp.localslack.model import Fault
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME, ANN
from tests.support.connecting import Person, ann, eve, find_dead, led_to, make_host_world, run_upkeep, told
from tests.support.world import NORTH, SOUTH, World

pytestmark = pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])


@pytest.fixture
def world(tmp_path: Path, rotation: bool) -> Iterator[World]:
    with make_host_world(tmp_path, rotation) as made:
        yield made


def set_channels(person: Person) -> None:
    """Settings that name channels."""
    held = person.held()
    settings = ConnectionSettings(ANN, "", "C1", "", ("C1", "C2"))
    with person.app.db.transaction():
        assert connections.save_settings(person.app.db, held.key, settings, None, person.world.clock())


def reconnect(person: Person, connection_id: str, target: str = NORTH) -> dict[str, str]:
    begun = person.begin(reconnect=connection_id)
    person.come_back(person.approve(begun.authorize_url, target))
    person.sign_in()
    return told(led_to(person.press("confirm")))


def works(world: World, target: str = NORTH) -> bool:
    """Whether the app answers there."""
    before = len(world.slack.messages(target))
    world.mention(f"Ev{world.clock.now}{target}", team_id=target)
    world.work()
    return len(world.slack.messages(target)) > before


def test_the_same_workspace_keeps_its_settings(world: World) -> None:
    person = ann(world)
    first = person.connect()
    set_channels(person)
    find_dead(world)
    assert (person.statuses(), person.held().status_reason) == (["needs_reconnect"], "token_dead")
    assert reconnect(person, first.id)["status"] == "success"
    held = person.held()
    assert (held.id, held.status, held.default_channel_id, held.allowed_channels) == (
        first.id, "active", "C1", ("C1", "C2"),
    )  # fmt: skip
    assert (person.statuses(), works(world)) == (["active"], True)


def test_the_page_offers_to_reconnect_what_is_lost_where_there_is_room_for_no_other(world: World) -> None:
    person = ann(world)
    first = person.connect()
    assert "Reconnect" not in person.browser.get("/settings/connect").text
    find_dead(world)
    page = person.browser.get("/settings/connect")
    assert f"<h1>Reconnect {first.team_name}</h1>" in page.text
    lost = re.findall(r'name="reconnect" value="([^"]+)"', page.text)
    assert lost == [first.id]
    begun = led_to(person.begin_on_page(reconnect=lost[0]))
    assert told(person.come_back(person.approve(begun)).location)["status"] == "success"
    assert (person.held().id, person.held().status) == (first.id, "active")
    assert "Reconnect" not in person.browser.get("/settings/connect").text


def test_where_there_is_room_the_page_offers_to_connect(world: World) -> None:
    person = ann(world)
    person.connect()
    find_dead(world)
    world.restart(host_workspaces=2)
    assert "<h1>Connect Slack</h1>" in person.browser.get("/settings/connect").text


def test_another_workspace_clears_those_that_name_channels_and_the_first_is_removed(world: World) -> None:
    person = ann(world)
    first = person.connect()
    set_channels(person)
    assert reconnect(person, first.id, SOUTH)["status"] == "success"
    held = person.held(SOUTH)
    assert (held.id, held.default_channel_id, held.allowed_channels) == (first.id, "", ())
    assert (world.status(NORTH), world.status(SOUTH), world.slack.installed) == ("", "active", [SOUTH])
    assert (live_tokens(world, NORTH), works(world, SOUTH)) == ([], True)


@pytest.mark.parametrize("how", ["not approved", "no admin", "not confirmed", "another member"])
def test_a_reconnect_that_comes_to_nothing_touches_nothing_that_works(world: World, how: str) -> None:
    person = ann(world)
    first = person.connect()
    set_channels(person)
    before = tuple(person.all()[0])
    begun = person.begin(reconnect=first.id)
    if how == "not approved":
        person.come_back(person.approve(begun.authorize_url, decision="deny"))
    elif how == "no admin":
        person.come_back(person.approve(begun.authorize_url, user="member"))
    else:
        person.come_back(person.approve(begun.authorize_url))
    if how == "another member":
        other = Person(world, person.browser, ACME, "ben")
        other.sign_in()
        assert other.browser.get("/settings/connect").status == 403
    world.clock.advance(1000)
    run_upkeep(world)
    assert tuple(person.all()[0]) == before
    assert (person.statuses(), world.status(), world.calls("apps.uninstall")) == (["active", "failed"], "active", [])
    assert works(world)


def test_the_same_workspace_again_is_the_same_connection_asked_for_or_not(world: World) -> None:
    """The second was begun before the first was there."""
    person, other = ann(world), ann(world)
    approved = other.approve(other.begin().authorize_url)
    first = person.connect()
    other.come_back(approved)
    other.sign_in()
    assert told(led_to(other.press("confirm")))["status"] == "success"
    assert (person.statuses(), person.held().id, works(world)) == (["active"], first.id, True)


def test_one_that_was_uninstalled_at_slack_comes_back_by_a_new_grant(world: World) -> None:
    person = ann(world)
    first = person.connect()
    world.clock.advance(10)
    world.slack.uninstall(NORTH)
    deliver(world)
    assert (person.statuses(), world.status()) == (["revoked"], "")
    assert reconnect(person, first.id)["status"] == "success"
    assert (person.statuses(), person.held().id) == (["active"], first.id)


def deliver(world: World) -> None:
    """Slack tells of it."""
    world.event({"type": "app_uninstalled"}, f"Ev{world.clock.now}", event_time=world.clock.now)
    world.work()


@pytest.mark.claim("C-172")
@pytest.mark.parametrize("step", ["approved", "quarantined", "signed in", "shown"])
def test_an_uninstall_at_slack_at_each_step_connects_nothing(world: World, step: str) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    if step == "approved":
        world.slack.fault(Fault("oauth.v2.access", "error", error="invalid_code"))
    person.come_back(approved)
    if step == "quarantined":
        world.slack.uninstall(NORTH)
    person.sign_in()
    if step == "signed in":
        world.slack.uninstall(NORTH)
    page = person.browser.get("/settings/connect")
    if step == "shown":
        world.slack.uninstall(NORTH)
    assert page.status == 200
    if step != "approved":
        assert told(led_to(person.press("confirm"))) == {"status": "error", "error": "exchange_failed"}
    deliver(world)
    assert (person.statuses(), world.count("installations"), live_tokens(world, NORTH)) == (["failed"], 0, [])
    assert person.connect().status == "active"


# Disconnecting


@pytest.mark.claim("C-174")
def test_disconnecting_uninstalls_and_erases(world: World) -> None:
    person = ann(world)
    held = person.connect()
    world.clock.advance(60)
    assert disconnect.run(person.app, person.caller, held.id, world.clock()) is True
    (row,) = person.all()
    assert (row["status"], row["status_reason"], row["deleted_at"]) == ("revoked", "disconnected", world.clock.now)
    assert (row["team_name"], row["scope"], row["token_vault_key"]) == ("", "", None)
    assert (world.slack.installed, live_tokens(world, NORTH), world.status()) == ([], [], "")
    with pytest.raises(HostRefused) as found:
        disconnect.run(person.app, person.caller, held.id, world.clock())
    assert found.value.refusal is HostRefusal.NO_INTEGRATION
    again = person.connect()
    assert (again.id != held.id, again.status) == (True, "active")


@pytest.mark.claim("C-174")
def test_it_is_over_at_once_where_slack_does_not_answer_and_that_is_said(world: World) -> None:
    person = ann(world)
    held = person.connect()
    for method in ("apps.uninstall", "auth.revoke"):
        world.slack.fault(Fault(method, "html500", times=-1))
    assert disconnect.run(person.app, person.caller, held.id, world.clock()) is False
    assert (person.statuses(), world.status(), world.count("tokens")) == (["revoked"], "", 0)


@pytest.mark.claim("C-174")
def test_another_organizations_connection_is_not_there(world: World) -> None:
    held, other = ann(world).connect(), eve(world)
    for connection_id in (held.id, "0" * 24, ""):
        with pytest.raises(HostRefused) as found:
            disconnect.run(other.app, other.caller, connection_id, world.clock())
        assert found.value.refusal is HostRefusal.NO_INTEGRATION
    assert (ann(world).statuses(), works(world)) == (["active"], True)


@pytest.mark.claim("C-174")
def test_an_attempt_is_no_integration(world: World) -> None:
    person = Person(world, world.browser(), role=HostRole.OWNER)
    begun = person.begin()
    with pytest.raises(HostRefused):
        disconnect.run(person.app, person.caller, begun.connection_id, world.clock())
    assert person.statuses() == ["pending"]
