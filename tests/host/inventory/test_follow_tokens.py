"""What is found out about a token comes to its connection, and to the host, once: that it lives, drifts, gets old."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.flows.tokens import rotated_pair, validate_tenant
from slackapp.host.flows import upkeep
from slackapp.host.rows import ConnectionSettings
from slackapp.host.store import connections
from slackapp.model import BOT, SCHEDULER
from slackapp.store import tokens
from tests.support.connected import ACME, read
from tests.support.host_world import Host, connect, make_host_world
from tests.support.world import World, north_tenant

DAY = 86_400


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        connect(made, Host(made))
        yield made


def told(world: World, kind: str) -> int:
    """How many events of that type the host was told."""
    return len([each for each in Host(world).get("events").json["events"] if each["type"] == kind])


@pytest.mark.claim("C-368")
def test_the_daily_look_is_noted_on_the_connection(world: World) -> None:
    app = world.service.app
    before = read(app.db, ACME, f"{1:024}").last_validated_at
    world.clock.advance(DAY + 1)
    validate_tenant.run_due(app, lambda: False)
    after = read(app.db, ACME, f"{1:024}").last_validated_at
    assert (before, after) == (world.clock.now - DAY - 1, world.clock.now)


@pytest.mark.claim("C-369")
def test_other_scopes_are_shown_and_told_once_and_those_asked_for_are_no_drift(world: World) -> None:
    """An admin takes a scope away in Slack."""
    app = world.service.app
    token = tokens.find(app.db, north_tenant(), BOT)
    assert token is not None
    asked = token.scopes
    for scopes, events in ((asked[:-1], 1), (asked[:-1], 1), (asked, 1)):
        with app.db.transaction():
            rotated_pair.note_drift(app, token, scopes, SCHEDULER, now=world.clock())
        assert read(app.db, ACME, f"{1:024}").scopes == scopes
        assert told(world, "scope.drift") == events


@pytest.mark.claim("C-370")
@pytest.mark.parametrize(("days", "told_after"), [(100, 86), (8, 6)])
def test_the_host_is_told_before_it_is_too_old_and_once(world: World, days: int, told_after: int) -> None:
    app = world.service.app
    found = read(app.db, ACME, f"{1:024}")
    settings = ConnectionSettings(owner_id="ann", purpose_id="alerts", max_age=days * DAY)
    with app.db.transaction():
        assert connections.save_settings(app.db, found.key, settings, None, now=world.clock())
    start = world.clock()
    for after, number in ((told_after * DAY, 0), (told_after * DAY + 1, 1), (days * DAY, 1)):
        upkeep.sweep(app, start + after)
        assert told(world, "connection.expiring") == number
    upkeep.sweep(app, start + days * DAY + 1)
    ended = read(app.db, ACME, f"{1:024}")
    assert (ended.status, ended.status_reason) == ("suspended", "age")
    longer = settings._replace(max_age=2 * days * DAY)
    with app.db.transaction():
        assert connections.save_settings(app.db, ended.key, longer, None, now=world.clock())
    assert read(app.db, ACME, f"{1:024}").age_told_at is None
