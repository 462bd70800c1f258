"""Offboarding: for a member who has left nothing is opened any more, and what it answered for asks for an owner."""

import hashlib

import pytest

from slackapp.host.flows import change_connection, offboard, upkeep
from slackapp.host.model import ConnectionStatus, HostRole, MemberStatus
from slackapp.host.rows import ConnectionSettings, HostEventKind, StatusReason
from slackapp.host.store import connections, events, members, quarantines, sessions
from slackapp.model import SCHEDULER, Actor, ActorKind
from tests.store.rows import NORTH, SOUTH, sealed
from tests.support.connected import ACME, ANN, GLOBEX, NOW, add_member, begin, connect, held, login, read
from tests.support.world import World

HOST = Actor(ActorKind.HOST, "r1", organization=ACME)
COOKIE = hashlib.sha256(b"cookie").digest()
DAY = 86_400


@pytest.fixture
def world(world: World) -> World:
    """Two organizations, each with Ann; one of them with Bob."""
    with world.service.app.db.transaction():
        for organization in (ACME, GLOBEX):
            add_member(world.service.app.db, organization)
        add_member(world.service.app.db, member="bob")
    return world


def owners_missing(world: World, organization: str = ACME) -> list[str]:
    page = events.page(world.service.app.db, organization, 0)
    return [event.connection_id for event in page if event.type == HostEventKind.OWNER_MISSING]


@pytest.mark.claim("C-156")
def test_for_whoever_has_left_nothing_opens_and_nothing_goes_on(world: World) -> None:
    """I was offboarded, with a page open, a ticket in hand, and an admin of a workspace about to approve."""
    app = world.service.app
    pending, waiting, other = begin(app.db, 1), begin(app.db, 2), begin(app.db, 3, member="bob")
    with app.db.transaction():
        assert connections.quarantine(app.db, waiting.key, NORTH, "", NOW)
        quarantines.add(app.db, waiting.id, COOKIE, sealed(), NOW + 600)
    for one in (login(), login(GLOBEX)):
        digest = hashlib.sha256(one.organization_id.encode()).digest()
        assert sessions.add(app.db, digest, one, NOW)
        assert sessions.add_ticket(app.db, digest, one, NOW)
    assert offboard.run(app, ACME, ANN, HOST, NOW) == []
    mine, theirs = (hashlib.sha256(name.encode()).digest() for name in (ACME, GLOBEX))
    assert (sessions.find(app.db, mine, NOW), sessions.use_ticket(app.db, mine, NOW)) == (None, None)
    assert sessions.find(app.db, theirs, NOW) is not None
    assert sessions.use_ticket(app.db, theirs, NOW) == login(GLOBEX)
    assert not sessions.add_ticket(app.db, COOKIE, login(), NOW)
    assert (world.count("host_sessions"), world.count("host_tickets")) == (1, 1), "erased, not only refused"
    assert read(app.db, ACME, pending.id).status == ConnectionStatus.FAILED
    assert [each.connection_id for each in quarantines.list_expired(app.db, NOW, 1000)] == [waiting.id]
    assert read(app.db, ACME, other.id) == other
    member = members.find(app.db, ACME, ANN)
    assert member is not None
    assert (member.status, member.name) == (MemberStatus.OFFBOARDED, "")


@pytest.mark.claim("C-156")
def test_a_token_that_is_under_way_does_not_let_in_whoever_was_never_seen(world: World) -> None:
    app = world.service.app
    assert offboard.run(app, ACME, "eve", HOST, NOW) == []
    with app.db.transaction():
        add_member(app.db, member="eve", role=HostRole.OWNER, issued_at=NOW + 10)
    member = members.find(app.db, ACME, "eve")
    assert member is not None
    assert (member.role, member.status) == (HostRole.OWNER, MemberStatus.OFFBOARDED)
    assert offboard.run(app, "nobody", ANN, HOST, NOW) is None


def test_what_it_answered_for_asks_for_an_owner_once_and_is_suspended_after_two_weeks(world: World) -> None:
    app = world.service.app
    mine, other = connect(app.db, NORTH), connect(app.db, SOUTH, 2, GLOBEX)
    for _ in range(2):
        assert offboard.run(app, ACME, ANN, HOST, NOW) == [mine.id]
    assert (owners_missing(world), owners_missing(world, GLOBEX)) == ([mine.id], [])
    assert [(fact["record_id"], fact["count"]) for fact in world.facts("member.offboarded")] == [(ANN, 1)]
    upkeep.sweep(app, NOW + 14 * DAY)
    assert read(app.db, ACME, mine.id).status == ConnectionStatus.ACTIVE
    upkeep.sweep(app, NOW + 14 * DAY + 1)
    after = read(app.db, ACME, mine.id)
    assert (after.status, after.status_reason) == (ConnectionStatus.SUSPENDED, StatusReason.OWNER)
    assert [fact["connection"] for fact in world.facts("integration.suspended")] == [mine.id]
    assert read(app.db, GLOBEX, other.id).status == ConnectionStatus.ACTIVE
    with app.db.transaction():
        nobody = ConnectionSettings(ANN, "alerts")
        assert change_connection.configure(app.db, after, nobody, NOW + 15 * DAY)
        assert read(app.db, ACME, mine.id).status == ConnectionStatus.SUSPENDED, "who has left is no owner"
        bob = ConnectionSettings("bob", "alerts")
        assert change_connection.configure(app.db, after, bob, NOW + 15 * DAY)
    after = read(app.db, ACME, mine.id)
    assert (after.status, after.owner_id, after.owner_missing_at) == (ConnectionStatus.ACTIVE, "bob", None)


def test_who_comes_back_answers_again_for_what_was_its_own(world: World) -> None:
    app = world.service.app
    assert not offboard.reinstate(app, ACME, ANN, HOST, NOW), "has not left"
    mine = connect(app.db, NORTH)
    offboard.run(app, ACME, ANN, HOST, NOW)
    upkeep.sweep(app, NOW + 15 * DAY)
    assert not offboard.reinstate(app, GLOBEX, ANN, HOST, NOW + 15 * DAY)
    assert offboard.reinstate(app, ACME, ANN, HOST, NOW + 15 * DAY)
    assert not offboard.reinstate(app, ACME, "nobody", HOST, NOW)
    after = read(app.db, ACME, mine.id)
    assert (after.status, after.owner_missing_at) == (ConnectionStatus.ACTIVE, None)
    assert sessions.add(app.db, COOKIE, login(), NOW + 15 * DAY)
    assert [fact["record_id"] for fact in world.facts("member.reinstated")] == [ANN]
    upkeep.sweep(app, NOW + 99 * DAY)
    assert read(app.db, ACME, mine.id).status == ConnectionStatus.ACTIVE


@pytest.mark.claim("C-155")
def test_another_role_ends_what_was_opened_in_the_one_before(world: World) -> None:
    """I fall to a member and rise again: my old page stays closed."""
    app = world.service.app
    assert sessions.add(app.db, COOKIE, login(), NOW)
    with app.db.transaction():
        add_member(app.db, issued_at=NOW + 1)
    assert sessions.find(app.db, COOKIE, NOW) is not None
    for later, role in ((2, HostRole.MEMBER), (3, HostRole.ADMIN)):
        with app.db.transaction():
            add_member(app.db, role=role, issued_at=NOW + later)
        assert sessions.find(app.db, COOKIE, NOW) is None


def test_settings_are_of_what_is_held_and_an_older_one_is_suspended_for_its_age(world: World) -> None:
    app = world.service.app
    mine, attempt = connect(app.db, NORTH), begin(app.db, 2)
    young = ConnectionSettings(ANN, "alerts", max_age=600)
    with app.db.transaction():
        assert not change_connection.configure(app.db, attempt, young, NOW)
        assert change_connection.configure(app.db, mine, young, NOW)
    upkeep.sweep(app, NOW + 600)
    assert read(app.db, ACME, mine.id).status == ConnectionStatus.ACTIVE
    upkeep.sweep(app, NOW + 601)
    old = read(app.db, ACME, mine.id)
    assert (old.status, old.status_reason) == (ConnectionStatus.SUSPENDED, StatusReason.AGE)
    with app.db.transaction():
        assert change_connection.configure(app.db, old, young, NOW + 601)
    assert read(app.db, ACME, mine.id).status == ConnectionStatus.SUSPENDED, "as old as before"
    again = begin(app.db, 3, reconnects=mine.id)
    with app.db.transaction():
        assert change_connection.activate(app.db, again, held(NORTH), SCHEDULER, NOW + 700)
    assert read(app.db, ACME, mine.id).status == ConnectionStatus.ACTIVE
