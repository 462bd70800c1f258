"""Problems of the service, by part, for `/readyz`; each ends when that part works again."""

import math
import threading
from collections.abc import Callable

MASTER_KEYS = "master keys"
PARTS = {
    "database": "database",
    "integrity": "integrity",
    "slack": "slack",
    "clock": "clock",
    "clock against Slack's": "skew",
    MASTER_KEYS: "keys",
}
"""The parts that can have a problem, and their labels."""
CACHE_SECONDS = 2
"""Seconds for which strangers are given the same answer."""


class Health:
    """Problems of this process, in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        self._ask_lock = threading.Lock()
        self._answer = (False, -math.inf)
        """Whether the service is ready, and when that was found out."""

    def set_problem(self, part: str, problem: str | None) -> None:
        """Sets a part's problem, in a few words of ours; None when there is none any more."""
        if problem is None and part not in self._problems:
            return
        with self._lock:
            if problem is not None:
                self._problems[part] = problem
            else:
                self._problems.pop(part, None)

    def problems(self) -> dict[str, str]:
        """Lists the problems."""
        with self._lock:
            return dict(self._problems)

    def is_ready(self, ask: Callable[[], bool], now: int) -> bool:
        """Returns what `ask` says, asked every few seconds and by one thread; others get the answer before."""
        ready, since = self._answer
        # claim: C-103
        if 0 <= now - since < CACHE_SECONDS or not self._ask_lock.acquire(blocking=False):
            return ready
        try:
            self._answer = (ask(), now)
            return self._answer[0]
        finally:
            self._ask_lock.release()
