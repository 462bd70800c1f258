"""A purge of a tenant that has much: erased in portions, between which others write and the tenant may come back."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from slackapp.flows import tenant_data
from slackapp.flows.app import PORTION_ROWS
from slackapp.flows.install import save_external
from slackapp.flows.removal import purge_tenant
from slackapp.model import Actor, ActorKind, AuditDetail, ExternalInstallation, GrantedToken, Holder, Secret, Tenant
from tests.support.world import NORTH, SOUTH, World, make_world, north_tenant

ACTOR = Actor(ActorKind.OPERATOR, "r1")
FLOOD = """
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
    INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, body, state, event_time, received_at, next_at)
    SELECT printf('EvFlood%06d', n), 'event', 'T', ?, 'message', body, 'ready', event_time, received_at, next_at
      FROM number, inbox WHERE event_id = ?
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path) as made:
        for tenant in (NORTH, SOUTH):
            made.browser().install(tenant)
        made.work()
        yield made


def flood(world: World, rows: int, tenant: str = NORTH) -> None:
    """That many events of a tenant wait."""
    world.mention("EvFirst", team_id=tenant)
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(FLOOD, [rows - 1, tenant, "EvFirst"])


def begin(world: World) -> str:
    """The transaction that decides; the job's id."""
    app = world.service.app
    with app.db.transaction():
        job_id = purge_tenant.erase(app, north_tenant(), AuditDetail.OPERATOR, ACTOR, world.clock())
    purge_tenant.evict(app, north_tenant())
    return job_id


def open_rows(world: World, tenant: str = NORTH) -> int:
    sql = "SELECT count(*) FROM inbox WHERE tenant_id = ? AND (state <> 'done' OR body IS NOT NULL) AND kind = 'event'"
    return int(world.rows(sql, tenant)[0][0])


class Watch:
    """Counts what each transaction changes in the inbox."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.changed: list[int] = []
        db = world.service.app.db
        transaction, execute = db.transaction, db.execute

        @contextlib.contextmanager
        def watched() -> Iterator[None]:
            self.changed.append(0)
            with transaction():
                yield

        def counted(name: str, parameters: dict[str, object]) -> int:
            rows = execute(name, parameters)
            if db.in_transaction():
                self.changed[-1] += rows
            return rows

        monkeypatch.setattr(db, "transaction", watched)
        monkeypatch.setattr(db, "execute", counted)


def test_a_purge_of_twenty_thousand_rows_never_writes_more_than_a_portion_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops a tenant that is erased from holding up all the others: promise 15."""
    flood(world, 20_000)
    watch = Watch(world, monkeypatch)
    job_id = begin(world)
    assert purge_tenant.complete_now(world.service.app, north_tenant(), job_id, ACTOR)
    assert open_rows(world) == 0
    assert max(watch.changed) <= PORTION_ROWS
    assert sum(watch.changed) >= 20_000


def test_what_runs_while_its_tenant_is_erased_is_ended_at_once(world: World) -> None:
    flood(world, 10)

    def erased_meanwhile(context: object, event: object) -> None:
        begin(world)
        states = world.rows("SELECT state, result FROM inbox WHERE event_id = 'EvFirst'")
        assert [tuple(row) for row in states] == [("done", "purged")]

    world.replace_parts(behaviour={"app_mention": erased_meanwhile})
    world.work()
    (row,) = world.rows("SELECT state, result FROM inbox WHERE event_id = 'EvFirst'")
    assert tuple(row) == ("done", "purged"), "its mark came too late"


def test_rows_that_wait_for_their_portion_run_no_function_of_the_behaviour(world: World) -> None:
    flood(world, 3)
    called: list[object] = []
    world.replace_parts(behaviour={"app_mention": lambda context, event: called.append(event)})
    begin(world)
    assert open_rows(world) == 3
    world.work()
    assert (called, open_rows(world)) == ([], 0)
    assert world.rows("SELECT 1 FROM audit WHERE event = 'event.unavailable'") == []


@pytest.mark.claim("C-121")
def test_an_install_between_two_portions_begins_with_nothing_of_what_was_there(world: World) -> None:
    flood(world, 2 * PORTION_ROWS)
    job_id = begin(world)
    app, now = world.service.app, world.clock()
    assert tenant_data.erase_portion(app, north_tenant(), now)
    assert open_rows(world)
    assert world.browser().install(NORTH).status == 303
    assert open_rows(world) == 0
    world.mention("EvNew")
    assert tenant_data.erase_portion(app, north_tenant(), now) == 0, "the next portion of the old purge"
    assert purge_tenant.complete_now(app, north_tenant(), job_id, ACTOR)
    assert (open_rows(world), world.status(NORTH)) == (1, "active")
    world.slack.called.clear()
    world.work()
    assert [call.ok for call in world.slack.calls] == [True, True], "the greeting, and the answer"


def late_row(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's last row of the old install comes when the new one is about to be written."""
    monkeypatch.setattr(tenant_data, "erase_rest", lambda app, tenant, now: None)
    flood_of_old = world.rows("SELECT 1 FROM inbox WHERE event_id = 'EvFirst'")
    assert flood_of_old


@pytest.mark.claim("C-121")
def test_the_transaction_of_an_install_itself_erases_what_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood(world, 3)
    begin(world)
    late_row(world, monkeypatch)
    assert world.browser().install(NORTH).status == 303
    assert (open_rows(world), world.status(NORTH)) == (0, "active")


@pytest.mark.claim("C-121")
def test_an_install_over_much_that_is_left_erases_it_in_portions_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for longer than a portion; and while all of it is not gone, nothing is installed."""
    flood(world, 2 * PORTION_ROWS + 1)
    begin(world)
    before = open_rows(world)
    with monkeypatch.context() as patch:
        late_row(world, patch)
        assert world.browser().install(NORTH).status == 503
        assert (open_rows(world), world.status(NORTH)) == (before, "")
    assert world.browser().install(NORTH).status == 303
    assert (open_rows(world), world.status(NORTH)) == (0, "active")


@pytest.mark.claim("C-121")
def test_so_does_that_of_an_installation_that_a_bolt_app_hands_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood(world, 3)
    begin(world)
    late_row(world, monkeypatch)
    granted = GrantedToken(Secret("xoxb-new"), None, None, ("chat:write",))
    handed = ExternalInstallation(
        tenant=Tenant("T", NORTH), app_id="A0LOCAL001", enterprise_id="", enterprise_name="", team_id=NORTH,
        team_name="North", bot_user_id="U1", holder=Holder.user("U2"), bot=granted, user=None, webhook=None,
        installed_at=float(world.clock()), details={}, bot_details={},
    )  # fmt: skip
    save_external.run(world.service.app, handed, ACTOR)
    assert (open_rows(world), world.status(NORTH)) == (0, "active")


@pytest.mark.claim("C-121")
def test_an_install_in_the_very_moment_of_a_portion_is_not_touched_by_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has seen that the tenant is gone; before its portion gets the database, the install is committed."""
    flood(world, 3)
    job_id = begin(world)
    app = world.service.app
    transaction, installed = app.db.transaction, []

    def install_first() -> AbstractContextManager[None]:
        if not installed:
            installed.append(1)
            assert world.browser().install(NORTH).status == 303
            world.mention("EvNew")
        return transaction()

    monkeypatch.setattr(app.db, "transaction", install_first)
    tenant_data.erase_portion(app, north_tenant(), world.clock())
    assert open_rows(world) == 1
    assert purge_tenant.complete_now(app, north_tenant(), job_id, ACTOR)


def test_one_purge_of_much_does_not_keep_those_that_wait_beside_it(world: World) -> None:
    """Whoever completes several erases a portion of each; the one with more goes on by itself."""
    flood(world, 2 * PORTION_ROWS + 1)
    begin(world)
    app = world.service.app
    with app.db.transaction():
        job_id = purge_tenant.erase(app, Tenant("T", SOUTH), AuditDetail.OPERATOR, ACTOR, world.clock())
    assert purge_tenant.complete_now(app, Tenant("T", SOUTH), job_id, ACTOR)
    assert 0 < open_rows(world) <= 2 * PORTION_ROWS
    (waits,) = world.rows("SELECT state, result FROM inbox WHERE type = 'slackapp.purge' AND tenant_id = ?", NORTH)
    assert waits["state"] == "ready"
    world.clock.advance(purge_tenant.RETRY_AFTER)
    world.work()
    assert (open_rows(world), purge_tenant.count_remaining(app, north_tenant())) == (0, 0)


def test_steps_of_a_circle_that_come_later_are_run_when_the_earlier_ones_are_done(world: World) -> None:
    flood(world, 2)
    left = [3]

    def erase_portion(db: object, tenant: Tenant, now: int) -> int:
        left[0] = max(left[0] - 1, 0)
        return left[0]

    core = world.service.app.circles[0]
    more = core.tenant_data[-1]._replace(name="more", erase_portion=erase_portion, kept_because="")
    world.replace_parts(circles=(core, core._replace(name="other", tenant_data=(more,))))
    begin(world)
    tenant_data.erase_rest(world.service.app, north_tenant(), world.clock())
    assert (left, open_rows(world)) == ([0], 0)
