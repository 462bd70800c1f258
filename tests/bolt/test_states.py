"""States for Bolt: signed, once, for ten minutes, and no more of them than the limit."""

import asyncio
import logging
import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.error import BoltError
from slack_sdk.oauth import OAuthStateUtils
from slack_sdk.oauth.state_store import OAuthStateStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from slackapp.store.engine import sqlite, statements
from tests.bolt.store_folder import Folder, Stores, builtin_rows
from tests.support.race import race
from tests.support.world import Clock, make_world

PREPARE = """
import sys
from slackapp.bolt import SignedStateStore
folder, *states = sys.argv[1:]
store = SignedStateStore(database=f"{folder}/slackapp.db", master_key_file=f"{folder}/master.key",
                         client_id="1000000001.2000000002")
store.consume("opens it")
"""


@pytest.fixture
def states(stores: Stores) -> Any:
    return stores.states()


def used(folder: Folder) -> int:
    return int(folder.rows("SELECT count(*) FROM oauth_states WHERE used_at IS NOT NULL")[0][0])


# Once


def test_a_state_is_taken_once_and_only_as_it_was_issued(states: Any) -> None:
    one, other = states.issue(), states.issue()
    assert one != other
    assert [states.consume(state) for state in (one, one, other, other)] == [True, False, True, False]


def test_a_state_is_issued_whatever_bolt_gives_and_is_one_word_in_an_address_and_in_a_cookie(states: Any) -> None:
    state = states.issue("anything", request=object())
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", state)
    utils = OAuthStateUtils()
    cookie = utils.build_set_cookie_for_new_state(state).partition(";")[0]
    assert utils.is_valid_browser(state, {"cookie": [f"other=1; {cookie}"]})
    assert states.consume(state)


def test_two_threads_use_one_state_in_slack_sdks_store_when_both_read_before_either_deletes(
    builtin: Callable[..., Any],
) -> None:
    store = builtin("states")
    state = store.issue()
    barrier = threading.Barrier(2)

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> Any:
            if sql.startswith("delete"):
                barrier.wait(10)
            return super().execute(sql, *parameters)

    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(sqlite3.connect(store.database, factory=Connection, check_same_thread=False))
        return opened[-1]

    store.connect = connect
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(store.consume, [state, state])) == [True, True]
    for connection in opened:
        connection.close()


def test_of_eight_threads_and_two_stores_one_uses_each_state(stores: Stores) -> None:
    both = [stores.states(), stores.states()]
    issued = [both[0].issue() for _ in range(25)]
    barrier = threading.Barrier(8)

    def consume_all(number: int) -> list[str]:
        barrier.wait(10)
        return [state for state in issued if both[number % 2].consume(state)]

    with ThreadPoolExecutor(8) as pool:
        taken = Counter(state for found in pool.map(consume_all, range(8)) for state in found)
    assert taken == Counter(issued)


@pytest.mark.long
def test_of_two_processes_one_uses_each_state(states: Any, folder: Folder, clock: Clock) -> None:
    clock.now = int(time.time())  # the other processes go by the wall clock
    issued = [states.issue() for _ in range(100)]
    run = "print(*[state for state in states if store.consume(state)])\nstore.close()"
    taken = [found.split() for found in race(2, PREPARE, run, str(folder.path), *issued)]
    assert Counter(taken[0] + taken[1]) == Counter(issued)


# For ten minutes


@pytest.mark.parametrize(("after", "taken"), [(600, True), (601, False)])
def test_a_state_is_taken_until_ten_minutes_have_passed(states: Any, clock: Clock, after: int, taken: bool) -> None:
    state = states.issue()
    clock.advance(after)
    assert states.consume(state) is taken


@pytest.mark.parametrize("seconds", [1, 10, 900])
def test_how_long_a_state_lives_can_be_said(stores: Stores, clock: Clock, seconds: int) -> None:
    store = stores.states(expiration_seconds=seconds)
    one, other = store.issue(), store.issue()
    clock.advance(seconds)
    assert store.consume(one)
    clock.advance(1)
    assert not store.consume(other)


# Nothing else


def test_whatever_is_no_state_is_refused_without_an_exception(
    states: Any, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    state = states.issue()
    payload, _, mac = state.partition(".")
    garbage: list[Any] = [
        None, "", " ", 0, 1.5, True, b"", state.encode(), [state], {"state": state}, object(), ".", "x" * 100_000,
        "../../etc/passwd", "\x00", "\ud800", "é" * 104, f"{state} ", f"{state}\n", f" {state}", state[:-1],
        f"{state}=", f"{payload}{mac}", f"{mac}.{payload}", f"{payload}.{'A' * 43}", f"{'A' * 60}.{mac}",
        state.swapcase(), f"{payload}.{mac[:-1]}{'B' if mac[-1] == 'A' else 'A'}", "' OR 1=1 --",
    ]  # fmt: skip
    assert [states.consume(one) for one in garbage] == [False] * len(garbage)
    assert (used(folder), caplog.records) == (0, [])
    assert states.consume(state)


def test_a_state_of_another_database_is_refused(stores: Stores, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Stores(Folder(tmp_path / "other"))
    state = other.states().issue()
    other.close()
    assert not stores.states().consume(state)


def test_neither_kind_of_state_passes_for_the_other(tmp_path: Path, clock: Clock) -> None:
    with make_world(tmp_path) as world:
        clock.now = world.clock.now
        stores = Stores(Folder(tmp_path))
        states = stores.states()
        browser = world.browser()
        begun = browser.begin()
        assert not states.consume(begun.query["state"]), "the service's own"
        consented = browser.consent(begun)
        for_bolt = states.issue()
        swapped = consented.location.replace(begun.query["state"], for_bolt)
        assert browser.follow_callback(type(consented)(302, {"location": swapped}, b"")).status == 400
        assert world.audit()[-1] == "refused.state.forged"
        assert world.rows("SELECT 1 FROM oauth_states WHERE used_at IS NOT NULL") == []
        assert states.consume(for_bolt), "it was not used up there"
        assert browser.follow_callback(consented).status == 303, "nor was the other one here"
        stores.close()


def test_a_row_of_the_other_kind_is_not_used_up_even_with_the_right_signature(states: Any, folder: Folder) -> None:
    """The purpose stands in the MAC and in the row: either alone would do."""
    state = states.issue()
    folder.change("UPDATE oauth_states SET purpose = 'install'")
    assert not states.consume(state)
    assert used(folder) == 0


# What goes wrong


def test_while_the_database_is_locked_a_state_is_refused_and_the_log_says_why(
    states: Any, folder: Folder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = states.issue()
    states.close()
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    with caplog.at_level(logging.ERROR):
        with folder.locked():
            assert not states.consume(state), "not even opened"
        assert states.consume(states.issue())
        with folder.locked():
            assert not states.consume(state)
            with pytest.raises(BoltError, match="slackapp: the database is locked"):
                states.issue()
    assert [record.name for record in caplog.records] == ["slackapp.bolt"] * 2
    assert all("locked" in record.getMessage() for record in caplog.records)
    assert not any(part in caplog.text for part in state.split("."))
    assert states.consume(state), "it can be tried again"


def test_with_a_damaged_key_a_state_is_refused_without_an_exception(
    states: Any, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    state = states.issue()
    states.close()
    folder.change("UPDATE data_keys SET wrapped = zeroblob(114) WHERE purpose = 'state'")
    assert not states.consume(state)
    assert len(caplog.records) == 1
    with pytest.raises(BoltError):
        states.issue()


def test_what_happened_is_logged_where_the_app_wants_it(
    stores: Stores, folder: Folder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    states = stores.states(logger=logging.getLogger("the.apps.own"))
    state = states.issue()
    with folder.locked():
        assert not states.consume(state)
    assert [record.name for record in caplog.records] == ["the.apps.own"]
    assert states.logger.name == "the.apps.own"


# How many


def test_slack_sdks_store_keeps_every_state_and_reads_them_all(builtin: Callable[..., Any], folder: Folder) -> None:
    store = builtin("states")
    for _ in range(50):
        store.issue()
    file = "builtin.states.db"
    assert builtin_rows(folder, "SELECT count(*) FROM oauth_states", file) == [(50,)]
    plan = builtin_rows(folder, "EXPLAIN QUERY PLAN SELECT id FROM oauth_states WHERE state = 'x'", file)
    assert [row[3] for row in plan] == ["SCAN oauth_states"]


def test_no_more_states_are_issued_than_the_limit_until_some_have_expired(
    stores: Stores, folder: Folder, clock: Clock
) -> None:
    states = stores.states(limit=3)
    issued = [states.issue() for _ in range(3)]
    for _ in range(2):
        with pytest.raises(BoltError, match="slackapp: The service is busy"):
            states.issue()
    assert folder.count()["oauth_states"] == 3
    assert [states.consume(state) for state in issued] == [True] * 3
    with pytest.raises(BoltError):
        states.issue()
    clock.advance(601)
    assert states.consume(states.issue())


def test_states_of_long_ago_are_swept_when_new_ones_are_issued(stores: Stores, folder: Folder, clock: Clock) -> None:
    states = stores.states()
    for _ in range(5):
        states.issue()
    clock.advance(600 + 3600)
    states.issue()
    assert folder.count()["oauth_states"] == 6, "for an hour after their end they are known"
    clock.advance(1)
    states.issue()
    assert folder.count()["oauth_states"] == 2


@pytest.mark.parametrize("name", ["add_state", "consume_state", "sweep_states"])
def test_no_number_of_states_makes_it_slow(states: Any, folder: Folder, name: str) -> None:
    query = statements.load_statements()[name]
    plan = folder.rows(f"EXPLAIN QUERY PLAN {query.sql}", **dict.fromkeys(query.parameters, 0))
    steps = [row["detail"] for row in plan if "oauth_states" in row["detail"]]
    assert steps
    # The smallest or the greatest id is one step down the tree, though SQLite calls it a search without a constraint.
    assert all(step.startswith("SEARCH oauth_states") for step in steps), steps


# The interface


def test_a_state_store_is_one_of_slack_sdks_for_both_kinds_of_app(states: Any) -> None:
    assert isinstance(states, OAuthStateStore)
    assert isinstance(states, AsyncOAuthStateStore)

    async def both() -> list[bool]:
        state = await states.async_issue("anything", request=object())
        return [await states.async_consume(state), await states.async_consume(state), await states.async_consume("x")]

    assert asyncio.run(both()) == [True, False, False]
