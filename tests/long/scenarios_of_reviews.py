"""A review: a connection is ended in it, it is closed, and a member leaves who answers for what is held."""

from slackapp.host.flows import offboard
from slackapp.host.flows.reviews import answer_review, close_review, open_review
from slackapp.host.flows.reviews.answer_review import DecisionInput
from slackapp.host.model import ReviewDecision
from slackapp.model import Actor, ActorKind
from tests.long.child import Child
from tests.long.scenarios import (
    Arguments,
    Command,
    Run,
    Scenario,
    add,
    assert_purged,
    assert_usable,
    finish,
    wrapped_keys,
)  # fmt: skip
from tests.long.scenarios_of_connects import begun, connect_anew, kept, on, person_of
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME, ANN
from tests.support.world import NORTH, World

HOST = Actor(ActorKind.HOST, "r1", organization=ACME)


def _reviewed(world: World, command: Command) -> Arguments:
    person = begun(world)
    connect_anew(person)
    finish(world)
    review = open_review.run(world.service.app, person.caller, 14, world.clock())
    return kept(person, id=person.held().id, review=review.id, wrapped=wrapped_keys(world, NORTH))


def _revoke_now(world: World, arguments: Arguments) -> bool:
    said = DecisionInput(arguments["id"], ReviewDecision.REVOKED, note="of nobody", member_id=ANN)
    caller = person_of(world, arguments).caller
    done = answer_review.run(world.service.app, caller, arguments["review"], said, now=world.clock())
    return bool(done.is_revoked_at_slack)


def _revoke(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    actor.tell(f"reached {_revoke_now(world, actor.arguments)}")


def _decision(world: World) -> str:
    (row,) = world.rows("SELECT decision FROM review_items")
    return str(row["decision"])


def _revoked_as_it_was_said(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    assert (_decision(world) == "revoked") is (person.statuses() == ["revoked"]), "both, or neither"
    if not run.told and _decision(world) == "open":
        assert_usable(world)
        assert _revoke_now(world, run.arguments)
    finish(world)
    assert (_decision(world), person.statuses(), live_tokens(world, NORTH)) == ("revoked", ["revoked"], [])
    assert_purged(run)
    assert [len(world.facts(event)) for event in ("review.revoked", "integration.deleted")] == [1, 1]


add(Scenario("revoke in a review", _reviewed, _revoke, _revoked_as_it_was_said, settings=on))


def _close(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    close_review.run(world.service.app, ACME, actor.arguments["review"], HOST, now=world.clock())
    actor.tell("closed")


def _closed_whole(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    is_closed = _decision(world) == "unattested"
    assert is_closed or not run.told
    assert person.statuses() == (["suspended"] if is_closed else ["active"]), "both, or neither"
    if not is_closed:
        close_review.run(world.service.app, ACME, run.arguments["review"], HOST, now=world.clock())
    finish(world)
    assert (_decision(world), person.statuses()) == ("unattested", ["suspended"])
    assert [row["type"] for row in world.rows("SELECT type FROM host_events ORDER BY number")] == [
        "connection.active", "connection.suspended",
    ]  # fmt: skip
    assert [fact["count"] for fact in world.facts("review.closed")] == [1]


add(Scenario("close a review", _reviewed, _close, _closed_whole, settings=on))


def _offboard(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    offboard.run(world.service.app, ACME, ANN, HOST, world.clock())
    actor.tell("left")


def _left_once(run: Run) -> None:
    world = run.world
    status = "SELECT status FROM members WHERE organization_id = ? AND member_id = ?"
    missing = "SELECT 1 FROM host_events WHERE type = 'owner.missing'"
    has_left = world.rows(status, ACME, ANN)[0]["status"] == "offboarded"
    assert has_left or not run.told
    assert (len(world.rows(missing)), len(world.facts("member.offboarded"))) == (int(has_left),) * 2
    offboard.run(world.service.app, ACME, ANN, HOST, world.clock())
    assert (len(world.rows(missing)), len(world.facts("member.offboarded"))) == (1, 1), "once"
    assert world.count("host_sessions") == 0
    finish(world)
    assert_usable(world)


add(Scenario("a member leaves", _reviewed, _offboard, _left_once, settings=on))
