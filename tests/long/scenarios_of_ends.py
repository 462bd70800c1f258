"""An end: an organization disconnects a workspace, and the host deletes an organization with all that it has."""

from slackapp.host.flows import delete_organization
from slackapp.host.flows.connect import disconnect
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
from tests.long.scenarios_of_connects import approve, begun, connect_anew, kept, on, person_of
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME
from tests.support.connecting import run_upkeep
from tests.support.world import NORTH, SOUTH, World

HOST = Actor(ActorKind.HOST, "r1", organization=ACME)


def _held(world: World, command: Command) -> Arguments:
    person = begun(world)
    connect_anew(person)
    finish(world)
    return kept(person, id=person.held().id, wrapped=wrapped_keys(world, NORTH))


def _disconnect_now(world: World, arguments: Arguments) -> bool:
    return disconnect.run(world.service.app, person_of(world, arguments).caller, arguments["id"], world.clock())


def _disconnect(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    actor.tell(f"reached {_disconnect_now(world, actor.arguments)}")


def _disconnected_once(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    assert run.told in ((), ("reached True",))
    if person.statuses() == ["active"]:
        assert run.told == ()
        assert_usable(world)
        assert _disconnect_now(world, run.arguments)
    assert person.statuses() == ["revoked"], "it is over at once, whatever is still to be erased"
    if run.told:
        assert_purged(run)
    finish(world)
    assert_purged(run)
    assert live_tokens(world, NORTH) == []
    assert [row["type"] for row in world.rows("SELECT type FROM host_events")] == [
        "connection.active", "connection.revoked",
    ]  # fmt: skip
    assert len(world.facts("integration.deleted")) == 1
    connect_anew(person)
    assert person.held().id != run.arguments["id"], "that one was given up for good"
    assert_usable(world)


add(Scenario("disconnect a workspace", _held, _disconnect, _disconnected_once, settings=on))


def _held_and_waiting(world: World, command: Command) -> Arguments:
    """Beside what is held a grant of another workspace waits for somebody to confirm it."""
    arguments = _held(world, command)
    person = person_of(world, arguments)
    person.come_back(approve(person, person.begin(reconnect=arguments["id"]).authorize_url, SOUTH))
    return arguments


def _delete(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    delete_organization.run(world.service.app, ACME, HOST, world.clock())
    run_upkeep(world)
    actor.tell("deleted")


def _rows_of(world: World) -> dict[str, int]:
    """By table: how many rows of the organization are left, but for the audit's."""
    tables = [row["name"] for row in world.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    count = "SELECT count(*) AS found FROM {} WHERE organization_id = ?"
    found = {
        table: world.rows(count.format(table), ACME)[0]["found"]
        for table in tables
        if any(column["name"] == "organization_id" for column in world.rows(f"PRAGMA table_info({table})"))
    }
    return {table: number for table, number in found.items() if number}


def _deleted_once(run: Run) -> None:
    world = run.world
    if not run.told and not world.rows("SELECT 1 FROM organizations WHERE removed_at IS NOT NULL"):
        if _rows_of(world):
            assert_usable(world)
        delete_organization.run(world.service.app, ACME, HOST, world.clock())
    for _ in range(8):
        run_upkeep(world)
        finish(world)
        world.clock.advance(121)
    assert _rows_of(world) == {}
    assert (world.slack.installed, live_tokens(world, NORTH), live_tokens(world, SOUTH)) == ([], [], [])
    assert [row["record_id"] for row in world.facts("organization.deleted")] == [ACME]
    assert_purged(run)


add(Scenario("delete an organization", _held_and_waiting, _delete, _deleted_once, settings=on))
