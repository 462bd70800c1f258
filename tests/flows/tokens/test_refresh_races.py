"""Several need one refresh: who comes second waits only without a live token, and who was overtaken stands back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slackapp.app import Service
from slackapp.errors import Refusal, SlackCallError, SlackErrorKind
from slackapp.flows.tokens import refresh_token
from slackapp.store import tokens
from tests.flows.tokens.rotation import (  # fmt: skip
    ACTOR,
    DUE,
    LIFE,
    REFRESH,
    ask,
    ask_by,
    change,
    lease_to_another,
    once_before,
    refused,
    row,
    stored,
)
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.token_use import IN_USE
from tests.support.world import NORTH, World, make_world, never_wait


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder) as world:
        world.browser().install()
        world.work()
        world.clock.advance(DUE)
        yield snapshot_world(world)


@pytest.fixture
def due(installed: Prepared) -> World:
    """Installed, and the bot's token is due."""
    return installed.reset()


@pytest.fixture
def other(due: World) -> Iterator[Service]:
    """A second process on the same files."""
    service = due.start_process()
    yield service
    service.stop()


@pytest.fixture
def expired(due: World) -> World:
    """Installed, and the bot's token is over."""
    due.clock.advance(LIFE - DUE)
    return due


def waiting(world: World, at: int, happening: Callable[[], object]) -> list[float]:
    """What the service waits, in seconds, one after the other; in the `at`th wait something happens."""
    waits: list[float] = []

    def wait(seconds: float) -> None:
        assert not world.service.app.db.in_transaction(), "nobody waits with the database locked"
        waits.append(seconds)
        if len(waits) == at:
            happening()

    world.replace_parts(wait=wait)
    return waits


# Who comes second


def test_with_a_live_token_nobody_waits_for_the_refresh_of_another_one(due: World) -> None:
    lease_to_another(due)
    assert due.service.app.wait is never_wait
    assert ask(due)["ok"]
    assert due.calls() == ["auth.test"]
    left = refused(lambda: refresh_token.run(due.service.app, stored(due), ACTOR, statuses=IN_USE, wait=False))
    assert (left.refusal, left.retry_after) == (Refusal.TOKEN_UNAVAILABLE, 1)


def test_a_refresh_without_wait_reads_the_row_once(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lease_to_another(due)
    token, looks, find = stored(due), [], tokens.find

    def look(*arguments: Any) -> Any:
        looks.append(arguments)
        return find(*arguments)

    monkeypatch.setattr(tokens, "find", look)
    refused(lambda: refresh_token.run(due.service.app, token, ACTOR, statuses=IN_USE, wait=False))
    assert len(looks) == 1


@pytest.mark.claim("C-41")
def test_without_a_live_token_the_new_pair_is_waited_for(expired: World, other: Service) -> None:
    lease_to_another(expired)

    def finish() -> None:
        change(expired, "UPDATE tokens SET lease_owner = '', lease_until = 0")
        refresh_token.run(other.app, stored(expired), ACTOR, statuses=IN_USE, wait=False)

    waits = waiting(expired, 5, finish)
    assert ask(expired)["ok"]
    assert (waits, expired.calls()) == ([0.1] * 5, [REFRESH, "auth.test"])


def test_a_token_that_slack_calls_expired_is_waited_for_as_well(due: World, other: Service) -> None:
    """Its time is not over by our clock, but Slack does not take it any more."""
    lease_to_another(due)
    due.slack.expire_tokens(NORTH)

    def finish() -> None:
        change(due, "UPDATE tokens SET lease_owner = '', lease_until = 0")
        refresh_token.run(other.app, stored(due), ACTOR, statuses=IN_USE, wait=False)

    waits = waiting(due, 1, finish)
    assert ask(due)["ok"]
    assert (waits, due.calls()) == ([0.1], ["auth.test", REFRESH, "auth.test"])


def test_after_three_seconds_the_wait_ends(expired: World) -> None:
    lease_to_another(expired)
    waits = waiting(expired, 0, never)
    assert refused(lambda: ask(expired)).refusal is Refusal.TOKEN_UNAVAILABLE
    assert (waits, expired.calls()) == ([0.1] * 30, [])
    left = refused(lambda: refresh_token.run(expired.service.app, stored(expired), ACTOR, statuses=IN_USE, wait=True))
    assert (left.refusal, left.retry_after, len(waits)) == (Refusal.TOKEN_UNAVAILABLE, 1, 60)
    assert (row(expired)["status"], row(expired)["lease_owner"], expired.status()) == ("live", "other", "active")


def test_who_waits_learns_that_the_refresh_was_refused(expired: World) -> None:
    lease_to_another(expired)
    refuse = "UPDATE tokens SET status = 'refresh_refused', lease_owner = '', lease_until = 0"
    waits = waiting(expired, 2, lambda: change(expired, refuse))
    told = refused(lambda: ask(expired))
    assert (told.refusal, len(waits), expired.calls()) == (Refusal.NEEDS_REINSTALL, 2, [])
    assert told.install_url == f"http://localhost:3000/slack/install?team={NORTH}"
    assert expired.status() == "needs_reinstall"


def test_who_waits_learns_that_the_tenant_was_removed(expired: World) -> None:
    lease_to_another(expired)
    token = stored(expired)
    waits = waiting(expired, 2, lambda: change(expired, "DELETE FROM tokens"))
    told = refused(lambda: refresh_token.run(expired.service.app, token, ACTOR, statuses=IN_USE, wait=True))
    assert (told.refusal, len(waits), expired.calls(REFRESH)) == (Refusal.NEEDS_REINSTALL, 2, [])


# Who was overtaken


def overtaken_by(world: World, other: Service) -> Callable[[], None]:
    """We are stopped past the end of our lease; another process refreshes meanwhile, from its start to its end."""

    def happen() -> None:
        world.clock.advance(refresh_token.LEASE + 1)
        assert ask_by(other)["ok"]
        world.slack.called.clear()

    return happen


@pytest.mark.claim("C-42")
def test_a_refresh_that_lost_its_lease_makes_no_call(due: World, other: Service) -> None:
    with once_before(due.service.app.keyring, "open", overtaken_by(due, other)):
        assert ask(due)["ok"], "with the pair of the other one"
    assert (due.calls(), row(due)["generation"]) == (["auth.test"], 2)
    assert (due.audit().count("token.refreshed"), "token.refresh_failed" in due.audit()) == (1, False)


def test_a_lease_that_another_one_has_by_now_is_neither_used_nor_taken(due: World) -> None:
    def taken() -> None:
        due.clock.advance(refresh_token.LEASE + 1)
        lease_to_another(due)

    with once_before(due.service.app.keyring, "open", taken):
        assert ask(due)["ok"], "with the old one"
    assert (due.calls(), row(due)["generation"], row(due)["lease_owner"]) == (["auth.test"], 1, "other")
    assert row(due)["lease_until"] == due.clock.steady() + refresh_token.LEASE


def test_a_token_that_was_marked_dead_or_replaced_before_the_call_is_not_refreshed(due: World) -> None:
    token, as_it_was = stored(due), "status = 'live', generation = 1, lease_owner = '', lease_until = 0"
    for now in ("status = 'dead'", "status = 'refresh_refused'", "generation = 2"):
        change(due, f"UPDATE tokens SET {as_it_was}")
        with once_before(due.service.app.keyring, "open", lambda now=now: change(due, f"UPDATE tokens SET {now}")):
            left = refused(lambda: refresh_token.run(due.service.app, token, ACTOR, statuses=IN_USE, wait=False))
        assert (left.refusal, left.retry_after, due.calls()) == (Refusal.TOKEN_UNAVAILABLE, 1, []), now


@pytest.mark.claim("C-42")
def test_a_refresh_that_lost_its_lease_after_a_lost_answer_makes_no_second_call(due: World, other: Service) -> None:
    asked: list[str] = []
    overtaken = overtaken_by(due, other)

    def lost(method: str, *_: Any) -> Any:
        asked.append(method)
        overtaken()
        raise SlackCallError(method, "unreachable", SlackErrorKind.TRANSIENT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(due.service.app.slack, "call_as_app", lost)
        assert ask(due)["ok"]
    assert (asked, due.calls(), row(due)["generation"]) == ([REFRESH], ["auth.test"], 2)


@pytest.mark.parametrize("place", ["slack.call_as_app", "keyring.open_tenant_keys"])
def test_a_pair_whose_token_was_replaced_meanwhile_is_dropped(due: World, other: Service, place: str) -> None:
    """In the call itself, or with Slack's answer in hand: Slack gave two pairs, and the one that is stored stays."""
    kept: list[Any] = []
    overtaken = overtaken_by(due, other)

    def happen() -> None:
        overtaken()
        kept.append(tuple(row(due)))

    part, name = place.split(".")
    with once_before(getattr(due.service.app, part), name, happen):
        assert ask(due)["ok"]
    assert [tuple(row(due))] == kept
    assert (row(due)["generation"], due.audit().count("token.refreshed")) == (2, 1)
    assert ask(due)["ok"], "Slack takes the pair that is stored"


def test_the_lease_is_whole_again_before_each_call(due: World) -> None:
    """Stops a call that is under way when the lease ends, because opening the token took long."""
    slack, left = due.service.app.slack, []
    call_as_app = slack.call_as_app

    def slow(method: str, *arguments: Any) -> Any:
        left.append(row(due)["lease_until"] - due.clock.steady())
        due.clock.advance(20)
        if len(left) == 1:
            raise SlackCallError(method, "unreachable", SlackErrorKind.TRANSIENT)
        return call_as_app(method, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slack, "call_as_app", slow)
        with once_before(due.service.app.keyring, "open", lambda: due.clock.advance(20)):
            assert ask(due)["ok"]
    assert (left, row(due)["generation"]) == ([refresh_token.LEASE] * 2, 2)


def never() -> None:
    raise AssertionError("it was not to come to this")


def test_a_token_that_is_marked_dead_meanwhile_is_not_used_and_the_answer_says_where_to_install(
    due: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process finds it dead while this one has Slack's refusal of the refresh on its way."""
    app = due.service.app

    def die() -> None:
        with app.db.transaction():
            tokens.mark_dead(app.db, stored(due), "token_revoked")
        raise SlackCallError(REFRESH, "invalid_refresh_token", SlackErrorKind.BAD_REQUEST)

    monkeypatch.setattr(app.slack, "call_as_app", lambda *arguments: die())
    left = refused(lambda: ask(due))
    assert (left.refusal, due.calls()) == (Refusal.NEEDS_REINSTALL, [])
    assert left.install_url.endswith(f"/slack/install?team={NORTH}")
