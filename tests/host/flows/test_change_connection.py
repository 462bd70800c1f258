"""Changes of connections: what a grant brings back, what the end of a tenant does, and what the host is told of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slackapp.flows.keys import suspend_tenant
from slackapp.flows.removal import purge_tenant
from slackapp.flows.tokens import needs_reinstall
from slackapp.host.circle import DATA
from slackapp.host.flows import change_connection, delete_organization, pending_records
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.rows import Connection, ConnectionSettings, StatusReason
from slackapp.host.store import connections, events, organizations, quarantines, sessions
from slackapp.model import BOT, SCHEDULER, Tenant
from slackapp.store import freezes, tokens
from slackapp.store.engine.database import Database
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.host.flows.test_pending_records import GRANTS
from tests.store.rows import NORTH, SOUTH, look, sealed
from tests.support.connected import ACME, ANN, GLOBEX, NOW, add_member, begin, connect, held, login, read
from tests.support.operator import CommandLine
from tests.support.world import World, make_world

ACTIVE, SUSPENDED, REVOKED = ConnectionStatus.ACTIVE, ConnectionStatus.SUSPENDED, ConnectionStatus.REVOKED
NEEDS_RECONNECT, FAILED = ConnectionStatus.NEEDS_RECONNECT, ConnectionStatus.FAILED
DEAD = StatusReason.TOKEN_DEAD


def told(db: Database, organization: str = ACME) -> list[tuple[str, str]]:
    """What the host is told of an organization: type and detail."""
    return [(str(event.type), event.detail) for event in events.page(db, organization, 0)]


def reconnect(db: Database, before: Connection, tenant: Tenant, **changes: Any) -> change_connection.Activation | None:
    attempt = begin(db, 90, before.organization_id, reconnects=before.id, kind=before.kind, **changes)
    with db.transaction():
        return change_connection.activate(db, attempt, held(tenant), SCHEDULER, NOW + 50)


def settle(db: Database, made: Connection) -> None:
    settings = ConnectionSettings(ANN, "alerts", "C0GENERAL1", "", ("C0GENERAL1", "C0OTHER001"), 86_400)
    with db.transaction():
        assert connections.save_settings(db, made.key, settings, None, now=NOW)


# What a grant brings back


@pytest.mark.parametrize("status", [ACTIVE, SUSPENDED, NEEDS_RECONNECT, REVOKED])
def test_a_grant_brings_a_connection_back_under_its_own_id(db: SqliteDatabase, status: ConnectionStatus) -> None:
    before = connect(db, NORTH)
    settle(db, before)
    with db.transaction():
        if status == REVOKED:
            assert change_connection.revoke(db, before.key, StatusReason.UNINSTALLED, NOW)
        elif status != ACTIVE:
            assert change_connection.set_status(db, before.key, status, StatusReason.AGE, now=NOW)
    done = reconnect(db, before, NORTH)
    assert done is not None
    assert (done.connection.id, done.left) == (before.id, None)
    after = read(db, ACME, before.id)
    assert (after.status, after.installed_at, after.created_at) == (ACTIVE, NOW + 50, NOW)
    kept = ("C0GENERAL1", "C0OTHER001") if status != REVOKED else ()
    assert (after.allowed_channels, after.max_age) == (kept, 86_400)
    assert look(db.path, "SELECT id FROM connections") == [(before.id,)], "the attempt is gone"
    found = connections.find_by_state(db, f"{90:024}".encode().ljust(32, b"s"))
    assert found is not None
    assert found.id == before.id


def test_into_another_workspace_it_keeps_no_channel_and_says_which_one_it_has_left(db: SqliteDatabase) -> None:
    before = connect(db, NORTH)
    settle(db, before)
    done = reconnect(db, before, SOUTH)
    assert done is not None
    assert done.left == NORTH
    after = read(db, ACME, before.id)
    assert (after.tenant, after.team_id) == (SOUTH, SOUTH.id)
    assert (after.default_channel_id, after.allowed_channels, after.max_age) == ("", (), 86_400)


@pytest.mark.parametrize("why", ["another's", "deleted", "another member's", "an attempt"])
def test_what_may_not_come_back_is_left_alone(db: SqliteDatabase, why: str) -> None:
    """I name a connection that is not mine to bring back: the grant becomes one of my own."""
    add_member(db, member="bob")
    kind = ConnectionKind.PERSONAL if why == "another member's" else ConnectionKind.WORKSPACE
    attempt = begin(db, 1, GLOBEX if why == "another's" else ACME, kind=kind)
    with db.transaction():
        if why != "an attempt":
            assert change_connection.activate(db, attempt, held(NORTH), SCHEDULER, NOW)
        if why == "deleted":
            assert connections.revoke(db, attempt.key._replace(status=ACTIVE), StatusReason.DISCONNECTED, NOW)
            assert connections.delete(db, ACME, attempt.id, NOW)
    before = look(db.path, "SELECT * FROM connections")
    mine = begin(db, 2, ACME, member="bob", reconnects=attempt.id, kind=kind)
    with db.transaction():
        done = change_connection.activate(db, mine, held(SOUTH), SCHEDULER, NOW)
    assert done is not None
    assert done.connection.id == mine.id
    assert look(db.path, "SELECT * FROM connections WHERE id = ?", attempt.id) == before


@pytest.mark.parametrize("reason", [StatusReason.REVIEW, StatusReason.OWNER])
def test_no_grant_of_slack_answers_a_review_or_a_missing_owner(db: SqliteDatabase, reason: StatusReason) -> None:
    """I was suspended by a review, and connect again."""
    before = connect(db, NORTH)
    with db.transaction():
        assert change_connection.set_status(db, before.key, SUSPENDED, reason, now=NOW)
    assert reconnect(db, before, NORTH) is not None
    after = read(db, ACME, before.id)
    assert (after.status, after.status_reason) == (SUSPENDED, reason)


def test_an_attempt_is_over_once(db: SqliteDatabase) -> None:
    """I press the button twice, or after it was given up: reload, back, and a second tab."""
    attempt = begin(db)
    with db.transaction():
        assert change_connection.fail(db, attempt.key, StatusReason.NOT_CONFIRMED, NOW)
    for seen in (attempt, read(db, ACME, attempt.id)):
        with db.transaction():
            assert change_connection.activate(db, seen, held(NORTH), SCHEDULER, NOW) is None
    made = connect(db, NORTH, 2)
    with db.transaction():
        assert change_connection.activate(db, made, held(SOUTH), SCHEDULER, NOW) is None
    assert read(db, ACME, made.id) == made


@pytest.mark.claim("C-157")
def test_what_a_frozen_organization_connects_is_frozen_and_what_it_leaves_is_not(db: SqliteDatabase) -> None:
    """I connect a second workspace while everything of mine is frozen."""
    with db.transaction():
        assert organizations.freeze(db, ACME, NOW)
    mine = connect(db, NORTH)
    assert (mine.status, mine.status_reason) == (SUSPENDED, StatusReason.FREEZE)
    found = freezes.find(db, NORTH)
    assert found is not None
    assert (found.tenant, found.organization) == (NORTH, ACME)
    assert freezes.find(db, SOUTH) is None
    assert reconnect(db, mine, SOUTH) is not None
    assert freezes.find(db, NORTH) is None
    assert freezes.find(db, SOUTH) is not None


@pytest.mark.claim("C-157")
def test_an_operators_freeze_and_an_organizations_are_two(db: SqliteDatabase) -> None:
    """I end my own freeze of a tenant that the operator has frozen, and the reverse."""
    assert freezes.add(db, NORTH, SCHEDULER, NOW)
    assert freezes.add(db, NORTH, SCHEDULER, NOW, organization=ACME)
    assert not freezes.delete(db, NORTH, organization=GLOBEX)
    assert freezes.delete(db, NORTH, organization=ACME)
    assert freezes.find(db, NORTH) is not None
    assert freezes.add(db, NORTH, SCHEDULER, NOW, organization=ACME)
    assert freezes.delete(db, NORTH)
    left = freezes.find(db, NORTH)
    assert left is not None
    assert left.organization == ACME


# What the end of a tenant does


@pytest.mark.claim("C-152", "C-190")
def test_whatever_names_a_tenant_that_is_erased_is_revoked_with_it(world: World) -> None:
    """An admin uninstalls while one connection serves and another one's grant waits: both end at once.

    Of whoever only waited, not even the tenant is kept, and its organization is told nothing.
    """
    app = world.service.app
    world.browser().install()
    mine = connect(app.db, NORTH)
    assert b"A Private Name" in world.bytes_on_disk()
    with app.db.transaction():
        add_member(app.db, GLOBEX)
    other = begin(app.db, 2, GLOBEX)
    with app.db.transaction():
        assert connections.quarantine(app.db, other.key, NORTH, "", NOW)
        quarantines.add(app.db, other.id, bytes(32), sealed(), NOW + 600)
    world.clock.advance(400)
    assert world.event({"type": "app_uninstalled"}).status == 200
    after = read(app.db, ACME, mine.id)
    assert (after.status, after.status_reason, after.tenant) == (REVOKED, StatusReason.UNINSTALLED, NORTH)
    assert told(app.db)[-1] == ("connection.revoked", "uninstalled")
    waited = read(app.db, GLOBEX, other.id)
    assert (waited.status, waited.status_reason, waited.tenant) == (FAILED, StatusReason.NOT_CONFIRMED, None)
    assert (waited.team_id, waited.enterprise_id, told(app.db, GLOBEX)) == ("", "", [])
    assert world.count("quarantines") == 0
    assert world.count("installations") == 0
    world.work()
    assert "purge.complete" in world.audit()
    assert purge_tenant.verify(app)["connections without a tenant"] == 0
    assert b"A Private Name" not in world.bytes_on_disk()


@pytest.mark.claim("C-152")
def test_a_dead_token_asks_for_a_reconnect_in_the_same_transaction(world: World) -> None:
    app = world.service.app
    for tenant in (NORTH, SOUTH):
        world.browser().install(tenant.id)
    mine, other = connect(app.db, NORTH), connect(app.db, SOUTH, 2, GLOBEX)
    token = tokens.find(app.db, NORTH, BOT)
    assert token is not None

    def die(*, then: Callable[[], object]) -> None:
        with app.db.transaction():
            needs_reinstall.mark_dead(app, token, "token_revoked", SCHEDULER)
            then()

    with pytest.raises(ZeroDivisionError):
        die(then=lambda: 1 / 0)
    assert read(app.db, ACME, mine.id).status == ACTIVE, "undone together"
    die(then=lambda: None)
    after = read(app.db, ACME, mine.id)
    assert (after.status, after.status_reason) == (NEEDS_RECONNECT, DEAD)
    assert told(app.db) == [("connection.active", ""), ("connection.needs_reconnect", "token_dead")]
    assert read(app.db, GLOBEX, other.id).status == ACTIVE
    world.browser().install()
    assert read(app.db, ACME, mine.id).status == NEEDS_RECONNECT, "an install of the public page moves nothing"


@pytest.mark.claim("C-152")
def test_a_revocation_of_the_bot_alone_revokes_what_the_bot_serves_and_nobody_elses(tmp_path: Path) -> None:
    """An admin takes the bot's token away; the token of a person stays, and a connection of that person."""
    with make_world(tmp_path, rotation=False, SLACKAPP_USER_SCOPES="users:read") as world:
        app = world.service.app
        world.browser().install()
        mine = connect(app.db, NORTH)
        personal = begin(app.db, 2, kind=ConnectionKind.PERSONAL)
        with app.db.transaction():
            assert change_connection.activate(app.db, personal, held(NORTH), SCHEDULER, NOW)
        world.clock.advance(400)
        bot = world.rows("SELECT bot_user_id FROM installations")[0]["bot_user_id"]
        assert world.event({"type": "tokens_revoked", "tokens": {"bot": [bot]}}).status == 200
        assert world.status() == "needs_reinstall"
        after = read(app.db, ACME, mine.id)
        assert (after.status, after.status_reason) == (REVOKED, StatusReason.UNINSTALLED)
        assert read(app.db, ACME, personal.id).status == ACTIVE
        assert told(app.db)[-1] == ("connection.revoked", "uninstalled")


@pytest.mark.claim("C-152")
def test_a_token_of_another_tenant_asks_for_a_reconnect(world: World) -> None:
    app = world.service.app
    world.browser().install()
    mine, token = connect(app.db, NORTH), tokens.find(app.db, NORTH, BOT)
    assert token is not None
    needs_reinstall.suspend_foreign(app, token, SCHEDULER)
    assert read(app.db, ACME, mine.id).status == NEEDS_RECONNECT


def test_a_key_that_is_withdrawn_suspends_and_one_that_is_back_resumes(world: World) -> None:
    app = world.service.app
    world.browser().install()
    mine = connect(app.db, NORTH)
    suspend_tenant.suspend(app, NORTH, SCHEDULER)
    after = read(app.db, ACME, mine.id)
    assert (after.status, after.status_reason) == (SUSPENDED, StatusReason.KEY)
    assert suspend_tenant.restore_all(app) == 1
    assert read(app.db, ACME, mine.id).status == ACTIVE
    with app.db.transaction():
        assert change_connection.set_status(app.db, mine.key, SUSPENDED, StatusReason.AGE, now=NOW)
    suspend_tenant.suspend(app, NORTH, SCHEDULER)
    assert suspend_tenant.restore_all(app) == 1
    after = read(app.db, ACME, mine.id)
    assert (after.status, after.status_reason) == (SUSPENDED, StatusReason.AGE), "not for its key"


# What the host is told


@pytest.mark.claim("C-152")
def test_the_host_is_told_in_the_order_of_commits_and_misses_nothing(db: SqliteDatabase) -> None:
    made = [connect(db, NORTH), connect(db, SOUTH, 2, GLOBEX)]
    with db.transaction():
        assert change_connection.set_status(db, made[0].key, NEEDS_RECONNECT, DEAD, now=NOW)
        assert not change_connection.set_status(db, made[0].key, SUSPENDED, StatusReason.AGE, now=NOW)
        assert change_connection.revoke(db, made[1].key, StatusReason.DISCONNECTED, NOW + 1)
    everything = events.page(db, None, 0)
    assert [(event.organization_id, str(event.type), event.connection_id) for event in everything] == [
        (ACME, "connection.active", made[0].id),
        (GLOBEX, "connection.active", made[1].id),
        (ACME, "connection.needs_reconnect", made[0].id),
        (GLOBEX, "connection.revoked", made[1].id),
    ]
    numbers = [event.number for event in everything]
    assert numbers == sorted(set(numbers))
    assert [events.page(db, None, number, most=1) for number in numbers] == [[each] for each in everything[1:]] + [[]]
    assert events.page(db, GLOBEX, numbers[0]) == [everything[1], everything[3]]
    assert events.page(db, GLOBEX, numbers[1]) == [everything[3]]
    with db.transaction():
        assert (events.sweep(db, NOW), events.sweep(db, NOW + 1)) == (0, 3)
    assert events.page(db, None, 0) == [everything[3]]


def test_a_number_is_not_given_again_after_an_older_copy_was_restored(db: SqliteDatabase) -> None:
    """A host that has read on behind a number would never see what comes under a smaller one."""
    connect(db, NORTH)
    (before,) = events.page(db, None, 0)
    with db.transaction():
        events.sweep(db, NOW + 1)
    connect(db, SOUTH, 2, now=NOW + 1)
    (after,) = events.page(db, None, 0)
    assert after.number > before.number


# A restored copy


@pytest.mark.claim("C-159")
def test_a_backup_brings_back_what_serves_and_nothing_that_waits(shell: CommandLine) -> None:
    """I keep the cookie of a session that ended since, and the operator restores the backup from before."""
    app = shell.world.service.app
    mine = connect(app.db, NORTH)
    waiting = begin(app.db, 2)
    grant = pending_records.seal_grant(app, waiting.id, GRANTS["a rotating bot"], NOW)
    with app.db.transaction():
        assert connections.quarantine(app.db, waiting.key, SOUTH, "", NOW)
        quarantines.add(app.db, waiting.id, bytes(32), grant, NOW + 600)
    assert sessions.add(app.db, bytes(32), login(), NOW)
    shell.good("backup", str(shell.folder / "b1"))
    sessions.end(app.db, bytes(32))
    assert shell.restore(str(shell.folder / "b1")).status == 0
    app = shell.world.service.app
    assert read(app.db, ACME, mine.id) == mine
    assert read(app.db, ACME, waiting.id).status == FAILED
    assert (shell.world.count("host_sessions"), shell.world.count("quarantines")) == (0, 0)


def test_an_organization_that_was_deleted_since_the_backup_is_deleted_once_more(shell: CommandLine) -> None:
    """We have left, and the operator restores the backup of the day before."""
    app = shell.world.service.app
    mine = connect(app.db, NORTH)
    shell.good("backup", str(shell.folder / "b1"))
    assert delete_organization.run(app, ACME, SCHEDULER, shell.world.clock())
    assert shell.restore(str(shell.folder / "b1")).status == 0
    app = shell.world.service.app
    assert read(app.db, ACME, mine.id).team_name != "", "it is back, with its names"
    assert delete_organization.run(app, ACME, SCHEDULER, shell.world.clock())
    assert organizations.find(app.db, ACME) is None
    assert mine.team_name.encode() not in shell.world.bytes_on_disk()


@pytest.mark.claim("C-159")
def test_in_a_restored_copy_nothing_waits_and_nobody_is_logged_in(db: SqliteDatabase) -> None:
    """I restore yesterday's backup, with a grant in it that was given back since, and my old session."""
    waiting, pending, mine = begin(db, 1), begin(db, 2), connect(db, NORTH, 3)
    assert connections.quarantine(db, waiting.key, SOUTH, "", NOW)
    quarantines.add(db, waiting.id, bytes(32), sealed(), NOW + 600)
    assert sessions.add_ticket(db, bytes(32), login(), NOW)
    assert sessions.add(db, bytes(32), login(), NOW)
    freezes.add(db, NORTH, SCHEDULER, NOW, organization=ACME)
    with db.transaction():
        assert DATA.restored(db, NOW + 1) == ()
    assert quarantines.find_by_cookie(db, bytes(32)) is None
    for attempt in (waiting, pending):
        after = read(db, ACME, attempt.id)
        assert (after.status, after.status_reason, after.tenant) == (FAILED, StatusReason.NOT_CONFIRMED, None)
    assert sessions.use_ticket(db, bytes(32), NOW + 1) is None
    assert sessions.find(db, bytes(32), NOW + 1) is None
    assert read(db, ACME, mine.id) == mine
    organization = organizations.find(db, ACME)
    assert organization is not None
    assert organization.frozen_at == NOW + 1, "what it has frozen, it is frozen for"
