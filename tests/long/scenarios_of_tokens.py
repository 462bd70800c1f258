"""Refresh by the scheduler and after a lost answer, exchange, check; and the holder of a lease who is stopped."""

import os
from dataclasses import replace

from slackapp.errors import Refused, SlackCallError
from slackapp.flows.tokens import exchange_token, refresh_due, refresh_token, validate_tenant
from slackapp.flows.tokens.exchange_token import ALREADY_EXCHANGED, EXCHANGED
from slackapp.localslack import LocalSlack
from slackapp.localslack.model import Fault
from slackapp.model import BOT, Tenant
from tests.long import invariants
from tests.long.child import Child
from tests.long.scenarios import (
    ACTOR,
    ADMINS,
    LIFE,
    Arguments,
    Command,
    Run,
    Scenario,
    add,
    ask,
    assert_usable,
    at_once,
    install,
)
from tests.support.operator import ACTOR as OPERATOR
from tests.support.world import NORTH, SOUTH, World, north_tenant

REFRESH = "oauth.v2.access"
OVER = 31
"""Seconds after which a dead one's lease is over, and Slack's grace is not."""
TOKENS = "SELECT holder_id, generation, status, lease_owner FROM tokens WHERE tenant_id = ? ORDER BY holder_id"


def due(world: World, command: Command) -> Arguments:
    """Both tokens of one tenant are to be refreshed, and work."""
    install(world)
    world.clock.advance(LIFE - 3600)
    return {}


def expired(world: World, command: Command) -> Arguments:
    """Both tokens of one tenant work no more."""
    install(world)
    world.clock.advance(LIFE + 1)
    return {}


def found(world: World, tenant_id: str = NORTH) -> list[tuple[object, ...]]:
    """The tokens of a tenant: whose, which generation, status, and who has the lease."""
    return [tuple(row) for row in world.rows(TOKENS, tenant_id)]


def assert_nothing_lost(world: World) -> None:
    """Each pair in use works, or its refresh token does, or it is marked."""
    assert invariants.lost(world) == []


# By the scheduler


def _keep_up(actor: Child) -> None:
    app = actor.service().app
    actor.arm()
    actor.tell(f"refreshed {refresh_due.run(app, lambda: False)}")


def _kept_up(run: Run) -> None:
    world = run.world
    assert_nothing_lost(world)
    assert at_once(world)
    world.clock.advance(OVER)
    refresh_due.run(world.service.app, lambda: False)
    assert found(world) == [("", 2, "live", ""), (ADMINS[NORTH], 2, "live", "")]
    # One call each; and one more for the one that was under way, or was heard of no more.
    assert len(world.calls(REFRESH)) <= 3 - (run.told == ("refreshed 2",))
    assert all(pair.is_fresh for pair in invariants.pairs(world))
    assert_usable(world)


add(Scenario("refresh by the upkeep", due, _keep_up, _kept_up))


# After a lost answer


def _lose_an_answer(slack: LocalSlack) -> None:
    slack.fault(Fault(REFRESH, "lost_answer"))


def _use(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    actor.tell(f"answered {ask(world)['ok']}")


def _refreshed_after_all(run: Run) -> None:
    world = run.world
    assert_nothing_lost(world)
    leased = found(world)[0][3] != ""
    # After two answers that nobody heard Slack takes the old token no more; whoever comes now learns to come again.
    assert at_once(world) or leased
    assert world.status() == "active"
    world.clock.advance(OVER)
    assert ask(world)["ok"] is True
    assert found(world)[0] == ("", 2, "live", "")
    # The lost one and its repeat; where that was heard of no more either, one by us, or two if ours got lost.
    assert len(world.calls(REFRESH)) <= 3
    assert_usable(world)


add(Scenario("refresh with a lost answer", due, _use, _refreshed_after_all, fault=_lose_an_answer))


# Exchange


def long_lived(world: World, command: Command) -> Arguments:
    """Rotation was switched on after the install."""
    world.slack.app = replace(world.slack.app, rotation=False)
    install(world)
    world.slack.app = replace(world.slack.app, rotation=True)
    return {}


def _exchange(actor: Child) -> None:
    actor.command("exchange")


def _exchanged(run: Run) -> None:
    world = run.world
    assert_nothing_lost(world)
    assert_usable(world)
    before = [row[1] for row in found(world)]
    assert run.told != ("status 0",) or before == [2, 2]
    world.clock.advance(OVER)
    app = world.service.app
    results = [outcome.result.partition(":")[0] for outcome in exchange_token.run(app, _waiting(world), OPERATOR)]
    # What a dead process had asked for is gone; its long-lived token works on.
    assert sorted(results) in (
        [EXCHANGED] * before.count(1),
        sorted([EXCHANGED] * (before.count(1) - 1) + [ALREADY_EXCHANGED]),
    )
    assert [row[2:] for row in found(world)] == [("live", "")] * 2
    world.clock.advance(LIFE - 3600)
    assert_usable(world)
    assert sorted(row[1] for row in found(world)) == ([1, 3] if ALREADY_EXCHANGED in results else [3, 3])
    world.clock.advance(LIFE - 3600)
    assert_usable(world)
    assert_nothing_lost(world)


def _waiting(world: World) -> list[exchange_token.Token]:
    return exchange_token.list_exchangeable(world.service.app, None)


add(Scenario("exchange of long-lived tokens", long_lived, _exchange, _exchanged))


# Check


def _one_revoked(world: World, command: Command) -> Arguments:
    """One of two tenants took its tokens back, and nobody told us."""
    install(world, NORTH, SOUTH)
    world.slack.revoke_bot(SOUTH)
    world.slack.revoke_user(SOUTH, ADMINS[SOUTH])
    return {}


def _check(actor: Child) -> None:
    actor.command("check")


def _checked(run: Run) -> None:
    world = run.world
    assert_usable(world)
    # In between the refresh alone is refused: the token serves on, until a call finds it dead.
    assert (world.status(SOUTH) == "active") is (found(world, SOUTH)[0][2] != "dead"), "both are marked, or neither"
    if run.told:
        assert run.told == ("status 1",)
        assert (world.status(SOUTH), _marks(world, SOUTH)) == ("needs_reinstall", {"dead"})
    world.clock.advance(refresh_token.LEASE + 1)  # a refresh decides, and the dead process may have begun one
    for tenant in (NORTH, SOUTH):
        validate_tenant.run(world.service.app, Tenant("T", tenant), ACTOR)
    assert (world.status(), _marks(world, NORTH)) == ("active", {"live"})
    assert (world.status(SOUTH), _marks(world, SOUTH)) == ("needs_reinstall", {"dead"})
    assert_nothing_lost(world)
    assert_usable(world)


def _marks(world: World, tenant_id: str) -> set[object]:
    return {row[2] for row in found(world, tenant_id)}


add(Scenario("check", _one_revoked, _check, _checked))


# A holder who is stopped; `tests/long/test_stopped_holders.py` judges


def _hold(actor: Child) -> None:
    world = actor.world()
    actor.tell(f"pid {os.getpid()}")
    actor.arm()
    try:
        actor.tell(f"answered {ask(world)['ok']}")
    except (Refused, SlackCallError) as refused:
        actor.tell(f"refused {refused}")


def _hold_an_exchange(actor: Child) -> None:
    app = actor.service().app
    actor.arm()
    tokens = [token for token in exchange_token.list_exchangeable(app, north_tenant()) if token.holder == BOT]
    actor.tell(f"answered {[outcome.result for outcome in exchange_token.run(app, tokens, OPERATOR)]}")


def _nothing(run: Run) -> None:
    """Judged elsewhere."""


add(Scenario("holder, due", due, _hold, _nothing))
add(Scenario("holder, expired", expired, _hold, _nothing))
add(Scenario("holder of an exchange", long_lived, _hold_an_exchange, _nothing))
