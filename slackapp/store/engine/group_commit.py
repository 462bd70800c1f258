"""Group commit: the order of writers among a process's threads, and commits that they share.

SQLite lets one connection write at a time, and a connection that finds another one writing polls. Threads that queue
here get the write lock without polling, in the order in which they came. And a commit waits for the disk: while one
thread waits, the work of the others gathers, and whoever comes next does all of it in one transaction. So the disk is
waited for once per batch and not once per request, and still nobody goes on before what it wrote is on the disk.
What nobody waits for rides along: it is left here, and written with whatever is committed next.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from slackapp.errors import StoreBusyError, StoreFullError

MAX_BATCH, MAX_DEFERRED = 64, 256
"""Pieces of work in one transaction that are waited for, and that are not."""
Transaction = Callable[[bool], AbstractContextManager[None]]
"""Told whether its commit must be on the disk when it ends."""


class _Waiter:
    """A thread that waits: for the write lock, or until its piece of work was done by another one."""

    __slots__ = ("_called", "do", "done", "durable", "error", "result")

    def __init__(self, do: Callable[[], Any] | None, durable: bool) -> None:
        self.do = do
        """Its work, where others may do it."""
        self.durable = durable
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self._called = threading.Lock()
        self._called.acquire()

    def notify(self) -> None:
        """Wakes the thread, once: when it has the write lock, or its work is done."""
        self._called.release()

    def wait(self, timeout: float) -> bool:
        """Waits to be called; False when nobody did within that many seconds. Below 0: for as long as it takes."""
        return self._called.acquire(timeout=timeout)


class GroupCommit:
    """Group commit of one database in one process. `timeout` is in seconds."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._lock = threading.Lock()
        """For a look at the two below; nobody waits while holding it."""
        self._is_busy = False
        self._queue: deque[_Waiter] = deque()
        self._deferred: deque[Callable[[], Any]] = deque()

    def defer(self, do: Callable[[], Any]) -> None:
        """Leaves work to the next commit, of whoever that is; `write_deferred` where there may be none for long."""
        self._deferred.append(do)

    def write_deferred(self, transaction: Transaction) -> None:
        """Writes what was left, unflushed, where nobody has written it since. Raises StoreError."""
        if self._deferred:
            self.run(_nothing, transaction, durable=False)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Gives one thread the right to write. Raises StoreBusyError when the others take too long."""
        self._acquire(_Waiter(None, durable=True))
        try:
            yield
        finally:
            self._release_next()

    def run(self, do: Callable[[], Any], transaction: Transaction, durable: bool) -> Any:
        """Runs `do` in a transaction that others may share, and returns its result once that is committed.

        To the disk, where anybody in it is `durable`. It may run in another thread, and again after a failure of
        somebody else's work: so it must do nothing but read and write the database. Raises what it raises, and then
        nothing of it was written.
        """
        waiter = _Waiter(do, durable)
        self._acquire(waiter)
        if not waiter.done:
            left = batch = [waiter]
            deferred: list[_Waiter] = []
            try:
                deferred = self._take_deferred()
                left = batch = [waiter, *self._take_others()]
                left = [*batch, *deferred]
                while left:
                    left = _try_batch(left, transaction)
            finally:
                self._put_back(deferred, left)
                _end(batch[1:], left)
                self._release_next()
        if waiter.error is not None:
            raise waiter.error
        return waiter.result

    def _acquire(self, waiter: _Waiter) -> None:
        """Waits until the write lock is this thread's, or its work is done."""
        with self._lock:
            if not self._is_busy:
                self._is_busy = True
                return
            self._queue.append(waiter)
        try:
            called = waiter.wait(self.timeout)
        except BaseException:
            self._withdraw(waiter)
            raise
        if called:
            return
        with self._lock:
            if waiter in self._queue:
                self._queue.remove(waiter)
                raise StoreBusyError("the database is busy")
        waiter.wait(-1)  # it got the write lock just now, or somebody has begun with its work: the end must be awaited

    def _withdraw(self, waiter: _Waiter) -> None:
        """An interrupted thread keeps no write lock: one that it has just got goes to the next."""
        with self._lock:
            if waiter in self._queue:
                self._queue.remove(waiter)
                return
            has_write_lock = waiter.wait(0) and not waiter.done
        if has_write_lock:
            self._release_next()

    def _release_next(self) -> None:
        """Gives the lock straight to whoever has waited longest: who comes only now waits behind it."""
        with self._lock:
            if self._queue:
                self._queue.popleft().notify()
            else:
                self._is_busy = False

    def _take_others(self) -> list[_Waiter]:
        """Takes from the queue what may be done in the same transaction."""
        with self._lock:
            others = [waiter for waiter in self._queue if waiter.do is not None][: MAX_BATCH - 1]
            for waiter in others:
                self._queue.remove(waiter)
        return others

    def _take_deferred(self) -> list[_Waiter]:
        """Takes what nobody waits for; whoever calls has the write lock."""
        return [_Waiter(self._deferred.popleft(), durable=False) for _ in range(min(MAX_DEFERRED, len(self._deferred)))]

    def _put_back(self, deferred: list[_Waiter], left: list[_Waiter]) -> None:
        """Keeps for the next commit what this one could not write.

        What fails by itself is lost, as by a kill; so is what would find the same damage in each commit from now on.
        """
        passing = (StoreBusyError, StoreFullError)
        kept = [waiter for waiter in deferred if waiter in left or isinstance(waiter.error, passing)]
        self._deferred.extendleft(waiter.do for waiter in reversed(kept) if waiter.do is not None)


def _nothing() -> None:
    """Does nothing: for the sake of what rides along."""


def _try_batch(batch: list[_Waiter], transaction: Transaction) -> list[_Waiter]:
    """Runs a batch; returns whose work is to be tried again, because somebody else's failed.

    Where a piece of work fails, nothing was written: the others do theirs again without it. Where the transaction as
    such fails, it would fail for each of them, too, and they have waited long enough.
    """
    own: list[_Waiter] = []
    # claim: C-46
    durable = any(waiter.durable for waiter in batch)
    try:
        with transaction(durable):
            for waiter in batch:
                own = [waiter]
                waiter.result = waiter.do() if waiter.do is not None else None
            own = []
    except BaseException as error:  # noqa: BLE001  (handed to whom it belongs)
        for waiter in own or batch:
            waiter.error = error
        return [waiter for waiter in batch if own and waiter not in own]
    return []


def _end(others: list[_Waiter], left: list[_Waiter]) -> None:
    """Wakes those whose work was done; who is left was not tried to the end, because this thread was interrupted."""
    for waiter in others:
        if waiter in left and waiter.error is None:
            waiter.error = StoreBusyError("the database is busy")
        waiter.done = True
        waiter.notify()
