"""The threads that run the rows of a queue, and whose row each takes next."""

import itertools
import threading
import time
from collections import Counter

from slackapp.errors import StoreError
from slackapp.flows.app import App
from slackapp.flows.events import run_event
from slackapp.model import NO_TENANT
from slackapp.store import queue
from slackapp.store.queue import Queue, RowId, Run

POLL_SECONDS = 1.0
"""Seconds between two looks at a queue in which nothing was announced: for rows put back, and of other processes."""
_MAX_LOST_CLAIMS = 16
"""So many rows in a row that another process was quicker to take; then this one looks again later."""


class QueueWorkers:
    """Threads of a queue, claiming each row when it is run: so a crash costs that row one attempt.

    The tenants have their turn one after the other, however many rows lie there of one of them. What was run when its
    process died is claimed again when the lease has run out.
    """

    def __init__(self, served: Queue) -> None:
        self._queue = served
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._choice_lock = threading.Lock()
        """For the two below."""
        self._last = NO_TENANT
        self._in_progress: dict[int, RowId] = {}
        """By thread: what it is at."""
        self._claims = itertools.count(1)

    def start(self, app: App) -> None:
        """Starts the threads."""
        for number in range(self._queue.threads):
            name = f"{self._queue.table}-{number}"
            thread = threading.Thread(target=self._loop, args=(app,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Tells the threads that there may be a row for them."""
        self._wake.set()

    def stop(self) -> None:
        """Asks the threads to end after the rows that run."""
        self._stop.set()
        self._wake.set()

    def join(self, until: float) -> None:
        """Waits for that, not longer than until a reading of the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def is_alive(self) -> bool:
        """Tells whether all threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def run_due(self, app: App) -> int:
        """Runs everything that is due; how many rows."""
        done = lost = 0
        while lost < _MAX_LOST_CLAIMS and not self._stop.is_set() and (found := self._next_row(app)) is not None:
            ran = self._run(app, found)
            done, lost = (done + 1, 0) if ran else (done, lost + 1)
        return done

    def _loop(self, app: App) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self.run_due(app)
            except StoreError as error:
                app.log.error("queue_waits", {"queue": self._queue.table, "why": str(error)})
            except BaseException:  # noqa: BLE001  (whatever it is: it must not end the thread, and every tenant's events)
                app.log.bug("queue_failed", {"queue": self._queue.table})
            if not self._stop.is_set():
                self._wake.wait(POLL_SECONDS)

    def _next_row(self, app: App) -> RowId | None:
        """Chooses the row that this thread takes next: of the tenant whose turn it is, within its share."""
        served, times = self._queue, {"now": app.clock(), "steady": app.clock.steady()}
        with self._choice_lock:
            at = Counter(tenant for tenant, _ in self._in_progress.values())
            full = next((tenant for tenant, rows in at.items() if rows >= served.max_per_tenant), NO_TENANT)
            for after in (self._last, NO_TENANT):  # once round, from the tenant that had the last turn
                for found in queue.list_due(app.db, served, after, full, **times, limit=served.threads):
                    if found not in self._in_progress.values():
                        self._last = found[0]
                        self._in_progress[threading.get_ident()] = found
                        self._wake.set()  # there may be something for the other threads, too
                        return found
        return None

    def _run(self, app: App, found: RowId) -> bool:
        """Runs the row; False where another process has it by now."""
        owner = f"{app.process_id}:{next(self._claims)}"

        def claim() -> Run | None:
            if self._stop.is_set():  # since; the end has given back what was claimed, and gives nothing back twice
                return None
            return queue.claim(app.db, self._queue, found, owner=owner, steady=app.clock.steady())

        try:
            # Unflushed: a claim that a power failure undoes is a row that nobody has claimed.
            row = app.db.commit_in_group(claim, durable=False)
            if row is not None:
                run_event.run(app, row, app.clock())
            return row is not None
        finally:
            with self._choice_lock:
                self._in_progress.pop(threading.get_ident(), None)
