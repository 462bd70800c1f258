"""A circle's own queue: a table of the queue's shape, and nothing else of its own but a job."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.flows.app import App, Circle
from slackapp.flows.core_data import CORE
from slackapp.flows.events import inbox_admin
from slackapp.flows.upkeep import interrupted_calls, sweep
from slackapp.model import QueueKind, QueueState, Tenant
from slackapp.store import queue
from slackapp.store.engine import statements
from slackapp.store.queue import Queue, Run
from slackapp.workers.queue_workers import QueueWorkers
from tests.support.operator import ACTOR
from tests.support.world import NORTH, World, begun_database, make_world

LONG = 10.0
"""Seconds after which a test gives up waiting for what comes at once."""
NORTHERN = Tenant("T", NORTH)
SHAPE = """CREATE TABLE reminders (
    event_id TEXT NOT NULL, kind TEXT NOT NULL, tenant_kind TEXT NOT NULL, tenant_id TEXT NOT NULL, type TEXT NOT NULL,
    named TEXT NOT NULL DEFAULT '', body BLOB, removes INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, event_time INTEGER NOT NULL, received_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL, lease_owner TEXT NOT NULL DEFAULT '', lease_until INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER, result TEXT NOT NULL DEFAULT '', trace_id TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (event_id, tenant_kind, tenant_id)) STRICT;
"""
ADD = """-- queue: reminders

-- name: add_reminder :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert (its key is there, or it is added)
INSERT INTO reminders (event_id, kind, tenant_kind, tenant_id, type, state, event_time, received_at, next_at, trace_id)
VALUES (:event_id, 'job', :tenant_kind, :tenant_id, 'reminders.send', 'ready', :now, :now, :now, 'r-1')
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;
"""
QUEUE = Queue("reminders", threads=2, max_attempts=2)


class Act:
    """What the job does: noted, and then as the test has it."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.then: Callable[[Run], object] = lambda run: None

    def __call__(self, app: App, run: Run, now: int) -> None:
        self.ran.append(run.event_id)
        self.then(run)


@pytest.fixture
def act() -> Act:
    return Act()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act) -> Iterator[World]:
    """A service whose circle has a queue, installed in one workspace."""
    begun_database()  # which is made once for all tests, and has no table of this circle
    copy = tmp_path / "sql"
    shutil.copytree(statements.sql_directory(), copy)
    (copy / "reminders").mkdir()
    (copy / "reminders" / "reminders.sql").write_text(ADD)
    newest = max(int(file.name[:4]) for file in (copy / "migrations").glob("*.sql"))
    (copy / "migrations" / f"{newest + 1:04}_reminders.sql").write_text(SHAPE)
    monkeypatch.setattr(statements, "sql_directory", lambda: copy)
    circle = Circle(name="reminders", queues=(QUEUE,), jobs={"reminders.send": act})
    monkeypatch.setattr("slackapp.app.CIRCLES", (CORE, circle))
    with make_world(tmp_path) as made:
        made.browser().install(NORTH)
        made.work()
        yield made


def add(world: World, event_id: str = "first") -> None:
    """Adds a reminder, and wakes the threads."""
    app = world.service.app
    named = {"tenant_kind": str(NORTHERN.kind), "tenant_id": NORTHERN.id}
    app.db.execute("add_reminder", {**named, "event_id": event_id, "now": app.clock()})
    app.wake_worker()


def work(world: World) -> int:
    """Runs what is due in the circle's queue; how many rows."""
    return world.service.workers[1].run_due(world.service.app)


def state(world: World, event_id: str = "first") -> str:
    return str(world.rows("SELECT state FROM reminders WHERE event_id = ?", event_id)[0]["state"])


def call(world: World, process_id: str) -> None:
    """A row of that process is in the middle of a call."""
    with world.service.app.db.transaction():
        run = queue.claim(world.service.app.db, QUEUE, (NORTHERN, "first"), owner=f"{process_id}:1", steady=1)
        assert run is not None
        queue.note_intent(world.service.app.db, run, world.clock)


def test_its_threads_run_its_rows_by_its_job_beside_the_inbox(world: World, act: Act) -> None:
    names, done = [], threading.Event()
    act.then = lambda run: (names.append(threading.current_thread().name), done.set())
    world.service.start()
    add(world)
    assert done.wait(LONG)
    assert names[0] in ("reminders-0", "reminders-1")
    world.service.stop()
    assert (act.ran, state(world)) == (["first"], "done")


def test_it_has_its_own_number_of_threads_and_all_must_run(world: World) -> None:
    app, (inbox_workers, workers) = world.service.app, world.service.workers
    inbox_workers.start(app)
    assert not app.is_worker_running(), "nobody runs the circle's rows"
    workers.start(app)
    assert (app.is_worker_running(), len(workers._threads)) == (True, 2)
    for each in (inbox_workers, workers):
        each.stop()
        each.join(time.monotonic() + LONG)


def test_no_threads_start_for_a_queue_that_nobody_registers(ready: World) -> None:
    assert [each._queue.table for each in ready.service.workers] == ["inbox"]
    assert isinstance(ready.service.worker, QueueWorkers)


def test_one_that_fails_is_dead_after_its_own_number_of_attempts(world: World, act: Act) -> None:
    def fail(run: Run) -> None:
        raise ValueError

    act.then = fail
    add(world)
    while work(world):
        world.clock.advance(400)
    assert (len(act.ran), state(world)) == (QUEUE.max_attempts, "dead")
    assert '"trace_id":"r-1"' in world.log.getvalue().replace(" ", "")


def test_a_process_that_dies_in_a_call_leaves_its_row_unclear_with_a_row_in_the_audit(world: World) -> None:
    add(world)
    call(world, "dead")
    world.clock.advance(queue.LEASE + 1)
    interrupted_calls.mark_unclear(world.service.app, world.clock())
    assert (state(world), work(world)) == ("unclear", 0)
    (row,) = world.rows("SELECT record_id, trace_id FROM audit WHERE event = 'event.unclear'")
    assert tuple(row) == ("first", "r-1")


def test_a_process_that_ends_gives_its_rows_back(world: World) -> None:
    add(world)
    call(world, world.service.app.process_id)
    assert (interrupted_calls.release_leases(world.service.app, world.clock()), state(world)) == (1, "unclear")


def test_what_is_done_is_swept_after_two_days(world: World) -> None:
    add(world)
    assert work(world) == 1
    sweep.run(world.service.app, world.clock() + sweep.DEDUPE_WINDOW)
    assert len(world.rows("SELECT 1 FROM reminders")) == 1
    sweep.run(world.service.app, world.clock() + sweep.DEDUPE_WINDOW + 1)
    assert world.rows("SELECT 1 FROM reminders") == []


def test_readiness_and_gauges_count_its_rows_too(world: World) -> None:
    world.mention()
    world.clock.advance(7)
    add(world)
    told = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).json
    assert (told["inbox"], told["inbox_oldest_seconds"]) == ({"ready": 2}, 7)


def test_the_operator_finds_lists_retries_and_drops_its_rows(world: World, act: Act) -> None:
    app = world.service.app
    add(world)
    call(world, app.process_id)
    interrupted_calls.release_leases(app, world.clock())
    rows, counts = inbox_admin.list_rows(app, None, None, 10)
    assert ([(row.queue, row.event_id) for row in rows], counts) == ([("reminders", "first")], {QueueState.UNCLEAR: 1})
    (entry,) = inbox_admin.find_rows(app, "first", None)
    assert (entry.kind, inbox_admin.read_body(app, entry, ACTOR)) == (QueueKind.JOB, "")
    assert inbox_admin.retry(app, entry, ACTOR)
    assert (work(world), act.ran, state(world)) == (1, ["first"], "done")
    add(world, "second")
    with app.db.transaction():
        run = queue.claim(app.db, QUEUE, (NORTHERN, "second"), owner="me:1", steady=1)
        assert run is not None
        assert queue.finish(app.db, run, QueueState.DEAD, "why", now=1)
    (entry,) = inbox_admin.find_rows(app, "second", NORTH)
    assert inbox_admin.drop(app, entry, ACTOR)
    assert state(world, "second") == "done"
