"""A message: accepted, sent, edited and taken back; killed at any step it is sent once, or shown as unclear."""

from slackapp.flows.upkeep import interrupted_calls
from slackapp.localslack.model import Fault
from tests.long.child import Child
from tests.long.scenarios import Arguments, Command, Run, Scenario, add
from tests.long.scenarios_of_connects import on
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
