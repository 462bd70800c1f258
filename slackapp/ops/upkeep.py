"""What has to be done again and again: one thread for what stays in the house, one for errands to others.

Slack or a key provider may take half a minute to answer; meanwhile this process must go on saying that it lives. Each
task has its own interval, and a task that fails keeps no other from its turn.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slackapp.errors import StoreError
from slackapp.flows import (
    counting,
    heartbeat,
    lost_exchanges,
    missing_keys,
    refresh_due,
    suspend_tenant,
    sweep,
    validate_tenant,
    verify_audit,
)
from slackapp.ports import App
from slackapp.store import meta

TICK = 1.0
"""Seconds between two looks at what is due."""
MINUTE, DAY = 60, 86_400
JUMP, SHOWN = 5, 600
"""Seconds: what counts as a jump of the clock, and for how long it is shown."""
Stopping = Callable[[], bool]


@dataclass(frozen=True)
class Task:
    """`every` is in seconds. `at_once` says whether it is due at the start already."""

    name: str
    every: int
    run: Callable[[App, Stopping], object]
    at_once: bool = True


class Heartbeat:
    """Says every 10 s that this process lives, and at once when the keys have changed."""

    def __init__(self) -> None:
        self._epoch = 0
        self._at = 0

    def run(self, app: App, stopping: Stopping) -> None:
        """Raises StoreError."""
        now = app.clock()
        if abs(now - self._at) >= heartbeat.EVERY or meta.key_epoch(app.db) != self._epoch:
            self._at = now
            self._epoch = heartbeat.run(app, self._epoch, now)
            app.health.note("database", "")  # it can be written


class ClockWatch:
    """Notices a wall clock that was set: leases, expiries and signatures are judged by it."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._difference: float | None = None
        self._jumped_at = 0.0

    def run(self, app: App, stopping: Stopping) -> None:
        """Shown for ten minutes; everything goes on."""
        steady = self._steady()
        difference = app.clock() - steady
        jump = difference - (self._difference if self._difference is not None else difference)
        self._difference = difference
        if abs(jump) > JUMP:
            self._jumped_at = steady
            app.log.error("clock_jumped", {"seconds": round(jump)})
            app.health.note("clock", f"was set by {round(jump)} s")
        elif self._jumped_at and steady - self._jumped_at > SHOWN:
            self._jumped_at = 0.0
            app.health.note("clock", "")


def house() -> tuple[Task, ...]:
    """Our own database only."""
    return (
        Task("heartbeat", 0, Heartbeat().run),
        Task("log", 0, lambda app, stopping: app.log.flush()),
        Task("counters", counting.EVERY, lambda app, stopping: counting.run(app)),
        Task("checkpoint", 0, lambda app, stopping: app.db.checkpoint()),
        Task("clock", 0, ClockWatch(time.monotonic).run),
        Task("unclear", MINUTE, lambda app, stopping: sweep.mark_unclear(app, app.clock())),
        Task("lost", MINUTE, lambda app, stopping: lost_exchanges.run(app, app.clock())),
        Task("sweep", MINUTE, lambda app, stopping: sweep.run(app, app.clock())),
        Task("master keys", MINUTE, lambda app, stopping: missing_keys.run(app)),
        Task("audit", MINUTE, lambda app, stopping: verify_audit.cut(app, app.clock())),
        # The start has its own, quicker check.
        Task("integrity", DAY, lambda app, stopping: sweep.check_integrity(app), at_once=False),
    )


def errands() -> tuple[Task, ...]:
    """What asks Slack, or a key provider."""
    return (
        Task("refresh", MINUTE, refresh_due.run),
        Task("suspended", MINUTE, lambda app, stopping: suspend_tenant.restore_all(app)),
        Task("check", MINUTE, validate_tenant.due),
        Task("paused", MINUTE, validate_tenant.again),
    )


class Upkeep:
    """One thread, and the tasks that it runs one after the other."""

    def __init__(self, name: str, tasks: Sequence[Task]) -> None:
        self._name = name
        self._tasks = tasks
        self._ran_at: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

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
            now = app.clock()
            last = self._ran_at.setdefault(task.name, now - task.every if task.at_once else now)
            if self._stop.is_set() or abs(now - last) < task.every:
                continue
            self._ran_at[task.name] = now
            try:
                task.run(app, self._stop.is_set)
            except StoreError as error:
                app.health.note("database", str(error))
                app.log.error("upkeep_waits", {"task": task.name, "why": str(error)})
            except Exception:  # noqa: BLE001  (a bug in one task must not end the others)
                app.log.bug("upkeep_failed", {"task": task.name})

    def _loop(self, app: App) -> None:
        while not self._stop.is_set():
            self.run_due(app)
            self._stop.wait(TICK)
