"""One row of the inbox: at most one call to Slack for it, whatever happens, and nothing is lost."""

import asyncio
import contextlib
import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from slackapp.behaviour import Behaviour, Context
from slackapp.errors import KeyRevokedError, KeyUnavailableError, SlackCallError, SlackErrorKind
from slackapp.flows.upkeep import interrupted_calls, sweep
from slackapp.localslack.model import Fault, FaultKind
from slackapp.model import Tenant
from slackapp.runtime.log import JsonLog
from slackapp.slack import transport
from slackapp.store import queue
from slackapp.store.inbox import QUEUE
from tests.flows.kill_process import Killed, kill_in_call, unclear
from tests.support.interactions import command
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

POST = "chat.postMessage"


@pytest.fixture
def ready(ready: World) -> World:
    """And one mention kept."""
    assert ready.mention().status == 200
    return ready


def behave(world: World, table: Behaviour) -> None:
    world.replace_parts(behaviour=table)


def only(method: str, params: Mapping[str, Any] | None = None) -> Behaviour:
    """A behaviour that answers a mention with one call."""
    return {"app_mention": lambda context, event: context.call(method, params or {}) and None}


def row(world: World, event_id: str = "Ev0001") -> Any:
    return world.rows("SELECT * FROM inbox WHERE event_id = ?", event_id)[0]


def change(world: World, sql: str, *parameters: Any) -> None:
    """Changes the database, past all of our own code."""
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


# In mid-call


@pytest.mark.claim("C-50")
def test_the_intent_to_call_and_the_audit_row_are_on_the_disk_before_the_call(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, seen = ready.service.app.slack.call, []

    def look(*arguments: Any) -> Any:
        seen.append((row(ready)["state"], ready.audit()[-1]))
        return call(*arguments)

    monkeypatch.setattr(ready.service.app.slack, "call", look)
    assert ready.work() == 1
    assert seen == [("calling", "token.read")]
    assert (row(ready)["state"], row(ready)["body"]) == ("done", None)


def test_a_call_that_is_begun_late_ends_before_its_lease(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes a row that is in the middle of a call for one whose process has died."""
    call = ready.service.app.slack.call

    def take_long(*arguments: Any) -> Any:
        ready.clock.advance(transport.TIMEOUT)
        interrupted_calls.mark_unclear(ready.service.app, ready.clock())
        return call(*arguments)

    def think(context: Context, event: Mapping[str, Any]) -> None:
        ready.clock.advance(queue.LEASE - 1)
        for text in ("one", "two"):
            context.call(POST, {"channel": event["channel"], "text": text})

    monkeypatch.setattr(ready.service.app.slack, "call", take_long)
    behave(ready, {"app_mention": think})
    assert ready.work() == 1
    assert (row(ready)["state"], ready.calls().count(POST)) == ("done", 2)


@pytest.mark.parametrize("slack_did_it", [False, True])
@pytest.mark.claim("C-52")
def test_a_row_whose_worker_died_in_a_call_becomes_unclear_and_is_never_run_again(
    ready: World, monkeypatch: pytest.MonkeyPatch, slack_did_it: bool
) -> None:
    call = ready.service.app.slack.call

    def die(*arguments: Any) -> Any:
        if slack_did_it:
            call(*arguments)
        raise Killed

    monkeypatch.setattr(ready.service.app.slack, "call", die)
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        ready.work()
    ready.restart()
    said = len(ready.calls(POST))
    ready.clock.advance(queue.LEASE)
    interrupted_calls.mark_unclear(ready.service.app, ready.clock())
    assert row(ready)["state"] == "calling", "its lease runs to the end of that second"
    ready.clock.advance(1)
    interrupted_calls.mark_unclear(ready.service.app, ready.clock())
    assert (row(ready)["state"], ready.audit()[-1]) == ("unclear", "event.unclear")
    assert unclear(ready) == [("Ev0001", "app_mention", "interrupted in a call")]
    assert row(ready)["body"], "kept for the operator"
    ready.clock.advance(10 * queue.LEASE)
    assert ready.mention().status == 200, "a repeat by Slack"
    assert (ready.work(), len(ready.calls(POST))) == (0, said)


def test_a_row_whose_worker_died_before_its_call_runs_again(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(context: Context, event: Mapping[str, Any]) -> None:
        raise Killed

    table = ready.service.app.behaviour
    behave(ready, {"app_mention": die})
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        ready.work()
    behave(ready, table)
    ready.clock.advance(queue.LEASE)
    assert ready.work() == 0
    ready.clock.advance(1)
    assert (ready.work(), ready.calls()) == (1, [POST])
    assert row(ready)["attempts"] == 2


@pytest.mark.parametrize(("before", "state"), [(0, "running"), (1, "calling")])
def test_a_call_that_slack_plainly_refused_leaves_no_doubt_behind(
    ready: World, monkeypatch: pytest.MonkeyPatch, before: int, state: str
) -> None:
    def carry_on(context: Context, event: Mapping[str, Any]) -> None:
        for _ in range(before):
            context.call(POST, {"channel": event["channel"], "text": "one"})
        with pytest.raises(SlackCallError):
            context.call(POST, {"channel": "C0NOWHERE", "text": "two"})
        raise Killed

    behave(ready, {"app_mention": carry_on})
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        ready.work()
    assert row(ready)["state"] == state


# What Slack may answer


def test_a_dead_token_is_used_no_more_until_somebody_installs_again(ready: World) -> None:
    ready.slack.fault(Fault(POST, "error", error="account_inactive"))
    ready.slack.invalidate_refresh_tokens(NORTH)
    ready.mention("Ev0002")
    assert ready.work() == 2
    assert (row(ready)["state"], row(ready, "Ev0002")["state"], ready.status()) == ("dead", "dead", "needs_reinstall")
    assert ready.calls() == [POST, "oauth.v2.access"]
    assert "token.dead" in ready.audit()
    ready.browser().install()
    ready.mention("Ev0003")
    assert ready.work() == 1
    assert (ready.status(), ready.slack.calls[-1].ok) == ("active", True)


@pytest.mark.parametrize("error", ["missing_scope", "not_in_channel", "invalid_arguments", "an_error_of_tomorrow"])
def test_an_error_that_a_repeat_would_meet_again_ends_the_row(ready: World, error: str) -> None:
    ready.slack.fault(Fault(POST, "error", error=error))
    assert ready.work() == 1
    assert (row(ready)["state"], row(ready)["result"]) == ("dead", f"{POST} {error}")
    assert row(ready)["body"], "kept for the operator"
    ready.clock.advance(86_400)
    assert (ready.work(), ready.calls(), ready.status()) == (0, [POST], "active")


def test_a_limited_rate_puts_the_row_back_for_as_long_as_slack_says(ready: World) -> None:
    ready.slack.fault(Fault(POST, "ratelimited", retry_after=77))
    assert ready.work() == 1
    assert (row(ready)["state"], row(ready)["next_at"]) == ("ready", ready.clock() + 77)
    ready.clock.advance(76)
    assert ready.work() == 0
    ready.clock.advance(1)
    assert (ready.work(), row(ready)["state"]) == (1, "done")


@pytest.mark.claim("C-98")
def test_a_row_that_is_put_off_for_half_a_day_runs_again_after_two_hours_and_not_at_once(ready: World) -> None:
    """A function of the app's own says for how long, and nobody tells that from a clock that was ahead."""

    def postpone(context: Context, event: Mapping[str, Any]) -> None:
        raise SlackCallError(POST, "ratelimited", SlackErrorKind.RATE_LIMITED, 43_200)

    behave(ready, {"app_mention": postpone})
    for _ in range(2):
        assert (ready.work(), ready.work(), row(ready)["state"], row(ready)["attempts"]) == (1, 0, "ready", 0)
        ready.clock.advance(QUEUE.max_wait - 1)
        assert ready.work() == 0
        ready.clock.advance(1)


@pytest.mark.parametrize("kind", ["html500", "cut", "lost_answer", "garbage", "huge", "error"])
def test_a_post_without_an_answer_becomes_unclear_and_is_not_repeated(ready: World, kind: FaultKind) -> None:
    ready.slack.fault(Fault(POST, kind))
    assert (ready.work(), row(ready)["state"]) == (1, "unclear")
    ready.clock.advance(86_400)
    assert (ready.work(), ready.calls()) == (0, [POST])


def test_a_question_without_an_answer_is_asked_again_with_growing_pauses_and_then_dead(ready: World) -> None:
    behave(ready, only("auth.test"))
    ready.slack.fault(Fault("auth.test", "html500", times=-1))
    waits = []
    while ready.work():
        if row(ready)["state"] == "ready":
            waits.append(row(ready)["next_at"] - ready.clock())
            ready.clock.advance(waits[-1])
    for pause, least in zip(waits, [10, 20, 40, 80, 160], strict=True):
        assert least <= pause <= least * 3 // 2
    assert (row(ready)["state"], len(ready.calls())) == ("dead", QUEUE.max_attempts)


def test_rows_that_failed_together_do_not_come_back_together(world: World) -> None:
    """Stops a Slack that comes back from being met by all at the same second."""
    world.browser().install()
    world.work()
    behave(world, only("auth.test"))
    world.slack.fault(Fault("auth.test", "html500", times=-1))
    for number in range(30):
        world.mention(f"Ev{number:04}")
    assert world.work() == 30
    waits = {row["next_at"] - world.clock() for row in world.rows("SELECT * FROM inbox WHERE state = 'ready'")}
    assert len(waits) >= 4
    assert min(waits) >= 10
    assert max(waits) <= 15


def test_a_limited_rate_is_no_failure_of_the_row_however_often_it_comes(ready: World) -> None:
    limits = 3 * QUEUE.max_attempts
    ready.slack.fault(Fault(POST, "ratelimited", retry_after=1, times=limits))
    for _ in range(limits):
        assert ready.work() == 1
        assert (row(ready)["state"], row(ready)["attempts"]) == ("ready", 0)
        ready.clock.advance(1)
    assert (ready.work(), row(ready)["state"], len(ready.slack.messages(NORTH))) == (1, "done", 2)


def test_a_failure_after_a_call_that_was_made_is_unclear(ready: World) -> None:
    def half(context: Context, event: Mapping[str, Any]) -> None:
        context.call(POST, {"channel": event["channel"], "text": "one"})
        context.call(POST, {"channel": "C0NOWHERE", "text": "two"})

    behave(ready, {"app_mention": half})
    assert (ready.work(), row(ready)["state"], row(ready)["result"]) == (1, "unclear", f"{POST} channel_not_found")


def test_a_refused_call_before_the_real_one_does_not_count(ready: World) -> None:
    def twice(context: Context, event: Mapping[str, Any]) -> None:
        context.call(POST, {"channel": event["channel"], "text": "one"})

    behave(ready, {"app_mention": twice})
    ready.slack.fault(Fault(POST, "ratelimited", retry_after=1, times=2))
    for _ in range(3):
        assert ready.work() == 1
        ready.clock.advance(1)
    assert (row(ready)["state"], len(ready.calls()), len(ready.slack.messages(NORTH))) == ("done", 3, 2)


# The behaviour


@pytest.mark.claim("C-99")
@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit, MemoryError, RecursionError]
)
def test_whatever_a_behaviour_raises_it_ends_no_thread(ready: World, error: type[BaseException]) -> None:
    """I am an event of one tenant, and stop the inbox of all."""

    def fail(context: Context, event: Mapping[str, Any]) -> None:
        raise error

    behave(ready, {"app_mention": fail})
    assert ready.work() == 1
    assert (row(ready)["state"], row(ready)["result"]) == ("ready", error.__name__)


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError])
def test_what_is_raised_in_the_middle_of_a_call_leaves_it_unclear(
    ready: World, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Slack may have done it: nobody but Slack can say that it did not."""
    call = ready.service.app.slack.call

    def fail(*arguments: Any) -> Any:
        call(*arguments)
        raise error

    monkeypatch.setattr(ready.service.app.slack, "call", fail)
    assert ready.work() == 1
    assert (row(ready)["state"], row(ready)["result"]) == ("unclear", error.__name__)
    ready.clock.advance(3600)
    assert (ready.work(), len(ready.calls(POST))) == (0, 1)


@pytest.mark.claim("C-99")
def test_a_row_that_takes_its_process_with_it_each_time_is_dead(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """I am an event that is too large for your memory, and end the service every two minutes, for everybody."""
    ran: list[str] = []

    def die(context: Context, event: Mapping[str, Any]) -> None:
        ran.append("Ev0001")
        raise Killed

    behave(ready, {"app_mention": die})
    kill_in_call(monkeypatch)
    for _ in range(QUEUE.max_attempts):
        with pytest.raises(Killed):
            ready.work()
        ready.clock.advance(queue.LEASE + 1)
    assert (ready.work(), len(ran)) == (1, QUEUE.max_attempts)
    assert (row(ready)["state"], row(ready)["result"]) == ("dead", "the process ended in it each time")
    assert row(ready)["body"], "shown to a person"
    (told,) = [json.loads(line) for line in ready.log.getvalue().splitlines() if "event_dead" in line]
    assert (told["row"], told["type"], told["reason"]) == ("Ev0001", "app_mention", row(ready)["result"])


def test_a_row_that_ends_its_process_costs_no_other_row_an_attempt(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(context: Context, event: Mapping[str, Any]) -> None:
        raise Killed

    for number in range(2, 9):
        ready.mention(f"Ev000{number}")
    behave(ready, {"app_mention": die})
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        ready.work()
    attempts = [entry["attempts"] for entry in ready.rows("SELECT attempts FROM inbox WHERE type = 'app_mention'")]
    assert sorted(attempts) == [0] * 7 + [1]


@pytest.mark.parametrize("kind", ["app_uninstalled", "slackapp.purge"])
def test_our_own_jobs_are_retried_without_limit(ready: World, kind: str) -> None:
    """A tenant's end must come, however often its process ended before that."""
    change(ready, "UPDATE inbox SET type = ?, named = 'everything', attempts = 50 WHERE event_id = 'Ev0001'", kind)
    change(ready, "UPDATE inbox SET removes = 1 WHERE event_id = 'Ev0001'")
    change(ready, "UPDATE inbox SET kind = 'job' WHERE type = 'slackapp.purge'")
    ready.work()
    assert row(ready)["state"] != "dead"


def told(world: World) -> list[dict[str, Any]]:
    """The lines of the log about a behaviour."""
    lines = [json.loads(line) for line in world.log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "behaviour_failed"]


@pytest.mark.parametrize(
    ("fault", "left", "reason"),
    [
        (Fault(POST, "error", error="not_in_channel"), "dead", f"{POST} not_in_channel"),
        (Fault(POST, "cut"), "unclear", f"{POST} no_answer"),
    ],
)
def test_a_behaviour_that_fails_for_good_is_told_once_whatever_it_failed_of(
    ready: World, fault: Fault, left: str, reason: str
) -> None:
    ready.slack.fault(fault)
    ready.work()
    (line,) = told(ready)
    assert (line["row"], line["type"], line["left"]) == ("Ev0001", "app_mention", left)
    assert line["reason"] == row(ready)["result"]
    assert line["reason"].split()[0] == reason.split(maxsplit=1)[0]
    assert NORTH not in json.dumps(line)


def test_a_rate_limit_writes_no_log_line(ready: World) -> None:
    ready.slack.fault(Fault(POST, "ratelimited", retry_after=1))
    ready.work()
    ready.clock.advance(1)
    ready.work()
    assert (row(ready)["state"], told(ready)) == ("done", [])


def test_in_development_the_log_says_what_the_exception_says_and_where(ready: World) -> None:
    def fail(context: Context, event: Mapping[str, Any]) -> None:
        raise ValueError("a word of help")

    ready.replace_parts(log=JsonLog(ready.log, ready.clock, with_texts=True))
    behave(ready, {"app_mention": fail})
    ready.work()
    (line,) = told(ready)
    assert (line["text"], line["exception"], line["left"]) == ("a word of help", "ValueError", "ready")
    assert re.search(r"test_run_event\.py:\d+$", line["places"])


@pytest.mark.parametrize("code", ["half a \ud83d pair", "a\nb", "x" * 200, "\u6771\u4eac"])
def test_an_error_that_a_behaviour_made_up_is_told_by_its_type(ready: World, code: str) -> None:
    def fail(context: Context, event: Mapping[str, Any]) -> None:
        raise SlackCallError(POST, code, SlackErrorKind.BAD_REQUEST)

    behave(ready, {"app_mention": fail})
    ready.work()
    (line,) = told(ready)
    assert (line["reason"], line["left"]) == ("SlackCallError", "dead")
    assert (row(ready)["state"], row(ready)["result"]) == ("dead", "SlackCallError")


def test_the_log_names_each_row_that_fails_whoever_made_its_id(ready: World) -> None:
    """Ids of our own are random, and a log that masks what looks like a secret must not take them for one."""

    def fail(context: Context, event: Mapping[str, Any]) -> None:
        raise ValueError

    behave(ready, dict.fromkeys(("app_mention", "/example", "slackapp.installed"), fail))
    command(ready)
    ready.browser().install(ORG)
    ready.work()
    failed = ready.rows("SELECT event_id FROM inbox WHERE state = 'ready'")
    assert {line["row"] for line in told(ready)} == {row["event_id"] for row in failed}
    assert len(failed) == 3


def test_a_behaviour_that_fails_is_tried_again_and_then_dead_without_a_word_of_its_error(ready: World) -> None:
    def fail(context: Context, event: Mapping[str, Any]) -> None:
        raise ValueError("canary of an exception")

    behave(ready, {"app_mention": fail})
    runs = 0
    while ready.work():
        runs += 1
        ready.clock.advance(400)
    assert (runs, row(ready)["state"], row(ready)["result"]) == (QUEUE.max_attempts, "dead", "ValueError")
    bugs = [json.loads(line) for line in ready.log.getvalue().splitlines() if '"bug"' in line]
    assert {(bug["event"], bug["exception"]) for bug in bugs} == {("behaviour_failed", "ValueError")}
    assert "canary of an exception" not in ready.log.getvalue()
    assert b"canary of an exception" not in ready.bytes_on_disk()


def test_a_context_shows_whom_it_acts_for_and_nothing_that_leads_further(ready: World) -> None:
    seen: list[Context] = []
    behave(ready, {"app_mention": lambda context, event: seen.append(context)})
    ready.work()
    shown = {name for name in dir(seen[0]) if not name.startswith("_")}
    assert shown == {
        "tenant", "bot_user_id", "installer_id", "user_id", "home_admin", "public_url", "missing_scopes",
        "call", "respond", "is_admin", "refuse", "remove",
    }  # fmt: skip
    assert (seen[0].tenant, seen[0].bot_user_id) == (Tenant("T", NORTH), "U0NORTH001BOT")


def test_a_behaviour_cannot_change_whom_it_acts_for(ready: World) -> None:
    ready.browser().install(SOUTH)
    ready.slack.called.clear()

    def swap(context: Any, event: Mapping[str, Any]) -> None:
        context.tenant = Tenant("T", SOUTH)
        context.call("auth.test", {})

    behave(ready, {"app_mention": swap})
    ready.work()
    assert {call.team for call in ready.slack.calls} <= {NORTH}
    assert row(ready)["state"] != "done"


def test_a_behaviour_may_name_another_workspace_of_its_enterprise(world: World) -> None:
    world.browser().install(ORG)
    world.work()
    behave(world, only("auth.test", {"team_id": "T0EVERBB01"}))
    assert world.mention(team_id=ORG_TEAM, enterprise_id=ORG).status == 200
    world.work()
    assert (world.slack.calls[-1].team, world.slack.calls[-1].params["team_id"]) == (ORG, "T0EVERBB01")


# Rows that are not as they should be


@pytest.mark.claim("C-51")
def test_a_worker_that_lost_its_row_makes_no_call_and_changes_nothing(ready: World) -> None:
    def lose(context: Context, event: Mapping[str, Any]) -> None:
        change(ready, "UPDATE inbox SET lease_owner = 'another', attempts = 9 WHERE event_id = 'Ev0001'")
        context.call(POST, {"channel": event["channel"], "text": "too late"})

    behave(ready, {"app_mention": lose})
    assert ready.work() == 1
    assert (row(ready)["state"], row(ready)["lease_owner"], ready.calls()) == ("running", "another", [])


@pytest.mark.parametrize("end", [lambda: None, lambda: 1 / 0])
def test_a_worker_that_lost_its_row_does_not_end_it(ready: World, end: Callable[[], Any]) -> None:
    def lose(context: Context, event: Mapping[str, Any]) -> None:
        change(ready, "UPDATE inbox SET lease_owner = 'another' WHERE event_id = 'Ev0001'")
        end()

    behave(ready, {"app_mention": lose})
    ready.work()
    assert (row(ready)["state"], row(ready)["lease_owner"]) == ("running", "another")


def test_a_body_that_does_not_open_ends_its_row_and_stays(ready: World) -> None:
    ready.mention("Ev0002")
    change(ready, "UPDATE inbox SET body = (SELECT body FROM inbox WHERE event_id = 'Ev0002')")
    blob = row(ready)["body"]
    assert ready.work() == 2
    assert (row(ready)["state"], row(ready)["result"], row(ready)["body"]) == ("dead", "the body does not open", blob)
    assert row(ready, "Ev0002")["state"] == "done", "it is in its own place"
    assert ready.audit().count("event.unavailable") == 1


@pytest.mark.claim("C-49")
def test_a_body_that_does_not_open_is_dead_and_audited_or_neither(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: Any) -> None:
        raise Killed

    change(ready, "UPDATE inbox SET body = zeroblob(200) WHERE event_id = 'Ev0001'")
    with monkeypatch.context() as patch:
        patch.setattr("slackapp.store.audit.append", die)
        with pytest.raises(Killed):
            ready.work()
    assert (row(ready)["state"], ready.audit().count("event.unavailable")) == ("running", 0)
    ready.clock.advance(queue.LEASE + 1)
    assert (ready.work(), row(ready)["state"]) == (1, "dead")
    assert ready.audit().count("event.unavailable") == 1
    ready.clock.advance(10 * sweep.DEDUPE_WINDOW)
    sweep.run(ready.service.app, ready.clock())
    assert row(ready)["body"], "nothing sweeps it away"


@pytest.mark.parametrize(("error", "status"), [(KeyRevokedError, "suspended"), (KeyUnavailableError, "active")])
def test_a_row_whose_key_is_withdrawn_or_out_of_reach_waits(
    ready: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception], status: str
) -> None:
    def no_key(*arguments: Any) -> bytes:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ready.service.app.keyring, "open", no_key)
        assert ready.work() == 1
    assert (row(ready)["state"], ready.status(), ready.calls()) == ("ready", status, [])
    ready.clock.advance(60)
    assert ready.work() == (1 if status == "active" else 0)


def test_a_row_that_nobody_handles_any_more_is_ended(ready: World) -> None:
    behave(ready, {})
    assert (ready.work(), row(ready)["state"], row(ready)["result"]) == (1, "done", "nobody to act")


def test_a_row_of_a_tenant_that_is_gone_is_ended_without_a_call(ready: World) -> None:
    change(ready, "DELETE FROM tokens")
    change(ready, "DELETE FROM installations")
    assert (ready.work(), row(ready)["state"], ready.calls()) == (1, "done", [])


def test_a_token_that_does_not_open_puts_the_row_back(ready: World) -> None:
    change(ready, "UPDATE tokens SET access = zeroblob(120)")
    assert ready.work() == 1
    assert (row(ready)["state"], row(ready)["result"], ready.calls()) == ("ready", "token_unavailable", [])
