"""An install whose process ended amid the exchange: told once, a minute later, by whoever is there."""

import pytest

from slackapp import app as composition
from slackapp.flows.install import lost_exchanges
from slackapp.store import oauth_states
from tests.handlers.callback_world import approved, log_lines, only, state_outcomes
from tests.support.world import World

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
    world.clock.advance(lost_exchanges.MAX_EXCHANGE_SECONDS)
    world.restart()
    world.service.local_scheduler.run_due(world.service.app)
    assert state_outcomes(world) == ["", ""], "it may still be under way, in another process"
    world.clock.advance(60)
    world.service.local_scheduler.run_due(world.service.app)
    assert state_outcomes(world) == ["failed", "failed"]
    row = only(world, "SELECT actor, result, detail FROM audit WHERE event = 'install.unclear'")
    assert row == {"actor": "worker", "result": "unclear", "detail": "states=2"}
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
    assert lost_exchanges.run(world.service.app, world.clock()) == 1


def test_what_came_to_an_end_and_what_a_bolt_app_began_is_nothing_lost(world: World) -> None:
    app, now = world.service.app, world.clock()
    assert world.browser().install().status == 303
    assert oauth_states.add(app.db, bytes(32), bytes(32), "bolt", now, now + 600, 10)
    assert oauth_states.consume(app.db, bytes(32), bytes(32), "bolt", now)
    assert lost_exchanges.run(app, now + 3600) == 0
    assert world.audit().count("install.unclear") == 0
