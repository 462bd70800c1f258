"""The threads that run the rows of a queue, and whose row each takes next."""

import itertools
import threading
import time
from collections import Counter
from queue import Empty, SimpleQueue

from slackapp.errors import StoreError
from slackapp.flows.app import App
from slackapp.flows.events import run_event
from slackapp.model import NO_TENANT, Tenant
from slackapp.runtime.hand_off import ClaimedEvent, HandOff
from slackapp.store import queue
from slackapp.store.queue import Queue, RowId, Run

POLL_SECONDS = 1
"""Seconds between two looks at a queue in which nothing was announced: for rows put back, and of other processes."""
RIDE_SECONDS = 0.02
"""Seconds that the mark of a row waits for a commit to ride along with, once there is nothing to run."""
_MAX_LOST_CLAIMS = 16
"""So many rows in a row that another process was quicker to take; then this one looks again later."""


class QueueWorkers:
    """Threads of a queue, claiming each row when it is run: so a crash costs that row one attempt.

    What this process has claimed as it came is handed over in memory; everything else is looked for, at least once a
    second. While there is some of both, they take turns. The tenants have their turn one after the other, however many
    rows lie there of one of them.
    """

    def __init__(self, served: Queue) -> None:
        self._queue = served
        self.hand_off = HandOff(self._wake_one)
        self._signals: SimpleQueue[None] = SimpleQueue()
        """An entry for each thread that is to wake up."""
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._choice_lock = threading.Lock()
        """For the five below."""
        self._last = NO_TENANT
        self._is_turn_of_memory = False
        """Whether the last row was found in the table."""
        self._in_progress: dict[int, RowId] = {}
        """By thread: what it is at."""
        self._is_announced = False
        self._looked_at = -POLL_SECONDS
        """When the table was looked at and had nothing, by the clock that nobody sets."""
        self._claims = itertools.count(1)
        self._owes_marks = False
        """Whether a row was run since marks were written that rode along with nothing."""

    def start(self, app: App) -> None:
        """Starts the threads."""
        self.hand_off.open()
        for number in range(self._queue.threads):
            name = f"{self._queue.table}-{number}"
            thread = threading.Thread(target=self._loop, args=(app,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Tells the threads that there may be a row for them in the table."""
        self._is_announced = True
        self._wake_one()

    def _wake_one(self) -> None:
        """Wakes one thread, or keeps one from falling asleep."""
        if self._signals.qsize() < self._queue.threads:
            self._signals.put(None)

    def stop(self) -> None:
        """Asks the threads to end after the rows that run."""
        self._stop.set()
        self.hand_off.close()
        for _ in range(self._queue.threads):
            self._signals.put(None)

    def join(self, until: float) -> None:
        """Waits for that, not longer than until a reading of the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def is_alive(self) -> bool:
        """Tells whether all threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def run_due(self, app: App) -> int:
        """Runs everything that is due, marks included; how many rows."""
        self._is_announced = True
        done = self._run_all(app)
        app.db.write_deferred()
        return done

    def _run_all(self, app: App) -> int:
        done = lost = 0
        while lost < _MAX_LOST_CLAIMS and not self._stop.is_set() and (found := self._next(app)) is not None:
            ran = self._run(app, found)
            done, lost = (done + 1, 0) if ran else (done, lost + 1)
        return done

    def _loop(self, app: App) -> None:
        while not self._stop.is_set():
            try:
                self._run_all(app)
                if not self._stop.is_set():
                    self._rest(app)
            except StoreError as error:
                app.log.error("queue_waits", {"queue": self._queue.table, "why": str(error)})
                self._stop.wait(POLL_SECONDS)
            except BaseException:  # noqa: BLE001  (whatever it is: it must not end the thread, and every tenant's events)
                app.log.bug("queue_failed", {"queue": self._queue.table})
                self._stop.wait(POLL_SECONDS)

    def _rest(self, app: App) -> None:
        """Sleeps until somebody rings, or it is time to look; writes the marks that have found nothing to ride on."""
        try:
            self._signals.get(timeout=RIDE_SECONDS if self._owes_marks else POLL_SECONDS)
        except Empty:
            self._owes_marks = False
            app.db.write_deferred()

    def _next(self, app: App) -> ClaimedEvent | RowId | None:
        """Chooses what this thread runs next: of the tenant whose turn it is, within its share."""
        with self._choice_lock:
            full, steady = self._full_tenant(), app.clock.steady()
            is_look_due = self._is_announced or not 0 <= steady - self._looked_at < POLL_SECONDS
            # Turn about: neither a full table nor a hand-off that is never empty keeps the other one waiting.
            # claim: C-97
            claimed = self.hand_off.take(full) if self._is_turn_of_memory else None
            found = claimed or (self._find_row(app, full, steady) if is_look_due else None) or self.hand_off.take(full)
            self._is_turn_of_memory = isinstance(found, tuple)
            if found is not None:
                row_id = found if isinstance(found, tuple) else (found.run.tenant, found.run.event_id)
                self._in_progress[threading.get_ident()] = row_id
            return found

    def _full_tenant(self) -> Tenant:
        """Finds the tenant that has its share of the threads already."""
        if len(self._in_progress) < self._queue.max_per_tenant:
            return NO_TENANT
        at = Counter(tenant for tenant, _ in self._in_progress.values())
        return next((tenant for tenant, rows in at.items() if rows >= self._queue.max_per_tenant), NO_TENANT)

    def _find_row(self, app: App, full: Tenant, steady: int) -> RowId | None:
        """Looks for a row in the table; whoever finds one wakes the next thread, for which there may be something."""
        times = {"now": app.clock(), "steady": steady}
        # What a full tenant has is not in the list, and becomes due with the next end of a row.
        self._is_announced = full != NO_TENANT
        for after in (self._last, NO_TENANT):  # once round, from the tenant that had the last turn
            for found in queue.list_due(app.db, self._queue, after, full, **times, limit=self._queue.threads):
                self._is_announced = True  # one that another thread is about to claim hides those behind it
                if found not in self._in_progress.values():
                    self._last = found[0]
                    self._wake_one()
                    return found
        self._looked_at = steady
        return None

    def _run(self, app: App, found: ClaimedEvent | RowId) -> bool:
        """Runs the row; False where another process has it by now."""
        try:
            if isinstance(found, ClaimedEvent):
                run_event.run_claimed(app, found)
                return True
            row = self._claim(app, found)
            if row is not None:
                run_event.run(app, row, app.clock())
            return row is not None
        finally:
            self._owes_marks = True
            with self._choice_lock:
                self._in_progress.pop(threading.get_ident(), None)

    def _claim(self, app: App, found: RowId) -> Run | None:
        owner = f"{app.process_id}:{next(self._claims)}"

        def claim() -> Run | None:
            if self._stop.is_set():  # since; the end has given back what was claimed, and gives nothing back twice
                return None
            return queue.claim(app.db, self._queue, found, owner=owner, steady=app.clock.steady())

        # Unflushed: a claim that a power failure undoes is a row that nobody has claimed.
        return app.db.commit_in_group(claim, durable=False)
