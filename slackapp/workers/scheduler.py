"""Scheduler of periodic tasks: a thread for local ones, one for what waits for others, one for checks.

Slack or a key provider may take half a minute to answer, and a check of a large database minutes; meanwhile this
process must go on saying that it lives. Each
task has its own interval, and a task that fails keeps no other from its turn.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from slackapp.errors import StoreError
from slackapp.flows.app import App, Circle
from slackapp.flows.audit import verify_audit
from slackapp.flows.keys import list_keys, suspend_tenant
from slackapp.flows.tokens import refresh_due, validate_tenant
from slackapp.flows.upkeep import heartbeat, interrupted_calls, sweep
from slackapp.model import Settings
from slackapp.runtime.metrics import PERSIST_SECONDS
from slackapp.store import meta

TICK = 1.0
"""Seconds between two looks at what is due."""
MINUTE, HOUR, DAY = 60, 3600, 86_400
JUMP_SECONDS, JUMP_SHOWN_SECONDS = 5, 600
"""Seconds: what counts as a jump of the clock, and for how long it is shown."""
JUMP_DISTRUST_SECONDS = sweep.DEDUPE_WINDOW
"""Seconds for which a jump forward makes nothing old."""
Stopping = Callable[[], bool]


class Task(NamedTuple):
    """Task of the scheduler: `interval` is in seconds, `run_at_start` says whether it is due at once."""

    name: str
    interval: int
    run: Callable[[App, Stopping], object]
    run_at_start: bool = True


class Heartbeat:
    """Task that says every 10 s that this process lives, and at once when keys have changed."""

    def __init__(self) -> None:
        self._epoch = 0
        self._at = -heartbeat.INTERVAL

    def run(self, app: App, stopping: Stopping) -> None:
        """Raises StoreError."""
        now = app.clock.steady()
        if now - self._at >= heartbeat.INTERVAL or meta.key_epoch(app.db) != self._epoch:
            self._at = now
            self._epoch = heartbeat.run(app, self._epoch)
            app.health.set_problem("database", None)  # it can be written


class ClockMonitor:
    """Monitor that notices a wall clock that was set: expiries and signatures are judged by it."""

    def __init__(self) -> None:
        self._difference: int | None = None
        self._jumps: list[tuple[int, int]] = []
        """When, by the other clock, and by how many seconds."""

    def run(self, app: App, stopping: Stopping) -> None:
        """Reports a step of the clock, for ten minutes; everything goes on.

        What the wrong time has postponed is due at once.
        """
        steady = app.clock.steady()
        difference = app.clock() - steady
        jump = difference - (self._difference if self._difference is not None else difference)
        self._difference = difference
        if abs(jump) > JUMP_SECONDS:
            self._jumps.append((steady, jump))
            app.log.error("clock_jumped", {"seconds": jump})
            app.health.set_problem("clock", f"was set by {jump} s")
            sweep.reset_future_dates(app)
        elif self._jumps and steady - self._jumps[-1][0] > JUMP_SHOWN_SECONDS:
            app.health.set_problem("clock", None)

    def conservative_now(self, app: App) -> int:
        """Returns Unix seconds for what deletes by age, as if no recent jump of the clock forward had been.

        A repeat of an event, of which Slack may send some for a day, would find nothing that it repeats.
        """
        self.run(app, lambda: False)
        self._jumps = [(at, jump) for at, jump in self._jumps if app.clock.steady() - at < JUMP_DISTRUST_SECONDS]
        return app.clock() - sum(max(0, jump) for _, jump in self._jumps)


def local_tasks() -> tuple[Task, ...]:
    """Lists the tasks that need our own database only."""
    clock_monitor = ClockMonitor()
    return (
        Task("heartbeat", 0, Heartbeat().run),
        Task("dead processes", heartbeat.INTERVAL, lambda app, stopping: interrupted_calls.take_over(app, app.clock())),
        Task("log", 0, lambda app, stopping: app.log.flush()),
        Task("counters", PERSIST_SECONDS, lambda app, stopping: app.metrics.persist(app.db, app.log)),
        Task("checkpoint", 0, lambda app, stopping: app.db.maintain()),
        Task("clock", 0, clock_monitor.run),
        Task("set_clock", HOUR, lambda app, stopping: sweep.reset_future_dates(app)),
        Task("unclear", MINUTE, lambda app, stopping: interrupted_calls.mark_unclear(app, app.clock())),
        Task("lost", MINUTE, lambda app, stopping: interrupted_calls.mark_lost_exchanges(app, app.clock())),
        Task("sweep", MINUTE, lambda app, stopping: sweep.run(app, clock_monitor.conservative_now(app))),
        Task("master keys", MINUTE, lambda app, stopping: list_keys.report_missing(app)),
        Task("audit", MINUTE, lambda app, stopping: verify_audit.prune(app, clock_monitor.conservative_now(app))),
    )


def check_tasks() -> tuple[Task, ...]:
    """Lists the tasks that read the whole database."""
    return (
        Task("quick_check", DAY, lambda app, stopping: sweep.check_integrity(app, thorough=False)),
        Task("integrity", DAY, lambda app, stopping: sweep.check_integrity(app, thorough=True), run_at_start=False),
    )


def remote_tasks() -> tuple[Task, ...]:
    """Lists the tasks that call Slack or a key provider."""
    return (
        Task("refresh", MINUTE, refresh_due.run),
        Task("suspended", MINUTE, lambda app, stopping: suspend_tenant.restore_all(app)),
        Task("check", MINUTE, validate_tenant.run_due),
        Task("paused", MINUTE, validate_tenant.run_paused),
        Task("circles", MINUTE, _run_circles),
    )


def delivery_tasks(circles: Sequence[Circle], settings: Settings) -> tuple[Task, ...]:
    """Lists what tells others what has happened: each has a thread of its own, since they may be slow."""
    chosen = ((circle.name, circle.deliver(settings)) for circle in circles)
    return tuple(Task(name, 0, send) for name, send in chosen if send is not None)


def _run_circles(app: App, stopping: Stopping) -> None:
    for circle in app.circles:
        circle.remote_upkeep(app, stopping)


class Scheduler:
    """Thread that runs its tasks one after the other."""

    def __init__(self, name: str, tasks: Sequence[Task]) -> None:
        self._name = name
        self._tasks = tuple(tasks)
        self._ran_at: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, task: Task) -> None:
        """Takes one more task, before the thread is started."""
        self._tasks = (*self._tasks, task)

    def start(self, app: App) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._loop, args=(app,), name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end after what it does just now."""
        self._stop.set()

    def join(self, until: float) -> None:
        """Waits for that, not longer than until a reading of the monotonic clock."""
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def run_due(self, app: App) -> None:
        """Runs each task whose time has come."""
        for task in self._tasks:
            now = app.clock.steady()
            last = self._ran_at.setdefault(task.name, now - task.interval if task.run_at_start else now)
            if self._stop.is_set() or now - last < task.interval:
                continue
            self._ran_at[task.name] = now
            try:
                task.run(app, self._stop.is_set)
            except StoreError as error:
                app.health.set_problem("database", str(error))
                app.log.error("upkeep_waits", {"task": task.name, "why": str(error)})
            except Exception:  # noqa: BLE001  (a bug in one task must not end the others)
                app.log.bug("upkeep_failed", {"task": task.name})

    def _loop(self, app: App) -> None:
        while not self._stop.wait(TICK):  # at the start, too: the first requests have the interpreter for themselves
            try:
                self.run_due(app)
            except BaseException:  # noqa: BLE001  (whatever it is: it must not end the thread; the next tick goes on)
                app.log.bug("upkeep_failed", {"task": self._name})
