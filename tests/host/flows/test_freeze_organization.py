"""A frozen organization: none of its tokens opens, nobody else's is touched, and only it ends that."""

import contextlib

import pytest

from slackapp.checks.capabilities import VALIDATE
from slackapp.errors import Refused
from slackapp.flows.removal import uninstall_tenant
from slackapp.flows.tokens import freeze_tenant, use_token
from slackapp.host.circle import DATA
from slackapp.host.flows import change_connection, freeze_organization, offboard, upkeep
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import ConnectionSettings, StatusReason
from slackapp.host.store import events
from slackapp.model import BOT, Actor, ActorKind, InstallationStatus, Tenant
from slackapp.store import freezes
from tests.store.rows import NORTH, SOUTH
from tests.support.connected import ACME, ANN, GLOBEX, NOW, add_member, begin, connect, held, read
from tests.support.world import World

OWNER = Actor(ActorKind.MEMBER, "r1", ANN, organization=ACME)
OPERATOR = Actor(ActorKind.OPERATOR, "r2")


@pytest.fixture
def world(world: World) -> World:
    """Each organization holds a tenant."""
    for tenant in (NORTH, SOUTH):
        world.browser().install(tenant.id)
    connect(world.service.app.db, NORTH)
    connect(world.service.app.db, SOUTH, 2, GLOBEX)
    world.work()
    return world


def opens(world: World, tenant: Tenant) -> bool:
    """Whether Slack is asked with the tenant's token."""
    use = use_token.TokenUse(
        tenant=tenant, holder=BOT, capability=VALIDATE, method="auth.test", purpose="test", actor=OWNER
    )
    before = len(world.calls("auth.test"))
    with contextlib.suppress(Refused):
        use_token.call(world.service.app, use, {})
    is_frozen = "refused.frozen" in world.audit()[-1:]
    assert is_frozen == (len(world.calls("auth.test")) == before)
    return not is_frozen


def status(world: World) -> tuple[str, str]:
    found = read(world.service.app.db, ACME, f"{1:024}")
    return str(found.status), found.status_reason


@pytest.mark.claim("C-157")
def test_no_token_of_it_opens_from_the_commit_on_and_nobody_elses_is_touched(world: World) -> None:
    app = world.service.app
    assert (opens(world, NORTH), opens(world, SOUTH)) == (True, True)
    assert freeze_organization.run(app, ACME, OWNER, NOW)
    assert not freeze_organization.run(app, ACME, OWNER, NOW)
    assert (opens(world, NORTH), opens(world, SOUTH)) == (False, True)
    assert status(world) == (ConnectionStatus.SUSPENDED, StatusReason.FREEZE)
    assert freeze_organization.end(app, ACME, OWNER, NOW)
    assert not freeze_organization.end(app, ACME, OWNER, NOW)
    assert (opens(world, NORTH), opens(world, SOUTH)) == (True, True)
    assert status(world) == (ConnectionStatus.ACTIVE, "")
    assert [str(event.type) for event in events.page(app.db, ACME, 0)] == [
        "connection.active", "connection.suspended", "connection.active",
    ]  # fmt: skip
    for event in ("organization.frozen", "organization.unfrozen"):
        assert [(fact["record_id"], fact["count"]) for fact in world.facts(event)] == [(ACME, 1)]
    assert not freeze_organization.run(app, "nobody", OWNER, NOW)


@pytest.mark.claim("C-157")
def test_neither_ends_the_others_freeze(world: World) -> None:
    """The operator froze my tenant after an incident, and I unfreeze what is mine; or the reverse."""
    app = world.service.app
    freeze_organization.run(app, ACME, OWNER, NOW)
    freeze_tenant.run(app, NORTH, OPERATOR, NOW)
    freeze_organization.end(app, ACME, OWNER, NOW)
    assert not opens(world, NORTH)
    freeze_organization.run(app, ACME, OWNER, NOW)
    assert freeze_tenant.end(app, NORTH, OPERATOR, NOW)
    assert not opens(world, NORTH)
    assert [freeze.organization for freeze in freeze_tenant.list_remaining(app, NORTH)] == [ACME]


def test_a_frozen_tenant_can_be_removed_and_leaves_no_freeze_behind(world: World) -> None:
    """Its next owner is not frozen for a wish of the one before."""
    app = world.service.app
    freeze_organization.run(app, ACME, OWNER, NOW)
    assert uninstall_tenant.run(app, NORTH, OPERATOR, world.clock()).slack == "uninstalled"
    assert freezes.find(app.db, NORTH) is None
    assert status(world) == (ConnectionStatus.REVOKED, StatusReason.UNINSTALLED)
    assert freeze_organization.end(app, ACME, OWNER, NOW)
    assert status(world) == (ConnectionStatus.REVOKED, StatusReason.UNINSTALLED)


@pytest.mark.claim("C-199")
@pytest.mark.parametrize("by", ["its organization", "an operator"])
@pytest.mark.parametrize("way", ["reinstated", "another owner", "key", "grant"])
def test_what_ends_another_suspension_ends_no_freeze(world: World, by: str, way: str) -> None:
    """My connection is suspended for want of an owner and frozen; I come back, and it would say that it serves."""
    app = world.service.app
    reason = StatusReason.KEY if way == "key" else StatusReason.OWNER
    key = read(app.db, ACME, f"{1:024}").key
    with app.db.transaction():
        assert change_connection.set_status(app.db, key, ConnectionStatus.SUSPENDED, reason, now=NOW)
    if way == "reinstated":
        offboard.run(app, ACME, ANN, OWNER, NOW)
    freeze = {"its organization": lambda: freeze_organization.run(app, ACME, OWNER, NOW)}
    freeze.get(by, lambda: freeze_tenant.run(app, NORTH, OPERATOR, NOW))()
    assert status(world) == (ConnectionStatus.SUSPENDED, reason)
    end_suspension(world, way)
    frozen = (ConnectionStatus.SUSPENDED, StatusReason.FREEZE)
    assert status(world) == frozen
    upkeep.sweep(app, NOW)
    assert status(world) == frozen
    if by == "an operator":
        freeze_tenant.end(app, NORTH, OPERATOR, NOW)
        upkeep.sweep(app, NOW)
    else:
        freeze_organization.end(app, ACME, OWNER, NOW)
    assert status(world) == (ConnectionStatus.ACTIVE, "")


def end_suspension(world: World, way: str) -> None:
    """Ends what the connection was suspended for."""
    app = world.service.app
    connection = read(app.db, ACME, f"{1:024}")
    if way == "reinstated":
        assert offboard.reinstate(app, ACME, ANN, OWNER, NOW)
        return
    with app.db.transaction():
        if way == "another owner":
            add_member(app.db, ACME, "bob")
            assert change_connection.configure(app.db, connection, ConnectionSettings("bob", ""), NOW)
        elif way == "key":
            DATA.status_changed(app.db, NORTH, InstallationStatus.ACTIVE, NOW)
        else:
            assert change_connection.resume(app.db, connection.key, StatusReason.OWNER, NOW)


@pytest.mark.claim("C-199")
def test_the_end_of_ones_own_freeze_ends_none_of_an_operators(world: World) -> None:
    app = world.service.app
    freeze_organization.run(app, ACME, OWNER, NOW)
    freeze_tenant.run(app, NORTH, OPERATOR, NOW)
    freeze_organization.end(app, ACME, OWNER, NOW)
    assert status(world) == (ConnectionStatus.SUSPENDED, StatusReason.FREEZE)
    freeze_tenant.end(app, NORTH, OPERATOR, NOW)
    upkeep.sweep(app, NOW)
    assert status(world) == (ConnectionStatus.ACTIVE, "")


@pytest.mark.claim("C-199")
def test_a_review_outlasts_a_freeze_that_came_upon_it(world: World) -> None:
    """I was suspended by a review, and have somebody freeze the organization, connect, and end the freeze."""
    app = world.service.app
    before = read(app.db, ACME, f"{1:024}")
    with app.db.transaction():
        assert change_connection.set_status(
            app.db, before.key, ConnectionStatus.SUSPENDED, StatusReason.REVIEW, now=NOW
        )
    freeze_organization.run(app, ACME, OWNER, NOW)
    attempt = begin(app.db, 9, reconnects=before.id)
    with app.db.transaction():
        assert change_connection.activate(app.db, attempt, held(NORTH), OPERATOR, NOW)
    assert not opens(world, NORTH)
    freeze_organization.end(app, ACME, OWNER, NOW)
    assert status(world) == (ConnectionStatus.SUSPENDED, StatusReason.REVIEW)
