"""Sweep: what is too old goes, what an operator has to look at stays."""

import contextlib
import sqlite3
from typing import Any

import pytest

from slackapp.flows.upkeep import sweep
from tests.support.world import NORTH, World

INBOX = """INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, state, event_time, received_at, next_at,
                              lease_owner, lease_until, finished_at)
           VALUES (?, 'event', 'T', ?, 'app_mention', ?, 1, 1, 1, 'somebody', ?, ?)"""


def put(world: World, event_id: str, state: str, lease_until: int = 0, finished_at: int | None = None) -> None:
    """A row of the inbox, past all of our own code."""
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(INBOX, (event_id, NORTH, state, lease_until, finished_at))


def states(world: World) -> dict[str, Any]:
    return {row["event_id"]: row["state"] for row in world.rows("SELECT event_id, state FROM inbox")}


def test_a_finished_event_is_remembered_for_two_days_and_then_forgotten(world: World) -> None:
    now = world.clock()
    put(world, "EvOld", "done", finished_at=now - sweep.DEDUPE_WINDOW - 1)
    put(world, "EvYoung", "done", finished_at=now - sweep.DEDUPE_WINDOW)
    assert sweep.DEDUPE_WINDOW >= 48 * 3600
    sweep.run(world.service.app, now)
    assert states(world) == {"EvYoung": "done"}


def test_more_than_one_portion_is_swept_in_one_go(world: World) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        old = [(f"Ev{number}", NORTH, "done", 0, 1) for number in range(2001)]
        connection.executemany(INBOX, old)
        state = "INSERT INTO oauth_states (id_hash, session_hash, purpose, expires_at) VALUES (?, ?, 'install', 1)"
        connection.executemany(state, [(number.to_bytes(32, "big"), bytes(32)) for number in range(2001)])
    sweep.run(world.service.app, world.clock())
    assert (world.count("inbox"), world.count("oauth_states")) == (0, 0)


@pytest.mark.parametrize("state", ["ready", "running", "calling", "unclear", "dead"])
def test_what_is_not_done_is_never_swept(world: World, state: str) -> None:
    put(world, "EvOpen", state, finished_at=1)
    sweep.run(world.service.app, world.clock())
    assert states(world) == {"EvOpen": state}


def test_states_that_expired_are_swept(world: World) -> None:
    world.browser().begin()
    world.clock.advance(world.settings.state_ttl)
    sweep.run(world.service.app, world.clock())
    assert world.count("oauth_states") == 1
    world.clock.advance(24 * 3600)
    sweep.run(world.service.app, world.clock())
    assert world.count("oauth_states") == 0


def test_once_a_day_the_whole_database_is_checked_and_damage_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, scheduler = world.service.app, world.service.check_scheduler
    is_sound, asked = app.db.is_sound, list[bool]()

    def watched(thorough: bool) -> bool:
        asked.append(thorough)
        return is_sound(thorough)

    monkeypatch.setattr(app.db, "is_sound", watched)
    scheduler.run_due(app)
    assert asked == [False], "a quick one behind the start"
    world.clock.advance(86_400)
    scheduler.run_due(app)
    scheduler.run_due(app)
    assert asked == [False, False, True]
    assert app.metrics.value("slackapp_integrity_checks_total", {"result": "ok"}) == 3
    monkeypatch.setattr(app.db, "is_sound", lambda thorough: False)
    world.clock.advance(86_399)
    scheduler.run_due(app)
    assert "database_damaged" not in world.log.getvalue()
    world.clock.advance(1)
    scheduler.run_due(app)
    assert "database_damaged" in world.log.getvalue()
    assert app.metrics.value("slackapp_integrity_checks_total", {"result": "damaged"}) == 2, "both find it"
