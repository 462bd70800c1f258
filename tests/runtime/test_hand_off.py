"""Hand-off of claimed rows to the threads that run them."""

from typing import Any, cast

import pytest

from slackapp.model import NO_TENANT, Installation, Tenant
from slackapp.runtime.hand_off import MAX_BODY_BYTES, ClaimedEvent, HandOff
from slackapp.store.queue import Run

NORTH, SOUTH, EAST = (Tenant("T", f"T0{name}") for name in ("NORTH", "SOUTH", "EAST"))


class Row:
    """Stands for a run: all that is looked at here."""

    def __init__(self, tenant: Tenant, number: int) -> None:
        self.tenant, self.event_id = tenant, f"Ev{number}"


def delivery(tenant: Tenant, number: int = 0) -> ClaimedEvent:
    return ClaimedEvent(cast(Run, Row(tenant, number)), cast(Installation, None), {}, 0)


class Made:
    def __init__(self, places: int = 8) -> None:
        self.rung = 0
        self.hand_off = HandOff(self._wake_one, places)
        self.hand_off.open()

    def _wake_one(self) -> None:
        self.rung += 1

    def put(self, *tenants: Tenant) -> None:
        for number, tenant in enumerate(tenants):
            assert self.hand_off.reserve(tenant, 1)
            self.hand_off.put(delivery(tenant, number))

    def taken(self, full: Tenant = NO_TENANT) -> Any:
        found = self.hand_off.take(full)
        return found and (found.run.tenant, found.run.event_id)


def test_what_was_put_is_taken_once_and_each_wakes_a_thread() -> None:
    made = Made()
    made.put(NORTH, SOUTH)
    assert [made.taken() for _ in range(3)] == [(NORTH, "Ev0"), (SOUTH, "Ev1"), None]
    assert made.rung == 2


@pytest.mark.claim("C-130")
def test_the_tenants_have_their_turn_and_a_full_one_has_none() -> None:
    """I come first with many events, and want the others to wait."""
    made = Made()
    made.put(NORTH, NORTH, NORTH, SOUTH, EAST)
    assert [made.taken()[0] for _ in range(3)] == [NORTH, SOUTH, EAST]
    assert made.taken(full=NORTH) is None
    assert [made.taken() for _ in range(3)] == [(NORTH, "Ev1"), (NORTH, "Ev2"), None]


@pytest.mark.claim("C-130")
def test_nobody_has_more_than_half_of_the_places_and_all_together_no_more_than_there_are() -> None:
    hand_off = Made(places=8).hand_off
    assert [hand_off.reserve(NORTH, 1) for _ in range(5)] == [True] * 4 + [False]
    assert [hand_off.reserve(SOUTH, 1) for _ in range(4)] == [True] * 4
    assert not hand_off.reserve(EAST, 1)
    hand_off.release(NORTH)
    assert [hand_off.reserve(EAST, 1) for _ in range(2)] == [True, False]


@pytest.mark.claim("C-130")
def test_what_is_large_is_not_kept_in_memory() -> None:
    hand_off = Made().hand_off
    assert hand_off.reserve(NORTH, MAX_BODY_BYTES)
    assert not hand_off.reserve(NORTH, MAX_BODY_BYTES + 1)


@pytest.mark.claim("C-130")
def test_before_its_threads_run_and_once_they_end_there_is_no_place() -> None:
    made = Made()
    assert not HandOff(made._wake_one).reserve(NORTH, 1)
    made.put(NORTH)
    assert made.hand_off.reserve(SOUTH, 1)
    made.hand_off.close()
    made.hand_off.put(delivery(SOUTH))
    assert (made.taken(), made.hand_off.reserve(NORTH, 1)) == (None, False)
    made.hand_off.open()
    assert [made.hand_off.reserve(NORTH, 1) for _ in range(5)] == [True] * 4 + [False], "none is lost"


def test_a_place_is_given_back_once() -> None:
    hand_off = Made(places=2).hand_off
    hand_off.release(NORTH)
    assert [hand_off.reserve(tenant, 1) for tenant in (NORTH, SOUTH, EAST)] == [True, True, False]
