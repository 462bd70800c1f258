"""What is done again and again: each task at its own interval, and none keeps another from its turn."""

import json
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from slackapp.errors import ConfigError, StoreBusyError, StoreFullError
from slackapp.flows.app import App
from slackapp.flows.upkeep import heartbeat
from slackapp.runtime.health import Health
from slackapp.store import inbox, meta, processes
from slackapp.workers import scheduler
from slackapp.workers.queue_workers import QueueWorkers
from slackapp.workers.scheduler import DAY, HOUR, MINUTE, ClockMonitor, Scheduler, Task
from tests.support.world import Clock, World

LONG = 10.0
"""Seconds after which a test gives up waiting for what comes at once."""
NAMES = {
    "local-tasks": {
        "heartbeat": 0, "dead processes": 10, "log": 0, "counters": 5, "checkpoint": 0, "clock": 0, "set_clock": HOUR,
        "unclear": MINUTE, "lost": MINUTE,
        "sweep": MINUTE, "audit": MINUTE, "master keys": MINUTE,
    },
    "check-tasks": {"quick_check": DAY, "integrity": DAY},
    "remote-tasks": {"refresh": MINUTE, "suspended": MINUTE, "check": MINUTE, "paused": MINUTE, "circles": MINUTE},
}  # fmt: skip


class Log:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, dict[str, Any]]] = []

    def error(self, event: str, fields: dict[str, Any]) -> None:
        self.told.append(("error", event, fields))

    def bug(self, event: str, fields: dict[str, Any]) -> None:
        self.told.append(("bug", event, fields))


class Bench:
    """Tasks that note when they ran, and an app that has nothing but a clock and a log."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.log = Log()
        self.ran: list[str] = []
        self.health = Health()
        self.app = cast(App, SimpleNamespace(clock=self.clock, log=self.log, health=self.health))

    def task(self, name: str, every: int, at_once: bool = True, act: Callable[[], object] = lambda: None) -> Task:
        def run(app: App, stopping: Callable[[], bool]) -> object:
            assert app is self.app
            self.ran.append(name)
            return act()

        return Task(name, every, run, at_once)

    def after(self, upkeep: Scheduler, seconds: int) -> list[str]:
        """What runs so many seconds later."""
        self.clock.advance(seconds)
        self.ran.clear()
        upkeep.run_due(self.app)
        return list(self.ran)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_task_runs_at_its_own_interval(bench: Bench) -> None:
    made = Scheduler("x", [bench.task("always", 0), bench.task("minute", 60), bench.task("rare", 150)])
    assert bench.after(made, 0) == ["always", "minute", "rare"]
    assert bench.after(made, 0) == ["always"]
    assert bench.after(made, 59) == ["always"]
    assert bench.after(made, 1) == ["always", "minute"]
    assert bench.after(made, 89) == ["always", "minute"]
    assert bench.after(made, 1) == ["always", "rare"]
    assert bench.after(made, 1000) == ["always", "minute", "rare"]
    assert bench.after(made, 0) == ["always"], "what was missed is not made up for"


def test_a_task_that_is_not_due_at_once_waits_its_interval(bench: Bench) -> None:
    made = Scheduler("x", [bench.task("later", 100, at_once=False), bench.task("now", 100)])
    assert [bench.after(made, seconds) for seconds in (0, 99, 1)] == [["now"], [], ["later", "now"]]


def test_a_clock_that_was_set_back_stops_no_task_for_longer_than_its_interval(bench: Bench) -> None:
    made = Scheduler("x", [bench.task("minute", 60)])
    bench.after(made, 0)
    for seconds in (-1_000_000, 2_000_000):
        bench.clock.set(seconds)
        assert [bench.after(made, seconds) for seconds in (0, 59, 1)] == [[], [], ["minute"]]


def fail(error: Exception) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


def test_a_task_that_fails_keeps_no_other_from_its_turn_and_is_told(bench: Bench) -> None:
    busy, bug = StoreBusyError("the database is locked"), RuntimeError("a bug")
    tasks = [bench.task("a", 60, act=fail(busy)), bench.task("b", 60, act=fail(bug)), bench.task("c", 60)]
    made = Scheduler("x", tasks)
    assert bench.after(made, 0) == ["a", "b", "c"]
    assert bench.log.told == [
        ("error", "upkeep_waits", {"task": "a", "why": "the database is locked"}),
        ("bug", "upkeep_failed", {"task": "b"}),
    ]
    assert bench.health.problems() == {"database": "the database is locked"}
    assert bench.after(made, 59) == [], "who failed waits like the others"
    assert bench.after(made, 1) == ["a", "b", "c"]


def test_once_asked_to_stop_no_further_task_begins_and_the_one_that_runs_is_told(bench: Bench) -> None:
    seen: list[bool] = []

    def last(app: App, stopping: Callable[[], bool]) -> None:
        seen.append(stopping())
        made.stop()
        seen.append(stopping())

    made = Scheduler("x", [Task("last", 0, last), bench.task("late", 0)])
    assert (bench.after(made, 0), seen) == ([], [False, True])
    assert (bench.after(made, 0), seen) == ([], [False, True])


def test_a_thread_runs_the_tasks_again_and_again_until_it_is_stopped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TICK", 0.001)
    thrice, names = threading.Event(), []

    def act() -> None:
        names.append(threading.current_thread().name)
        if len(names) == 3:
            thrice.set()

    made = Scheduler("a name", [bench.task("always", 0, act=act)])
    made.start(bench.app)
    assert thrice.wait(LONG)
    made.stop()
    made.join(time.monotonic() + LONG)
    done = len(names)
    assert set(names) == {"a name"}
    assert "a name" not in {thread.name for thread in threading.enumerate()}
    assert len(names) == done


def test_a_stop_does_not_wait_for_the_next_tick(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "TICK", 3600.0)
    ran = threading.Event()
    made = Scheduler("x", [bench.task("always", 0, act=ran.set)])
    made.start(bench.app)
    assert "x" in {thread.name for thread in threading.enumerate()}
    made.stop()
    began = time.monotonic()
    made.join(began + LONG)
    assert time.monotonic() - began < LONG / 2
    assert "x" not in {thread.name for thread in threading.enumerate()}
    assert not ran.is_set()  # the first requests have the first tick for themselves


def test_join_returns_at_its_deadline(bench: Bench) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go_on.wait(LONG)

    made = Scheduler("x", [bench.task("slow", 0, act=slow)])
    made.join(time.monotonic() + LONG)  # never started: nothing to wait for
    made.start(bench.app)
    assert begun.wait(LONG)
    made.stop()
    began = time.monotonic()
    made.join(began + 0.01)
    made.join(began - 1)
    assert time.monotonic() - began < LONG / 2
    go_on.set()
    made.join(time.monotonic() + LONG)


# The service's own tasks


def test_the_service_has_these_tasks_and_no_others() -> None:
    """What asks Slack or a key provider, or reads everything, must not stand in the way of the sign of life."""
    assert {task.name: task.interval for task in scheduler.local_tasks()} == NAMES["local-tasks"]
    assert {task.name: task.interval for task in scheduler.remote_tasks()} == NAMES["remote-tasks"]
    assert {task.name: task.interval for task in scheduler.check_tasks()} == NAMES["check-tasks"]
    assert [task.name for task in scheduler.check_tasks() if not task.run_at_start] == ["integrity"]
    assert all(task.run_at_start for task in (*scheduler.local_tasks(), *scheduler.remote_tasks()))


@pytest.fixture
def beats(world: World) -> Callable[[int], int]:
    """When this process last said that it lives, in seconds before now, after a run so many seconds later."""
    app, local_scheduler = world.service.app, world.service.local_scheduler

    def after(seconds: int) -> int:
        world.clock.advance(seconds)
        local_scheduler.run_due(app)
        (seen,) = [
            each for each in processes.list_live(app.db, world.clock.steady()) if each.process_id == app.process_id
        ]
        return world.clock.steady() - seen.seen_at

    return after


def test_a_sign_of_life_comes_every_ten_seconds(beats: Callable[[int], int]) -> None:
    assert heartbeat.INTERVAL == 10
    assert [beats(seconds) for seconds in (0, 9, 1, 9, 1)] == [0, 9, 0, 9, 0]


def test_a_heartbeat_comes_at_once_when_the_key_epoch_changes(world: World, beats: Callable[[int], int]) -> None:
    app = world.service.app
    beats(0)
    with app.db.transaction():
        epoch = meta.bump_key_epoch(app.db)
    assert (beats(1), beats(1)) == (0, 1)
    assert [each.key_epoch for each in processes.list_live(app.db, world.clock.steady())] == [epoch]


def test_a_key_file_that_cannot_be_taken_ends_no_sign_of_life(
    world: World, beats: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    beats(0)
    monkeypatch.setattr(world.service.app.keyring, "reload", fail(ConfigError("the key file is gone")))
    assert beats(10) == 0
    assert "key_file_not_taken" in world.log.getvalue()


def test_a_busy_slack_does_not_silence_the_sign_of_life(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops a rotation of the keys that takes a process for dead, because Slack lets it wait."""
    monkeypatch.setattr(scheduler, "TICK", 0.001)
    begun, go_on = threading.Event(), threading.Event()

    def hang(app: App, stopping: Callable[[], bool]) -> None:
        begun.set()
        go_on.wait(LONG)

    service = world.service
    monkeypatch.setattr(service.remote_scheduler, "_tasks", (Task("refresh", MINUTE, hang),))
    service.start()
    assert begun.wait(LONG)
    world.clock.advance(10)
    assert until(lambda: seen_at(world) == [world.clock.steady()])
    go_on.set()


def test_a_service_says_at_once_that_it_lives_and_at_its_end_that_it_does_not(world: World) -> None:
    before = {thread.name for thread in threading.enumerate()}
    world.service.start()
    assert seen_at(world) == [world.clock.steady()]
    assert {thread.name for thread in threading.enumerate()} - before == {
        "local-tasks", "remote-tasks", "check-tasks", *(f"inbox-{number}" for number in range(inbox.QUEUE.threads)),
    }  # fmt: skip
    world.service.stop()
    assert {thread.name for thread in threading.enumerate()} == before
    assert seen_at(world) == []


def test_the_first_heartbeat_is_written_before_any_thread_starts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lives: list[bool] = []
    for thread in (Scheduler, QueueWorkers):
        monkeypatch.setattr(thread, "start", lambda *_: lives.append(seen_at(world) == [world.clock.steady()]))
    world.service.start()
    assert lives == [True] * 4


def test_a_service_that_cannot_sign_off_ends_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.service.start()
    monkeypatch.setattr(processes, "delete", lambda *_: fail(StoreBusyError("the database is locked"))())
    world.service.stop()
    told = [json.loads(line) for line in world.log.getvalue().splitlines()]
    assert [(line["event"], line["why"]) for line in told if line["event"] == "leases_not_released"] == [
        ("leases_not_released", "the database is locked")
    ]


# Failures, and their end


def test_a_database_that_can_be_written_again_is_shown_as_well_by_the_next_sign_of_life(
    world: World, beats: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    beats(0)
    with monkeypatch.context() as patch:
        full = fail(StoreFullError("the database cannot be written"))
        patch.setattr(processes, "save_heartbeat", lambda *_, **__: full())
        assert beats(10) == 10
    world.service.app.health.set_problem("clock", None)
    found = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    assert (found.status, found.headers["retry-after"]) == (503, "5")
    assert (found.json["database"], found.json["problems"]) == (False, {"database": "the database cannot be written"})
    assert beats(9) == 19, "it is not its turn"
    assert beats(1) == 0
    found = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).json
    assert (found["database"], "database" in found["problems"]) == (True, False)


@pytest.fixture(autouse=True)
def _no_action(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bench has no database."""
    if "world" not in request.fixturenames:
        monkeypatch.setattr(scheduler.sweep, "reset_future_dates", lambda app: 0)


class Hands:
    """Two clocks, and what a watch makes of them."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.watch = ClockMonitor()

    def after(self, steady: int, wall: int) -> dict[str, str]:
        """So many seconds later by each."""
        self.bench.clock.advance(steady)
        self.bench.clock.set(wall - steady)
        self.watch.run(self.bench.app, lambda: False)
        return self.bench.health.problems()


@pytest.mark.parametrize("jump", [3600, -3600, 6, -6])
def test_a_clock_that_was_set_is_shown_for_ten_minutes_and_told_once(jump: int) -> None:
    hands = Hands()
    assert hands.after(1, 1) == {}
    shown = {"clock": f"was set by {jump} s"}
    assert hands.after(1, jump + 1) == shown
    assert [hands.after(300, 300), hands.after(300, 300), hands.after(1, 1)] == [shown, shown, {}]
    assert hands.after(1, 1) == {}
    assert hands.bench.log.told == [("error", "clock_jumped", {"seconds": jump})]


def test_a_clock_that_only_goes_a_little_wrong_is_none_that_was_set() -> None:
    """Corrected step by step, a clock gains or loses less than the watch looks for."""
    hands = Hands()
    assert [hands.after(1, 1 + wrong) for wrong in (0, 4, -4, 5, -5)] == [{}] * 5
    assert hands.after(3600, 3600) == {}
    assert hands.bench.log.told == []


def test_a_clock_that_was_set_forward_makes_nothing_old_for_two_days() -> None:
    """Stops a sweep of what Slack may still repeat: it would be run twice."""
    hands = Hands()
    hands.after(1, 1)
    app = hands.bench.app
    began = app.clock()
    hands.bench.clock.set(10 * DAY)
    assert hands.watch.conservative_now(app) == began
    hands.bench.clock.advance(2 * DAY - 1)
    assert hands.watch.conservative_now(app) == began + 2 * DAY - 1
    hands.bench.clock.set(-3600)
    assert hands.watch.conservative_now(app) == began + 2 * DAY - 1 - 3600, (
        "and set back it makes nothing old, of course"
    )
    hands.bench.clock.advance(1)
    assert hands.watch.conservative_now(app) == app.clock(), "by now it stands"


@pytest.mark.claim("C-98")
def test_a_clock_that_jumps_back_makes_due_what_the_wrong_time_postponed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    repaired: list[int] = []
    monkeypatch.setattr(scheduler.sweep, "reset_future_dates", lambda app: repaired.append(app.clock()))
    world.service.local_scheduler.run_due(world.service.app)
    assert len(repaired) == 1, "at the start: it may have been set meanwhile"
    world.clock.set(-DAY)
    world.service.local_scheduler.run_due(world.service.app)
    assert repaired[1:] == [world.clock()]
    assert world.service.app.health.problems() == {"clock": f"was set by {-DAY} s"}


def test_a_sweep_after_a_step_forward_forgets_no_event_that_may_be_repeated(world: World) -> None:
    world.browser().install()
    assert world.mention().status == 200
    world.work()
    world.service.local_scheduler.run_due(world.service.app)
    before = world.count("inbox")
    world.clock.set(3 * DAY)
    world.clock.advance(MINUTE)
    world.service.local_scheduler.run_due(world.service.app)
    world.clock.set(-3 * DAY)
    assert world.mention().status == 200, "a repeat by Slack"
    assert world.work() == 0
    assert world.count("inbox") == before


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_nothing_that_a_task_raises_ends_its_thread(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr(scheduler, "TICK", 0.001)
    twice, ran = threading.Event(), []

    def act() -> None:
        ran.append(1)
        if len(ran) == 2:
            twice.set()
        raise error

    made = Scheduler("a name", [bench.task("always", 0, act=act)])
    made.start(bench.app)
    assert twice.wait(LONG)
    made.stop()
    made.join(time.monotonic() + LONG)
    assert ("bug", "upkeep_failed", {"task": "a name"}) in bench.log.told


def test_the_first_look_at_the_clock_compares_it_with_nothing() -> None:
    assert Hands().after(12345, 1) == {}


def test_a_clock_that_is_set_again_and_again_is_shown_until_ten_minutes_after_the_last_time() -> None:
    hands = Hands()
    hands.after(1, 1)
    hands.after(1, 3601)
    assert hands.after(500, 500 - 3600) == {"clock": "was set by -3600 s"}
    assert hands.after(500, 500) == {"clock": "was set by -3600 s"}
    assert hands.after(101, 101) == {}


def test_the_local_tasks_flush_the_log_and_checkpoint_the_wal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(world.service.app.log, "flush", lambda: done.append("log"))
    monkeypatch.setattr(world.service.app.db, "maintain", lambda: done.append("checkpoint"))
    world.service.local_scheduler.run_due(world.service.app)
    assert done == ["log", "checkpoint"]


def seen_at(world: World) -> list[int]:
    return [row["seen_at"] for row in world.rows("SELECT seen_at FROM processes")]


def until(holds: Callable[[], bool]) -> bool:
    """Looks again and again, for a while."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if holds():
            return True
    return False
