"""Rows of a process that was killed: another one takes them over at once."""

from collections.abc import Mapping
from typing import Any

import pytest

from slackapp.app import Service
from slackapp.behaviour import Context
from slackapp.flows.upkeep import interrupted_calls
from slackapp.model import NO_TENANT
from slackapp.store import queue
from tests.support.world import World, with_parts

MENTION = {"type": "app_mention", "user": "U0SOMEBODY"}


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def other(ready: World, ran: list[str]) -> Service:
    """A serving process beside ours, which has said that it lives."""

    def act(context: Context, event: Mapping[str, Any]) -> None:
        ran.append(str(event["type"]))

    behaviour = {"app_mention": act}
    ready.replace_parts(behaviour=behaviour)
    made = with_parts(ready.start_process(), behaviour=behaviour)
    made.app.db.lock_process(made.app.process_id)
    made.local_scheduler.run_due(made.app)
    made.worker.hand_off.open()
    return made


def kill(service: Service) -> None:
    """Leaves of a process what a kill leaves: its rows, and nothing of its locks and its memory."""
    service.app.db._locks.release()
    service.app.db._group_commit._deferred.clear()
    service.app.db.close()


def receive(world: World, other: Service, event_id: str) -> None:
    ours, world.service = world.service, other
    try:
        assert world.event(MENTION, event_id).status == 200
    finally:
        world.service = ours


def row(world: World, event_id: str) -> tuple[object, ...]:
    sql = "SELECT state, attempts, result FROM inbox WHERE event_id = ?"
    return tuple(world.rows(sql, event_id)[0])


def take_over(world: World) -> int:
    return interrupted_calls.take_over(world.service.app, world.clock())


@pytest.mark.claim("C-131")
def test_what_a_killed_process_had_taken_is_run_at_once_and_the_kill_counts_as_an_attempt(
    ready: World, other: Service, ran: list[str]
) -> None:
    receive(ready, other, "EvWaits")
    receive(ready, other, "EvRan")
    assert other.worker._run(other.app, other.worker.hand_off.take(NO_TENANT))
    kill(other)
    ran.clear()
    assert (take_over(ready), take_over(ready)) == (1, 0)
    assert [row(ready, each)[:2] for each in ("EvWaits", "EvRan")] == [("ready", 1)] * 2
    assert (ready.work(), ran) == (2, ["app_mention"] * 2)
    assert [row(ready, each) for each in ("EvWaits", "EvRan")] == [("done", 2, "ok")] * 2
    assert "process_died" in ready.log.getvalue()


@pytest.mark.claim("C-131")
def test_a_row_in_a_call_becomes_unclear_and_is_told(ready: World, other: Service) -> None:
    receive(ready, other, "EvCalls")
    claimed = other.worker.hand_off.take(NO_TENANT)
    assert claimed is not None
    with other.app.db.transaction():
        queue.note_intent(other.app.db, claimed.run, ready.clock)
    kill(other)
    assert take_over(ready) == 1
    assert row(ready, "EvCalls") == ("unclear", 1, "interrupted in a call")
    assert ready.audit().count("event.unclear") == 1
    assert ready.work() == 0


@pytest.mark.claim("C-131")
@pytest.mark.parametrize("seconds", [0, 100_000])
def test_a_process_that_lives_keeps_its_rows_whatever_its_heartbeat_says(
    ready: World, other: Service, seconds: int
) -> None:
    """A process may be stopped for hours, and a clock may be set."""
    receive(ready, other, "EvWaits")
    ready.clock.advance(seconds)
    assert take_over(ready) == 0
    assert row(ready, "EvWaits")[0] == "running"
    other.stop()


def test_a_process_is_its_own_and_one_that_has_signed_off_is_no_dead_one(ready: World, other: Service) -> None:
    ready.service.start()
    assert take_over(ready) == 0
    other.threads.append(other.local_scheduler)
    other.stop()
    assert take_over(ready) == 0


def test_a_new_process_takes_over_before_it_serves(ready: World, other: Service, ran: list[str]) -> None:
    receive(ready, other, "EvWaits")
    kill(other)
    ready.service.app.db.lock_process(ready.service.app.process_id)
    ready.service.local_scheduler.run_due(ready.service.app)
    assert row(ready, "EvWaits")[:2] == ("ready", 1)
