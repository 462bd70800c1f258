"""A tenant that was purged and came back begins its generations anew: nothing of its first life reaches the second."""

import contextlib
from typing import Any

import pytest

from slackapp.errors import Refused
from slackapp.flows.removal import purge_tenant
from slackapp.flows.tokens import refresh_token
from slackapp.model import BOT, Actor, ActorKind, AuditDetail
from slackapp.store import tokens
from tests.support.token_use import IN_USE
from tests.support.world import World, north_tenant

ACTOR = Actor(ActorKind.WORKER, "Ev0001")


def reinstall(world: World) -> None:
    """Erased by the operator, and installed again a second later."""
    app = world.service.app
    with app.db.transaction():
        job_id = purge_tenant.erase(app, north_tenant(), AuditDetail.OPERATOR, ACTOR, world.clock())
    purge_tenant.evict(app, north_tenant())
    purge_tenant.complete_now(app, north_tenant(), job_id, ACTOR)
    world.clock.advance(1)
    assert world.browser().install().status == 303


@pytest.mark.parametrize("after", [False, True], ids=["before-slack-did-it", "after"])
def test_a_refresh_of_the_first_life_writes_nothing_into_the_second(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    world.browser().install()
    world.clock.advance(43_000)
    app = world.service.app
    old = tokens.find(app.db, north_tenant(), BOT)
    assert old is not None
    ask = app.slack.call_as_app

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        if not after:
            reinstall(world)
        answer = ask(*arguments)
        if after:
            reinstall(world)
        return answer

    monkeypatch.setattr(app.slack, "call_as_app", meanwhile)
    found = None
    with contextlib.suppress(Refused):
        found = refresh_token.run(app, old, ACTOR, statuses=IN_USE, wait=False)
    new = tokens.find(app.db, north_tenant(), BOT)
    assert new is not None
    assert (new.generation, new.granted_at, new.status) == (old.generation, world.clock(), "live")
    assert found is None or found == new
    assert world.rows("SELECT 1 FROM audit WHERE event = 'token.refreshed'") == []


def test_what_slack_says_of_a_token_of_the_first_life_is_not_said_of_the_second(world: World) -> None:
    world.browser().install()
    world.clock.advance(100)
    app = world.service.app
    old = tokens.find(app.db, north_tenant(), BOT)
    assert old is not None
    reinstall(world)
    with app.db.transaction():
        assert not tokens.mark_dead(app.db, old, "token_revoked")
        assert not tokens.take_lease(app.db, old, "me", world.clock(), world.clock() + 30)
        assert not tokens.set_scopes(app.db, old, ("chat:write",))
    assert tokens.find_generation(app.db, old) is None
    assert world.status() == "active"
