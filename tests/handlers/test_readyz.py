"""`GET /readyz`: whether the service can do its work, and what is wrong, for a load balancer and for a person."""

import json
import sqlite3

import pytest

from slackapp.localslack.model import Fault
from slackapp.store import db
from tests.handlers.stage import nothing_happens
from tests.support.world import NORTH, Reply, World


def readyz(world: World) -> Reply:
    return world.request("GET", "/readyz")


@pytest.fixture
def ready(world: World) -> World:
    """One installation, and a worker that says it runs; rows stay until `World.work`."""
    world.browser().install()
    world.work()
    world.equip(worker_runs=lambda: True)
    return world


def test_a_service_that_is_ready_says_so_and_how_its_inbox_is(ready: World) -> None:
    with nothing_happens(ready):
        reply = readyz(ready)
    assert (reply.status, "retry-after" in reply.headers) == (200, False)
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.json == {
        "ready": True,
        "database": True,
        "worker": True,
        "purges_pending": 0,
        "inbox": {},
        "inbox_oldest_seconds": 0,
        "problems": {},
    }
    head = ready.request("HEAD", "/readyz")
    assert (head.status, head.body) == (200, b"")


def test_a_service_without_its_worker_is_not_ready_and_says_when_to_ask_again(ready: World) -> None:
    ready.equip(worker_runs=lambda: False)
    reply = readyz(ready)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert (reply.json["ready"], reply.json["worker"], reply.json["database"]) == (False, False, True)


def test_a_service_whose_database_failed_is_not_ready_until_it_works_again(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_MS", 20)
    holder = sqlite3.connect(ready.settings.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert ready.browser().begin().status == 503
    reply = readyz(ready)
    holder.execute("ROLLBACK")
    holder.close()
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert (reply.json["ready"], reply.json["database"], list(reply.json["problems"])) == (False, False, ["database"])
    ready.service.house.run_due(ready.service.app)
    assert (readyz(ready).status, readyz(ready).json["problems"]) == (200, {})


def test_the_oldest_row_that_waits_is_told_and_those_that_are_done_are_not(ready: World) -> None:
    ready.clock.advance(50)
    ready.mention("EvOne")
    ready.clock.advance(90)
    ready.mention("EvTwo")
    found = readyz(ready).json
    assert (found["inbox"], found["inbox_oldest_seconds"]) == ({"ready": 2}, 90)
    ready.slack.fault(Fault("chat.postMessage", "lost_answer"))
    assert ready.work() == 2
    ready.clock.advance(90)
    found = readyz(ready).json
    assert (found["inbox"], found["inbox_oldest_seconds"]) == ({"unclear": 1}, 0), "it waits for a person"


def test_a_slack_that_is_away_is_shown_and_does_not_make_it_unready(ready: World) -> None:
    ready.slack.fault(Fault("chat.postMessage", "html500"))
    ready.mention("EvOne")
    ready.work()
    reply = readyz(ready)
    assert (reply.status, len(reply.json["problems"])) == (200, 1)
    ready.clock.advance(3600)
    ready.mention("EvTwo")
    ready.work()
    assert readyz(ready).json["problems"] == {}


@pytest.mark.parametrize(("skew", "shown"), [(5, {}), (-5, {}), (6, "6 s"), (-6, "-6 s"), (300, "300 s")])
def test_a_clock_that_differs_from_slacks_is_shown_until_it_does_not(ready: World, skew: int, shown: object) -> None:
    body = b'{"type": "url_verification", "challenge": "x"}'

    def signed(ago: int) -> Reply:
        headers = {**ready.sign(body, ready.clock.now - ago), "Content-Type": "application/json"}
        return ready.request("POST", "/slack/events", body, headers)

    assert signed(skew).status == 200
    reply = readyz(ready)
    assert reply.status == 200
    assert reply.json["problems"] == ({"clock against Slack's": shown} if shown else {})
    signed(0)
    assert readyz(ready).json["problems"] == {}


def test_a_stranger_cannot_make_a_problem_appear(ready: World) -> None:
    """I send times of my own; nobody signed them."""
    headers = {
        **ready.sign(b"{}", ready.clock.now - 200, secret="a secret of my own"),
        "Content-Type": "application/json",
    }
    assert ready.request("POST", "/slack/events", b"{}", headers).status == 401
    ready.request("GET", "/nowhere")
    assert readyz(ready).json["problems"] == {}


def test_it_names_nobody(ready: World) -> None:
    """I am a stranger who finds the address."""
    ready.slack.fault(Fault("chat.postMessage", "error", error="token_revoked", team=NORTH))
    ready.mention("EvOne")
    ready.work()
    text = readyz(ready).text
    assert set(json.loads(text)) == {
        "ready", "database", "worker", "purges_pending", "inbox", "inbox_oldest_seconds", "problems",
    }  # fmt: skip
    for word in (NORTH, "Northwind", "EvOne", "U0", "xox", str(ready.folder)):
        assert word not in text
