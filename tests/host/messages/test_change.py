"""Messages are edited, taken back, changed and deleted at Slack, by those who may; and several are posted at once."""

from typing import Any

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.host.flows.messages import change_message, message_content
from slackapp.host.store import outbox
from slackapp.localslack.model import Fault
from tests.support.client import Reply
from tests.support.host_world import ADMIN, AUDITOR, MEMBER, OWNER, Host, told
from tests.support.posting import MESSAGES, accepted, look, post, said, send_all, send_due, shown
from tests.support.world import World


def patch(host: Host, message_id: str, **body: Any) -> Reply:
    return host.call("PATCH", f"{MESSAGES}/{message_id}", body)


def delete(host: Host, message_id: str) -> Reply:
    return host.call("DELETE", f"{MESSAGES}/{message_id}")


@pytest.mark.claim("C-268")
def test_what_waits_is_edited_in_its_place(world: World, host: Host, general: str) -> None:
    ids = [accepted(host, f"m{number}", channel=general) for number in range(2)]
    meg = host.of("meg", MEMBER)
    reply = patch(meg, ids[1], text="edited")
    assert (reply.status, reply.json) == (202, {"id": ids[1], "status": "queued"})
    assert told(patch(meg, ids[1], text=" ")) == (422, "INVALID_CONTENT")
    send_all(world, 3)
    assert said(world) == ["m0", "edited"]
    assert len(host.get(MESSAGES).json["messages"]) == 2


@pytest.mark.claim("C-268")
def test_what_waits_is_taken_back_to_the_last_second(world: World, host: Host, general: str) -> None:
    ids = [accepted(host, f"m{number}", channel=general) for number in range(3)]
    later = accepted(host, "later", channel=general, sendAt="2027-01-15T09:00:00Z")
    meg = host.of("meg", MEMBER)
    for message_id in (ids[0], later):
        assert delete(meg, message_id).json == {"id": message_id, "status": "canceled"}
        assert told(delete(meg, message_id)) == (400, "BAD_REQUEST")
        assert told(patch(meg, message_id, text="x")) == (400, "BAD_REQUEST")
    send_all(world, 3)
    world.clock.advance(3600)
    send_due(world)
    assert said(world) == ["m1", "m2"]
    assert look(host, later)["status"] == "canceled"
    assert world.rows("SELECT 1 FROM messages WHERE body IS NOT NULL") == []


@pytest.mark.claim("C-268")
def test_what_a_worker_has_is_left_to_it(
    world: World, host: Host, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = accepted(host, "m", channel=general)
    monkeypatch.setattr(outbox, "is_running", lambda *_: True)
    for reply in (patch(host.of(), message_id, text="x"), delete(host.of(), message_id)):
        assert told(reply) == (503, "BUSY")
    assert look(host, message_id)["status"] == "queued"
    assert change_message.edit


@pytest.mark.claim("C-268")
def test_what_is_being_sent_is_left_to_it(
    world: World, host: Host, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = accepted(host, "m", channel=general)
    replies: list[Reply] = []

    def meanwhile(*_: Any) -> None:
        replies.extend((patch(host.of(), message_id, text="x"), delete(host.of(), message_id)))

    world.slack.probe = lambda method: meanwhile() if method == "chat.postMessage" else None
    send_due(world)
    assert [(*told(reply), reply.headers["retry-after"]) for reply in replies] == [(503, "BUSY", "1")] * 2
    assert (said(world), look(host, message_id)["status"]) == (["m"], "sent")


@pytest.mark.claim("C-288")
def test_what_is_taken_back_takes_no_time_from_the_next(world: World, host: Host, general: str) -> None:
    later = accepted(host, "later", channel=general, sendAt="2027-01-15T08:00:30Z")
    for _ in range(40):
        assert delete(host, accepted(host, "never", channel=general)).json["status"] == "canceled"
    ids = [accepted(host, f"m{number}", channel=general) for number in range(3)]
    assert delete(host, ids[0]).status == 202
    send_due(world)
    assert said(world) == ["m1"]
    send_due(world)
    assert said(world) == ["m1"], "one a second"
    assert delete(host, later).status == 202
    world.clock.advance(1)
    send_due(world)
    assert said(world) == ["m1", "m2"]


def test_what_was_sent_is_changed_and_deleted_at_slack(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, "first words", channel=general)
    send_due(world)
    meg = host.of("meg", MEMBER)
    update = patch(meg, message_id, text="other words").json
    assert update["status"] == "queued"
    send_all(world, 2)
    assert said(world) == ["other words"]
    found = look(host, update["id"])
    assert (found["type"], found["status"], found["targetId"], found["ts"]) == (
        "update", "sent", message_id, look(host, message_id)["ts"],
    )  # fmt: skip
    assert told(patch(meg, update["id"], text="x")) == (400, "BAD_REQUEST"), "an update is no message"
    gone = delete(meg, message_id).json["id"]
    again = delete(meg, message_id).json["id"]
    send_all(world, 6)
    assert shown(world) == []
    assert [look(host, each)["status"] for each in (gone, again)] == ["sent", "sent"], "gone twice is gone"
    accepted(host, "x", channel=general)
    assert told(patch(meg, delete(meg, message_id).json["id"], text="x")) == (400, "BAD_REQUEST"), "it says nothing"


@pytest.mark.claim("C-249")
def test_an_update_whose_answer_was_lost_is_repeated(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, "first words", channel=general)
    send_due(world)
    world.slack.faults.add(Fault("chat.update", "lost_answer"))
    update = patch(host.of(), message_id, text="other words").json["id"]
    send_all(world, 60)
    assert look(host, update)["status"] == "sent"
    assert world.calls("chat.update") == ["chat.update"] * 2


@pytest.mark.claim("C-269")
@pytest.mark.parametrize(
    ("member", "role", "may"),
    [("meg", MEMBER, True), ("max", MEMBER, False), ("ann", ADMIN, True), ("olga", OWNER, True), (None, None, True)],
)
def test_a_member_changes_its_own(
    world: World, host: Host, general: str, member: str | None, role: Any, may: bool
) -> None:
    ids = [accepted(host, "m", channel=general) for _ in range(2)]
    caller = host.of(member, role)
    replies = (patch(caller, ids[0], text="x"), delete(caller, ids[1]))
    assert [reply.status for reply in replies] == [202, 202] if may else [403, 403]
    if not may:
        assert told(replies[0]) == (403, "FORBIDDEN")
        assert [look(host, each)["status"] for each in ids] == ["queued", "queued"]
    assert told(patch(host.of("aud", AUDITOR), ids[0], text="x")) == (403, "FORBIDDEN")


def test_the_hosts_own_message_is_no_members(world: World, host: Host, general: str) -> None:
    reply = host.call("POST", MESSAGES, {"text": "x", "channel": general}, {"Idempotency-Key": "k"})
    assert told(delete(host.of("meg", MEMBER), reply.json["id"])) == (403, "FORBIDDEN")


# Several at once


def refuse(*_: Any, **__: Any) -> None:
    raise Refused(Refusal.TOKEN_UNAVAILABLE)


@pytest.mark.claim("C-295")
def test_several_are_accepted_each_with_its_result(
    world: World, host: Host, general: str, random: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        {"text": "one", "channel": general, "internalMessageId": "same"},
        {"text": "two", "channel": random},
        {"text": "three"},
        {"text": "four", "channel": general, "internalMessageId": "same"},
        {"text": " ", "channel": general},
        {"text": "six", "channel": general, "nonsense": 1},
    ]
    reply = post(host, {"messages": items}, "k1", f"{MESSAGES}/bulk")
    assert reply.status == 202
    results = reply.json["results"]
    assert [each["status"] for each in results] == ["queued", "queued", None, None, None, None]
    assert [each["code"] for each in results] == [
        None, None, "INVALID_CHANNEL", "IDEMPOTENCY_CONFLICT", "INVALID_CONTENT", "BAD_REQUEST",
    ]  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(message_content, "seal", refuse)
        again = post(host, {"messages": items}, "k1", f"{MESSAGES}/bulk")
    assert again.json == reply.json
    send_all(world, 3)
    assert sorted(said(world)) == ["one", "two"]
    assert told(post(host, {"messages": [items[1]] * 26}, "k2", f"{MESSAGES}/bulk")) == (400, "BAD_REQUEST")
