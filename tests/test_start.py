"""What is looked at before anything is served, and what behind that: the database as a whole."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.errors import ConfigError
from tests.store.engine.test_unchecked import damage
from tests.support.world import START, World, make_world

OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}
CHECK, SOUND = "database_check", "database_sound"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One that ends well whatever has become of its database."""
    with make_world(tmp_path) as made:
        yield made


def crash(world: World) -> None:
    """The service ends, and leaves a log as a killed one does."""
    world.service.stop()
    world.settings.database.with_name("slackapp.db-wal").touch(mode=0o600)


def told(world: World) -> list[str]:
    return [json.loads(line)["event"] for line in world.log.getvalue().splitlines()]


def test_a_start_checks_nothing_where_the_last_end_was_clean(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops a start from taking longer with every gigabyte."""
    world.service.stop()
    monkeypatch.setattr(type(world.service.app.db), "is_sound", lambda *_: pytest.fail("it was closed cleanly"))
    world.service = world.start_process()
    assert told(world) == []


@pytest.mark.claim("C-133")
def test_a_start_behind_a_crash_checks_first_and_says_so(world: World) -> None:
    crash(world)
    world.service = world.start_process()
    assert told(world) == [CHECK, SOUND]
    assert world.request("GET", "/").status == 200
    world.restart()
    assert told(world) == [CHECK, SOUND, "request"], "the end was clean"


@pytest.mark.claim("C-133")
def test_a_damaged_file_behind_a_crash_is_not_served_however_often_it_is_tried(world: World) -> None:
    world.service.stop()
    damage(world.settings.database)
    crash(world)
    for tries in (1, 2):
        with pytest.raises(ConfigError, match="is damaged; restore a backup"):
            world.start_process()
        assert told(world) == [CHECK] * tries
        assert not world.settings.database.with_name("slackapp.db-wal").exists(), "it was closed cleanly since"


def test_damage_that_is_found_behind_the_start_makes_it_unready_and_keeps_the_next_start_out(world: World) -> None:
    app, scheduler = world.service.app, world.service.check_scheduler
    world.service.stop()
    damage(world.settings.database)
    scheduler.run_due(app)
    assert app.metrics.value("slackapp_integrity_checks_total", {"result": "damaged"}) == 1
    assert "database_damaged" in told(world)
    found = world.request("GET", "/readyz", headers=OPERATOR)
    assert (found.status, found.json["database"]) == (503, False)
    assert found.json["problems"] == {"integrity": "the database is damaged; restore a backup"}
    assert world.clock() == START
    app.db.close()
    with pytest.raises(ConfigError, match="is damaged; restore a backup"):
        world.start_process()
