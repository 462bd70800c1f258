"""A frozen organization: none of its tokens opens, nobody else's is touched, and only it ends that."""

import contextlib

import pytest

from slackapp.checks.capabilities import VALIDATE
from slackapp.errors import Refused
from slackapp.flows.removal import uninstall_tenant
from slackapp.flows.tokens import freeze_tenant, use_token
from slackapp.host.flows import freeze_organization
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import StatusReason
from slackapp.host.store import events
from slackapp.model import BOT, Actor, ActorKind, Tenant
from slackapp.store import freezes
from tests.store.rows import NORTH, SOUTH
from tests.support.connected import ACME, ANN, GLOBEX, NOW, connect, read
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
