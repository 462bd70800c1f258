"""Limits on how much of this service a customer's key program may hold, however it behaves.

Stops:   a program that hangs from taking every thread, and one tenant's from being noticed by another.
How:     of one tenant's keys one is asked for at a time; another thread may wait for that, a short while; whoever comes
         then is told at once that the key cannot be reached. So is everybody for some seconds after a failure, longer
         each time. And of each kind of thread only some may stand here, whosever keys they want.
Does not stop: many programs that hang at once from standing in each other's way, for as long as they may take.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.model import Tenant
from slackapp.vault.providers import KeyContext, KeyProvider

WAIT_SECONDS = 2.0
"""Seconds that a thread waits for another one's call for the same tenant."""
MAX_TENANT_THREADS = 2
"""Threads of one tenant: one that calls, and one that waits."""
MAX_THREADS_BY_KIND = {"inbox": MAX_TENANT_THREADS + 1}
"""By the first word of a thread's name: how many of that kind may stand here: more than are one
tenant's, and at least one less than there are."""
MAX_OTHER_THREADS = 8
"""Of any other kind: half of the threads that answer requests."""
FIRST_PAUSE, LONGEST_PAUSE = 5, 60
"""Seconds after a failure, doubled each time."""
_MAX_FAILURES = 10
"""As many as count."""
_MAX_TENANTS = 10_000
"""Tenants whose failures are remembered."""


@dataclass
class _TenantQueue:
    """Queue of one tenant's threads."""

    admit: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0
    failures: int = 0
    until: int = 0


class ProviderGate:
    """Gate before the key programs of a process. `steady` is a clock that nobody sets, in seconds."""

    def __init__(self, steady: Callable[[], int]) -> None:
        self._steady = steady
        self._lock = threading.Lock()
        """For what is below."""
        self._places: dict[tuple[str, Tenant], _TenantQueue] = {}
        self._kinds: Counter[str] = Counter()

    @contextmanager
    def admit(self, provider: str, tenant: Tenant) -> Iterator[None]:
        """Admits one call of the program. Raises KeyUnavailableError where it is not to be made."""
        kind = threading.current_thread().name.partition("-")[0]
        place = self._enter(kind, provider, tenant)
        try:
            if not place.admit.acquire(timeout=WAIT_SECONDS):
                raise KeyUnavailableError
            try:
                # claim: C-94
                if self._steady() < place.until:  # who called before us may have failed
                    raise KeyUnavailableError
                yield from self._count_failures(place)
            finally:
                place.admit.release()
        finally:
            self._leave(kind, provider, tenant, place)

    def _enter(self, kind: str, provider: str, tenant: Tenant) -> _TenantQueue:
        with self._lock:
            place = self._places.get((provider, tenant), _TenantQueue())
            # claim: C-94
            if place.threads >= MAX_TENANT_THREADS or self._kinds[kind] >= MAX_THREADS_BY_KIND.get(
                kind, MAX_OTHER_THREADS
            ):
                raise KeyUnavailableError
            self._places[provider, tenant] = place
            place.threads += 1
            self._kinds[kind] += 1
            return place

    def _leave(self, kind: str, provider: str, tenant: Tenant, place: _TenantQueue) -> None:
        with self._lock:
            self._kinds[kind] -= 1
            place.threads -= 1
            if not place.threads and (not place.failures or len(self._places) > _MAX_TENANTS):
                self._places.pop((provider, tenant), None)

    def _count_failures(self, place: _TenantQueue) -> Iterator[None]:
        try:
            yield
        except KeyUnavailableError:
            place.until = self._steady() + min(FIRST_PAUSE * 2**place.failures, LONGEST_PAUSE)
            place.failures = min(place.failures + 1, _MAX_FAILURES)
            raise
        except (KeyRevokedError, DecryptError):
            place.failures = 0  # the program has answered
            raise
        place.failures = 0


class GatedProvider:
    """A key provider whose program may be slow, behind the gate."""

    def __init__(self, provider: KeyProvider, gate: ProviderGate) -> None:
        self.provider_id = provider.provider_id
        self._provider = provider
        self._gate = gate

    def wrap(self, context: KeyContext, data_key: bytes) -> tuple[int, bytes]:
        """Asks the program to wrap, once the gate admits the tenant."""
        with self._gate.admit(self.provider_id, context.tenant):
            return self._provider.wrap(context, data_key)

    def unwrap(self, context: KeyContext, version: int, wrapped: bytes) -> bytes:
        """Asks the program to unwrap, once the gate admits the tenant."""
        with self._gate.admit(self.provider_id, context.tenant):
            return self._provider.unwrap(context, version, wrapped)
