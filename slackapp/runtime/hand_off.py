"""Hand-off in memory: events that this process has claimed as they came, on their way to its threads.

Stops:   a row that has just been written, and whose body is open, from being looked for, claimed, read and opened anew.
How:     a place is reserved before the row is written as claimed; without one the row is written as any other, and
         waits in the queue's table. The tenants have their turn one after the other, and none has more than half of
         the places.
Does not stop: a kill; what lies here is claimed by a process that is dead then, and is taken over from it.
"""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.model import Installation, Tenant
from slackapp.store.queue import Run

PLACES = 256
MAX_BODY_BYTES = 32 * 1024
"""What is larger is not kept in memory: a full hand-off has 8 MiB."""


@dataclass(frozen=True, eq=False)
class ClaimedEvent:
    """Event whose row was claimed as it came, with what was read and opened of it.

    `claimed_at` is in seconds of the clock that nobody sets.
    """

    run: Run
    installation: Installation
    body: Mapping[str, Any]
    claimed_at: int


class HandOff:
    """Hand-off of one queue, open while there are threads that take from it. `wake_one` wakes one of them."""

    def __init__(self, wake_one: Callable[[], None], places: int = PLACES) -> None:
        self._wake_one = wake_one
        self._places = places
        self._lock = threading.Lock()
        self._is_open = False
        self._reserved: Counter[Tenant] = Counter()
        self._total = 0
        self._waiting: OrderedDict[Tenant, deque[ClaimedEvent]] = OrderedDict()

    @property
    def is_open(self) -> bool:
        """Tells whether what is claimed for it will be taken, or given back at the end."""
        return self._is_open

    def open(self) -> None:
        """Opens it: from now on places can be reserved."""
        self._is_open = True

    def close(self) -> None:
        """Closes it, and drops what lies in it: its leases are released, or run out."""
        with self._lock:
            self._is_open = False
            self._waiting.clear()
            self._reserved.clear()
            self._total = 0

    def reserve(self, tenant: Tenant, size: int) -> bool:
        """Reserves a place for a row of that tenant, whose body has so many bytes; False where there is none."""
        # claim: C-130
        if not self._is_open or size > MAX_BODY_BYTES:
            return False
        with self._lock:
            # claim: C-130
            if self._total >= self._places or self._reserved[tenant] * 2 >= self._places:
                return False
            self._reserved[tenant] += 1
            self._total += 1
            return True

    def put(self, claimed: ClaimedEvent) -> None:
        """Puts a claimed event into the place that was reserved for it."""
        with self._lock:
            if self._is_open:
                self._waiting.setdefault(claimed.run.tenant, deque()).append(claimed)
        self._wake_one()

    def release(self, tenant: Tenant) -> None:
        """Gives back a place that was reserved and is not used."""
        with self._lock:
            self._release(tenant)

    def drop(self, tenant: Tenant) -> None:
        """Drops what waits of a tenant that is gone."""
        with self._lock:
            for _ in self._waiting.pop(tenant, ()):
                self._release(tenant)

    def take(self, full: Tenant) -> ClaimedEvent | None:
        """Takes the next event: of the tenant whose turn it is, and none of the `full` one."""
        with self._lock:
            # claim: C-130
            tenant = next((each for each in self._waiting if each != full), None)
            if tenant is None:
                return None
            of_tenant = self._waiting.pop(tenant)
            claimed = of_tenant.popleft()
            if of_tenant:
                self._waiting[tenant] = of_tenant  # at the end: the others come first
            self._release(tenant)
            return claimed

    def _release(self, tenant: Tenant) -> None:
        if self._reserved[tenant]:
            self._reserved[tenant] -= 1
            self._total -= 1
        if not self._reserved[tenant]:
            del self._reserved[tenant]
