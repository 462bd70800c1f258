"""Limits: rate per key, failures, concurrency, cooldowns, and what is allowed once per minute."""

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from slackapp.errors import Refusal, Refused

MAX_KEYS = 10_000
_FAILURE_MEMORY = 3600
"""Seconds for which a network that failed is no newcomer."""


class RateLimiter:
    """Token bucket with `per_minute` admissions per key, all at once if need be; at most 10,000 keys are remembered.

    Stops one address from filling the table of states. Does not stop many addresses; the limit on states does.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def admit(self, key: str, now: int) -> int:
        """Admits a request and returns 0, or the seconds to wait."""
        with self._lock:
            level = self._level(key, now)
            self._buckets.pop(key, None)
            self._buckets[key] = (level - 1 if level >= 1 else level, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        return self._wait(level)

    def require(self, key: str, now: int) -> None:
        """Admits a request, or raises Refused (RATE)."""
        wait = self.admit(key, now)
        if wait:
            raise Refused(Refusal.RATE, retry_after=wait)

    def peek(self, key: str, now: int) -> int:
        """Looks at the limit in the same way, but spends nothing."""
        with self._lock:
            return self._wait(self._level(key, now))

    def _level(self, key: str, now: int) -> float:
        level, since = self._buckets.get(key, (float(self._per_minute), now))
        if now < since:  # the clock was set back: nothing comes back for that, and nothing waits for that time
            since = now
            self._buckets[key] = level, now
        return min(float(self._per_minute), level + (now - since) * self._per_minute / 60)

    def _wait(self, level: float) -> int:
        return 0 if level >= 1 else math.ceil((1 - level) * 60 / self._per_minute)


_ALL = "all"
"""Key of a limit that all share."""


class FailureLimit:
    """Limit on failures per minute: of one network, of all, and a rest for networks without any lately.

    Stops made-up codes from eating up the rate that Slack gives to exchanges, and refreshes with them. Whoever comes
    from a network that has not failed for an hour is let through when the others have used up what is for all: a few
    networks that fail slowly, for ever, must not use that up, too. Does not stop who has thousands of networks.
    """

    def __init__(self, network: int, everybody: int, newcomers: int) -> None:
        self._networks = RateLimiter(network)
        self._everybody = RateLimiter(everybody)
        self._newcomers = RateLimiter(newcomers)
        self._failed = Cooldowns()

    def seconds_left(self, network: str, now: int) -> int:
        """Returns the seconds to wait, 0 for who may try; spends nothing."""
        own, common = self._networks.peek(network, now), self._everybody.peek(_ALL, now)
        if own or not common:
            return own
        return common if self._failed.seconds_left(network, now) else self._newcomers.peek(_ALL, now)

    def spend(self, network: str, now: int) -> None:
        """Counts a failure of that network."""
        self._networks.admit(network, now)
        self._failed.start(network, _FAILURE_MEMORY, now)
        if self._everybody.admit(_ALL, now):
            self._newcomers.admit(_ALL, now)


class Cooldowns:
    """Cooldowns by key, in which Slack wants no call; at most 10,000 keys are remembered.

    In memory: another process, or the next one, learns it by one call of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def seconds_left(self, key: str, now: int) -> int:
        """The seconds that are left; 0 when there is no pause."""
        with self._lock:
            since, seconds = self._until.get(key, (now, 0))
            seconds_left = seconds - (now - since)
            if now >= since and seconds_left > 0:  # a clock that was set back ends the pause
                return seconds_left
            self._until.pop(key, None)
            return 0

    def start(self, key: str, seconds: int, now: int) -> None:
        """Begins a pause; nothing for 0 seconds."""
        if seconds <= 0:
            return
        with self._lock:
            self._until.pop(key, None)
            self._until[key] = (now, seconds)
            if len(self._until) > MAX_KEYS:
                self._until.popitem(last=False)


class Throttle:
    """Throttle that lets the first of each kind through in each minute. Kinds come from a closed list."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}

    def allows(self, key: str, now: int) -> bool:
        """Tells whether the key comes for the first time within that minute."""
        minute = now // 60
        with self._lock:
            if self._seen.get(key) == minute:
                return False
            self._seen[key] = minute
            return True


class ConcurrencyLimit:
    """Limit on what runs at the same time; whoever finds no place is told at once, and does not wait.

    Who has some gets another one only while more are free than that: one alone gets half of them, two get three
    quarters, and so on. So nobody who hangs or floods takes the last place from whoever has none.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()
        self._closed = False

    @contextmanager
    def acquire(self, key: str) -> Iterator[bool]:
        """Acquires a place for that key, given back at the end; False where there is none."""
        with self._changed:
            # claim: C-72
            taken = not self._closed and self._number - self._taken.total() > self._taken[key]
            self._taken[key] += taken
        try:
            yield taken
        finally:
            with self._changed:
                self._taken -= Counter({key: taken})  # which also forgets who has none
                self._changed.notify_all()

    def close(self, until: float) -> int:
        """Closes the limit, and waits for places that are taken until that monotonic time; returns how many were."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._taken.total(), max(0.0, until - time.monotonic()))
            return self._taken.total()
