"""A message is accepted, is on the disk, goes out once, and what became of it can be looked up."""

import sqlite3
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.events import run_event
from slackapp.flows.tokens import use_token
from slackapp.flows.upkeep import interrupted_calls
from slackapp.host.flows import change_connection, freeze_organization, switch_host
from slackapp.host.flows.messages import message_content
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.rows import ConnectionSettings, StatusReason
from slackapp.host.store import connections, idempotency_keys
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind
from slackapp.store import queue
from tests.support.connected import ACME, GLOBEX
from tests.support.host_world import AUDITOR, MEMBER, OPERATOR, Host, connect, told
from tests.support.posting import MESSAGES, accepted, join, look, post, said, send_all, send_due, shown
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

POST, UPDATE, INFO = "chat.postMessage", "chat.update", "conversations.info"
CONTENT = "a-canary-in-a-message"
PERMALINK = "https://northwind.slack.test/archives/{}/p{}"


def configure(world: World, default: str = "", allowed: tuple[str, ...] = ()) -> None:
    """The connection, with these channels."""
    app = world.service.app
    (connection,) = connections.page(app.db, ACME, ConnectionKind.WORKSPACE)
    settings = ConnectionSettings("ann", "alerts", default, NORTH if default else "", allowed)
    with app.db.transaction():
        assert change_connection.configure(app.db, connection, settings, world.clock())


def move(world: World, status: ConnectionStatus, reason: StatusReason | None = None) -> None:
    """The connection in another status, as its tenant's would bring it."""
    app = world.service.app
    (connection,) = connections.page(app.db, ACME, ConnectionKind.WORKSPACE)
    with app.db.transaction():
        assert change_connection.set_status(app.db, connection.key, status, reason, now=world.clock())


def sweep(world: World) -> None:
    """The upkeep of a minute."""
    app = world.service.app
    for circle in app.circles:
        circle.sweep(app, world.clock())


# Accepted, sent, told of


@pytest.mark.claim("C-245", "C-248", "C-260")
def test_a_message_is_accepted_sent_and_told_of(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, CONTENT, channel=general)
    assert look(host, message_id)["status"] == "queued"
    assert CONTENT.encode() not in world.bytes_on_disk(), "sealed while it waits"
    assert said(world) == []
    send_due(world)
    (message,) = shown(world)
    assert (message["text"], message["channel"]) == (CONTENT, general)
    assert look(host, message_id) == {
        "id": message_id,
        "connectionId": f"{1:024}",
        "internalMessageId": None,
        "type": "message",
        "status": "sent",
        "reason": None,
        "slackError": None,
        "delivery": "bot",
        "channel": general,
        "ts": message["ts"],
        "threadTs": None,
        "permalink": PERMALINK.format(general, message["ts"].replace(".", "")),
        "content": None,
        "targetId": None,
        "senderId": "meg",
        "purpose": "alerts",
        "sendAt": None,
        "createdAt": "2027-01-15T08:00:00Z",
        "sentAt": "2027-01-15T08:00:00Z",
        "updatedAt": "2027-01-15T08:00:00Z",
        "traceId": world.rows("SELECT trace_id FROM messages")[0][0],
    }
    assert world.rows("SELECT body FROM messages")[0]["body"] is None
    read = world.facts("token.read")[-2]  # the last one was for the address that is shown
    assert (read["capability"], read["method"], read["channel"], read["organization"]) == ("post", POST, general, ACME)
    send_all(world)
    assert len(shown(world)) == 1


def test_metadata_is_an_opaque_id_and_nothing_is_unfurled(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, channel=general)
    send_due(world)
    call = next(call for call in world.slack.calls if call.params.get("metadata"))
    assert message_id in call.params["metadata"]
    assert "acme" not in call.params["metadata"]
    assert call.params["unfurl_links"] == "0"


def test_messages_are_listed_the_newest_first_by_filter_and_page(
    world: World, host: Host, general: str, random: str
) -> None:
    ids = [accepted(host, f"m{number}", channel=channel) for number, channel in enumerate((general, random, general))]
    send_due(world)
    listed = host.of("aud", AUDITOR).get(f"{MESSAGES}?limit=2").json
    assert [each["id"] for each in listed["messages"]] == [ids[2], ids[1]]
    rest = host.of("aud", AUDITOR).get(f"{MESSAGES}?limit=2&cursor={listed['cursor']}").json
    assert [each["id"] for each in rest["messages"]] == [ids[0]]
    assert rest["cursor"] is None
    of_channel = host.of("aud", AUDITOR).get(f"{MESSAGES}?channel={random}").json["messages"]
    assert [each["id"] for each in of_channel] == [ids[1]]
    waiting = host.of("aud", AUDITOR).get(f"{MESSAGES}?status=queued").json["messages"]
    assert [each["id"] for each in waiting] == [ids[2]]
    assert host.get(f"{MESSAGES}?senderId=nobody").json["messages"] == []


@pytest.mark.claim("C-265")
def test_another_organizations_message_is_not_there(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, channel=general)
    other = host.of("bob", MEMBER, GLOBEX)
    assert told(other.get(f"{MESSAGES}/{message_id}")) == (404, "NOT_FOUND")
    assert other.get(MESSAGES).json["messages"] == []
    assert told(other.get(f"{MESSAGES}/{message_id}/replies")) == (404, "NOT_FOUND")
    assert told(other.get(f"{MESSAGES}/{'0' * 24}")) == (404, "NOT_FOUND")


@pytest.mark.claim("C-263")
def test_the_host_is_told_by_id(world: World, host: Host, general: str) -> None:
    sent = accepted(host, channel=general)
    failed = accepted(host, channel="C0NOTTHERE")
    send_all(world, 3)
    events = [each for each in host.get("events").json["events"] if each["messageId"]]
    assert {(each["type"], each["messageId"], each["reason"]) for each in events} == {
        ("message.sent", sent, None),
        ("message.failed", failed, "channel"),
    }


# Where to


@pytest.mark.claim("C-256")
def test_only_an_allowed_channel_is_posted_to(world: World, host: Host, general: str, random: str) -> None:
    assert told(post(host, {"text": "x"})) == (422, "INVALID_CHANNEL")
    configure(world, default=general, allowed=(general,))
    accepted(host, "to the default one")
    assert told(post(host, {"text": "x", "channel": random})) == (422, "INVALID_CHANNEL")
    late = accepted(host, "allowed no more", channel=general)
    send_due(world)
    configure(world, default=random, allowed=(random,))
    world.clock.advance(1)
    send_due(world)
    assert said(world) == ["to the default one"]
    assert (look(host, late)["status"], look(host, late)["reason"]) == ("failed", "channel")


@pytest.mark.claim("C-259")
def test_a_private_channel_is_looked_up_before_each_post_and_a_public_one_once_a_minute(
    world: World, host: Host, general: str
) -> None:
    private = world.slack.workspaces[NORTH].private
    world.slack.state.joined.append(private)
    for _ in range(2):
        accepted(host, "a", channel=private)
        accepted(host, "b", channel=general)
    send_all(world, 4)
    asked = [call.params["channel"] for call in world.slack.calls if call.method == INFO]
    assert asked.count(private) == 2
    assert asked.count(general) == 1
    world.clock.advance(60)
    accepted(host, "c", channel=general)
    send_due(world)
    assert [call.params["channel"] for call in world.slack.calls if call.method == INFO].count(general) == 2
    assert len(shown(world)) == 5


@pytest.mark.claim("C-259")
def test_a_private_channel_that_the_app_has_left_is_not_posted_to(world: World, host: Host) -> None:
    private = world.slack.workspaces[NORTH].private
    message_id = accepted(host, channel=private)
    send_due(world)
    assert look(host, message_id)["reason"] == "channel"
    assert [call for call in world.slack.calls if call.method == POST and call.params["channel"] == private] == []


# Order and pace


@pytest.mark.claim("C-246", "C-252")
def test_a_channels_messages_go_out_in_order_one_a_second(world: World, host: Host, general: str, random: str) -> None:
    for number in range(5):
        accepted(host, f"g{number}", channel=general)
    accepted(host, "r0", channel=random)
    send_due(world)
    assert sorted(said(world)) == ["g0", "r0"], "another channel waits for nobody"
    for number in range(1, 5):
        send_due(world)
        assert len(said(world)) == number + 1
        world.clock.advance(1)
        send_due(world)
    assert [text for text in said(world) if text.startswith("g")] == [f"g{number}" for number in range(5)]


@pytest.mark.claim("C-253")
def test_a_workspace_gets_so_many_a_minute(world: World, host: Host) -> None:
    """A quarter of a minute's at once, and then one after the other."""
    channels = [f"C0MANY{number:04}" for number in range(60)]
    for channel in channels:
        accepted(host, "x", channel=channel)
    world.slack.calls.clear()
    send_due(world)
    assert len(world.calls(INFO)) <= 26
    send_all(world, 20)
    assert 45 <= len(world.calls(INFO)) <= 60
    send_all(world, 20)
    assert len(world.calls(INFO)) == 60


@pytest.mark.claim("C-261")
def test_retry_after_holds_the_workspace_and_method_and_counts_as_no_attempt(
    world: World, host: Host, general: str, random: str
) -> None:
    world.slack.faults.add(Fault(POST, "ratelimited", retry_after=20))
    first = accepted(host, "first", channel=general)
    accepted(host, "other", channel=random)
    send_due(world)
    before = len(world.calls(POST))
    world.clock.advance(19)
    send_due(world)
    assert len(world.calls(POST)) == before, "nobody asks before"
    assert look(host, first)["status"] == "queued"
    send_all(world, 6)
    assert sorted(said(world)) == ["first", "other"]


# What becomes of it


@pytest.mark.claim("C-249")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("channel_not_found", "channel"),
        ("is_archived", "channel"),
        ("missing_scope", "scope"),
        ("restricted_action_thread_locked", "thread"),
        ("invalid_blocks", "content"),
        ("ekm_access_denied", "policy"),
        ("never_heard_of", "refused"),
    ],
)
def test_a_permanent_answer_is_sorted_and_not_repeated(
    world: World, host: Host, general: str, error: str, reason: str
) -> None:
    world.slack.faults.add(Fault(POST, "error", error=error))
    message_id = accepted(host, channel=general)
    accepted(host, "the next one", channel=general)
    send_all(world, 3)
    found = look(host, message_id)
    assert (found["status"], found["reason"], found["slackError"]) == ("failed", reason, error)
    assert said(world) == ["the next one"]
    assert [row["body"] for row in world.rows("SELECT body FROM messages")] == [None, None]


@pytest.mark.claim("C-296")
def test_what_does_not_open_any_more_has_failed_and_holds_up_nobody(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, CONTENT, channel=general)
    with sqlite3.connect(world.folder / "slackapp.db") as database:
        database.execute("UPDATE messages SET body = zeroblob(200)")
    database.close()
    accepted(host, "the next one", channel=general)
    send_all(world, 3)
    found = look(host, message_id)
    assert (found["status"], found["reason"]) == ("failed", "content")
    assert said(world) == ["the next one"]


@pytest.mark.claim("C-249", "C-262")
@pytest.mark.parametrize("fault", ["lost_answer", "html500", "garbage", "cut"])
def test_a_lost_answer_is_unclear_is_never_repeated_and_holds_up_nobody(
    world: World, host: Host, general: str, fault: str
) -> None:
    world.slack.faults.add(Fault(POST, fault))
    message_id = accepted(host, "perhaps", channel=general)
    accepted(host, "the next one", channel=general)
    send_all(world, 3)
    found = look(host, message_id)
    assert (found["status"], found["reason"]) == ("unclear", "answer_lost")
    assert said(world)[-1] == "the next one"
    sweep(world)
    send_all(world, 200)
    assert said(world).count("perhaps") == (1 if fault in ("lost_answer", "garbage") else 0)
    assert said(world)[-1] == "the next one"
    assert look(host, message_id)["status"] == "unclear"


class KilledError(BaseException):
    """The end of the process, just there."""


def die(*_: Any, **__: Any) -> None:
    raise KilledError


@pytest.mark.claim("C-247")
def test_a_kill_in_mid_call_leaves_it_unclear_and_the_next_one_goes_on(
    world: World, host: Host, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = world.service.app
    message_id = accepted(host, "perhaps", channel=general)
    accepted(host, "the next one", channel=general)
    with monkeypatch.context() as patched:
        patched.setattr(run_event, "_failed", die)
        patched.setattr(queue, "finish", die)
        with pytest.raises(KilledError):
            send_due(world)
    assert look(host, message_id)["status"] == "sending"
    world.clock.advance(queue.LEASE + 1)
    interrupted_calls.mark_unclear(app, world.clock())
    found = look(host, message_id)
    assert (found["status"], found["reason"]) == ("unclear", "interrupted")
    sweep(world)
    send_all(world, 5)
    assert said(world) == ["perhaps", "the next one"]
    assert look(host, message_id)["status"] == "unclear"


@pytest.mark.claim("C-247")
def test_a_kill_before_the_call_is_no_end(
    world: World, host: Host, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(host, "surely", channel=general)
    with monkeypatch.context() as patched:
        patched.setattr(run_event, "_failed", die)
        patched.setattr(message_content, "open_fields", die)
        with pytest.raises(KilledError):
            send_due(world)
    world.clock.advance(queue.LEASE + 1)
    send_due(world)
    assert said(world) == ["surely"]


@pytest.mark.claim("C-258")
def test_what_waits_for_a_reconnect_is_parked_and_goes_on_in_order(world: World, host: Host, general: str) -> None:
    ids = [accepted(host, f"m{number}", channel=general) for number in range(3)]
    move(world, ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD)
    send_due(world)
    assert look(host, ids[0])["status"] == "parked"
    sweep(world)
    assert [look(host, each)["reason"] for each in ids] == ["needs_reconnect"] * 3
    assert told(post(host, {"text": "x", "channel": general})) == (409, "INTEGRATION_INACTIVE")
    world.clock.advance(3600)
    send_due(world)
    assert said(world) == []
    move(world, ConnectionStatus.ACTIVE)
    sweep(world)
    send_all(world, 5)
    assert said(world) == ["m0", "m1", "m2"]


@pytest.mark.claim("C-258")
def test_what_is_parked_for_three_days_has_failed(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, CONTENT, channel=general)
    move(world, ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD)
    sweep(world)
    world.clock.advance(72 * 3600 - 1)
    sweep(world)
    assert look(host, message_id)["status"] == "parked"
    world.clock.advance(1)
    sweep(world)
    found = look(host, message_id)
    assert (found["status"], found["reason"]) == ("failed", "expired")
    assert world.rows("SELECT body FROM messages")[0]["body"] is None


@pytest.mark.claim("C-258")
@pytest.mark.parametrize(
    "error",
    [SlackCallError(POST, "account_inactive", SlackErrorKind.DEAD), Refused(Refusal.NEEDS_REINSTALL)],
)
def test_a_dead_token_parks(
    world: World, host: Host, general: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = accepted(host, channel=general)

    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(use_token, "call", refuse)
    send_due(world)
    found = look(host, message_id)
    assert (found["status"], found["reason"]) == ("parked", "needs_reconnect")


@pytest.mark.claim("C-258")
def test_nothing_goes_out_while_it_is_switched_off(world: World, host: Host, general: str) -> None:
    accepted(host, channel=general)
    switch_host.disable(world.service.app, ACME, OPERATOR, world.clock())
    send_all(world, 61)
    assert said(world) == []
    assert told(post(host, {"text": "x", "channel": general})) == (503, "INTEGRATION_DISABLED")
    switch_host.enable(world.service.app, ACME, OPERATOR, world.clock())
    send_all(world, 61)
    assert said(world) == ["hello"]


def test_nothing_goes_out_while_it_is_frozen(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, channel=general)
    the_host = Actor(ActorKind.HOST, "r1", organization=ACME)
    freeze_organization.run(world.service.app, ACME, the_host, world.clock())
    send_all(world, 3)
    sweep(world)
    assert look(host, message_id)["status"] == "parked"
    assert said(world) == []
    freeze_organization.end(world.service.app, ACME, the_host, world.clock())
    sweep(world)
    send_all(world, 3)
    assert said(world) == ["hello"]


# Once


@pytest.mark.claim("C-257")
def test_a_repeat_is_answered_alike_and_sends_nothing(world: World, host: Host, general: str) -> None:
    meg = host.of("meg", MEMBER)
    body = {"text": "once", "channel": general}
    first, second = post(meg, body, "k1"), post(meg, body, "k1")
    assert (first.status, first.json) == (second.status, second.json) == (202, first.json)
    assert told(post(meg, {**body, "text": "other"}, "k1")) == (422, "IDEMPOTENCY_MISMATCH")
    assert post(host.of("ann"), body, "k1").json["id"] != first.json["id"], "another member's key is another"
    send_all(world, 3)
    assert said(world) == ["once", "once"]


@pytest.mark.claim("C-257")
def test_a_key_is_required_and_one_that_was_refused_may_be_used_again(world: World, host: Host, general: str) -> None:
    meg = host.of("meg", MEMBER)
    missing = meg.post(MESSAGES, {"text": "x", "channel": general})
    assert told(missing) == (400, "BAD_REQUEST")
    assert missing.json["field"] == "Idempotency-Key"
    assert told(post(meg, {"text": "x"}, "k2")) == (422, "INVALID_CHANNEL")
    assert post(meg, {"text": "x", "channel": general}, "k2").status == 202


@pytest.mark.claim("C-257")
def test_a_key_whose_first_request_runs_is_told(
    world: World, host: Host, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meg, body = host.of("meg", MEMBER), {"text": "x", "channel": general}
    monkeypatch.setattr(idempotency_keys, "finish", lambda *_, **__: None)
    post(meg, body, "k3")
    assert told(post(meg, body, "k3")) == (409, "IDEMPOTENCY_CONFLICT")


@pytest.mark.claim("C-295")
def test_a_repeat_is_answered_alike_whatever_has_changed_since(world: World, host: Host, general: str) -> None:
    """The answer was lost, and the host asks again: refused now, it would send what goes out a second time."""
    meg, body = host.of("meg", MEMBER), {"text": "once", "channel": general, "sendAt": "2027-01-15T08:00:05Z"}
    first = post(meg, body, "k4")
    reply = f"{MESSAGES}/{first.json['id']}/replies"
    answer = {"text": "twice", "sendAt": "2027-01-15T08:00:06Z"}
    answered = post(meg, answer, "k5", reply)
    several = {"messages": [body, {"text": "x"}]}
    told_of_all = post(meg, several, "k6", f"{MESSAGES}/bulk")
    world.clock.advance(10)
    move(world, ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD)
    repeats = [post(meg, body, "k4"), post(meg, answer, "k5", reply)]
    assert [(each.status, each.json) for each in repeats] == [(202, first.json), (202, answered.json)]
    assert post(meg, several, "k6", f"{MESSAGES}/bulk").json == told_of_all.json
    assert told(post(meg, {**body, "text": "other"}, "k4")) == (422, "IDEMPOTENCY_MISMATCH")


@pytest.mark.claim("C-254")
def test_an_internal_id_is_unique_in_its_organization(world: World, host: Host, general: str) -> None:
    first = accepted(host, channel=general, internalMessageId="order 7")
    assert look(host, first)["internalMessageId"] == "order 7"
    refused = post(host, {"text": "x", "channel": general, "internalMessageId": "order 7"})
    assert told(refused) == (409, "IDEMPOTENCY_CONFLICT")
    assert refused.json["field"] == "internalMessageId"


# Later, and in a thread


@pytest.mark.claim("C-266")
def test_a_scheduled_message_goes_out_at_its_time(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, "later", channel=general, sendAt="2027-01-15T09:00:00Z")
    accepted(host, "now", channel=general)
    assert look(host, message_id)["status"] == "scheduled"
    world.clock.advance(3599)
    send_due(world)
    assert said(world) == ["now"]
    world.clock.advance(1)
    send_due(world)
    assert said(world) == ["now", "later"]
    for when in ("2027-01-15T08:59:00Z", "2029-01-01T00:00:00Z", "2027-02-30T00:00:00Z"):
        assert told(post(host, {"text": "x", "channel": general, "sendAt": when})) == (400, "BAD_REQUEST")


@pytest.mark.claim("C-255")
def test_a_reply_stands_in_the_thread_of_what_it_answers(world: World, host: Host, general: str) -> None:
    first = accepted(host, "first", channel=general)
    reply = post(host, {"text": "second"}, path=f"{MESSAGES}/{first}/replies").json["id"]
    third = accepted(host, "third", threadOf=reply)
    send_all(world, 4)
    root = look(host, first)["ts"]
    assert [(each["text"], each.get("thread_ts")) for each in shown(world)] == [
        ("first", None), ("second", root), ("third", root),
    ]  # fmt: skip
    assert (look(host, third)["type"], look(host, third)["threadTs"]) == ("reply", root)
    replies = host.get(f"{MESSAGES}/{first}/replies").json["messages"]
    assert [each["id"] for each in replies] == [reply]
    assert told(post(host, {"text": "x", "threadOf": "0" * 24})) == (404, "NOT_FOUND")


@pytest.mark.claim("C-299")
def test_a_reply_goes_out_later_than_what_it_answers_or_is_not_accepted(world: World, host: Host, general: str) -> None:
    first = accepted(host, "first", channel=general, sendAt="2027-01-15T08:00:30Z")
    for when in ({}, {"sendAt": "2027-01-15T08:00:29Z"}, {"sendAt": "2027-01-15T08:00:30Z"}):
        refused = post(host, {"text": "x", "threadOf": first, **when})
        assert (told(refused), refused.json["field"]) == ((400, "BAD_REQUEST"), "sendAt")
    accepted(host, "second", threadOf=first, sendAt="2027-01-15T08:00:31Z")
    send_all(world, 40)
    assert said(world) == ["first", "second"]


def test_a_reply_to_what_was_not_sent_has_failed(world: World, host: Host, general: str) -> None:
    first = accepted(host, "first", channel=general)
    reply = accepted(host, "second", threadOf=first)
    world.slack.faults.add(Fault(POST, "error", error="invalid_blocks"))
    send_all(world, 3)
    assert look(host, reply)["reason"] == "thread"
    assert told(post(host, {"text": "x", "threadOf": first})) == (404, "NOT_FOUND")


def test_what_became_of_messages_is_counted(world: World, host: Host, general: str) -> None:
    accepted(host, channel=general)
    accepted(host, channel="C0NOTTHERE")
    world.slack.faults.add(Fault(POST, "lost_answer"))
    send_due(world)
    app = world.service.app
    counted = app.metrics.exposition(app.metrics.totals(app.db, app.log), [], {})
    assert 'slackapp_messages_total{reason="channel",status="failed"} 1' in counted
    assert 'slackapp_messages_total{reason="answer_lost",status="unclear"} 1' in counted


def test_a_flood_of_one_tenant_does_not_delay_anothers(world: World, host: Host, general: str) -> None:
    """Tenants have their turns one after the other, and of a channel one message alone is in the queue."""
    connect(world, host.of(organization=GLOBEX), "T0SOUTH001", 2)
    (other,) = join(world, "general", tenant_id="T0SOUTH001")
    for number in range(200):
        accepted(host, f"flood {number}", channel=general)
    accepted(host.of("bob", MEMBER, GLOBEX), "in between", channel=other)
    assert world.count("outbox") == 2
    send_due(world)
    assert sorted(said(world)) == ["flood 0", "in between"]


@pytest.mark.claim("C-312")
def test_a_workspace_that_is_named_must_be_the_connections(world: World, host: Host, general: str) -> None:
    assert post(host, {"text": "x", "channel": general, "teamId": NORTH}).status == 202
    refused = post(host, {"text": "x", "channel": general, "teamId": SOUTH})
    assert (*told(refused), refused.json["field"]) == (400, "BAD_REQUEST", "teamId")
    enterprise = connect(world, Host(world, GLOBEX), ORG, number=2)
    channel = world.slack.workspaces[ORG_TEAM].general
    theirs = Host(world, GLOBEX)
    set_to = theirs.of().put("slack/integration", {"defaultChannel": channel, "teamId": ORG_TEAM})
    assert set_to.json["integration"]["defaultChannelTeamId"] == ORG_TEAM, set_to.text
    message_id = accepted(theirs, "for the enterprise", teamId=ORG_TEAM)
    assert look(theirs, message_id)["channel"] == channel
    assert look(theirs, message_id)["connectionId"] == enterprise.id
    cleared = theirs.of().put("slack/integration", {"defaultChannel": None})
    assert cleared.json["integration"]["defaultChannelTeamId"] is None
    assert host.of().put("slack/integration", {"teamId": SOUTH}).json["field"] == "teamId"
