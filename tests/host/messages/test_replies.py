"""Who answers a message: noted from Slack's events where the organization wishes it, without what people write."""

from typing import Any

import pytest

from slackapp.checks.scope_reasons import REPLY_EVENTS
from slackapp.host.flows import upkeep
from slackapp.host.flows.events import note_reply
from slackapp.host.model import ReplyType
from slackapp.host.store.messaging import replies
from slackapp.model import Tenant
from tests.support.host_world import AUDITOR, Host
from tests.support.posting import MESSAGES, accepted, look, send_due
from tests.support.world import NORTH, SOUTH, World

TENANT = Tenant("T", NORTH)  # type: ignore[arg-type]
BOB, EVE = "U0BOB000001", "U0EVE000001"
CANARY = "what-somebody-has-written"


@pytest.fixture
def sent(world: World, host: Host, general: str) -> dict[str, Any]:
    """A message that was sent, of an organization that wishes to know."""
    assert host.put("organization", {"trackReplies": True}).json["trackReplies"] is True
    message_id = accepted(host, channel=general)
    send_due(world)
    return look(host, message_id)


def say(world: World, sent: dict[str, Any], ts: str = "1900000000.000100", team: str = NORTH, **fields: Any) -> None:
    """Somebody says something in the thread, unless `fields` make it something else."""
    event = {"type": "message", "channel": sent["channel"], "user": BOB, "text": CANARY, "ts": ts}
    event |= {"thread_ts": sent["ts"], **fields}
    assert world.event({name: value for name, value in event.items() if value is not None}, team_id=team).status == 200


def react(world: World, sent: dict[str, Any], event_type: str = "reaction_added", **fields: Any) -> None:
    item = {"type": "message", "channel": sent["channel"], "ts": sent["ts"], **fields.pop("item", {})}
    event = {"type": event_type, "user": BOB, "reaction": "tada", "item": item, "item_user": EVE, **fields}
    assert world.event(event).status == 200


def received(host: Host, sent: dict[str, Any]) -> list[tuple[Any, ...]]:
    told = host.of("aud", AUDITOR).get(f"{MESSAGES}/{sent['id']}/replies").json
    found = told["received"]
    counted = told["receivedCount"]
    assert counted["replies"] + counted["reactions"] == len(found)
    return sorted((each["type"], each["authorId"], each["reaction"] or each["ts"]) for each in found)


@pytest.mark.claim("C-310")
def test_replies_and_reactions_are_noted_once_and_taken_back(world: World, host: Host, sent: dict[str, Any]) -> None:
    say(world, sent)
    say(world, sent)
    say(world, sent, "1900000000.000200", user=EVE, subtype="thread_broadcast")
    react(world, sent)
    react(world, sent)
    react(world, sent, user=EVE, reaction="+1::skin-tone-2")
    assert received(host, sent) == [
        ("reaction", BOB, "tada"), ("reaction", EVE, "+1::skin-tone-2"),
        ("reply", BOB, "1900000000.000100"), ("reply", EVE, "1900000000.000200"),
    ]  # fmt: skip
    assert CANARY.encode() not in world.bytes_on_disk()
    react(world, sent, "reaction_removed")
    gone = {"user": BOB, "ts": "1900000000.000100", "thread_ts": sent["ts"]}
    deleted = {"type": "message", "subtype": "message_deleted", "channel": sent["channel"], "previous_message": gone}
    assert world.event(deleted).status == 200
    assert received(host, sent) == [("reaction", EVE, "+1::skin-tone-2"), ("reply", EVE, "1900000000.000200")]
    host.put("organization", {"trackReplies": False})
    assert world.count("message_replies") == 0
    say(world, sent)
    with world.service.app.db.transaction():
        reply = replies.MessageReply(ReplyType.REPLY, BOB, message_ts="1900000000.000100")
        assert not replies.add(world.service.app.db, TENANT, sent["id"], reply, now=world.clock()), (
            "whoever looked before"
        )
    assert world.count("message_replies") == 0


@pytest.mark.claim("C-311")
def test_what_is_no_answer_of_somebody_else_is_not_noted(world: World, host: Host, sent: dict[str, Any]) -> None:
    bot = world.slack.state.installs[NORTH].bot_user_id
    say(world, sent, user=bot)
    say(world, sent, sent["ts"])
    react(world, sent, user=bot)
    for fields in (
        {"thread_ts": None}, {"thread_ts": "1.1"}, {"thread_ts": 7}, {"ts": "now"}, {"channel": "C0ELSEWHERE"},
        {"channel": 7}, {"user": "somebody"}, {"user": None}, {"subtype": "channel_join"},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"}, {"subtype": "message_deleted", "previous_message": "x"},
    ):  # fmt: skip
        say(world, sent, **fields)  # type: ignore[arg-type]
    for fields in (
        {"reaction": "<b>"}, {"reaction": 7}, {"item": {"ts": "1.1"}}, {"item": {"channel": "x"}}, {"user": 7},
    ):  # fmt: skip
        react(world, sent, **fields)  # type: ignore[arg-type]
    assert world.event({"type": "reaction_added", "user": BOB, "reaction": "tada", "item": "x"}).status == 200
    world.browser().install(SOUTH)
    say(world, sent, team=SOUTH)
    assert world.count("message_replies") == 0


@pytest.mark.claim("C-310")
def test_it_ends_with_its_time_with_the_tenant_and_at_a_thousand(
    world: World, host: Host, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = world.service.app
    monkeypatch.setattr(replies, "MAX_ROWS", 2)
    for author in (BOB, EVE, "U0ANN000001"):
        react(world, sent, user=author)
    assert len(received(host, sent)) == 2
    with app.db.transaction():
        assert replies.erase(app.db, Tenant("T", SOUTH)) == 0  # type: ignore[arg-type]
    (data,) = (each for each in app.tenant_data if each.name == "replies to messages")
    assert {each["author_id"] for each in data.export(app.db, TENANT)} == {BOB, EVE}
    world.clock.advance(90 * 86_400)
    upkeep.sweep(app, world.clock())
    assert len(received(host, sent)) == 2
    world.clock.advance(1)
    upkeep.sweep(app, world.clock())
    assert received(host, sent) == []
    react(world, sent)
    assert host.of().call("DELETE", "slack/integration").status == 200
    world.work()
    assert world.count("message_replies") == 0


def test_the_manifest_asks_for_it_only_where_somebody_wishes_it() -> None:
    asked = {event.partition(".")[0] for events in REPLY_EVENTS.values() for event in events}
    assert asked == set(note_reply.EVENT_TYPES)
