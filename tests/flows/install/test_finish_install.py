"""The way back from Slack: what is spent and called in which order, and what stays when something fails."""

import sqlite3
from contextlib import ExitStack

import pytest

from slackapp.errors import TransactionOpenError
from slackapp.localslack.model import Fault
from slackapp.slack import transport
from tests.support.callback_world import (
    approved,
    callback,
    log_lines,
    nothing_happens,
    outcome,
    state_outcomes,
    unused_states,
)
from tests.support.client import request
from tests.support.world import SOUTH, World

EXCHANGE = "oauth.v2.access"
STORED = ("installations", "tokens", "inbox")


def installs(world: World, result: str) -> int:
    """How many have ended so, as the metrics tell."""
    return int(world.service.app.metrics.value("slackapp_installs_total", {"result": result}))


def assert_nothing_stored(world: World) -> None:
    assert [world.count(table) for table in STORED] == [0, 0, 0]


# What is done, and when


def test_a_finished_install_leads_to_a_clean_address(world: World) -> None:
    way = approved(world)
    reply = way.finish()
    assert (reply.status, reply.location) == (303, "http://localhost:3000/slack/installed")
    assert state_outcomes(world) == ["installed"]
    assert world.calls() == [EXCHANGE]


def test_the_exchange_names_the_same_address_and_shows_the_secret_in_a_header(world: World) -> None:
    approved(world).finish()
    (call,) = world.slack.calls
    assert (call.params, call.credentials) == ({"redirect_uri": world.settings.redirect_uri}, "basic")


@pytest.mark.claim("C-06")
def test_the_state_is_used_up_and_on_the_disk_before_the_exchange(world: World) -> None:
    way, probed, seen = approved(world), world.slack.probe, []

    def look(method: str) -> None:
        assert probed is not None
        probed(method)
        seen.append((method, unused_states(world), world.count("installations")))

    world.slack.probe = look
    way.finish()
    assert seen == [(EXCHANGE, 0, 0)]


def test_a_user_who_declines_uses_the_state_up_and_nothing_else(world: World) -> None:
    browser = world.browser()
    begun = browser.begin()
    reply = browser.follow_callback(browser.consent(begun, decision="deny"))
    assert (reply.status, state_outcomes(world), world.calls()) == (200, ["declined"], [])
    assert "did not give permission" in reply.text
    assert_nothing_stored(world)
    assert world.audit() == ["install.declined"]
    assert browser.follow_callback(browser.consent(begun)).status == 400
    assert outcome(world) == "state_used"


@pytest.mark.parametrize("error", ["bad_redirect_uri", "invalid_scope", "unapproved_scope", "no-such-error", ""])
def test_any_other_error_of_slack_uses_the_state_up_and_is_shown_as_one(world: World, error: str) -> None:
    way = approved(world)
    reply = way.browser.get(callback(error=error, state=way.state))
    assert (reply.status, outcome(world), state_outcomes(world)) == (400, "slack_error", ["declined"])
    assert world.calls() == []
    noted = world.rows("SELECT result FROM audit WHERE event = 'install.declined'")[0]["result"]
    assert noted == (error if error in ("bad_redirect_uri", "invalid_scope", "unapproved_scope") else "unknown_error")


@pytest.mark.parametrize("code", ["", "x" * 513, "a\nb", "a\u00e9", "a\x7f"])
def test_a_code_that_slack_cannot_have_made_is_refused_before_anything_is_spent(world: World, code: str) -> None:
    way = approved(world)
    with nothing_happens(world):
        reply = way.browser.get(callback(code=code, state=way.state))
    assert (reply.status, outcome(world)) == (400, "code_missing")
    assert way.finish().status == 303


def test_while_all_places_are_taken_the_state_is_kept_for_the_next_try(world: World) -> None:
    way, take = approved(world), world.service.app.exchange_limit.acquire
    with ExitStack() as stack:
        assert all(stack.enter_context(take(str(number))) for number in range(7))
        with take("7") as taken, nothing_happens(world):
            reply = way.finish()
        assert taken
        assert (reply.status, reply.headers["retry-after"], outcome(world)) == (503, "5", "busy")
        assert way.finish().status == 303


# Slack fails


@pytest.mark.parametrize(
    "fault",
    [
        Fault(EXCHANGE, "html500"),
        Fault(EXCHANGE, "cut"),
        Fault(EXCHANGE, "lost_answer"),
        Fault(EXCHANGE, "garbage"),
        Fault(EXCHANGE, "huge"),
        Fault(EXCHANGE, "redirect"),
        Fault(EXCHANGE, "error", error="internal_error"),
        Fault(EXCHANGE, "slow", seconds=0.6),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_slack_that_fails_is_asked_once_and_nothing_is_stored(
    world: World, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 0.2)
    way = approved(world)
    world.slack.fault(fault)
    reply = way.finish()
    assert (reply.status, outcome(world)) == (503, "exchange_unclear")
    assert reply.headers["retry-after"] == "5"
    assert world.calls() == [EXCHANGE]
    assert state_outcomes(world) == ["failed"]
    assert_nothing_stored(world)
    assert "install.unclear" in world.audit(), "Slack may have granted what nobody holds"
    assert installs(world, "unclear") == 1


def test_a_slack_that_is_not_there_is_a_503(world: World) -> None:
    way = approved(world)
    world.restart(slack=world.settings.slack._replace(api="http://127.0.0.1:1/api/"))
    reply = way.finish()
    assert (reply.status, outcome(world), state_outcomes(world)) == (503, "slack_unreachable", ["failed"])
    assert ("install.failed" in world.audit(), "install.unclear" in world.audit()) == (True, False)


@pytest.mark.claim("C-85")
def test_a_limited_exchange_is_waited_for_by_everybody_and_costs_nobody_the_install(world: World) -> None:
    one, other = approved(world), approved(world, SOUTH)
    world.slack.fault(Fault(EXCHANGE, "ratelimited", retry_after=17))
    for way in (one, other, one):
        reply = way.finish()
        assert (reply.status, reply.headers["retry-after"], outcome(world)) == (503, "17", "slack_unreachable")
    assert (world.calls(), state_outcomes(world)) == ([EXCHANGE], []), "Slack was asked once, and no state is spent"
    world.clock.advance(17)
    assert [way.finish().status for way in (one, other, one)] == [303, 303, 400], "and each works once"


@pytest.mark.claim("C-85")
def test_a_refresh_waits_for_a_limited_exchange_and_an_exchange_for_a_limited_refresh(world: World) -> None:
    assert world.browser().install().status == 303
    world.work()
    way = approved(world, SOUTH)
    world.clock.advance(43_100)
    world.slack.fault(Fault(EXCHANGE, "ratelimited", retry_after=50))
    world.mention()
    world.work()
    way = approved(world, SOUTH)
    assert (way.finish().headers["retry-after"], outcome(world)) == ("50", "slack_unreachable")
    assert world.calls().count(EXCHANGE) == 2, "the install's own, and the refresh that was limited"


@pytest.mark.parametrize("error", ["invalid_code", "bad_client_secret", "not_a_documented_error", "<b>"])
def test_a_code_that_slack_refuses_ends_the_install(world: World, error: str) -> None:
    way = approved(world)
    world.slack.fault(Fault(EXCHANGE, "error", error=error))
    reply = way.finish()
    assert (reply.status, outcome(world), world.calls()) == (400, "exchange", [EXCHANGE])
    assert state_outcomes(world) == ["failed"]
    assert_nothing_stored(world)
    assert error not in reply.text
    codes = [line["code"] for line in log_lines(world) if line["event"] == "exchange_failed"]
    assert codes == [error if error != "<b>" else "unknown_error"]


# No call is made inside a transaction


def test_a_call_inside_a_transaction_is_refused_before_it_is_made(world: World) -> None:
    app = world.service.app
    with app.db.transaction(), pytest.raises(TransactionOpenError):
        app.slack.call_as_app(EXCHANGE, {})
    assert world.calls() == []


@pytest.mark.long
def test_the_lock_probe_finds_a_call_inside_a_transaction(world: World) -> None:
    """The planted control: what every other test here relies on to pass."""
    holder = sqlite3.connect(world.settings.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert request("POST", f"{world.slack_url}/api/api.test").status == 500
    holder.close()
    (violation,) = world.slack.violations
    assert violation.startswith("api.test: api.test was called while the database was locked")
    world.slack.violations.clear()
