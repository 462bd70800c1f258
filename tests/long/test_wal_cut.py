"""Power loss, as far as it can be played: the write-ahead log ends in the middle, at any place."""

import contextlib
import io
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slackapp.app import Service, build, system_entropy
from slackapp.model import Settings
from tests.long import invariants
from tests.long.scenarios import LIFE, SETTINGS, ask, waiting_event
from tests.support.world import NORTH, SOUTH, World, make_world

STEP = 64
Check = Callable[[World], bool]


@dataclass
class Log:
    """A world whose whole life stands in the log, and what was acknowledged by which length of it."""

    world: World
    acknowledged: list[tuple[int, str, Check]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.world.settings.database.with_name("slackapp.db-wal")

    def acknowledge(self, what: str, check: Check) -> None:
        """From this length on it must be there."""
        assert check(self.world)
        self.acknowledged.append((self.file.stat().st_size, what, check))


def has_event(event_id: str) -> Check:
    return lambda world: bool(world.rows("SELECT 1 FROM inbox WHERE event_id = ?", event_id))


def is_refreshed(world: World) -> bool:
    rows = world.rows("SELECT generation FROM tokens WHERE tenant_id = ? AND holder_id = ''", NORTH)
    return bool(rows) and rows[0][0] == 2


def live(log: Log) -> None:
    """Two installs, an event, a refresh, an uninstall."""
    world = log.world
    assert not world.service.app.db.erase_residue()
    world.service.worker.hand_off.open()
    world.browser().begin()
    log.acknowledge("a state", lambda found: found.count("oauth_states") >= 1)
    world.browser().install(NORTH)
    log.acknowledge("an install", lambda found: found.status(NORTH) == "active")
    waiting_event(world, "EvKept")
    log.acknowledge("an event", has_event("EvKept"))
    world.clock.advance(LIFE - 3600)
    ask(world)
    log.acknowledge("a refresh", is_refreshed)
    world.browser().install(SOUTH)
    length = log.file.stat().st_size
    world.slack.uninstall(SOUTH)
    world.clock.advance(3600)
    assert world.event({"type": "app_uninstalled"}, "EvGone", team_id=SOUTH).status == 200
    log.acknowledge("an uninstall", lambda found: found.status(SOUTH) == "")
    gone = log.acknowledged[-1][0]
    assert length < gone


def problems(log: Log, settings: Settings, cut: int) -> list[str]:
    """What is wrong after a start on that much of the log."""
    world, stream = log.world, io.StringIO()
    service: Service = build(settings, world.clock, system_entropy, stream)
    found = World(settings.database.parent, settings, world.clock, world.slack, world.slack_url, service, stream)
    try:
        missing = [what for length, what, check in log.acknowledged if length <= cut and not check(found)]
        return [f"cut at {cut}: {wrong}" for wrong in (*invariants.violations(found), *missing)]
    finally:
        service.stop()


@pytest.mark.long
@pytest.mark.parametrize(("rest", "step"), [("gone", STEP), ("zeros", 16 * STEP)])
def test_a_log_that_ends_anywhere_is_whole_up_to_its_last_commit(rest: str, step: int, tmp_path: Path) -> None:
    """The power goes: the end of the log is not on the disk, or is zeros."""
    changes = {**SETTINGS, "SLACKAPP_KEY_BACKUP_DIR": ""}
    with make_world(tmp_path, **changes) as world:
        log = Log(world)
        live(log)
        start, content = world.settings.database.read_bytes(), log.file.read_bytes()
        here = tmp_path / "cut"
        wrong, states, cuts = [], set(), range(0, len(content) + step, step)
        for cut in cuts:
            shutil.rmtree(here, ignore_errors=True)
            here.mkdir()
            settings = _settings(world, here)
            _write(settings.database, start)
            tail = bytes(max(0, len(content) - cut)) if rest == "zeros" else b""
            _write(settings.database.with_name("slackapp.db-wal"), content[:cut] + tail)
            wrong += problems(log, settings, cut)
            states.add(_audited(settings))
        assert wrong == []
        assert len(states) > len(log.acknowledged)
    print(f"log of {len(content)} bytes, cut at {len(cuts)} places ({rest}): {len(states)} states, none of them torn")


def _settings(world: World, folder: Path) -> Settings:
    return world.settings._replace(database=folder / "slackapp.db")


def _write(file: Path, content: bytes) -> None:
    file.touch(0o600)
    file.write_bytes(content)


def _audited(settings: Settings) -> int:
    with contextlib.closing(sqlite3.connect(settings.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM audit").fetchone()[0])
