"""The scheduler refreshes what is due before anybody needs it: each once, and one tenant's failure is its own."""

import itertools
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from slackapp.flows.tokens import refresh_due
from slackapp.flows.upkeep import sweep
from slackapp.localslack.model import Fault
from slackapp.store import tokens
from tests.flows.tokens.rotation import DUE, REFRESH, change, once_before
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, ORG, SOUTH, World, make_world

Key = tuple[str, str]
FAILS = 2
"""Calls of one refresh to which Slack does not answer."""


def starts_at(world: World, place: int) -> None:
    """Makes ours a process that begins there in this minute, when six tokens are due."""
    names, minute = (f"process {number}" for number in itertools.count()), world.clock() // 60
    world.replace_parts(process_id=next(name for name in names if zlib.crc32(f"{name} {minute}".encode()) % 6 == place))


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder, SLACKAPP_USER_SCOPES="users:read") as world:
        for tenant in (NORTH, SOUTH, ORG):
            world.browser().install(tenant)
        yield snapshot_world(world)


@pytest.fixture
def three(installed: Prepared) -> World:
    """Three tenants with two tokens each, none of them due."""
    return installed.reset()


@pytest.fixture
def due(three: World) -> World:
    """The same, and all six are due: North's two first, then South's, then the enterprise's. We begin with North."""
    for seconds, tenant in enumerate((NORTH, SOUTH, ORG)):
        change(three, "UPDATE tokens SET due_at = ? WHERE tenant_id = ?", three.clock() + DUE - 700 + seconds, tenant)
    three.clock.advance(DUE)
    starts_at(three, 0)
    return three


def refresh(world: World, stopping: Any = lambda: False) -> int:
    return refresh_due.run(world.service.app, stopping)


def generations(world: World) -> dict[Key, int]:
    found = world.rows("SELECT tenant_id, holder_id, generation FROM tokens")
    return {(row["tenant_id"], row["holder_id"]): row["generation"] for row in found}


def refreshed(world: World) -> list[str]:
    """The tenants of the tokens that were replaced by a new pair, sorted."""
    return sorted(tenant for (tenant, _), generation in generations(world).items() if generation > 1)


def test_tokens_of_bots_and_users_are_refreshed_when_they_are_due_and_not_before(three: World) -> None:
    found = three.rows("SELECT tenant_id, holder_id, due_at FROM tokens ORDER BY due_at")
    keys, times = [(row["tenant_id"], row["holder_id"]) for row in found], [row["due_at"] for row in found]
    assert len(set(times)) == 6
    three.clock.now = times[0] - 1
    assert (refresh(three), three.calls()) == (0, [])
    three.clock.now = times[3]
    assert refresh(three) == 4
    assert generations(three) == dict.fromkeys(keys[:4], 2) | dict.fromkeys(keys[4:], 1)
    assert refresh(three) == 0
    assert three.calls() == [REFRESH] * 4
    assert {bool(user_id) for _, user_id in keys[:4]} == {True, False}
    notes = three.rows("SELECT * FROM audit WHERE event = 'token.refreshed'")
    assert {(note["actor"], note["request_id"]) for note in notes} == {("worker", "")}


def test_only_the_tokens_of_active_tenants_are_refreshed(due: World) -> None:
    for status in ("suspect", "suspended", "needs_reinstall", "purging"):
        change(due, "UPDATE installations SET status = ? WHERE tenant_id = ?", status, SOUTH)
        refresh(due)
        assert refreshed(due) == [ORG, ORG, NORTH, NORTH], status
    change(due, "UPDATE installations SET status = 'active'")
    assert (refresh(due), due.calls()) == (2, [REFRESH] * 6)


def test_what_somebody_refreshes_just_now_or_nobody_can_refresh_is_left_alone(due: World) -> None:
    lease = "UPDATE tokens SET lease_owner = 'other', lease_until = ? WHERE tenant_id = ?"
    change(due, lease, due.clock.steady(), NORTH)
    change(due, "UPDATE tokens SET status = 'refresh_refused' WHERE tenant_id = ? AND holder_id = ''", SOUTH)
    change(due, "UPDATE tokens SET status = 'dead' WHERE tenant_id = ? AND holder_id <> ''", SOUTH)
    assert (refresh(due), refreshed(due)) == (2, [ORG, ORG])
    due.clock.advance(1)
    assert (refresh(due), refreshed(due)) == (2, [ORG, ORG, NORTH, NORTH])


def test_after_three_failures_in_a_row_the_next_minute_goes_on(due: World) -> None:
    due.slack.fault(Fault(REFRESH, "html500", times=-1))
    assert (refresh(due), due.calls()) == (0, [REFRESH] * 3 * FAILS)
    due.slack.clear_faults()
    due.clock.advance(60)
    assert (refresh(due), refreshed(due)) == (6, sorted([NORTH, SOUTH, ORG] * 2))


def test_failures_that_are_not_in_a_row_do_not_stop_the_others(due: World) -> None:
    """North's two fail, one of the enterprise's does not, South's two fail: they are four, and never three in a row."""
    change(due, "UPDATE tokens SET due_at = due_at - 2 WHERE tenant_id = ? AND holder_id = ''", ORG)
    change(due, "UPDATE tokens SET due_at = due_at - 5 WHERE tenant_id = ?", NORTH)
    for tenant in (NORTH, SOUTH):
        due.slack.fault(Fault(REFRESH, "html500", times=-1, team=tenant))
    assert (refresh(due), refreshed(due)) == (2, [ORG, ORG])
    assert len(due.calls()) == 4 * FAILS + 2


def test_tenants_whose_refresh_tokens_slack_refuses_do_not_stop_the_others(due: World) -> None:
    for tenant in (NORTH, SOUTH):
        due.slack.invalidate_refresh_tokens(tenant)
    assert (refresh(due), refreshed(due), due.calls()) == (2, [ORG, ORG], [REFRESH] * 6)
    assert due.rows("SELECT count(*) FROM tokens WHERE status = 'refresh_refused'")[0][0] == 4
    assert due.status() == "active", "the old token serves to its end"
    assert (refresh(due), due.calls()) == (0, [REFRESH] * 6)


def test_a_refusal_is_an_answer_and_what_fails_before_it_and_after_it_is_not_in_a_row(due: World) -> None:
    due.slack.fault(Fault(REFRESH, "html500", times=-1, team=NORTH))
    due.slack.invalidate_refresh_tokens(SOUTH)
    due.slack.fault(Fault(REFRESH, "html500", times=FAILS, team=ORG))
    assert (refresh(due), refreshed(due)) == (1, [ORG])


def test_tokens_that_never_succeed_do_not_keep_the_others_from_their_turn_for_ever(due: World) -> None:
    change(due, "UPDATE tokens SET refresh = zeroblob(200) WHERE tenant_id IN (?, ?)", NORTH, SOUTH)
    for _ in range(10):
        refresh(due)
        due.clock.advance(60)
    assert refreshed(due) == [ORG, ORG]


def test_one_tenants_many_tokens_that_fail_stop_no_other_tenants(due: World) -> None:
    """I have as many tokens as are looked at in a minute, and none of them can be refreshed."""
    rest = ", ".join(row["name"] for row in due.rows("PRAGMA table_info(tokens)"))
    more = f"INSERT INTO tokens ({rest}) SELECT {rest.replace('holder_id', 'holder_id || ?', 1)} FROM tokens"
    for number in range(refresh_due.BATCH):
        change(due, f"{more} WHERE tenant_id = ? AND length(holder_id) BETWEEN 1 AND 12", f"X{number}", NORTH)
    due.slack.fault(Fault(REFRESH, "html500", times=-1, team=NORTH))
    assert (refresh(due), refreshed(due)) == (4, sorted([SOUTH, ORG] * 2))
    assert len(due.calls()) == 4 + refresh_due._MAX_TENANT_FAILURES * FAILS


@pytest.mark.claim("C-98")
def test_a_clock_that_was_a_day_ahead_leaves_no_refresh_and_no_check_waiting_for_that_day(three: World) -> None:
    """The clock is set forward; a pair is refreshed, another postponed, a tenant checked; and it is set back."""
    day = 86_400
    three.clock.set(day)
    assert refresh(three) == 6
    change(three, "UPDATE tokens SET due_at = ?, issued_at = 1 WHERE tenant_id = ?", three.clock() + 3600, ORG)
    change(three, "UPDATE tokens SET expires_at = ? WHERE tenant_id = ?", three.clock() - day + 600, ORG)
    change(three, "UPDATE installations SET check_begun_at = ?", three.clock())
    three.clock.set(-day)
    assert (refresh(three), sweep.reset_future_dates(three.service.app)) == (0, 6 + 3)
    assert {row[0] for row in three.rows("SELECT check_begun_at FROM installations")} == {0}
    assert (refresh(three), sweep.reset_future_dates(three.service.app)) == (6, 0)
    assert {row[0] for row in three.rows("SELECT issued_at FROM tokens")} == {three.clock()}


def test_what_a_right_clock_has_postponed_stays_postponed(due: World) -> None:
    change(due, "UPDATE tokens SET due_at = ?, expires_at = 1 WHERE tenant_id = ?", due.clock() + 3600, NORTH)
    assert (sweep.reset_future_dates(due.service.app), refresh(due)) == (0, 4)


@pytest.mark.claim("C-98")
@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_a_clock_that_is_set_ends_no_lease_and_makes_none_longer(due: World, seconds: int) -> None:
    """Stops two who refresh one token, of which Slack keeps one: which, is anybody's guess."""
    change(due, "UPDATE tokens SET lease_owner = 'other', lease_until = ?", due.clock.steady() + 20)
    due.clock.set(seconds)
    change(due, "UPDATE tokens SET due_at = 1")
    assert (refresh(due), due.calls()) == (0, [])
    due.clock.advance(21)
    assert (refresh(due), len(due.calls())) == (6, 6)


@pytest.mark.claim("C-98")
def test_a_lease_of_an_earlier_boot_keeps_nobody_from_refreshing(due: World) -> None:
    change(due, "UPDATE tokens SET lease_owner = 'other', lease_until = ?", due.clock.steady() + 500_000)
    assert refresh(due) == 6


def test_while_slack_limits_the_rate_nothing_is_asked(due: World) -> None:
    due.slack.fault(Fault(REFRESH, "ratelimited", retry_after=90))
    assert (refresh(due), due.calls()) == (0, [REFRESH])
    due.clock.advance(89)
    assert (refresh(due), due.calls()) == (0, [REFRESH])
    due.clock.advance(1)
    assert (refresh(due), len(due.calls())) == (6, 7)


def test_a_refresh_run_ends_when_the_scheduler_stops(due: World) -> None:
    assert (refresh(due, lambda: True), due.calls()) == (0, [])
    assert refresh(due, lambda: len(due.calls()) >= 2) == 2
    assert (refreshed(due), due.calls()) == ([NORTH, SOUTH], [REFRESH] * 2)


# Several processes


def test_of_two_processes_at_once_each_token_is_refreshed_by_one(due: World) -> None:
    beside = due.start_process()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda service: refresh_due.run(service.app, lambda: False), (due.service, beside)))
    beside.stop()
    assert (due.calls(), set(generations(due).values())) == ([REFRESH] * 6, {2})


def test_a_process_that_comes_between_takes_what_is_free_and_nothing_twice(due: World) -> None:
    beside, done = due.start_process(), []

    def between() -> None:
        done.append(refresh_due.run(beside.app, lambda: False))

    with once_before(due.service.app.slack, "call_as_app", between):
        refresh(due)
    beside.stop()
    assert (done, due.calls(), set(generations(due).values())) == ([5], [REFRESH] * 6, {2})


def test_processes_and_minutes_begin_at_different_places(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app, order = due.service.app, []
    monkeypatch.setattr(refresh_due.refresh_token, "run", lambda app, token, *_, **__: order.append(token.tenant.id))
    found = [token.tenant.id for token in tokens.list_due(app.db, app.clock(), app.clock.steady(), refresh_due.BATCH)]
    assert found == [NORTH, SOUTH, ORG] * 2
    for place in (0, 2, 5):
        starts_at(due, place)
        order.clear()
        refresh(due)
        assert order == found[place:] + found[:place]
    firsts = set()
    for _ in range(40):
        due.clock.advance(60)
        order.clear()
        refresh(due)
        firsts.add(order[0])
    assert firsts == {NORTH, SOUTH, ORG}


def test_a_run_is_bounded_and_takes_one_token_per_tenant_first(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refresh_due.BATCH == 500
    monkeypatch.setattr(refresh_due, "BATCH", 2)
    assert (refresh(due), refreshed(due)) == (2, [NORTH, SOUTH])
    assert (refresh(due), refreshed(due)) == (2, [NORTH, NORTH, SOUTH, SOUTH])


def test_a_refresh_token_that_does_not_open_is_tried_once_an_hour_and_not_every_minute(due: World) -> None:
    change(due, "UPDATE tokens SET refresh = zeroblob(200) WHERE tenant_id = ? AND holder_id = ''", NORTH)

    def tries() -> int:
        return len(due.rows("SELECT 1 FROM audit WHERE event = 'token.unavailable'"))

    assert refresh(due) == 5
    for _ in range(59):
        due.clock.advance(60)
        refresh(due)
    assert tries() == 1
    due.clock.advance(61)
    refresh(due)
    assert tries() == 2


def test_what_other_processes_are_at_is_no_failure_of_slack(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    take, refused = tokens.take_lease, iter([False] * 4)

    def contended(*arguments: Any, **named: Any) -> bool:
        return next(refused, True) and take(*arguments, **named)

    monkeypatch.setattr(tokens, "take_lease", contended)
    assert refresh(due) == 2
