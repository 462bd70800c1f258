"""Calls that the end of a process has cut off: each is told once, by whoever is there, and none is repeated."""

from typing import Any

import pytest

from slackapp import app as composition
from slackapp.checks.state_token import VerifiedState
from slackapp.flows.upkeep import interrupted_calls
from slackapp.store import oauth_states, queue
from tests.flows.upkeep.test_sweep import put, states
from tests.store.rows import bound, issued
from tests.support.callback_world import approved, log_lines, only, state_outcomes
from tests.support.world import NORTH, World

EXCHANGE = "oauth.v2.access"


def killed(world: World) -> None:
    """The process ends while Slack answers: nothing is noted any more."""

    class KilledError(BaseException):
        pass

    def end(*_: object) -> None:
        raise KilledError

    way = approved(world)
    world.slack.probe = None
    slack = world.service.app.slack

    class Ends:
        call_as_app = staticmethod(end)

    world.replace_parts(slack=Ends())
    with pytest.raises(KilledError):
        way.finish()
    world.replace_parts(slack=slack)


@pytest.mark.claim("C-86")
def test_what_a_kill_cut_off_is_told_once_after_a_minute(world: World) -> None:
    killed(world)
    killed(world)
    assert state_outcomes(world) == ["", ""]
    world.clock.advance(interrupted_calls.MAX_EXCHANGE_SECONDS)
    world.restart()
    world.service.local_scheduler.run_due(world.service.app)
    assert state_outcomes(world) == ["", ""], "it may still be under way, in another process"
    world.clock.advance(60)
    world.service.local_scheduler.run_due(world.service.app)
    assert state_outcomes(world) == ["failed", "failed"]
    row = only(world, "SELECT actor, result, count FROM audit WHERE event = 'install.unclear'")
    assert row == {"actor": "worker", "result": "unclear", "count": 2}
    (line,) = [line for line in log_lines(world) if line["event"] == "exchanges_lost"]
    assert (line["number"], "again" in line["action"]) == (2, True)
    assert world.service.app.metrics.value("slackapp_installs_total", {"result": "unclear"}) == 2
    world.clock.advance(60)
    world.service.local_scheduler.run_due(world.service.app)
    assert world.audit().count("install.unclear") == 1


@pytest.mark.claim("C-86")
def test_a_stop_says_how_many_exchanges_it_has_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "EXCHANGE_STOP_TIMEOUT", 0.0)
    with world.service.app.exchange_limit.acquire("here"):
        world.service.stop()
    (line,) = [line for line in log_lines(world) if line["event"] == "exchanges_cut_off"]
    assert (line["number"], "again" in line["action"]) == (1, True)


def test_a_clock_that_was_set_back_hides_nothing(world: World) -> None:
    killed(world)
    world.clock.advance(-86_400)
    assert interrupted_calls.mark_lost_exchanges(world.service.app, world.clock()) == 1


def test_what_came_to_an_end_and_what_a_bolt_app_began_is_nothing_lost(world: World) -> None:
    app, now = world.service.app, world.clock()
    assert world.browser().install().status == 303
    binding = bound(bytes(32), "bolt")
    assert oauth_states.add(app.db, issued(bytes(32), binding, now + 600), now, limit=10)
    assert oauth_states.consume(app.db, VerifiedState(bytes(32), binding), now)
    assert interrupted_calls.mark_lost_exchanges(app, now + 3600) == 0
    assert world.audit().count("install.unclear") == 0


@pytest.mark.claim("C-52")
def test_only_calls_whose_lease_ran_out_are_marked_unclear_and_each_is_audited_once(world: World) -> None:
    now, steady = world.clock(), world.clock.steady()
    put(world, "EvDead", "calling", lease_until=steady - 1)
    put(world, "EvAlive", "calling", lease_until=steady)
    put(world, "EvRunning", "running", lease_until=steady - 1)
    for _ in range(2):
        interrupted_calls.mark_unclear(world.service.app, now)
    assert states(world) == {"EvDead": "unclear", "EvAlive": "calling", "EvRunning": "running"}
    (note,) = world.rows("SELECT * FROM audit WHERE event = 'event.unclear'")
    assert (note["tenant_id"], note["actor"], note["record_id"]) == (NORTH, "worker", "EvDead")


def test_a_row_that_became_unclear_is_ended_for_its_late_owner(world: World) -> None:
    world.browser().install()
    world.work()
    world.mention()
    app = world.service.app

    def slow(*arguments: Any) -> Any:
        world.clock.advance(queue.LEASE + 1)
        interrupted_calls.mark_unclear(app, world.clock())
        return post(*arguments)

    post = app.slack.call
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.slack, "call", slow)
        world.work()
    assert states(world)["Ev0001"] == "unclear"
