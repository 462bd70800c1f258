"""One tenant's key program, however it behaves: it holds its own tenant up, and of the service's threads only some."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.model import Tenant
from slackapp.vault import provider_gate
from slackapp.vault.provider_gate import GatedProvider, ProviderGate
from slackapp.vault.providers import KeyContext
from tests.support.world import Clock
from tests.vault.providers import FaultyProvider

NORTH, SOUTH = Tenant("T", "T0NORTH001"), Tenant("T", "T0SOUTH001")
CONTEXT = KeyContext("A0LOCAL001", NORTH, "bot", 12)
KEY = bytes(32)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failing_provider() -> FaultyProvider:
    return FaultyProvider("own")


@pytest.fixture
def provider(failing_provider: FaultyProvider, clock: Clock) -> GatedProvider:
    return GatedProvider(failing_provider, ProviderGate(clock.steady))


def asked(provider: GatedProvider, failing_provider: FaultyProvider, tenant: Tenant = NORTH) -> bool:
    """Whether a wish reaches the program."""
    before = len(failing_provider.asked)
    with suppress(KeyUnavailableError, KeyRevokedError, DecryptError):
        provider.wrap(CONTEXT._replace(tenant=tenant), KEY)
    return len(failing_provider.asked) > before


@pytest.mark.claim("C-94")
def test_a_failure_is_remembered_longer_each_time_for_that_tenant_alone(
    provider: GatedProvider, failing_provider: FaultyProvider, clock: Clock
) -> None:
    """I am mentioned often, and my key program hangs: each of these mentions would wait for it."""
    failing_provider.mood = "unavailable"
    for pause in (5, 10, 20, 40, 60, 60):
        assert asked(provider, failing_provider)
        clock.advance(pause - 1)
        assert not asked(provider, failing_provider)
        assert asked(provider, failing_provider, SOUTH) or pause < 60
        clock.advance(1)


def test_who_has_answered_is_asked_again_at_once(
    provider: GatedProvider, failing_provider: FaultyProvider, clock: Clock
) -> None:
    for mood in ("revoked", "mismatch", "", "revoked"):
        failing_provider.mood = mood
        assert asked(provider, failing_provider)
    failing_provider.mood = "unavailable"
    assert asked(provider, failing_provider)
    clock.advance(5)
    failing_provider.mood = ""
    assert asked(provider, failing_provider)
    failing_provider.mood = "unavailable"
    assert asked(provider, failing_provider)
    clock.advance(5)
    assert asked(provider, failing_provider), "the back-off begins anew"


def test_another_provider_of_the_same_tenant_is_asked(failing_provider: FaultyProvider, clock: Clock) -> None:
    """The operator has put it on another one, because this one failed."""
    shared, other = ProviderGate(clock.steady), FaultyProvider("other")
    failing_provider.mood = "unavailable"
    assert asked(GatedProvider(failing_provider, shared), failing_provider)
    assert asked(GatedProvider(other, shared), other)


@contextmanager
def calling(gate: ProviderGate, tenant: Tenant, name: str = "waitress-0") -> Iterator[None]:
    """A thread of that name is in the middle of a call for that tenant."""
    begun, end = threading.Event(), threading.Event()

    def call() -> None:
        with gate.admit("own", tenant):
            begun.set()
            end.wait(10)

    thread = threading.Thread(target=call, name=name)
    thread.start()
    assert begun.wait(10)
    yield
    end.set()
    thread.join(10)


def may_call(gate: ProviderGate, tenant: Tenant, name: str = "waitress-9") -> bool:
    """Whether a thread of that name may call for that tenant."""
    found: list[bool] = []

    def call() -> None:
        try:
            with gate.admit("own", tenant):
                found.append(True)
        except KeyUnavailableError:
            found.append(False)

    thread = threading.Thread(target=call, name=name)
    thread.start()
    thread.join(10)
    return found == [True]


@pytest.mark.claim("C-94")
def test_of_one_tenants_threads_one_calls_one_waits_and_the_rest_are_told_at_once(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = ProviderGate(clock.steady)
    waits, ended = threading.Event(), threading.Event()
    entered = ProviderGate._enter

    def enter(*arguments: object) -> object:
        place = entered(*arguments)  # type: ignore[arg-type]
        waits.set()
        return place

    monkeypatch.setattr(provider_gate, "WAIT_SECONDS", 10.0)
    with calling(gate, NORTH):
        monkeypatch.setattr(ProviderGate, "_enter", enter)
        thread = threading.Thread(target=lambda: may_call(gate, NORTH) and ended.set())
        thread.start()
        assert waits.wait(10)
        assert not may_call(gate, NORTH), "it did not even wait"
        assert may_call(gate, SOUTH)
        assert not ended.is_set()
    thread.join(10)
    assert ended.is_set(), "it had its turn then"


def test_who_waits_too_long_is_told_and_may_come_again(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = ProviderGate(clock.steady)
    monkeypatch.setattr(provider_gate, "WAIT_SECONDS", 0.01)
    with calling(gate, NORTH):
        for _ in range(3):
            assert not may_call(gate, NORTH)
    assert may_call(gate, NORTH)


@pytest.mark.claim("C-94")
def test_who_waited_for_a_call_that_failed_does_not_call(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, tried = ProviderGate(clock.steady), threading.Event()
    entered = ProviderGate._enter

    def enter(*arguments: object) -> object:
        place = entered(*arguments)  # type: ignore[arg-type]
        tried.set()
        return place

    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(may_call(gate, NORTH)))

    def fail_while_another_waits() -> None:
        with gate.admit("own", NORTH):
            monkeypatch.setattr(ProviderGate, "_enter", enter)
            thread.start()
            assert tried.wait(10)
            raise KeyUnavailableError

    with pytest.raises(KeyUnavailableError):
        fail_while_another_waits()
    thread.join(10)
    assert found == [False]


@pytest.mark.claim("C-94")
@pytest.mark.parametrize(("kind", "most"), [("waitress", 8), ("inbox", 3), ("remote-tasks", 8)])
def test_of_each_kind_of_thread_only_some_may_stand_there_whosever_keys_they_want(
    clock: Clock, kind: str, most: int
) -> None:
    """The programs of many customers hang at once: the service goes on answering those who need none of them."""
    gate = ProviderGate(clock.steady)
    with ExitStack() as stack:
        for number in range(most):
            stack.enter_context(calling(gate, Tenant("T", f"T{number:09d}"), f"{kind}-{number}"))
        assert not may_call(gate, SOUTH, f"{kind}-{most}")
        assert may_call(gate, SOUTH, "another-1")
    assert may_call(gate, SOUTH, f"{kind}-{most}")


@pytest.mark.claim("C-94")
@pytest.mark.parametrize("kind", ["waitress", "inbox"])
def test_what_one_tenant_may_take_leaves_another_ones_key_within_reach(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """My key program hangs, and I have two events: one thread calls, and one waits. My neighbour's has a third one."""
    gate, waits = ProviderGate(clock.steady), threading.Event()
    entered = ProviderGate._enter

    def enter(*arguments: object) -> object:
        place = entered(*arguments)  # type: ignore[arg-type]
        waits.set()
        return place

    with calling(gate, NORTH, f"{kind}-0"):
        monkeypatch.setattr(ProviderGate, "_enter", enter)
        thread = threading.Thread(target=may_call, args=(gate, NORTH, f"{kind}-1"))
        thread.start()
        assert waits.wait(10)
        assert may_call(gate, SOUTH, f"{kind}-2")
    thread.join(10)


def test_a_tenant_without_threads_and_failures_is_forgotten(clock: Clock) -> None:
    gate = ProviderGate(clock.steady)
    with gate.admit("own", NORTH):
        assert len(gate._places) == 1
    assert (len(gate._places), +gate._kinds) == (0, {})
