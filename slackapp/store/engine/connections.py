"""Connections that are closed only while nobody uses them.

Stops:   a process that crashes at its end, or when a program that it is a guest in closes it: under a statement that
         runs in another thread, SQLite would read memory that is not its own any more.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_OPEN_CONNECTIONS: set[sqlite3.Connection] = set()
"""Held here, too, the collector never comes to a connection before its holder has closed it."""


class ConnectionHandle:
    """Connection that is closed when its thread ends, or by `close`, never while it is in use.

    Under a statement that runs, SQLite would read memory that is not its own any more. But not in the child of a fork,
    where the threads of the parent end, too: their connections are the parent's.
    """

    __slots__ = ("__weakref__", "connection", "is_open", "pid", "use_lock")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        _OPEN_CONNECTIONS.add(connection)
        self.pid = os.getpid()
        self.use_lock = threading.RLock()
        self.is_open = True

    def close_if_idle(self) -> None:
        """Closes the connection, unless it is in use: then its user has the last hold of it, and closes it."""
        if self.pid == os.getpid() and self.use_lock.acquire(blocking=False):
            self.is_open = False
            self.connection.close()
            self.use_lock.release()

    def __del__(self) -> None:
        if self.pid == os.getpid():  # else it is the parent's: never closed, nor collected, which would close it
            self.connection.close()
            _OPEN_CONNECTIONS.discard(self.connection)


@contextmanager
def use_handle(find: Callable[[], ConnectionHandle]) -> Iterator[ConnectionHandle]:
    """Uses what `find` finds, which is not closed before the block ends. Finds again, where it was closed just now."""
    while True:
        held = find()
        with held.use_lock:
            if held.is_open:
                yield held
                return


class OpenTransaction(threading.local):
    """Open transaction of a thread: what it writes by, and whether others' work shares the commit.

    No close takes the connection away: the transaction comes to its end.
    """

    held: ConnectionHandle | None = None
    is_shared: bool = False
