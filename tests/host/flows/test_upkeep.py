"""Upkeep: what is over ends, what is too old goes, and the scheduler does both."""

import hashlib

from slackapp.host.flows import change_connection, upkeep
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import StatusReason
from slackapp.host.store import approvals, connections, idempotency_keys, sessions
from tests.store.rows import NORTH
from tests.support.connected import ACME, ANN, NOW, add_member, begin, connect, login, read
from tests.support.world import World

HASH = hashlib.sha256(b"one").digest()
DAY = 86_400


def test_what_is_over_ends_and_what_is_too_old_goes(world: World) -> None:
    app = world.service.app
    with app.db.transaction():
        add_member(app.db)
        approvals.add(app.db, f"{1:024}", ACME, ANN, reason="alerts", now=NOW)
    attempt = begin(app.db, 1)
    mine = connect(app.db, NORTH, 2)
    assert sessions.add(app.db, HASH, login(), NOW)
    assert sessions.add_ticket(app.db, HASH, login(), NOW)
    assert sessions.use_token_id(app.db, HASH, NOW + 930)
    assert idempotency_keys.begin(app.db, ACME, HASH, HASH, now=NOW)
    tables = ("host_tickets", "host_token_ids", "host_sessions", "idempotency_keys", "approvals", "host_events")

    def left(later: int) -> list[str]:
        upkeep.sweep(app, NOW + later)
        return [table for table in tables if world.count(table)]

    assert left(0) == [*tables]
    assert left(61) == [*tables[1:]]
    assert read(app.db, ACME, attempt.id).status == ConnectionStatus.PENDING
    assert left(931) == [*tables[2:]]
    after = read(app.db, ACME, attempt.id)
    assert (after.status, after.status_reason) == (ConnectionStatus.FAILED, StatusReason.NOT_CONFIRMED)
    assert left(8 * 3600 + 1) == [*tables[3:]]
    assert left(DAY + 1) == [*tables[4:]]
    assert left(30 * DAY + 1) == ["approvals"]
    assert connections.find(app.db, ACME, attempt.id) is not None
    assert left(37 * DAY + 1) == []
    assert connections.find(app.db, ACME, attempt.id) is None, "a failed attempt"
    assert read(app.db, ACME, mine.id) == mine


def test_the_scheduler_ends_what_is_over(world: World) -> None:
    app = world.service.app
    with app.db.transaction():
        add_member(app.db)
    attempt = begin(app.db, 1, now=world.clock() - 601)
    world.service.local_scheduler.run_due(app)
    assert read(app.db, ACME, attempt.id).status == ConnectionStatus.FAILED


def test_many_that_are_over_end_in_portions(world: World) -> None:
    app = world.service.app
    organizations = [ACME, *(f"o-{number}" for number in range(24))]
    with app.db.transaction():
        for each in organizations:
            add_member(app.db, each)
    for number in range(1, 251):
        begin(app.db, number, organizations[number // 11])
    upkeep.sweep(app, NOW + 601)
    found = world.rows("SELECT status, count(*) AS found FROM connections GROUP BY status")
    assert [(row["status"], row["found"]) for row in found] == [("failed", 250)]
    with app.db.transaction():
        assert not change_connection.fail(app.db, begin_key(), StatusReason.NOT_CONFIRMED, NOW)


def begin_key() -> connections.ConnectionKey:
    """The key of an attempt as it was before it failed."""
    return connections.ConnectionKey(ACME, f"{1:024}", ConnectionStatus.PENDING)
