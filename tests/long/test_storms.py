"""Many processes and threads want the tokens of many tenants, all of them due: each is refreshed once, all are served.

Times are printed, not judged: how long it takes hangs on the machine, and on what else runs there.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.flows.tokens import rotated_pair
from slackapp.store.engine import sqlite
from tests.long import invariants
from tests.long.scenarios import ask
from tests.long.storm import (
    ASK,
    LIFE,
    REFRESH,
    TENANTS,
    Storm,
    assert_refreshed_once,
    beginning,
    installed,
    run_storm,
)
from tests.support.prepared_world import Prepared
from tests.support.world import World, make_world

pytestmark = pytest.mark.long
DUE, EXPIRED = LIFE - 3600, LIFE + 1
WAIT = 3.0
"""Seconds that somebody without a live token waits for the one who refreshes it."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    with installed(tmp_path_factory.mktemp("storm")) as made:
        yield made


@pytest.mark.parametrize(("name", "advance"), [("due", DUE), ("expired", EXPIRED)])
def test_of_all_who_use_a_token_at_once_one_refreshes_it_and_all_are_served(
    before: Prepared, name: str, advance: int
) -> None:
    """Where it has expired, nobody is served by the old one: all but one wait."""
    world, storm = beginning(before, advance), Storm("use", processes=8, threads=16, uses=25)
    weather = run_storm(world, storm)
    weather.print_figures(name, world)
    assert weather.failures == {}
    assert [wait for wait in weather.waits if name == "due" or wait < WAIT] == []
    assert_refreshed_once(world, storm)
    assert len(world.calls(ASK)) == sum(weather.outcomes.values()) == 8 * 16 * 25
    assert set(weather.bolt_tokens) == {""}


@pytest.mark.parametrize(("name", "advance"), [("due", DUE), ("expired", EXPIRED)])
def test_of_all_bolt_apps_that_look_for_a_bot_at_once_one_refreshes_its_token_and_all_get_one(
    before: Prepared, name: str, advance: int
) -> None:
    world, storm = beginning(before, advance), Storm("find_bot", processes=4, threads=8, uses=25, tenants=TENANTS[:50])
    weather = run_storm(world, storm)
    weather.print_figures(f"Bolt, {name}", world)
    assert weather.failures == {}
    assert [wait for wait in weather.waits if name == "due" or wait < WAIT] == []
    assert_refreshed_once(world, storm)
    assert len(weather.bolt_tokens) == 4 * 8 * 25
    for text in set(weather.bolt_tokens):
        token = world.slack.state.tokens[text]
        assert (token.kind, token.dead, token.expires_at > world.clock()) == ("bot", "", True)


def test_of_all_processes_whose_scheduler_finds_the_same_tokens_due_one_refreshes_each(before: Prepared) -> None:
    world, storm = beginning(before, DUE), Storm("remote_tasks", processes=4)
    weather = run_storm(world, storm)
    weather.print_figures("upkeep", world)
    print(f"  each says that it refreshed {[told.refreshed for told in weather.told]}")
    assert_refreshed_once(world, storm)
    assert world.calls() == [REFRESH] * len(TENANTS)


def test_a_pair_that_slack_gave_is_stored_though_the_database_is_busy_for_longer_than_one_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else has it, and the refresh token that it came from is used up."""
    monkeypatch.setattr(sqlite, "BUSY_MS", 50)
    with make_world(tmp_path) as world, contextlib.closing(_other_writer(world)) as other:
        world.browser().install()
        world.clock.advance(DUE)
        database, store, tries = world.service.app.db, rotated_pair.store, []
        transaction = database.transaction

        def busy_at_first() -> Any:
            tries.append(None)
            other.execute("BEGIN IMMEDIATE" if len(tries) == 1 else "ROLLBACK")
            return transaction()

        def begun(*arguments: Any, **named: Any) -> bool:
            with monkeypatch.context() as patch:
                patch.setattr(database, "transaction", busy_at_first)
                return store(*arguments, **named)

        monkeypatch.setattr(rotated_pair, "store", begun)
        assert ask(world)["ok"]
        assert len(tries) == 2
        assert (world.calls(REFRESH), [pair.is_fresh for pair in invariants.pairs(world)]) == ([REFRESH] * 2, [True])


def _other_writer(world: World) -> sqlite3.Connection:
    return sqlite3.connect(world.settings.database, isolation_level=None)
