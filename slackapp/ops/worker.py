"""The thread that runs the inbox."""

import threading

from slackapp.errors import StoreError
from slackapp.flows import heartbeat, run_event, suspend_tenant, sweep, verify_audit
from slackapp.ports import App
from slackapp.store import inbox, meta

IDLE = 1.0
"""Seconds between two looks at an inbox in which nothing was announced: for rows put back, and of other processes."""
SWEEP_EVERY = 60
CHECK_EVERY = 86_400
STOP_AFTER = 8.0


class Worker:
    """Claims row after row. What it was at when its process died is claimed again when the lease has run out."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._swept_at = 0
        self._beat_at = 0
        self._checked_at = 0
        self._epoch = 0

    def start(self, app: App) -> None:
        """Says that the process lives, and starts the thread."""
        self._checked_at = app.clock()  # the start has had its own, quicker check
        self._upkeep(app)
        self._thread = threading.Thread(target=self._loop, args=(app,), name="inbox", daemon=True)
        self._thread.start()

    def stop(self, app: App) -> None:
        """Lets the row that runs come to its end, for at most 8 s, stops, and says so."""
        self._stop.set()
        self._wake.set()
        if self._thread is None:
            return
        self._thread.join(STOP_AFTER)
        try:
            heartbeat.leave(app)
        except StoreError as error:
            app.log.error("not_signed_off", {"why": str(error)})  # a minute from now it counts as dead all the same

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def drain(self, app: App) -> int:
        """Runs everything that is due; how many rows."""
        done = 0
        while not self._stop.is_set() and self._run_one(app):
            done += 1
            if self._thread is not None:
                self._upkeep(app)  # also while the inbox is never empty
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
        if abs(now - self._beat_at) >= heartbeat.EVERY or meta.key_epoch(app.db) != self._epoch:
            self._beat_at = now
            self._epoch = heartbeat.run(app, self._epoch, now)
        if abs(now - self._swept_at) >= SWEEP_EVERY:
            self._swept_at = now
            sweep.mark_unclear(app, now)
            sweep.run(app, now)
            suspend_tenant.restore_all(app)
            verify_audit.cut(app, now)
        if abs(now - self._checked_at) >= CHECK_EVERY:
            self._checked_at = now
            sweep.check_integrity(app)
