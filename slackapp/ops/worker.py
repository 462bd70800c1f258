"""The thread that runs the inbox."""

import threading
import time

from slackapp.errors import StoreError
from slackapp.flows import run_event
from slackapp.ports import App
from slackapp.store import inbox

IDLE = 1.0
"""Seconds between two looks at an inbox in which nothing was announced: for rows put back, and of other processes."""


class Worker:
    """Claims row after row. What it was at when its process died is claimed again when the lease has run out."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, app: App) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._loop, args=(app,), name="inbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end after the row that runs."""
        self._stop.set()
        self._wake.set()

    def join(self, until: float) -> None:
        """Waits for that, not longer than until a reading of the monotonic clock."""
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

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
            self._wake.wait(IDLE)

    def _run_one(self, app: App) -> bool:
        now = app.clock()
        owner = f"{app.process_id}:{threading.get_ident()}"
        with app.db.transaction():
            row = inbox.claim(app.db, owner, now, now + run_event.LEASE)
        if row is None:
            return False
        run_event.run(app, row, now)
        return True
