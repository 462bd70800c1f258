"""When a token is due: early enough, never too late, and not for all at the same time."""

import zlib
from collections import Counter
from itertools import pairwise

import pytest

from slackapp.checks.token_lifetime import REFRESH_MARGIN, refresh_time
from slackapp.model import BOT, Holder, Tenant
from tests.support.world import holder_of

NORTH = Tenant("T", "T0NORTH001")
PERSON = Holder.user("U0PERSON01")
ISSUED = 1_800_000_000
LIFE = 43_200
LIVES = (*range(1, 400), 4000, 28_799, 28_800, 28_801, LIFE, 86_400, 31_536_000)
TENANTS = [Tenant("T", f"T0{number:08}") for number in range(1000)]


def of(life: int, tenant: Tenant = NORTH, holder: Holder = BOT, generation: int = 1, issued_at: int = ISSUED) -> int:
    """When one that was issued with that life is due."""
    found = refresh_time(tenant, holder, generation, issued_at, issued_at + life)
    assert found is not None
    return found


def margin(life: int) -> int:
    """What must be left at the latest: two hours, or a quarter of a short life."""
    return min(7200, life // 4)


def test_a_token_that_does_not_expire_is_never_due() -> None:
    assert refresh_time(NORTH, BOT, 1, ISSUED, None) is None


def test_it_is_due_when_less_than_the_margin_is_left_and_at_most_a_twelfth_of_it_earlier() -> None:
    for life in LIVES:
        latest = ISSUED + life - margin(life) + 1
        found = {of(life, tenant) for tenant in TENANTS[:40]}
        assert max(found) <= latest, life
        assert min(found) >= latest - margin(life) // 12, life


@pytest.mark.parametrize("life", [4000, 28_800, LIFE, 31_536_000])
def test_due_times_reach_both_ends_of_the_jitter_range(life: int) -> None:
    latest, most = ISSUED + life - margin(life) + 1, margin(life) // 12
    found = {of(life, tenant, generation=generation) for tenant in TENANTS for generation in range(1, 9)}
    assert (min(found), max(found)) == (latest - most, latest)


def test_what_is_left_then_outlasts_an_hour_without_slack() -> None:
    assert REFRESH_MARGIN == 7200
    assert all(ISSUED + LIFE - of(LIFE, tenant) >= 3600 for tenant in TENANTS)


def test_no_token_is_due_in_the_second_in_which_it_was_issued() -> None:
    """Stops a loop of refreshes, each of which is due at once."""
    assert [life for life in LIVES if min(of(life, tenant) for tenant in TENANTS[:40]) <= ISSUED] == []


@pytest.mark.parametrize("life", [0, 1, 2, 3])
def test_a_life_too_short_for_a_margin_is_used_to_its_end(life: int) -> None:
    assert {of(life, tenant) for tenant in TENANTS[:40]} == {ISSUED + life + 1}


def test_a_token_that_expired_before_it_was_issued_is_due_at_its_expiry() -> None:
    """A clock that was set back between two looks at it."""
    assert {of(-500, tenant) for tenant in TENANTS[:40]} == {ISSUED - 499}


# Spread


def test_the_tenants_of_one_second_are_not_all_due_in_one_minute() -> None:
    """Slack limits how many refreshes an app may make in a minute."""
    minutes = Counter((ISSUED + LIFE - of(LIFE, tenant)) // 60 for tenant in TENANTS)
    assert len(minutes) >= 10
    assert max(minutes.values()) <= 150, "a tenth of them, give or take"


def test_everything_that_tells_two_tokens_apart_spreads_them() -> None:
    whose = [(NORTH, BOT, 1), (Tenant("E", NORTH.id), BOT, 1), (NORTH, PERSON, 1), (NORTH, BOT, 2)]
    assert len({of(LIFE, *each) for each in whose}) == len(whose)


@pytest.mark.parametrize(
    ("tenant", "user_id", "generation"),
    [(NORTH, "", 1), (NORTH, "", 2), (NORTH, "U0PERSON01", 1), (Tenant("E", "E0EVERGRN1"), "", 7)],
)
def test_every_process_and_every_release_of_python_finds_the_same(
    tenant: Tenant, user_id: str, generation: int
) -> None:
    whose = f"{tenant.kind} {tenant.id} {user_id} {generation}".encode("ascii")
    assert of(LIFE, tenant, holder_of(user_id), generation) == ISSUED + LIFE - 7200 + 1 - zlib.crc32(whose) % 601


def test_the_jitter_does_not_depend_on_the_time() -> None:
    """Who was due earlier than another one is so again after the next refresh of the same generation."""
    for later in (1, 59, 86_400):
        assert of(LIFE, issued_at=ISSUED + later) == of(LIFE) + later


def test_a_longer_life_is_due_later_but_for_the_spread() -> None:
    for shorter, longer in pairwise(range(60, LIFE, 61)):
        assert of(longer) >= of(shorter) - margin(longer) // 12, longer
