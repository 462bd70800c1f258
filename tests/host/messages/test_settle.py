"""What is unclear is settled by its metadata, when it is found, or by a person."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.host.flows.messages import settle_message
from slackapp.localslack.model import Fault
from tests.support import posting
from tests.support.client import Reply
from tests.support.host_world import MEMBER, SCOPES, Host, connect, make_host_world, told
from tests.support.posting import MESSAGES, accepted, look, said, send_all, send_due, shown
from tests.support.world import World

HISTORY = "conversations.history"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=f"{SCOPES},channels:history") as made:
        connect(made, Host(made))
        posting.join(made, "general", "random")
        yield made


def unclear(world: World, host: Host, general: str, fault: str = "lost_answer", **body: Any) -> str:
    """The id of a message whose answer was lost; `lost_answer`: Slack has it."""
    world.slack.faults.add(Fault("chat.postMessage", fault))
    message_id = accepted(host, "perhaps", channel=general, **body)
    send_due(world)
    assert look(host, message_id)["status"] == "unclear"
    return message_id


def look_for(world: World) -> None:
    settle_message.look_for_all(world.service.app, lambda: False)


def settle(host: Host, message_id: str, outcome: str, member: str = "meg") -> Reply:
    return host.of(member, MEMBER).post(f"{MESSAGES}/{message_id}/settlement", {"outcome": outcome})


@pytest.mark.claim("C-272")
def test_it_is_sent_where_slack_shows_its_id(world: World, host: Host, general: str) -> None:
    message_id = unclear(world, host, general)
    world.clock.advance(60)
    look_for(world)
    found = look(host, message_id)
    assert (found["status"], found["reason"], found["ts"]) == ("sent", None, shown(world)[0]["ts"])
    assert world.rows("SELECT body FROM messages")[0]["body"] is None
    read = world.facts("token.read")[-2]  # the last one was for the address that is shown
    assert (read["capability"], read["method"], read["channel"]) == ("settle", HISTORY, general)
    events = [each["type"] for each in host.get("events").json["events"] if each["messageId"] == message_id]
    assert events == ["message.sent"]
    look_for(world)
    assert world.calls(HISTORY) == [HISTORY]
    send_all(world, 5)
    assert said(world) == ["perhaps"]


def test_it_is_found_where_much_was_said_since(world: World, host: Host, general: str) -> None:
    """Slack gives the newest first, a page of them."""
    message_id = unclear(world, host, general)
    world.clock.advance(120)
    ours = shown(world)[0]
    for number in range(150):
        world.slack.state.messages.append({**ours, "ts": f"{world.clock()}.{number:06}", "metadata": {}, "text": "x"})
    look_for(world)
    assert look(host, message_id)["status"] == "sent"


@pytest.mark.claim("C-272")
@pytest.mark.parametrize("patch", [
    {}, {"messages": []}, {"messages": "none"}, {"messages": [{"ts": "1.1"}]}, {"messages": [{"metadata": "x"}]},
    {"messages": [{"ts": "1.1", "metadata": {"event_type": "other", "event_payload": {"id": "MINE"}}}]},
    {"messages": [{"ts": "1.1", "metadata": {"event_type": "slackapp_message", "event_payload": {"id": "0"}}}]},
    {"messages": [{"ts": 1.1, "metadata": {"event_type": "slackapp_message", "event_payload": {"id": "MINE"}}}]},
])  # fmt: skip
def test_it_stays_unclear_where_slack_shows_anything_else(
    world: World, host: Host, general: str, patch: dict[str, Any]
) -> None:
    message_id = unclear(world, host, general, "cut")
    accepted(host, "another one", channel=general)
    send_all(world, 2)
    own = str(patch).replace("MINE", message_id)
    if patch:
        world.slack.faults.add(Fault(HISTORY, "patch", patch=eval(own)))  # noqa: S307  (the table above)
    look_for(world)
    assert look(host, message_id)["status"] == "unclear"


@pytest.mark.claim("C-272")
@pytest.mark.parametrize("fault", ["lost_answer", "cut"])
def test_a_reply_is_looked_for_in_its_thread(world: World, host: Host, general: str, fault: str) -> None:
    target = accepted(host, "the first", channel=general)
    send_all(world, 2)
    message_id = unclear(world, host, general, fault, threadOf=target)
    look_for(world)
    reply = look(host, message_id)
    is_there = fault == "lost_answer"
    assert reply["status"] == ("sent" if is_there else "unclear")
    assert reply["threadTs"] == (look(host, target)["ts"] if is_there else None)
    (call,) = (each for each in world.slack.calls if each.method == "conversations.replies")
    assert call.params["ts"] == look(host, target)["ts"]
    assert world.calls(HISTORY) == []


def test_it_is_looked_for_for_a_quarter_of_an_hour(world: World, host: Host, general: str) -> None:
    unclear(world, host, general, "cut")
    for _ in range(20):
        look_for(world)
        world.clock.advance(60)
    assert len(world.calls(HISTORY)) == 16


def test_nobody_asks_without_the_scope_or_when_slack_fails(world: World, host: Host, general: str) -> None:
    message_id = unclear(world, host, general)
    world.slack.faults.add(Fault(HISTORY, "html500"))
    look_for(world)
    assert look(host, message_id)["status"] == "unclear"
    look_for(world)
    assert look(host, message_id)["status"] == "sent"


@pytest.mark.claim("C-271")
def test_a_person_says_again(world: World, host: Host, general: str) -> None:
    message_id = unclear(world, host, general, "cut")
    world.clock.advance(2)
    assert settle(host, message_id, "again").json == {"id": message_id, "status": "queued"}
    send_all(world, 2)
    assert said(world) == ["perhaps"]
    assert look(host, message_id)["status"] == "sent"
    assert told(settle(host, message_id, "again")) == (400, "BAD_REQUEST")


@pytest.mark.claim("C-271")
def test_again_needs_what_it_says(world: World, host: Host, general: str) -> None:
    message_id = unclear(world, host, general, "cut")
    with world.service.app.db.transaction():
        world.service.app.db.execute("reseal_message", {
            "tenant_kind": "T", "tenant_id": "T0NORTH001", "message_id": message_id, "body": None,
        })  # fmt: skip
    assert told(settle(host, message_id, "again")) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(("outcome", "status", "reason"), [("sent", "sent", None), ("dropped", "failed", "dropped")])
def test_a_person_says_that_it_is_over(
    world: World, host: Host, general: str, outcome: str, status: str, reason: str | None
) -> None:
    message_id = unclear(world, host, general)
    assert told(settle(host, message_id, outcome, "max")) == (403, "FORBIDDEN")
    assert settle(host, message_id, outcome).json["status"] == status
    found = look(host, message_id)
    assert (found["status"], found["reason"]) == (status, reason)
    send_all(world, 3)
    assert said(world) == ["perhaps"]
    assert world.rows("SELECT state FROM outbox")[0]["state"] == "done"


def test_the_operator_may_say_so_too(world: World, host: Host, general: str) -> None:
    """`slackapp inbox retry` and `drop` know the row of the outbox as they know any."""
    from slackapp.flows.events import inbox_admin
    from slackapp.model import Actor, ActorKind

    app, operator = world.service.app, Actor(ActorKind.OPERATOR, "r1")
    ids = [unclear(world, host, general, "cut") for _ in range(1)]
    entry = inbox_admin.require_row(app, ids[0], None)
    assert inbox_admin.retry(app, entry, operator)
    assert look(host, ids[0])["status"] == "queued"
    send_all(world, 2)
    assert said(world) == ["perhaps"]
    world.clock.advance(5)
    other = unclear(world, host, general, "cut")
    assert inbox_admin.drop(app, inbox_admin.require_row(app, other, None), operator)
    assert (look(host, other)["status"], look(host, other)["reason"]) == ("failed", "dropped")
