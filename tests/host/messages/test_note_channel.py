"""What Slack tells of channels that settings name: noted, shown in API and page, and told to the host once."""

from dataclasses import replace
from typing import Any

import pytest

from slackapp.checks.scope_reasons import HOST_EVENTS
from slackapp.host.flows import change_connection
from slackapp.host.flows.events import note_channel
from slackapp.host.rows import ConnectionSettings
from slackapp.host.store import connections
from slackapp.localslack.model import Fault
from slackapp.model import Tenant
from tests.support.host_world import Host, connect
from tests.support.posting import accepted, send_all
from tests.support.world import NORTH, SOUTH, World

TENANT = Tenant("T", NORTH)  # type: ignore[arg-type]
SPARE = "C0NORTH001XYZ"


@pytest.fixture
def set_up(world: World, general: str, random: str) -> None:
    """A default channel, and another one that is allowed."""
    name_channels(world, general, general, random)


def name_channels(world: World, default: str, *allowed: str) -> None:
    db = world.service.app.db
    with db.transaction():
        found = connections.find_held(db, TENANT)
        assert found is not None
        settings = ConnectionSettings("ann", "alerts", default, NORTH if default else "", allowed)
        assert change_connection.configure(db, found, settings, world.clock())


def tell(world: World, event_type: str, channel: Any, number: int = 1, **fields: Any) -> None:
    reply = world.event({"type": event_type, "channel": channel, **fields}, f"Ev{number:04}")
    assert reply.status == 200, reply.text


def unavailable(host: Host) -> dict[str, str]:
    query = f"?connectionId={1:024}"
    told = host.get(f"slack/integration{query}").json["integration"]["unavailableChannels"]
    return {each["id"]: each["state"] for each in told}


def heard(host: Host) -> list[str]:
    """What the host is told of channels."""
    found = [each for each in host.get("events").json["events"] if each["type"] == "channel.unavailable"]
    return [each["reason"] for each in found]


@pytest.mark.claim("C-305")
@pytest.mark.usefixtures("set_up")
def test_a_channel_that_is_gone_is_noted_shown_and_told_once(
    world: World, host: Host, general: str, random: str
) -> None:
    tell(world, "channel_archive", general, user="U0SOMEBODY")
    tell(world, "channel_archive", general, user="U0SOMEBODY")
    tell(world, "channel_archive", general, 2, user="U0SOMEBODY")
    tell(world, "channel_archive", SPARE, 3)
    tell(world, "channel_left", random, 4, actor_id="U0SOMEBODY")
    tell(world, "channel_rename", {"id": general, "name": "other", "created": 1}, 5)
    assert unavailable(host) == {general: "archived", random: "left"}
    assert heard(host) == ["archived", "left"]
    tell(world, "channel_unarchive", general, 6, user="U0SOMEBODY")
    assert unavailable(host) == {random: "left"}
    tell(world, "channel_deleted", general, 7)
    assert (unavailable(host)[general], heard(host)) == ("deleted", ["archived", "left", "deleted"])
    name_channels(world, "", random)
    assert unavailable(host) == {random: "left"}, "what no setting names is nobody's concern"


@pytest.mark.claim("C-306")
@pytest.mark.usefixtures("set_up")
def test_who_leaves_must_be_the_bot_and_what_is_another_tenants_is_left(
    world: World, host: Host, general: str, random: str
) -> None:
    other = connect(world, Host(world, "globex"), SOUTH, number=2)
    bot = world.slack.state.installs[NORTH].bot_user_id
    tell(world, "member_left_channel", general, 1, user="U0SOMEBODY", channel_type="C")
    assert world.event({"type": "channel_archive", "channel": general}, "Ev0003", team_id=SOUTH).status == 200
    for channel in (None, 7, {"id": 7}, {"name": "x"}, "general", [general]):
        tell(world, "channel_archive", channel, 4)
    assert (unavailable(host), heard(host)) == ({}, [])
    tell(world, "member_left_channel", general, 5, user=bot, channel_type="C")
    assert unavailable(host) == {general: "left"}
    tell(world, "member_joined_channel", general, 6, user="U0SOMEBODY", channel_type="C")
    assert unavailable(host) == {general: "left"}
    tell(world, "member_joined_channel", general, 7, user=bot, channel_type="C")
    assert unavailable(host) == {}
    assert other.default_channel_id == ""


@pytest.mark.claim("C-305")
@pytest.mark.usefixtures("set_up")
def test_sending_says_the_same(world: World, host: Host, general: str, random: str) -> None:
    """An event that was lost: the error decides, and so does a message that arrives."""
    world.slack.faults.add(Fault("chat.postMessage", "error", error="is_archived"))
    accepted(host, "one")
    send_all(world, 2)
    assert (unavailable(host), heard(host)) == ({general: "archived"}, ["archived"])
    accepted(host, "two")
    send_all(world, 2)
    assert (unavailable(host), heard(host)) == ({}, ["archived"])
    name_channels(world, general)
    world.slack.faults.add(Fault("chat.postMessage", "error", error="is_archived"))
    accepted(host, "three", channel=random)
    send_all(world, 2)
    assert (world.count("channel_states"), heard(host)) == (0, ["archived"]), "no setting names that one"


@pytest.mark.usefixtures("set_up")
def test_an_end_takes_it_along(world: World, host: Host, general: str) -> None:
    tell(world, "channel_archive", general)
    assert world.count("channel_states") == 1
    assert host.of().call("DELETE", "slack/integration").status == 200
    world.work()
    assert world.count("channel_states") == 0


def test_who_is_off_is_given_no_event(world: World) -> None:
    app = world.service.app
    assert set(app.event_receivers) >= set(note_channel.EVENT_TYPES)
    assert replace(app, settings=app.settings._replace(host_keys_file=None)).event_receivers == {}


def test_the_manifest_asks_for_just_these_events() -> None:
    asked = {event for scope in ("channels:read", "groups:read") for event in HOST_EVENTS[scope]}
    assert asked == set(note_channel.EVENT_TYPES)
