"""Disk faults: each has its answer, nothing acknowledged is lost, and the service goes on when the fault ends.

The disk's failures come from the kernel (`tests/support/disk_faults.py`), in the middle of a service that runs.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from slackapp.errors import ConfigError, StoreError
from slackapp.flows.audit import verify_audit
from slackapp.flows.tokens import refresh_due
from slackapp.localslack.model import Fault
from slackapp.store import queue
from slackapp.store.engine import sqlite as module
from slackapp.workers import scheduler
from tests.flows.tokens.rotation import DUE, ask, row
from tests.support.client import Reply
from tests.support.disk_faults import DISK_FAULTS, DiskFault, read_only
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, SOUTH, World, make_world

POST, EXCHANGE = "chat.postMessage", "oauth.v2.access"
HOUR = 3600
ANY_DISK_FAULT = pytest.mark.parametrize("disk_fault", DISK_FAULTS.values(), ids=DISK_FAULTS)

HERE = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder) as made:
        made.browser().install()
        made.work()
        yield snapshot_world(made)


@pytest.fixture
def world(installed: Prepared, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The app is installed, and one mention waits."""
    monkeypatch.setattr(module, "BUSY_MS", 20)
    monkeypatch.setattr(module, "CHECKPOINT_BUSY_MS", 20)
    made = installed.reset()
    made.slack.called.clear()
    assert made.mention("EvBefore").status == 200
    yield made
    # Whatever the fault was: the audit holds, the database is whole, and no request has met a bug.
    assert verify_audit.run(made.service.app, None)[1] == []
    assert made.service.app.db.is_sound(thorough=True)
    assert '"request_failed"' not in made.log.getvalue()


@contextlib.contextmanager
def unlocked_slack(world: World) -> Iterator[None]:
    """Where the test itself holds the database, Slack's watch over locks would blame the service."""
    probe, world.slack.probe = world.slack.probe, None
    yield
    world.slack.probe = probe


def assert_again(reply: Reply) -> None:
    """An answer after which Slack, or a person, tries again."""
    assert (reply.status, reply.headers.get("retry-after")) == (503, "5")


def states(world: World) -> dict[str, str]:
    return {row["event_id"]: row["state"] for row in world.rows("SELECT * FROM inbox WHERE kind = 'event'")}


def scheduler_runs(world: World, seconds: int = 10) -> dict[str, Any]:
    """What `/readyz` says after the next round of the scheduler."""
    world.clock.advance(seconds)
    world.service.local_scheduler.run_due(world.service.app)
    world.service.app.health.set_problem("clock", None)  # of a test that moves it
    found: dict[str, Any] = world.request("GET", "/readyz", environ=HERE).json
    return found


# The database


@ANY_DISK_FAULT
def test_an_event_is_refused_until_it_can_be_kept_and_none_is_lost(world: World, disk_fault: DiskFault) -> None:
    with disk_fault(world), unlocked_slack(world):
        for event_id in ("EvIn", "EvIn", "EvAlso"):
            assert_again(world.mention(event_id))
        assert states(world) == {"EvBefore": "ready"}
    for event_id in ("EvIn", "EvAlso", "EvBefore", "EvAfter"):
        assert world.mention(event_id).status == 200
    assert world.work() == 4
    assert set(states(world).values()) == {"done"}
    assert world.calls(POST) == [POST] * 4


@ANY_DISK_FAULT
def test_a_lifecycle_event_is_refused_until_it_can_be_kept(world: World, disk_fault: DiskFault) -> None:
    uninstalled = {"type": "app_uninstalled"}
    with disk_fault(world), unlocked_slack(world):
        assert_again(world.event(uninstalled, "EvGone"))
        assert world.status() == "active"
    assert world.event(uninstalled, "EvGone").status == 200
    assert world.status() == "suspect"


@ANY_DISK_FAULT
def test_an_install_is_begun_again_and_its_link_is_not_used_up(world: World, disk_fault: DiskFault) -> None:
    browser = world.browser()
    consented = browser.consent(browser.begin(), SOUTH)
    with disk_fault(world), unlocked_slack(world):
        assert_again(world.browser().begin())
        assert_again(browser.follow_callback(consented))
        assert (world.status(SOUTH), world.calls(EXCHANGE)) == ("", [])
    assert browser.follow_callback(consented).status == 303
    assert (world.status(SOUTH), world.calls(EXCHANGE)) == ("active", [EXCHANGE])


@ANY_DISK_FAULT
def test_an_install_that_cannot_be_stored_leaves_no_token_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, disk_fault: DiskFault
) -> None:
    browser, stack = world.browser(), contextlib.ExitStack()
    consented = browser.consent(browser.begin(), SOUTH)
    call = world.service.app.slack.call_as_app

    def then_disk_fault(*arguments: Any) -> Any:
        answer = call(*arguments)
        stack.enter_context(disk_fault(world))
        return answer

    with monkeypatch.context() as patch, stack, unlocked_slack(world):
        patch.setattr(world.service.app.slack, "call_as_app", then_disk_fault)
        assert_again(browser.follow_callback(consented))
    assert world.status(SOUTH) == ""
    assert [token for token in world.slack.tokens_of[SOUTH] if not token.dead] == []
    assert browser.install(SOUTH).status == 303


@ANY_DISK_FAULT
def test_during_a_disk_fault_reads_go_on_and_readyz_shows_it(world: World, disk_fault: DiskFault) -> None:
    assert scheduler_runs(world)["database"]
    with disk_fault(world), unlocked_slack(world):
        assert world.request("GET", "/").status == 200
        assert world.request("GET", "/healthz").status == 200
        found = scheduler_runs(world)
        assert (found["database"], found["ready"], list(found["problems"])) == (False, False, ["database"])
        assert found["inbox"] == {"ready": 1}, "what can be read is shown"
        assert_again(world.request("GET", "/readyz", environ=HERE))
    found = scheduler_runs(world)
    assert (found["database"], found["problems"]) == (True, {})


@ANY_DISK_FAULT
def test_a_request_that_met_a_disk_fault_is_shown_until_the_next_heartbeat(world: World, disk_fault: DiskFault) -> None:
    scheduler_runs(world)
    with disk_fault(world), unlocked_slack(world):
        assert_again(world.mention("EvIn"))
    assert world.request("GET", "/readyz", environ=HERE).json["database"] is False
    assert scheduler_runs(world)["database"] is True


@ANY_DISK_FAULT
def test_a_row_whose_intent_cannot_be_written_makes_no_call(
    world: World, monkeypatch: pytest.MonkeyPatch, disk_fault: DiskFault
) -> None:
    stack = contextlib.ExitStack()
    table = world.service.app.behaviour

    def then_disk_fault(context: Any, event: Any) -> None:
        stack.enter_context(disk_fault(world))
        table["app_mention"](context, event)

    world.replace_parts(behaviour={"app_mention": then_disk_fault})
    with stack, unlocked_slack(world), contextlib.suppress(StoreError):
        world.work()
    assert (states(world)["EvBefore"], world.calls(POST)) == ("running", [])
    world.replace_parts(behaviour=table)
    world.clock.advance(queue.LEASE + 1)
    assert (world.work(), states(world)["EvBefore"], world.calls(POST)) == (1, "done", [POST])


@ANY_DISK_FAULT
def test_a_row_whose_end_cannot_be_written_is_unclear_and_not_repeated(world: World, disk_fault: DiskFault) -> None:
    stack = contextlib.ExitStack()
    table = world.service.app.behaviour

    def then_disk_fault(context: Any, event: Any) -> None:
        table["app_mention"](context, event)
        stack.enter_context(disk_fault(world))

    world.replace_parts(behaviour={"app_mention": then_disk_fault})
    with stack, unlocked_slack(world), contextlib.suppress(StoreError):
        world.work()
    world.replace_parts(behaviour=table)
    scheduler_runs(world, queue.LEASE + 1)
    assert world.work() == 0
    assert (states(world)["EvBefore"], world.calls(POST)) == ("unclear", [POST])
    assert scheduler_runs(world)["inbox"] == {"unclear": 1}


@ANY_DISK_FAULT
def test_a_refresh_whose_lease_cannot_be_written_asks_nobody(world: World, disk_fault: DiskFault) -> None:
    world.clock.advance(DUE)
    with disk_fault(world), unlocked_slack(world), contextlib.suppress(StoreError):
        refresh_due.run(world.service.app, lambda: False)
    assert (world.calls(EXCHANGE), row(world)["generation"]) == ([], 1)
    assert refresh_due.run(world.service.app, lambda: False) == 1
    assert (world.calls(EXCHANGE), row(world)["generation"]) == ([EXCHANGE], 2)


@ANY_DISK_FAULT
def test_a_refresh_whose_pair_cannot_be_written_is_made_again_with_the_old_one(
    world: World, monkeypatch: pytest.MonkeyPatch, disk_fault: DiskFault
) -> None:
    world.clock.advance(DUE)
    stack, call = contextlib.ExitStack(), world.service.app.slack.call_as_app

    def then_disk_fault(*arguments: Any) -> Any:
        answer = call(*arguments)
        stack.enter_context(disk_fault(world))
        return answer

    with monkeypatch.context() as patch, stack, unlocked_slack(world), contextlib.suppress(StoreError):
        patch.setattr(world.service.app.slack, "call_as_app", then_disk_fault)
        refresh_due.run(world.service.app, lambda: False)
    assert row(world)["generation"] == 1
    world.clock.advance(31)
    ask(world)
    assert (len(world.calls(EXCHANGE)), row(world)["generation"], row(world)["status"]) == (2, 2, "live")


@pytest.mark.long
def test_a_thousand_requests_during_a_disk_fault_leave_nothing_behind(world: World) -> None:
    """Connections, write locks, transactions: what a failure does not give back is missing afterwards."""
    made = world.service.app.db
    for disk_fault in DISK_FAULTS.values():
        with disk_fault(world), unlocked_slack(world):
            for number in range(20):
                assert_again(world.mention(f"EvIn{number}"))
                assert not made.in_transaction()
        assert (made._group_commit._is_busy, len(made._group_commit._queue)) == (False, 0)
    assert len(made._all) == 1
    assert world.mention("EvAfter").status == 200


# The folder


def test_a_folder_that_takes_no_file_stops_no_service_that_runs(world: World) -> None:
    with read_only(world.folder):
        with pytest.raises(PermissionError):
            (world.folder / "new").touch()
        assert world.mention("EvIn").status == 200
        assert world.browser().install(SOUTH).status == 303
        assert world.work() == 3
    assert states(world)["EvIn"] == "done"


def test_a_folder_that_takes_no_file_is_one_line_at_the_start_and_nothing_is_lost(world: World) -> None:
    world.service.stop()
    with read_only(world.folder), pytest.raises((ConfigError, StoreError)) as caught:
        world.restart()
    assert "\n" not in str(caught.value)
    world.restart()
    assert (world.work(), states(world)) == (1, {"EvBefore": "done"})


# The clock


def signed_at(world: World, moment: int, event_id: str) -> Reply:
    """An event that Slack signs by its own clock, which is right."""
    event = {"type": "app_mention", "user": "U0SOMEBODY", "channel": world.slack.workspaces[NORTH].general, "ts": "1.2"}
    body = json.dumps(world.envelope({**event, "text": "x"}, event_id)).encode()
    return world.request(
        "POST", "/slack/events", body, {**world.sign(body, moment), "Content-Type": "application/json"}
    )


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_is_set_refuses_what_slack_signs_is_shown_and_loses_nothing(world: World, jump: int) -> None:
    watch = scheduler.ClockMonitor()
    right = world.clock.now
    watch.run(world.service.app, lambda: False)
    world.clock.set(jump)
    watch.run(world.service.app, lambda: False)
    assert world.request("GET", "/readyz", environ=HERE).json["problems"] == {"clock": f"was set by {jump} s"}
    assert signed_at(world, right, "EvIn").status == 401, "Slack sends it again"
    assert world.mention("EvWrong").status == 200, "of a Slack whose clock is wrong in the same way"
    world.work()
    assert world.browser().install(SOUTH).status == 303
    world.clock.set(-jump)
    watch.run(world.service.app, lambda: False)
    world.clock.advance(601)
    watch.run(world.service.app, lambda: False)
    assert world.request("GET", "/readyz", environ=HERE).json["problems"] == {}
    assert signed_at(world, world.clock.now, "EvIn").status == 200
    world.clock.advance(HOUR)
    world.work()
    assert set(states(world).values()) == {"done"}


def test_a_clock_that_was_set_back_delays_what_came_before_and_does_not_lose_it(world: World) -> None:
    world.clock.advance(-HOUR)
    assert world.mention("EvIn").status == 200
    assert (world.work(), states(world)) == (1, {"EvBefore": "ready", "EvIn": "done"})
    world.clock.advance(HOUR)
    assert (world.work(), states(world)["EvBefore"]) == (1, "done")


def test_a_clock_that_jumps_while_a_call_is_made_repeats_nothing(world: World) -> None:
    table = world.service.app.behaviour

    def jump(context: Any, event: Any) -> None:
        table["app_mention"](context, event)
        world.clock.advance(HOUR)
        world.service.local_scheduler.run_due(world.service.app)  # takes the row for one of a dead process

    world.replace_parts(behaviour={"app_mention": jump})
    assert world.work() == 1
    assert (states(world), world.calls(POST)) == ({"EvBefore": "unclear"}, [POST])


# Slack


@pytest.mark.parametrize("kind", ["html500", "cut", "garbage"])
def test_while_slack_is_down_events_are_kept_and_installs_are_begun_again(world: World, kind: Any) -> None:
    world.slack.fault(Fault("*", kind, times=-1))
    assert world.mention("EvIn").status == 200
    assert world.browser().begin().status == 302
    back = world.browser().install(SOUTH)
    assert back.status in (502, 503)
    world.work()
    found = world.request("GET", "/readyz", environ=HERE).json
    assert (found["database"], list(found["problems"])) == (True, ["slack"])
    world.slack.clear_faults()
    assert world.browser().install(SOUTH).status == 303
    assert world.request("GET", "/readyz", environ=HERE).json["problems"] == {}
    assert set(states(world).values()) == {"unclear"}, "whether Slack did it, nobody knows"


def test_a_slack_that_takes_no_connection_loses_no_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing was done, and it may be tried again."""
    from slackapp.slack import transport

    def refuse(*_: Any, **__: Any) -> Any:
        raise transport.UnreachableError(connected=False)

    with monkeypatch.context() as patch:
        patch.setattr(transport.Transport, "api_call", refuse)
        assert world.work() == 1
        assert states(world) == {"EvBefore": "ready"}
        assert world.request("GET", "/readyz", environ=HERE).json["problems"] == {"slack": "no_connection"}
        reply = world.browser().install(SOUTH)
        assert (reply.status, world.status(SOUTH)) == (503, "")
    world.clock.advance(60)
    assert (world.work(), states(world)) == (1, {"EvBefore": "done"})
    assert world.request("GET", "/readyz", environ=HERE).json["problems"] == {}
