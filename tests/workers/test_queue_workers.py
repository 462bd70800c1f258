"""The threads that run the inbox, alone and beside others; and what they leave when they are stopped."""

import contextlib
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from slackapp import app as application
from slackapp.app import build, system_entropy
from slackapp.behaviour import Context
from slackapp.errors import StoreBusyError
from slackapp.flows.events import run_event
from slackapp.flows.upkeep import interrupted_calls
from slackapp.store import inbox, queue
from slackapp.workers import queue_workers
from tests.flows.kill_process import unclear
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

WORKERS, MAX_PER_TENANT = inbox.QUEUE.threads, inbox.QUEUE.max_per_tenant
LONG = 10.0
"""Seconds after which a test gives up waiting for what comes at once."""


def behave(world: World, function: Callable[[Context, Mapping[str, Any]], None]) -> None:
    world.replace_parts(behaviour={"app_mention": function})


def change(world: World, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql)


def until(holds: Callable[[], bool]) -> None:
    """Looks again and again, for a while."""
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def state(world: World, event_id: str = "Ev0001") -> str:
    return str(world.rows("SELECT state FROM inbox WHERE event_id = ?", event_id)[0][0])


def test_two_processes_with_two_threads_each_share_fifty_rows_and_each_runs_once(ready: World) -> None:
    ran: list[str] = []
    behave(ready, lambda context, event: ran.append(str(event["number"])))
    for number in range(50):
        event = {"type": "app_mention", "user": "U0SOMEBODY", "number": number}
        assert ready.event(event, f"Ev{number}").status == 200
    other = build(ready.settings, ready.clock, system_entropy, ready.log)
    beside = replace(other.app, behaviour=ready.service.app.behaviour)
    ours = ready.service
    with ThreadPoolExecutor(4) as pool:
        apps = ((ours.worker, ours.app), (other.worker, beside)) * 2
        done = list(pool.map(lambda pair: pair[0].run_due(pair[1]), apps))
    other.stop()
    assert (sum(done), Counter(ran)) == (50, Counter(str(number) for number in range(50)))
    assert {row["state"] for row in ready.rows("SELECT state FROM inbox")} == {"done"}
    assert {row["attempts"] for row in ready.rows("SELECT attempts FROM inbox WHERE kind = 'event'")} == {1}


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, RuntimeError])
@pytest.mark.claim("C-99")
def test_nothing_that_is_raised_beside_a_behaviour_ends_a_thread_either(
    ready: World, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """By a provider of keys, say, or a library: it is told, and the thread takes the next row."""

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(queue_workers, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(run_event, "run", fail)
    for number in range(2 * WORKERS):
        ready.mention(f"Ev{number}")
    ready.service.worker.start(ready.service.app)
    until(lambda: "queue_failed" in ready.log.getvalue() and len(leased(ready)) == 2 * WORKERS)
    assert ready.service.worker.is_alive()
    ready.service.worker.stop()
    ready.service.worker.join(time.monotonic() + LONG)
    assert not ready.service.worker.is_alive()


def leased(world: World) -> list[sqlite3.Row]:
    return world.rows("SELECT 1 FROM inbox WHERE lease_until > 0 AND kind = 'event'")


def test_a_lease_that_is_alive_is_respected(ready: World) -> None:
    ready.mention()
    until = ready.clock.steady() + queue.LEASE
    change(ready, f"UPDATE inbox SET state = 'running', lease_owner = 'x', lease_until = {until} WHERE kind = 'event'")
    ready.clock.advance(queue.LEASE)
    assert ready.work() == 0
    ready.clock.advance(1)
    assert ready.work() == 1


def test_rows_run_in_the_order_in_which_they_are_due(ready: World) -> None:
    ran: list[int] = []
    behave(ready, lambda context, event: ran.append(event["number"]))
    for number in (2, 0, 1):
        ready.event({"type": "app_mention", "user": "U0SOMEBODY", "number": number}, f"Ev{number}")
        change(ready, f"UPDATE inbox SET next_at = {ready.clock() + number} WHERE event_id = 'Ev{number}'")
    assert (ready.work(), ran) == (1, [0])
    ready.clock.advance(2)
    assert (ready.work(), ran) == (2, [0, 1, 2])


def test_the_events_of_a_suspect_tenant_wait_and_those_of_others_do_not(ready: World) -> None:
    ready.browser().install(SOUTH)
    ready.work()
    ready.mention()
    ready.mention("Ev0002", team_id=SOUTH)
    change(ready, "UPDATE installations SET status = 'suspect' WHERE tenant_id = 'T0NORTH001'")
    assert (ready.work(), state(ready), state(ready, "Ev0002")) == (1, "ready", "done")
    change(ready, "UPDATE installations SET status = 'active'")
    assert (ready.work(), state(ready)) == (1, "done")


# The thread


@pytest.mark.parametrize("status", ["suspect", "suspended"])
def test_the_events_that_were_claimed_before_a_tenant_fell_under_suspicion_wait_too(ready: World, status: str) -> None:
    ran: list[str] = []
    behave(ready, lambda context, event: ran.append(str(context.tenant)))
    ready.mention()
    made, app = ready.service.worker, ready.service.app
    found = made._next(app)
    assert found is not None
    change(ready, f"UPDATE installations SET status = '{status}'")
    assert made._run(app, found)
    rows = ready.rows("SELECT state, attempts FROM inbox WHERE type = 'app_mention'")
    assert [tuple(row) for row in rows] == [("ready", 0)]
    assert (ran, ready.work()) == ([], 0)
    change(ready, "UPDATE installations SET status = 'active'")
    assert (ready.work(), ran) == (1, [NORTH])


def test_who_comes_to_its_turn_after_the_stop_claims_nothing(ready: World) -> None:
    """Stops rows from lying there for the length of a lease, which the end of the process has just given back."""
    ready.mention("Ev1")
    made, app = ready.service.worker, ready.service.app
    found = made._next(app)
    assert found is not None
    made._stop.set()
    assert not made._run(app, found)
    assert state(ready, "Ev1") == "ready"


def test_the_thread_runs_an_event_as_soon_as_it_is_kept_and_ends_when_it_is_told(ready: World) -> None:
    ran = threading.Event()
    behave(ready, lambda context, event: ran.set())
    assert not ready.service.worker.is_alive()
    ready.service.start()
    assert ready.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).json["worker"] is True
    ready.mention()
    assert ran.wait(LONG)
    ready.service.stop()
    assert not ready.service.worker.is_alive()
    assert (ready.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).status, state(ready)) == (503, "done")


def test_stopping_lets_the_row_that_runs_come_to_its_end(ready: World) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(context: Context, event: Mapping[str, Any]) -> None:
        begun.set()
        assert go_on.wait(LONG)

    behave(ready, slow)
    ready.mention()
    ready.mention("Ev0002")
    ready.service.start()
    assert begun.wait(LONG)
    stopping = threading.Thread(target=ready.service.stop)
    stopping.start()
    go_on.set()
    stopping.join(LONG)
    assert state(ready) == "done"


@pytest.mark.parametrize("error", [RuntimeError("canary of a bug"), StoreBusyError("the database is locked")])
def test_the_thread_outlives_a_bug_and_a_database_that_is_locked(
    ready: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failed, ran = threading.Event(), threading.Event()
    run = run_event.run

    def first_fails(*arguments: Any) -> None:
        if not failed.is_set():
            failed.set()
            raise error
        run(*arguments)

    monkeypatch.setattr(run_event, "run", first_fails)
    behave(ready, lambda context, event: ran.set())
    ready.mention()
    ready.service.start()
    assert failed.wait(LONG)
    ready.mention("Ev0002")
    assert ran.wait(LONG)
    assert ready.service.worker.is_alive()
    assert "canary of a bug" not in ready.log.getvalue()
    until(lambda: state(ready, "Ev0002") == "done")
    assert state(ready) == "running", "its lease runs"
    ready.service.stop()
    assert (state(ready), state(ready, "Ev0002")) == ("ready", "done")


def test_the_thread_shows_at_its_start_what_a_dead_process_left_in_mid_call(ready: World) -> None:
    ran = threading.Event()
    ready.mention()
    change(ready, "UPDATE inbox SET state = 'calling', lease_owner = 'dead', lease_until = 1 WHERE kind = 'event'")
    behave(ready, lambda context, event: ran.set())
    ready.mention("Ev0002")
    ready.service.start()
    assert ran.wait(LONG)
    assert state(ready) == "unclear"
    assert ready.rows("SELECT tenant_id FROM audit WHERE event = 'event.unclear'")[0]["tenant_id"] == NORTH


@pytest.mark.claim("C-97")
def test_the_slow_calls_of_one_tenant_hold_up_no_other(ready: World) -> None:
    """I answer the app's calls slowly, and send it many events, so that it has no time for anybody else."""
    go_on, ran = threading.Event(), threading.Event()
    begun: list[str] = []

    def act(context: Context, event: Mapping[str, Any]) -> None:
        if event["slow"]:
            begun.append(threading.current_thread().name)
            assert go_on.wait(LONG)
        else:
            ran.set()

    behave(ready, act)
    ready.browser().install(SOUTH)
    ready.work()
    for number in range(32):
        ready.event({"type": "app_mention", "user": "U0SOMEBODY", "slow": True}, f"EvSlow{number}")
    ready.service.start()
    until(lambda: len(begun) == MAX_PER_TENANT)
    ready.event({"type": "app_mention", "user": "U0SOMEBODY", "slow": False}, "EvQuick", team_id=SOUTH)
    assert ran.wait(LONG)
    assert (WORKERS, len(set(begun))) == (4, MAX_PER_TENANT)
    go_on.set()
    until(lambda: len(begun) == 32)


@pytest.mark.claim("C-97")
def test_the_tenants_have_their_turn_one_after_the_other(ready: World) -> None:
    """I came first, with many rows, and want the others to wait for all of them."""
    ran: list[str] = []
    behave(ready, lambda context, event: ran.append(context.tenant.id))
    ready.browser().install(SOUTH)
    ready.browser().install(ORG)
    ready.work()
    for number in range(6):
        ready.mention(f"EvNorth{number}")
    ready.clock.advance(60)
    for number in range(2):
        ready.mention(f"EvSouth{number}", team_id=SOUTH)
        ready.mention(f"EvOrg{number}", team_id=ORG_TEAM, enterprise_id=ORG)
    assert ready.work() == 10
    assert {tuple(sorted(ran[at : at + 3])) for at in (0, 3)} == {(ORG, NORTH, SOUTH)}
    assert ran[6:] == [NORTH] * 4


def test_rows_that_wait_are_shared_at_once_and_not_at_the_next_look(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_workers, "POLL_SECONDS", 3600.0)
    barrier = threading.Barrier(WORKERS)
    behave(ready, lambda context, event: barrier.wait(LONG) and None)
    ready.browser().install(SOUTH)
    ready.work()
    ready.service.start()
    time.sleep(0.05)  # all of them have looked, and wait
    for number in range(WORKERS):
        ready.event({"type": "app_mention", "user": "U0SOMEBODY"}, f"Ev{number}", team_id=(NORTH, SOUTH)[number % 2])
    until(lambda: [state(ready, f"Ev{number}") for number in range(WORKERS)] == ["done"] * WORKERS)


def test_whoever_takes_a_row_calls_the_others_before_it_is_run(ready: World) -> None:
    """Stops a row from waiting for the next look, because two came at once and only one thread was called."""
    made, called = ready.service.worker, []
    behave(ready, lambda context, event: called.append((made._is_announced, made._signals.qsize())))
    ready.mention()
    made._signals.get_nowait()
    assert (ready.work(), called) == (1, [(True, 1)])


def test_is_alive_is_false_once_a_thread_has_ended(ready: World) -> None:
    ready.service.start()
    assert ready.service.worker.is_alive()
    made = ready.service.worker
    ended = threading.Thread()
    ended.start()
    ended.join()
    made._threads[2] = ended
    assert not made.is_alive()


# At the end


class Held:
    """A behaviour that waits, before its call or in it, until the test lets it go."""

    def __init__(self, world: World, in_call: bool) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._in_call = in_call
        call = world.service.app.slack.call

        def wait_in_call(*arguments: Any) -> Any:
            self._wait()
            return call(*arguments)

        if in_call:
            world.service.app.slack.call = wait_in_call  # type: ignore[attr-defined]

    def _wait(self) -> None:
        self.begun.set()
        assert self.go_on.wait(LONG)

    def act(self, context: Context, event: Mapping[str, Any]) -> None:
        if not self._in_call:
            self._wait()
        context.call("chat.postMessage", {"channel": event["channel"], "text": "late"})


@pytest.mark.parametrize(("in_call", "left"), [(True, "unclear"), (False, "ready")])
def test_what_is_in_a_call_at_the_end_is_unclear_and_the_rest_is_anybodys(
    ready: World, monkeypatch: pytest.MonkeyPatch, in_call: bool, left: str
) -> None:
    monkeypatch.setattr(application, "STOP_TIMEOUT", 0.1)
    held = Held(ready, in_call)
    behave(ready, held.act)
    process = ready.service.app.process_id
    for number, (left_as, owner) in enumerate((("running", "x:1"), ("calling", "x:1"), ("calling", f"{process}0:1"))):
        ready.mention(f"EvOther{number}")
        leased = f"lease_owner = '{owner}', lease_until = {ready.clock.steady() + 9}"
        change(ready, f"UPDATE inbox SET state = '{left_as}', {leased} WHERE event_id = 'EvOther{number}'")
    ready.mention()
    ready.service.start()
    assert held.begun.wait(LONG)
    stopped = list(ready.service.worker._threads)
    ready.service.stop()
    (row,) = ready.rows("SELECT * FROM inbox WHERE event_id = 'Ev0001'")
    assert (row["state"], row["lease_owner"], row["lease_until"]) == (left, "", 0)
    assert row["attempts"] == (1 if in_call else 0), "what was not tried does not count"
    assert row["body"], "nothing is lost"
    assert ready.audit().count("event.unclear") == int(in_call)
    assert unclear(ready) == [("Ev0001", "app_mention", "stopped in a call")] * in_call
    assert [state(ready, f"EvOther{number}") for number in range(3)] == ["running", "calling", "calling"]
    held.go_on.set()  # the thread comes back, when the row is not its own any more
    for thread in stopped:
        thread.join(LONG)
    assert state(ready) == left
    assert len(ready.calls("chat.postMessage")) == int(in_call)


def test_the_next_process_begins_at_once_with_what_was_left(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "STOP_TIMEOUT", 0.1)
    held = Held(ready, in_call=False)
    behave(ready, held.act)
    ready.mention()
    ready.service.start()
    assert held.begun.wait(LONG)
    stopped = list(ready.service.worker._threads)
    ready.restart()
    assert (ready.work(), state(ready), ready.calls()) == (1, "done", ["chat.postMessage"])
    held.go_on.set()
    for thread in stopped:
        thread.join(LONG)


def test_an_end_without_a_database_is_told_and_the_next_process_takes_over(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*arguments: Any, **named: Any) -> Any:
        raise StoreBusyError("the database is locked")

    ready.service.start()
    with monkeypatch.context() as patch:
        patch.setattr("slackapp.store.queue.release_leases", locked)
        ready.service.stop()
    assert "leases_not_released" in ready.log.getvalue()
    ready.service = ready.start_process()
    assert interrupted_calls.take_over(ready.service.app, ready.clock()) == 1


def test_a_service_that_never_started_leaves_the_rows_of_others_alone(ready: World) -> None:
    """A command of the operator's ends, too, and has no rows."""
    ready.mention()
    process = ready.service.app.process_id
    change(ready, f"UPDATE inbox SET state = 'calling', lease_owner = '{process}:1' WHERE event_id = 'Ev0001'")
    ready.service.stop()
    assert state(ready) == "calling"
