"""Where Bolt refreshes by itself, a refresh token is lent to one at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt.error import BoltError

from slackapp.errors import ConfigError
from tests.bolt.store_folder import USERS, Folder, Stores, an_installation, equip, here, rotated
from tests.support.world import START, Clock

SOON = 7000
"""Seconds that the pair lives: Bolt refreshes two hours before the end."""
PAIR = {"bot_refresh_token": "xoxe-b1", "bot_token_expires_at": START + SOON}
USERS_PAIR = {**USERS, "user_refresh_token": "xoxe-u1", "user_token_expires_at": START + SOON}
NEW = {"bot_token": "xoxb-2", "bot_refresh_token": "xoxe-b2", "bot_token_expires_at": START + 43_200}
LEASE = 30


def elsewhere(call: Callable[[], Any]) -> Any:
    """In another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def bot_of(found: Any) -> tuple[Any, ...]:
    return found.bot_token, found.bot_refresh_token, found.bot_token_expires_at


def users_of(found: Any) -> tuple[Any, ...]:
    return found.user_token, found.user_refresh_token, found.user_token_expires_at


WHOLE, PART = ("xoxb-111", "xoxe-b1", START + SOON), ("xoxb-111", None, None)
FINDS: dict[str, Callable[[Any], Any]] = {
    "find_bot": lambda store: store.find_bot(**here()),
    "find_installation": lambda store: store.find_installation(**here()),
    "of a person": lambda store: store.find_installation(**here(user_id="U111")),
}


@pytest.mark.parametrize("first", FINDS.values(), ids=FINDS)
@pytest.mark.claim("C-105")
def test_whoever_looks_up_first_gets_the_refresh_token_and_the_others_one_that_seems_not_to_end(
    plain: Any, stores: Stores, first: Callable[[Any], Any]
) -> None:
    plain.save(an_installation(**PAIR))
    another_process = stores.installations(managed_rotation=False)
    assert bot_of(first(plain)) == WHOLE
    for find in FINDS.values():
        assert bot_of(elsewhere(lambda find=find: find(plain))) == PART
        assert bot_of(find(another_process)) == PART
    plain.save(rotated(elsewhere(lambda: plain.find_installation(**here())), custom_values={"plan": "gold"}))
    assert bot_of(elsewhere(lambda: plain.find_bot(**here()))) == PART, "what a part of it saves ends no lease"
    plain.save(rotated(plain.find_installation(**here()), **NEW))
    for find in FINDS.values():
        assert bot_of(elsewhere(lambda find=find: find(plain))) == tuple(NEW.values())


def test_before_bolt_would_refresh_it_every_look_up_gets_the_refresh_token(stores: Stores, clock: Clock) -> None:
    for minutes in (120, 60):
        store = stores.installations(managed_rotation=False, token_rotation_expiration_minutes=minutes)
        pair = {**PAIR, "bot_token_expires_at": clock() + minutes * 60 + 61}
        store.save(an_installation(**pair, installed_at=float(clock())))
        for expected in ([True] * 2, [True, False]):
            found = [store.find_bot(**here()), elsewhere(lambda store=store: store.find_bot(**here()))]
            assert [bot.bot_refresh_token is not None for bot in found] == expected
            clock.advance(1)


@pytest.mark.parametrize("minutes", [0, -1, 1441, 1.5, "120", True, None])
def test_how_long_before_the_end_is_a_whole_number_of_minutes(stores: Stores, minutes: Any) -> None:
    why = "token_rotation_expiration_minutes= must be a whole number from 1 to 1440"
    with pytest.raises(ConfigError, match=f"^{why}$"):
        stores.installations(token_rotation_expiration_minutes=minutes)


def test_when_the_token_has_expired_the_others_wait_for_what_the_first_one_saves(plain: Any, clock: Clock) -> None:
    plain.save(an_installation(**PAIR))
    clock.advance(SOON)
    first = plain.find_installation(**here())
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            plain.save(rotated(first, **NEW))

    equip(plain, wait=wait)
    assert bot_of(elsewhere(lambda: plain.find_bot(**here()))) == tuple(NEW.values())
    assert waited == [0.1] * 3


def test_when_the_token_has_expired_and_nothing_is_saved_it_cannot_be_used_but_is_not_missing(
    plain: Any, clock: Clock
) -> None:
    plain.save(an_installation(**PAIR))
    clock.advance(SOON)
    assert bot_of(plain.find_installation(**here())) == WHOLE
    waited: list[float] = []
    equip(plain, wait=waited.append)
    for find in FINDS.values():
        with pytest.raises(BoltError, match=r"slackapp: The token cannot be used just now\."):
            elsewhere(lambda find=find: find(plain))
    assert sum(waited) == pytest.approx(9)
    clock.advance(LEASE + 1)
    assert bot_of(elsewhere(lambda: plain.find_bot(**here()))) == WHOLE


def test_whoever_lets_a_lease_run_out_comes_after_others(plain: Any, clock: Clock) -> None:
    """A part of the app that looks tokens up and never refreshes must not keep the part that does from it."""
    plain.save(an_installation(**PAIR))
    for _ in range(LEASE + 1):
        assert bot_of(plain.find_bot(**here())) == WHOLE, "in one thread an event may come again"
        clock.advance(1)
    assert bot_of(plain.find_bot(**here())) == PART
    assert bot_of(elsewhere(lambda: plain.find_bot(**here()))) == WHOLE
    plain.save_bot(rotated(elsewhere(lambda: plain.find_bot(**here())), **NEW))
    clock.advance(LEASE + 1)
    plain.save(an_installation(**PAIR, installed_at=float(START)))
    assert bot_of(plain.find_bot(**here())) == WHOLE


def test_a_lone_thread_that_let_a_lease_run_out_gets_it_again(plain: Any, clock: Clock) -> None:
    plain.save(an_installation(**PAIR))
    assert bot_of(plain.find_bot(**here())) == WHOLE
    clock.advance(2 * LEASE)
    assert bot_of(plain.find_bot(**here())) == PART
    clock.advance(1)
    assert bot_of(plain.find_bot(**here())) == WHOLE


@pytest.mark.claim("C-105")
@pytest.mark.parametrize(("seconds", "given"), [(3000, PART), (86_400, WHOLE)])
def test_a_lease_of_a_service_beside_it_counts_and_one_of_an_earlier_boot_holds_nobody_up(
    plain: Any, clock: Clock, folder: Folder, seconds: int, given: tuple[Any, ...]
) -> None:
    """A long one is of a refresh that Slack wants to hear of later; none lasts for a day."""
    plain.save(an_installation(**PAIR))
    folder.change("UPDATE tokens SET lease_owner = 'other', lease_until = ?", clock.steady() + seconds)
    assert bot_of(plain.find_bot(**here())) == given


@pytest.mark.claim("C-105")
def test_what_a_refresh_of_ours_in_another_process_is_at_is_not_lent(plain: Any, folder: Folder, clock: Clock) -> None:
    """Its lease goes by the clock that nobody sets."""
    plain.save(an_installation(**PAIR))
    clock.set(60)
    folder.change("UPDATE tokens SET lease_owner = 'other', lease_until = ?", clock.steady() + LEASE)
    assert bot_of(plain.find_bot(**here())) == PART
    clock.advance(LEASE + 1)
    assert bot_of(plain.find_bot(**here())) == WHOLE


# One event of Bolt's: whoever installed last, then the user who is served


def test_in_one_event_each_refresh_token_is_given_once(plain: Any) -> None:
    plain.save(an_installation(**PAIR, **USERS_PAIR, user_id="U222", installed_at=float(START - 90)))
    plain.save(an_installation(**PAIR, **USERS_PAIR))
    assert bot_of(plain.find_installation(**here())) == WHOLE
    second = plain.find_installation(**here(user_id="U222"))
    assert (bot_of(second), users_of(second)) == (PART, ("xoxp-111", "xoxe-u1", START + SOON))


@pytest.mark.parametrize("served", ["U222", "U999"])
def test_an_event_of_somebody_else_keeps_nobody_from_the_token_of_whoever_installed_last(
    plain: Any, clock: Clock, served: str
) -> None:
    plain.save(an_installation(user_id="U222", installed_at=float(START - 90)))
    plain.save(an_installation(**USERS_PAIR))
    clock.advance(SOON)
    assert users_of(plain.find_installation(**here())) == ("xoxp-111", "xoxe-u1", START + SOON)
    plain.find_installation(**here(user_id=served))
    found = elsewhere(lambda: plain.find_installation(**here()))
    assert users_of(found) == ("xoxp-111", "xoxe-u1", START + SOON)


def test_of_two_tasks_in_one_loop_one_gets_the_refresh_token(plain: Any) -> None:
    plain.save(an_installation(**PAIR))

    async def event(*asks: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [bot_of(await plain.async_find_installation(**here(**ask))) for ask in asks]

    async def both() -> list[list[tuple[Any, ...]]]:
        first = asyncio.create_task(event({}, {"user_id": "U111"}, {}))
        found = [await first, await asyncio.create_task(event({}))]
        return [*found, [bot_of(await asyncio.create_task(plain.async_find_bot(**here())))]]

    assert asyncio.run(both()) == [[WHOLE, PART, WHOLE], [PART], [PART]]


def test_a_token_that_does_not_end_is_lent_to_nobody(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**USERS))
    plain.find_installation(**here())
    assert elsewhere(lambda: plain.find_installation(**here())).user_token == "xoxp-111"
    assert [row["lease_owner"] for row in folder.rows("SELECT lease_owner FROM tokens")] == ["", ""]


def test_after_a_refused_refresh_the_token_is_given_until_its_end(plain: Any, folder: Folder, clock: Clock) -> None:
    plain.save(an_installation(**PAIR))
    folder.change("UPDATE tokens SET status = 'refresh_refused'")
    assert bot_of(plain.find_bot(**here())) == PART
    clock.advance(SOON)
    assert plain.find_bot(**here()) is None
