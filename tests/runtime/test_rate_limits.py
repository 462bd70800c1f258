"""Bounds on how often."""

import threading
import time
from contextlib import ExitStack

import pytest

from slackapp.runtime import rate_limits
from slackapp.runtime.rate_limits import ConcurrencyLimit, Cooldowns, FailureLimit, RateLimiter, Throttle

NOW = 1_800_000_000
ONE, OTHER = "192.0.2.1", "192.0.2.2"


def empty(buckets: RateLimiter, key: str = ONE, now: int = NOW) -> int:
    """How many are admitted until none is; then the wait."""
    admitted = 0
    while buckets.admit(key, now) == 0:
        admitted += 1
    return admitted


@pytest.mark.parametrize("per_minute", [1, 2, 7, 60, 100])
def test_a_bucket_admits_one_minutes_rate_at_once_and_no_more(per_minute: int) -> None:
    """I begin installs as fast as I can."""
    buckets = RateLimiter(per_minute)
    assert empty(buckets) == per_minute
    assert empty(buckets) == 0


def test_places_come_back_with_time_and_never_more_than_a_minutes_number() -> None:
    buckets = RateLimiter(60)
    empty(buckets)
    assert empty(buckets, now=NOW + 1) == 1
    assert empty(buckets, now=NOW + 11) == 10
    assert empty(buckets, now=NOW + 71) == 60
    assert empty(buckets, now=NOW + 10_000) == 60


def test_a_bucket_with_less_than_one_place_refuses() -> None:
    buckets = RateLimiter(6)
    empty(buckets)
    assert [buckets.admit(ONE, NOW + later) for later in (1, 9, 10)] == [9, 1, 0]


@pytest.mark.parametrize("per_minute", [*range(1, 130), 599, 1000])
def test_who_waits_as_long_as_told_is_admitted(per_minute: int) -> None:
    buckets = RateLimiter(per_minute)
    empty(buckets)
    wait = buckets.admit(ONE, NOW)
    assert 1 <= wait <= 60
    assert buckets.admit(ONE, NOW + wait) == 0


def test_who_is_refused_does_not_wait_longer_for_asking() -> None:
    buckets = RateLimiter(1)
    empty(buckets)
    for later in range(1, 60):
        assert buckets.admit(ONE, NOW + later) > 0
    assert buckets.admit(ONE, NOW + 60) == 0


def test_one_address_does_not_use_up_anothers_places() -> None:
    buckets = RateLimiter(3)
    empty(buckets)
    assert empty(buckets, OTHER) == 3


def test_a_clock_that_goes_back_gives_nobody_a_place() -> None:
    buckets = RateLimiter(3)
    empty(buckets)
    assert buckets.admit(ONE, NOW - 3600) > 0


def test_only_so_many_addresses_are_remembered_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """I come from ever new addresses, so that your memory fills."""
    assert rate_limits.MAX_KEYS == 10_000
    monkeypatch.setattr(rate_limits, "MAX_KEYS", 3)
    buckets = RateLimiter(1)
    for key in ("a", "b", "c"):
        assert buckets.admit(key, NOW) == 0
    assert buckets.admit("a", NOW) > 0
    assert buckets.admit("d", NOW) == 0
    assert [key for key in ("a", "c", "d") if buckets.admit(key, NOW) > 0] == ["a", "c", "d"]
    assert buckets.admit("b", NOW) == 0


# Pauses


def test_a_pause_lasts_as_long_as_it_was_asked_for() -> None:
    cooldowns = Cooldowns()
    assert cooldowns.seconds_left("a", NOW) == 0
    cooldowns.start("a", 20, NOW)
    assert [cooldowns.seconds_left("a", NOW + later) for later in (0, 1, 19, 20, 19)] == [20, 19, 1, 0, 0]
    assert cooldowns.seconds_left("b", NOW) == 0


def test_the_pause_that_was_asked_for_last_counts() -> None:
    cooldowns = Cooldowns()
    cooldowns.start("a", 20, NOW)
    cooldowns.start("a", 5, NOW + 1)
    assert [cooldowns.seconds_left("a", NOW + later) for later in (1, 5, 6)] == [5, 1, 0]


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_cooldown_of_zero_seconds_changes_nothing(seconds: int) -> None:
    cooldowns = Cooldowns()
    cooldowns.start("a", 20, NOW)
    cooldowns.start("a", seconds, NOW + 1)
    cooldowns.start("b", seconds, NOW + 1)
    assert (cooldowns.seconds_left("a", NOW + 1), cooldowns.seconds_left("b", NOW + 1)) == (19, 0)


def test_a_clock_that_goes_back_ends_a_pause() -> None:
    """Stops a pause of years, after a clock that was wrong has been put right."""
    cooldowns = Cooldowns()
    cooldowns.start("a", 20, NOW)
    assert (cooldowns.seconds_left("a", NOW - 1), cooldowns.seconds_left("a", NOW)) == (0, 0)


def test_only_so_many_pauses_are_remembered_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MAX_KEYS", 3)
    cooldowns = Cooldowns()
    for key in ("a", "b", "c", "a", "d"):
        cooldowns.start(key, 20, NOW)
    assert [cooldowns.seconds_left(key, NOW) for key in ("a", "b", "c", "d")] == [20, 0, 20, 20]


def test_a_pause_that_is_over_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MAX_KEYS", 2)
    cooldowns = Cooldowns()
    cooldowns.start("a", 20, NOW)
    cooldowns.start("b", 1, NOW)
    assert cooldowns.seconds_left("b", NOW + 1) == 0
    cooldowns.start("c", 20, NOW + 1)
    assert [cooldowns.seconds_left(key, NOW + 1) for key in ("a", "c")] == [19, 20]


def test_each_kind_is_let_through_once_a_minute() -> None:
    throttle = Throttle()
    assert [throttle.allows("a", now) for now in (60, 60, 119, 120, 179, 180)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_each_key_is_throttled_by_itself() -> None:
    throttle = Throttle()
    assert throttle.allows("a", 60)
    assert throttle.allows("b", 60)
    assert not throttle.allows("a", 61)


def test_of_several_threads_one_is_the_first() -> None:
    throttle, seen, barrier = Throttle(), [], threading.Barrier(16)

    def ask() -> None:
        barrier.wait()
        seen.append(throttle.allows("a", 60))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [False] * 15 + [True]


def test_places_are_taken_and_given_back() -> None:
    slots = ConcurrencyLimit(2)
    for _ in range(2):
        with slots.acquire("a") as first, slots.acquire("b") as second, slots.acquire("c") as third:
            assert [first, second, third] == [True, True, False]


@pytest.mark.claim("C-72")
@pytest.mark.parametrize(("number", "shares"), [(4, [2, 1, 1]), (8, [4, 2, 1, 1]), (1, [1]), (3, [2, 1])])
def test_whoever_has_places_never_takes_the_last_ones_from_whoever_has_none(number: int, shares: list[int]) -> None:
    slots = ConcurrencyLimit(number)
    with ExitStack() as stack:
        for key, share in enumerate(shares):
            taken = [stack.enter_context(slots.acquire(str(key))) for _ in range(number + 1)]
            assert taken == [True] * share + [False] * (number + 1 - share)
        with slots.acquire("another") as taken:
            assert not taken
    with slots.acquire("0") as first, slots.acquire("another") as second:
        assert [first, second] == [True, number > 1], "all of it has come back"


def test_who_has_no_place_is_not_remembered() -> None:
    slots = ConcurrencyLimit(1)
    for key in "abc":
        with slots.acquire(key), slots.acquire("refused"):
            pass
    assert not vars(slots)["_taken"]


def test_a_place_is_given_back_after_a_failure() -> None:
    slots = ConcurrencyLimit(1)

    def fail() -> None:
        with slots.acquire("a"):
            raise InterruptedError

    for _ in range(3):
        with pytest.raises(InterruptedError):
            fail()
    with slots.acquire("a") as taken:
        assert taken


@pytest.mark.claim("C-86")
def test_places_are_closed_as_they_are_given_back() -> None:
    slots = ConcurrencyLimit(2)
    with slots.acquire("a"):
        assert slots.close(until=0.0) == 1, "one is still taken"
        assert slots.close(until=0.0) == 1
    assert [slots.close(until=0.0) for _ in range(2)] == [0, 0], "who stops twice waits once"
    with slots.acquire("b") as taken:
        assert not taken


@pytest.mark.claim("C-86")
def test_a_close_waits_for_what_is_given_back_meanwhile() -> None:
    slots, inside, hold = ConcurrencyLimit(2), threading.Event(), threading.Event()

    def work() -> None:
        with slots.acquire("a"):
            inside.set()
            hold.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    threading.Timer(0.02, hold.set).start()
    assert slots.close(time.monotonic() + 10) == 0
    thread.join()


def test_looking_at_a_bucket_spends_nothing() -> None:
    buckets = RateLimiter(2)
    assert [buckets.peek("a", NOW) for _ in range(3)] == [0, 0, 0]
    assert [buckets.admit("a", NOW) for _ in range(3)] == [0, 0, 30]
    assert (buckets.peek("a", NOW), buckets.peek("a", NOW + 30)) == (30, 0)


def test_failures_of_one_network_stop_that_network_alone() -> None:
    budget = FailureLimit(network=2, everybody=10, newcomers=10)
    for _ in range(2):
        assert budget.seconds_left("a", NOW) == 0
        budget.spend("a", NOW)
    assert [budget.seconds_left(network, NOW) for network in ("a", "b")] == [30, 0]
    assert budget.seconds_left("a", NOW + 30) == 0


@pytest.mark.claim("C-98")
def test_a_clock_that_goes_back_by_a_day_stops_nobody_for_that_day() -> None:
    budget, earlier = FailureLimit(network=2, everybody=2, newcomers=1), NOW - 86_400
    for _ in range(3):
        budget.spend("a", NOW)
    assert [budget.seconds_left(network, earlier) for network in ("a", "new")] == [30, 60]
    assert [budget.seconds_left(network, earlier + 60) for network in ("a", "new")] == [0, 0]


def test_failures_of_many_networks_stop_those_that_have_failed_and_then_everybody() -> None:
    budget = FailureLimit(network=3, everybody=4, newcomers=2)
    for number in range(4):
        budget.spend(f"bad {number}", NOW)
    assert budget.seconds_left("bad 0", NOW) == 15, "what is for everybody is used up"
    assert budget.seconds_left("new", NOW) == 0
    for number in range(2):
        budget.spend(f"another {number}", NOW)
    assert budget.seconds_left("new", NOW) == 30, "and so is what is for newcomers"
    assert [budget.seconds_left("bad 0", NOW + 15), budget.seconds_left("new", NOW + 15)] == [0, 0]


@pytest.mark.claim("C-72")
def test_a_few_networks_that_fail_slowly_for_ever_keep_no_newcomer_out() -> None:
    """Twenty of them, each of which fails again as soon as its own rate lets it."""
    budget = FailureLimit(network=10, everybody=60, newcomers=60)
    for later in range(0, 600, 6):
        for number in range(20):
            if not budget.seconds_left(f"bad {number}", NOW + later):
                budget.spend(f"bad {number}", NOW + later)
        assert budget.seconds_left(f"new {later}", NOW + later) == 0
    assert budget.seconds_left("bad 0", NOW + 600 + 3600) == 0
