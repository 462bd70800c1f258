"""The single file of the key backup, and how it is replaced."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slackapp.crypto.keyfile import PARTIAL_SUFFIX, replace_private
from slackapp.errors import StoreBusyError, StoreFullError

NAME = "slackapp-keys.json"
_PARTIAL_NAME = f"{NAME}{PARTIAL_SUFFIX}"
_TICK = 0.02
"""Seconds between two looks whether another writer has come to its end."""


class KeyBackupFile:
    """`slackapp-keys.json` in a folder; without a folder, nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def is_set(self) -> bool:
        """Tells whether there is a place for it."""
        return self._folder is not None

    @property
    def has_partial_write(self) -> bool:
        """Tells whether a partly written file stands beside it, which holds keys, too.

        Somebody writes it just now, or was killed doing so.
        """
        return self._folder is not None and os.path.lexists(self._folder / _PARTIAL_NAME)

    @contextmanager
    def locked(self, timeout: float) -> Iterator[None]:
        """Locks out other writers, of all threads and processes: who comes later has seen more of the database.

        What a killed writer left half written goes: it holds keys. Raises StoreBusyError after `timeout` seconds, and
        StoreFullError where the folder cannot be used.
        """
        if self._folder is None:
            yield
            return
        with _cannot_be("read"):
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _wait_for(folder, timeout)
            with _cannot_be("written"):
                (self._folder / _PARTIAL_NAME).unlink(missing_ok=True)
            yield
        finally:
            os.close(folder)

    def write(self, content: bytes) -> None:
        """Replaces the file whole: who reads it meanwhile sees the old one or the new one. Raises StoreFullError."""
        if self._folder is not None:
            with _cannot_be("written"):
                replace_private(self._folder / NAME, content)

    def read(self) -> bytes | None:
        """Returns what is there, or None. Raises StoreFullError when it cannot be read."""
        if self._folder is None:
            return None
        with _cannot_be("read"):
            try:
                return (self._folder / NAME).read_bytes()
            except FileNotFoundError:
                return None


def _wait_for(folder: int, timeout: float) -> None:
    until = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise StoreBusyError("another process writes the key backup") from None
        except OSError as error:  # not every file system of a network lets a folder be locked
            why = os.strerror(error.errno or 0)
            raise StoreFullError(f"the folder of the key backup cannot be locked ({why})") from None
        time.sleep(_TICK)


@contextmanager
def _cannot_be(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreFullError(f"the key backup cannot be {done} ({os.strerror(error.errno or 0)})") from None
