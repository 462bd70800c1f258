"""A message: accepted, sent, edited, taken back, ended; killed at any step it is sent once, or shown as unclear."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial

from slackapp.flows.upkeep import interrupted_calls
from slackapp.localslack.model import Fault
from tests.long.child import Child
from tests.long.scenarios import Arguments, Command, Run, Scenario, add, finish
from tests.long.scenarios_of_connects import on
from tests.support.connecting import run_upkeep
from tests.support.host_world import MEMBER, Host, connect
from tests.support.posting import MESSAGES, join, post, said, send_due
from tests.support.world import World

TEXTS = ("one", "two")


def _connected(world: World, command: Command) -> Arguments:
    connect(world, Host(world))
    (general,) = join(world, "general")
    return {"general": general}


def _accept(world: World, arguments: Arguments, text: str) -> str:
    """The id of a message under a key of its own, however often it is asked for."""
    reply = post(Host(world), {"text": text, "channel": arguments["general"]}, f"key-{text}")
    assert reply.status == 202, reply.text
    return str(reply.json["id"])


def _post(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    for text in TEXTS:
        actor.tell(_accept(world, actor.arguments, text))
    send_due(world)
    world.clock.advance(1)
    send_due(world)


def _withdraw(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    for text in TEXTS:
        actor.tell(_accept(world, actor.arguments, text))
    reply = Host(world).of("meg", MEMBER).call("DELETE", f"{MESSAGES}/{_accept(world, actor.arguments, 'two')}")
    assert reply.json["status"] == "canceled"
    actor.tell("canceled")
    send_due(world)


def _settle(world: World) -> dict[str, str]:
    """Workers and upkeep, for as long as it takes; the status of each message by its id."""
    app = world.service.app
    for _ in range(4):
        world.clock.advance(121)
        interrupted_calls.mark_unclear(app, world.clock())
        for circle in app.circles:
            circle.sweep(app, world.clock())
        send_due(world)
    return {row["id"]: row["status"] for row in world.rows("SELECT id, status FROM messages")}


def _sent_once(run: Run) -> None:
    world = run.world
    known = [row["id"] for row in world.rows("SELECT id FROM messages ORDER BY number")]
    told = [each for each in run.told if each != "canceled"]
    assert known[: len(told)] == told, "what was accepted is there, in its order"
    ids = {text: _accept(world, run.arguments, text) for text in TEXTS}
    assert world.count("messages") == len(TEXTS), "a repeat adds nothing"
    found = _settle(world)
    for text, message_id in ids.items():
        times = said(world).count(text)
        allowed = {0: ("unclear", "canceled"), 1: ("sent", "unclear")}
        assert found[message_id] in allowed[times], (text, times, found)
    if "canceled" in run.told:
        assert found[ids["two"]] == "canceled"
    assert said(world) == sorted(said(world)), "in their order"


add(Scenario("post and send", _connected, _post, _sent_once, settings=on))
add(Scenario("post and take back", _connected, _withdraw, _sent_once, settings=on))
add(
    Scenario(
        "post while answers are lost",
        _connected,
        _post,
        _sent_once,
        fault=lambda slack: slack.faults.add(Fault("chat.postMessage", "lost_answer")),
        settings=on,
    )
)


# An end, while messages wait

WAITING = ("one", "two")


def _waiting(world: World, command: Command) -> Arguments:
    """One is sent, of one nobody knows, two wait for their turn and one for its time."""
    arguments = _connected(world, command)
    _accept(world, arguments, "sent")
    send_due(world)
    world.clock.advance(1)
    world.slack.faults.add(Fault("chat.postMessage", "lost_answer"))
    _accept(world, arguments, "perhaps")
    send_due(world)
    for text in WAITING:
        _accept(world, arguments, text)
    at = datetime.fromtimestamp(world.clock() + 7200, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert post(Host(world), {"text": "later", "channel": arguments["general"], "sendAt": at}, "later").status == 202
    return arguments


def _sweep(world: World) -> None:
    for circle in world.service.app.circles:
        circle.sweep(world.service.app, world.clock())


def _act(actor: Child, method: str, path: str) -> None:
    world = actor.world()
    actor.arm()
    reply = Host(world).of(None).call(method, path, {} if method == "POST" else None)
    actor.tell(f"status {reply.status}")
    _sweep(world)
    world.clock.advance(2)
    send_due(world)


def _ended(run: Run, method: str, path: str) -> list[tuple[str, str]]:
    """Asks again where nothing was told, lets time go by; status and reason of each message. Nothing more was sent."""
    world = run.world
    assert run.told in ((), ("status 200",))
    if not run.told:
        Host(world).of(None).call(method, path, {} if method == "POST" else None)
    for _ in range(3):
        run_upkeep(world)
        _settle(world)
        finish(world)
    assert said(world) == ["sent", "perhaps"]
    rows = world.rows("SELECT status, reason FROM messages ORDER BY number")
    return [(row["status"], row["reason"]) for row in rows]


def _disconnected(run: Run) -> None:
    found = _ended(run, "DELETE", "slack/integration")
    assert found == [("sent", ""), *[("failed", "revoked")] * 4]
    world = run.world
    assert world.rows("SELECT 1 FROM messages WHERE body IS NOT NULL OR channel_id <> '' OR sender_id <> ''") == []
    told = Counter(row["message_id"] for row in world.rows("SELECT message_id FROM host_events WHERE message_id <> ''"))
    assert sorted(told.values()) == [1] * 5, "of each message the host was told once"


def _frozen(run: Run) -> None:
    world = run.world
    found = _ended(run, "POST", "slack/freeze")
    assert found == [
        ("sent", ""), ("unclear", "answer_lost"), *[("parked", "suspended")] * 2, ("scheduled", ""),
    ]  # fmt: skip
    assert Host(world).of(None).call("DELETE", "slack/freeze").status == 200
    _settle(world)
    assert said(world) == ["sent", "perhaps", *WAITING]


def _deleted(run: Run) -> None:
    assert _ended(run, "DELETE", "/api/v2/organization") == []
    tables = ("messages", "outbox", "send_rates", "host_events", "organizations", "installations")
    left = [table for table in tables if run.world.rows(f"SELECT 1 FROM {table} WHERE {_OPEN.get(table, 'true')}")]
    assert left == []


_OPEN = {"outbox": "state <> 'done'"}
"""By table: what must not be left of it, where that is not all."""

for name, method, path, judge in (
    ("disconnect while messages wait", "DELETE", "slack/integration", _disconnected),
    ("freeze while messages wait", "POST", "slack/freeze", _frozen),
    ("delete an organization while messages wait", "DELETE", "/api/v2/organization", _deleted),
):
    add(Scenario(name, _waiting, partial(_act, method=method, path=path), judge, settings=on))
