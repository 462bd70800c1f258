"""An `App` inside somebody else's program: opened by its first use, shared by threads, closed while the process forks.

A connection to SQLite must not cross a fork, not even one that nobody uses there: the child takes its parent's locks
for its own, and what it commits is lost when the parent closes (sqlite.org/howtocorrupt.html, section 2.6).
"""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slackapp.flows.app import App


class LazyApp:
    """An `App` that is opened at once, to see that it can be, and then whenever it is used."""

    def __init__(self, open_app: Callable[[], App]) -> None:
        self._open_app = open_app
        self._idle = threading.Condition(threading.Lock())
        self._running = 0
        self._app: App | None = None
        self._inherited: list[App] = []
        open_app().db.close()
        _ALL.add(self)

    @contextmanager
    def use(self) -> Iterator[App]:
        """Opens the app for one operation; several operations may run at a time."""
        with self._idle:
            self._app = app = self._app or self._open_app()
            self._running += 1
        try:
            yield app
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Waits for what runs, and closes; the next use opens again."""
        self.pause()
        self.release()

    def pause(self) -> None:
        """Pauses in the same way, but nothing runs before `release`."""
        self._idle.acquire()
        self._idle.wait_for(lambda: self._running == 0)
        if self._app is not None:
            self._app.db.close()
            self._app = None

    def release(self) -> None:
        """Lets waiting operations go on."""
        self._idle.release()

    def reset_in_child(self) -> None:
        """Resets the handle in the child after a fork.

        Where `pause` was not told of it, what is open is kept, so that nothing closes it here.
        """
        if self._app is not None:
            self._inherited.append(self._app)
        self._app, self._running, self._idle = None, 0, threading.Condition(threading.Lock())


_ALL: weakref.WeakSet[LazyApp] = weakref.WeakSet()
_HELD: list[LazyApp] = []
_FORKING = threading.Lock()


def _before() -> None:
    _FORKING.acquire()
    for opened in list(_ALL):
        opened.pause()
        _HELD.append(opened)


def _after_in_parent() -> None:
    while _HELD:
        _HELD.pop().release()
    _FORKING.release()


def _after_in_child() -> None:
    _HELD.clear()
    for opened in list(_ALL):
        opened.reset_in_child()
    if _FORKING.locked():  # not after a fork that Python was told of only afterwards
        _FORKING.release()


os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
