"""Bounds on how often: a token bucket per address, pauses that Slack asks for, one audit row per reason and minute."""

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

MAX_KEYS = 10_000


class TokenBuckets:
    """`per_minute` admissions per key, all of which may come at once; at most 10,000 keys are remembered.

    Stops one address from filling the table of states. Does not stop many addresses; the limit on states does.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def admit(self, key: str, now: int) -> int:
        """0 when admitted, else the seconds to wait."""
        rate = self._per_minute / 60
        with self._lock:
            level, since = self._buckets.pop(key, (float(self._per_minute), now))
            level = min(float(self._per_minute), level + max(0, now - since) * rate)
            admitted = level >= 1
            self._buckets[key] = (level - 1 if admitted else level, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        return 0 if admitted else math.ceil((1 - level) / rate)


class PauseTable:
    """Until when Slack wants to hear nothing of a key; at most 10,000 keys are remembered.

    In memory: another process, or the next one, learns it by one call of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def left(self, key: str, now: int) -> int:
        """The seconds that are left; 0 when there is no pause."""
        with self._lock:
            since, seconds = self._until.get(key, (now, 0))
            left = seconds - (now - since)
            if now >= since and left > 0:  # a clock that was set back ends the pause
                return left
            self._until.pop(key, None)
            return 0

    def hold(self, key: str, seconds: int, now: int) -> None:
        """Begins a pause; nothing for 0 seconds."""
        if seconds <= 0:
            return
        with self._lock:
            self._until.pop(key, None)
            self._until[key] = (now, seconds)
            if len(self._until) > MAX_KEYS:
                self._until.popitem(last=False)


class OncePerMinute:
    """Lets the first of each kind through in each minute. Kinds come from a closed list."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}

    def first(self, key: str, now: int) -> bool:
        """Whether this is the first time within that minute."""
        minute = now // 60
        with self._lock:
            if self._seen.get(key) == minute:
                return False
            self._seen[key] = minute
            return True


class Slots:
    """A number of places; whoever finds none free is told at once, and does not wait."""

    def __init__(self, number: int) -> None:
        self._free = threading.Semaphore(number)

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Whether a place was free; it is given back at the end."""
        taken = self._free.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._free.release()
