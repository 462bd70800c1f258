"""A frozen tenant: what waits for it is kept, what removes it goes on, and nobody else notices."""

from typing import Any

import pytest

from slackapp.flows.tokens import freeze_tenant, refresh_due, validate_tenant
from slackapp.model import NO_TENANT, Actor, ActorKind, Tenant
from tests.flows.tokens.rotation import DUE, REFRESH
from tests.support.world import NORTH, World, north_tenant

OPERATOR = Actor(ActorKind.OPERATOR, "r1")
BOTH = pytest.mark.parametrize("tenant", [north_tenant(), NO_TENANT], ids=["tenant", "everything"])


def freeze(world: World, tenant: Tenant) -> None:
    assert freeze_tenant.run(world.service.app, tenant, OPERATOR, world.clock.now)


def unfreeze(world: World, tenant: Tenant) -> None:
    assert freeze_tenant.end(world.service.app, tenant, OPERATOR, world.clock.now)


def never() -> bool:
    return False


def row(world: World, type_of: str) -> Any:
    return world.rows("SELECT state, attempts, result FROM inbox WHERE type = ?", type_of)[0]


@pytest.mark.claim("C-118")
@BOTH
def test_an_event_waits_without_losing_an_attempt_and_runs_afterwards(ready: World, tenant: Tenant) -> None:
    freeze(ready, tenant)
    calls = ready.calls()
    assert ready.mention("EvWaits").status == 200
    for _ in range(9):
        ready.clock.advance(900)
        assert ready.work() == 0
    assert tuple(row(ready, "app_mention"))[:2] == ("ready", 0)
    assert ready.calls() == calls
    unfreeze(ready, tenant)
    assert (ready.work(), row(ready, "app_mention")["state"]) == (1, "done")
    assert ready.calls("chat.postMessage")


@pytest.mark.claim("C-118")
@BOTH
def test_a_refresh_waits_and_is_done_afterwards(ready: World, tenant: Tenant) -> None:
    freeze(ready, tenant)
    ready.clock.advance(DUE)
    assert refresh_due.run(ready.service.app, never) == 0
    assert (ready.calls(REFRESH), "refused.frozen" in ready.audit()) == ([], False)
    unfreeze(ready, tenant)
    assert refresh_due.run(ready.service.app, never) == 1


@BOTH
def test_nobody_asks_slack_about_its_tokens_until_then(ready: World, tenant: Tenant) -> None:
    freeze(ready, tenant)
    ready.clock.advance(validate_tenant.INTERVAL + 1)
    assert validate_tenant.run_due(ready.service.app, never) == 0
    with ready.service.app.db.transaction():
        ready.service.app.db.execute("clear_pauses", {})
    assert validate_tenant.run_paused(ready.service.app, never) == 0
    unfreeze(ready, tenant)
    assert validate_tenant.run_due(ready.service.app, never) == 1


@BOTH
def test_a_report_that_slack_must_be_asked_about_waits_for_as_long(ready: World, tenant: Tenant) -> None:
    freeze(ready, tenant)
    bot = ready.rows("SELECT bot_user_id FROM installations")[0][0]
    event = {"type": "tokens_revoked", "tokens": {"bot": [bot], "oauth": []}}
    ready.clock.advance(400)
    assert ready.event(event, "EvRevoked").status == 200
    calls = ready.calls()
    for _ in range(5):
        ready.work()
        ready.clock.advance(900)
    assert (tuple(row(ready, "tokens_revoked")), ready.calls()) == (("ready", 0, "frozen"), calls)
    unfreeze(ready, tenant)
    assert (ready.work(), row(ready, "tokens_revoked")["state"]) == (1, "done")


def test_another_tenants_events_run_meanwhile(ready: World) -> None:
    freeze(ready, Tenant("T", "T0ELSE0001"))
    assert ready.mention("EvRuns").status == 200
    assert (ready.work(), row(ready, "app_mention")["state"]) == (1, "done")


@BOTH
def test_an_uninstall_goes_on_and_the_freeze_stays(ready: World, tenant: Tenant) -> None:
    freeze(ready, tenant)
    ready.clock.advance(400)
    assert ready.event({"type": "app_uninstalled"}, "EvGone").status == 200
    ready.work()
    assert (ready.status(), ready.count("freezes")) == ("", 1)
    assert ready.browser().install(NORTH).status == 303
    assert (ready.status(), ready.count("freezes")) == ("active", 1)
