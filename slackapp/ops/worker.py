"""The threads that run the inbox."""

import itertools
import threading
import time
from collections import deque

from slackapp.errors import StoreError
from slackapp.flows import run_event
from slackapp.model import InboxRow
from slackapp.ports import App
from slackapp.store import inbox

WORKERS = 4
"""So many rows at a time: one tenant's slow call to Slack does not hold up the others'."""
IDLE = 1.0
"""Seconds between two looks at an inbox in which nothing was announced: for rows put back, and of other processes."""


PORTION = 8
"""Rows that are claimed in one transaction, for all threads; whoever is free takes the next."""


class Worker:
    """Claims rows and runs them. What it was at when its process died is claimed again when the lease has run out."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._claiming = threading.Lock()
        self._claimed: deque[InboxRow] = deque()
        self._claimed_at = 0
        self._portions = itertools.count(1)

    def start(self, app: App) -> None:
        """Starts the threads."""
        for number in range(WORKERS):
            thread = threading.Thread(target=self._loop, args=(app,), name=f"inbox-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Asks the threads to end after the rows that run."""
        self._stop.set()
        self._wake.set()

    def join(self, until: float) -> None:
        """Waits for that, not longer than until a reading of the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def is_alive(self) -> bool:
        """Whether all threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def drain(self, app: App) -> int:
        """Runs everything that is due; how many rows."""
        done = 0
        while not self._stop.is_set() and self._run_one(app):
            done += 1
        return done

    def _loop(self, app: App) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self.drain(app)
            except StoreError as error:
                app.log.error("inbox_waits", {"why": str(error)})
            except Exception:  # noqa: BLE001  (a bug must not end the thread, and with it every tenant's events)
                app.log.bug("inbox_failed", {})
            if not self._stop.is_set():
                self._wake.wait(IDLE)

    def _run_one(self, app: App) -> bool:
        now = app.clock()
        with self._claiming:
            if not self._claimed:
                self._claim(app, now)
            row = self._claimed.popleft() if self._claimed else None
            late = now - self._claimed_at > run_event.LEASE // 2
        if row is None:
            return False
        if late:  # so much of the lease went by in the queue that the rest may not suffice
            inbox.postpone(app.db, row, "waited", now, forgive=True)
        else:
            run_event.run(app, row, now)
        return True

    def _claim(self, app: App, now: int) -> None:
        owner = f"{app.process_id}:{next(self._portions)}"
        # Unflushed: a claim that a power failure undoes is a row that nobody has claimed.
        rows = app.db.together_unflushed(lambda: self._claim_rows(app, owner, now))
        if rows:
            self._claimed.extend(rows)
            self._claimed_at = now
            self._wake.set()  # there is something for the other threads, too

    def _claim_rows(self, app: App, owner: str, now: int) -> list[InboxRow]:
        if self._stop.is_set():  # since; the end has given back what was claimed, and gives nothing back twice
            return []
        return inbox.claim(app.db, owner, now, now + run_event.LEASE, PORTION)
