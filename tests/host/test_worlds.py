"""How the host side is tested: each test in a world of its own, of which nothing is left, and nothing is pretended."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slackapp.host.flows import pending_records
from slackapp.host.store import connections
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import ann, eve, make_host_world
from tests.support.world import NORTH, SOUTH


@pytest.mark.parametrize("turn", ["first", "second"])
def test_own_org_and_user_per_test(tmp_path: Path, turn: str) -> None:
    """C194, C195, C196: whichever of the two runs later finds nothing of the other."""
    with make_host_world(tmp_path) as world:
        assert ann(world).all() == eve(world).all() == []
        assert world.calls() == []
        ann(world).connect()
        assert (ann(world).statuses(), eve(world).statuses()) == (["active"], [])


def test_no_shared_state(tmp_path: Path) -> None:
    """C196: two worlds at a time, whose organizations have the same names."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with make_host_world(tmp_path / "a") as one, make_host_world(tmp_path / "b") as other:
        ann(one).connect(NORTH)
        ann(other).connect(SOUTH)
        for world, tenant in ((one, NORTH), (other, SOUTH)):
            assert [row["tenant_id"] for row in ann(world).all()] == [tenant]
        other.clock.advance(3600)
        assert one.clock() == other.clock() - 3600


def test_cleanup(tmp_path: Path) -> None:
    """C195: when a world ends it has let go of its database, which anybody may then have alone."""
    with make_host_world(tmp_path) as world:
        ann(world).connect()
        file = world.settings.database
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert database.execute("SELECT organization_id FROM connections").fetchall() == [(ACME,)]


def test_mocked_slack_vault_time_and_a_real_database(tmp_path: Path) -> None:
    """C197, C198, C199, C200: Slack and the clock are played; the vault and the database are those of the service."""
    with make_host_world(tmp_path) as world:
        begun = ann(world).begin()
        (row,) = ann(world).all()
        assert row["oauth_expires_at"] == world.clock.now + world.settings.state_ttl
        sealed = connections.find(world.service.app.db, ACME, begun.connection_id)
        assert sealed is not None
        assert sealed.oauth_metadata is not None
        assert b"192.0.2.7" in pending_records.open_metadata(world.service.app, sealed)
        assert b"192.0.2.7" not in world.bytes_on_disk()
        assert world.slack_url.startswith("http://127.0.0.1:"), "Slack is played here, and asked over HTTP"
        with closing(sqlite3.connect(world.settings.database)) as database:
            (found,) = database.execute("SELECT status FROM connections").fetchone()
        assert (found, GLOBEX in world.bytes_on_disk().decode("latin-1")) == ("pending", True)
