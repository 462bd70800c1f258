"""Whatever ends a message, the host is told of it once; and no clock that was wrong for a while holds one up."""

import pytest

from slackapp.flows.events import inbox_admin
from slackapp.host.flows import freeze_organization
from slackapp.host.store import outbox
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind, QueueState
from slackapp.store import queue
from tests.support.connected import ACME
from tests.support.host_world import OPERATOR, Host
from tests.support.posting import accepted, look, said, send_all, send_due
from tests.support.world import World, north_tenant

THE_HOST = Actor(ActorKind.HOST, "r1", organization=ACME)
MONTH = 30 * 86_400
LATER = "2027-01-16T08:00:00Z"


def told_of(host: Host, message_id: str) -> list[tuple[str, str | None]]:
    """What the host was told of a message: type and reason."""
    events = host.get("events").json["events"]
    return [(each["type"], each["reason"]) for each in events if each["messageId"] == message_id]


def sweep(world: World) -> None:
    app = world.service.app
    for circle in app.circles:
        circle.sweep(app, world.clock())


def unclear(world: World, host: Host, channel: str) -> str:
    world.slack.faults.add(Fault("chat.postMessage", "cut"))
    message_id = accepted(host, "perhaps", channel=channel)
    send_all(world, 2)
    assert look(host, message_id)["status"] == "unclear"
    return message_id


@pytest.mark.claim("C-286")
def test_the_host_is_told_of_what_ends_in_the_queue_alone(world: World, host: Host, general: str) -> None:
    """Dropped by the operator; given up, for each run took its process with it; erased with its workspace."""
    app = world.service.app
    dropped = unclear(world, host, general)
    assert inbox_admin.drop(app, inbox_admin.require_row(app, dropped, None), OPERATOR)
    assert (look(host, dropped)["reason"], told_of(host, dropped)) == ("dropped", [("message.failed", "dropped")])
    settled = unclear(world, host, general)
    assert host.of().post(f"slack/messages/{settled}/settlement", {"outcome": "dropped"}).status == 200
    assert told_of(host, settled) == [("message.failed", "dropped")]
    given_up = [accepted(host, "x", channel=general), accepted(host, "x", channel=general, sendAt=LATER)]
    world.clock.advance(86_400)
    for message_id in given_up:
        with app.db.transaction():
            row = queue.claim(app.db, outbox.QUEUE, (north_tenant(), message_id), owner="o", steady=app.clock.steady())
            assert row is not None
            assert queue.finish(app.db, row, QueueState.DEAD, "too often", now=world.clock())
        assert look(host, message_id)["status"] == "failed"
        assert told_of(host, message_id) == [("message.failed", "dropped")]
    world.clock.advance(2)
    purged = unclear(world, host, general)
    assert host.of().call("DELETE", "slack/integration").status == 200
    world.work()
    assert (look(host, purged)["reason"], told_of(host, purged)) == ("revoked", [("message.failed", "revoked")])
    numbers = [each["id"] for each in host.get("events").json["events"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.claim("C-287")
def test_what_was_parked_goes_before_what_is_accepted_afterwards(
    world: World, host: Host, general: str, random: str
) -> None:
    """Also while upkeep has not come round yet: it has a minute for that."""
    app = world.service.app
    for text in ("first", "second"):
        accepted(host, text, channel=general)
    freeze_organization.run(app, ACME, THE_HOST, world.clock())
    sweep(world)
    freeze_organization.end(app, ACME, THE_HOST, world.clock())
    accepted(host, "third", channel=general)
    accepted(host, "elsewhere", channel=random)
    send_all(world, 3)
    assert said(world) == ["elsewhere"]
    sweep(world)
    send_all(world, 4)
    assert said(world) == ["elsewhere", "first", "second", "third"]


@pytest.mark.claim("C-285")
def test_a_clock_that_was_ahead_holds_up_no_channel(world: World, host: Host, general: str, random: str) -> None:
    world.clock.advance(MONTH)
    accepted(host, "then", channel=general)
    send_due(world)
    for number in range(2):
        accepted(host, f"waiting {number}", channel=random)
    send_due(world)
    scheduled = accepted(host, "not before", channel=general, sendAt="2027-02-14T08:00:30Z")
    world.clock.advance(-MONTH)
    accepted(host, "now", channel=general)
    send_all(world, 3)
    assert said(world) == ["then", "waiting 0", "now"]
    sweep(world)
    send_all(world, 3)
    assert said(world) == ["then", "waiting 0", "now", "waiting 1"]
    assert look(host, scheduled)["status"] == "scheduled"


@pytest.mark.claim("C-290")
def test_a_clock_that_was_years_behind_sends_nothing_before_its_time(world: World, host: Host, general: str) -> None:
    """As that of a machine whose battery is empty, until it has asked for the time."""
    message_id = accepted(host, "on the next day", channel=general, sendAt=LATER)
    world.clock.set(-600 * 86_400)
    send_all(world, 3)
    sweep(world)
    assert (said(world), look(host, message_id)["status"]) == ([], "scheduled")
    world.clock.set(600 * 86_400)
    send_all(world, 3)
    assert said(world) == []
    world.clock.advance(86_400)
    send_all(world, 3)
    assert said(world) == ["on the next day"]


@pytest.mark.claim("C-261")
def test_a_storm_of_pauses_ends_no_message_and_changes_no_order(
    world: World, host: Host, general: str, random: str
) -> None:
    """Twenty in a row, told by the status or by the body alone: more than a message has attempts."""
    world.slack.faults.add(Fault("chat.postMessage", "ratelimited", times=10, retry_after=40))
    world.slack.faults.add(Fault("chat.postMessage", "error", times=10, error="rate_limited"))
    for number in range(3):
        for channel in (general, random):
            accepted(host, f"{channel} {number}", channel=channel)
    for _ in range(45):
        send_due(world)
        sweep(world)
        world.clock.advance(20)
    assert sorted(said(world)) == sorted(f"{channel} {number}" for channel in (general, random) for number in range(3))
    for channel in (general, random):
        assert [text for text in said(world) if text.startswith(channel)] == [f"{channel} {n}" for n in range(3)]
    assert len([call for call in world.slack.calls if call.method == "chat.postMessage" and not call.ok]) == 20
