"""The thread that runs the inbox."""

import threading

from slackapp.errors import StoreError
from slackapp.flows import run_event, sweep
from slackapp.ports import App
from slackapp.store import inbox

IDLE = 1.0
"""Seconds between two looks at an inbox in which nothing was announced: for rows put back, and of other processes."""
SWEEP_EVERY = 60
STOP_AFTER = 8.0


class Worker:
    """Claims row after row. What it was at when its process died is claimed again when the lease has run out."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._swept_at = 0

    def start(self, app: App) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._loop, args=(app,), name="inbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Lets the row that runs come to its end, for at most 8 s, and stops."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(STOP_AFTER)

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
                self._upkeep(app)
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

    def _upkeep(self, app: App) -> None:
        now = app.clock()
        if abs(now - self._swept_at) < SWEEP_EVERY:
            return
        self._swept_at = now
        sweep.mark_unclear(app, now)
        sweep.run(app, now)
