"""`GET /healthz`, `/readyz` and `/metrics`: whether the service can do its work, and what is wrong."""

import json
import sqlite3

import pytest

from slackapp.checks.loopback_client import is_loopback_client
from slackapp.errors import StoreError
from slackapp.flows.upkeep import readiness
from slackapp.localslack.model import Fault
from slackapp.runtime.health import CACHE_SECONDS, Health
from slackapp.store.engine import sqlite
from tests.runtime.test_metrics import at, parse
from tests.support.callback_world import nothing_happens
from tests.support.client import Reply
from tests.support.world import NORTH, World

OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}
HERE = {"REMOTE_ADDR": "127.0.0.1"}
WELL = {
    "ready": True,
    "database": True,
    "worker": True,
    "purges_pending": 0,
    "inbox": {},
    "inbox_oldest_seconds": 0,
    "brake": False,
    "tokens_paused": 0,
    "frozen": False,
    "tenants_frozen": 0,
    "problems": {},
}
"""What there is to tell of a service that does its work."""


def readyz(world: World) -> Reply:
    """As somebody on this machine asks."""
    return world.request("GET", "/readyz", environ=HERE)


def strangers(world: World) -> Reply:
    """As the Internet asks."""
    return world.request("GET", "/readyz")


@pytest.fixture
def ready(world: World) -> World:
    """One installation, and a worker that says it runs; rows stay until `World.work`."""
    world.browser().install()
    world.work()
    world.replace_parts(is_worker_running=lambda: True)
    return world


def test_a_service_that_is_ready_says_so_and_how_its_inbox_is(ready: World) -> None:
    with nothing_happens(ready):
        reply = readyz(ready)
    assert (reply.status, "retry-after" in reply.headers) == (200, False)
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.json == WELL
    head = ready.request("HEAD", "/readyz", environ=HERE)
    assert (head.status, head.body) == (200, b"")


@pytest.mark.claim("C-102")
def test_a_stranger_is_told_the_status_alone(ready: World) -> None:
    """I look how full your inbox is, and whether what I do makes a difference."""
    ready.mention("EvOne")
    ready.service.app.health.set_problem("slack", "Slack does not answer")
    reply = strangers(ready)
    assert (reply.status, reply.json) == (200, {"ready": True})
    assert strangers(ready).headers.get("retry-after") is None
    ready.clock.advance(CACHE_SECONDS)
    ready.replace_parts(is_worker_running=lambda: False)
    reply = strangers(ready)
    assert (reply.status, reply.json, reply.headers["retry-after"]) == (503, {"ready": False}, "5")


@pytest.mark.claim("C-103")
def test_a_stranger_costs_no_query_but_for_one_every_few_seconds(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """I ask a thousand times a second."""
    asked: list[str] = []
    get = readiness.meta.get
    monkeypatch.setattr(readiness.meta, "get", lambda db, name: asked.append(name) or get(db, name))
    each = ["schema_version", "brake_since"]
    assert {strangers(ready).status for _ in range(20)} == {200}
    assert asked == each
    ready.clock.advance(CACHE_SECONDS - 1)
    strangers(ready)
    assert asked == each
    ready.clock.advance(1)
    strangers(ready)
    assert asked == each * 2
    ready.clock.advance(-3600)
    strangers(ready)
    assert asked == each * 3, "a clock that was set back keeps no answer for an hour"
    readyz(ready)
    assert asked == each * 4, "whoever may see all sees it as it is"


@pytest.mark.claim("C-103")
def test_while_one_thread_asks_the_database_the_others_give_the_answer_before() -> None:
    health, given = Health(), []

    def slow() -> bool:
        given.append(health.is_ready(lambda: pytest.fail("asked twice at once"), 100))
        return True

    assert health.is_ready(slow, 100)
    assert given == [False]
    assert health.is_ready(lambda: False, 100 + CACHE_SECONDS - 1)


def test_an_answer_that_could_not_be_had_is_asked_for_again() -> None:
    health = Health()
    with pytest.raises(ValueError, match="no"):
        health.is_ready(fail, 100)
    assert health.is_ready(lambda: True, 100)


def fail() -> bool:
    raise ValueError("no")


PUBLIC, PROXY = "https://app.example.com", "10.0.0.9"
SEEN: dict[str, tuple[dict[str, str], str, str, bool]] = {
    # settings, whose address the server gives, Host, whether all is told
    "on this machine": ({}, "127.0.0.1", "localhost:3000", True),
    "on this machine, IPv6": ({}, "::1", "whatever", True),
    "by a unix socket": ({}, "localhost", "localhost", True),
    "another machine": ({}, "192.0.2.7", "localhost:3000", False),
    "another machine that names this one": ({}, "10.0.0.5", "127.0.0.1:3000", False),
    "a proxy that was not named": ({"SLACKAPP_PUBLIC_URL": PUBLIC}, "127.0.0.1", "127.0.0.1:8080", False),
    "past a proxy": (
        {"SLACKAPP_PUBLIC_URL": PUBLIC, "SLACKAPP_TRUSTED_PROXY": "127.0.0.1"}, "127.0.0.1", "127.0.0.1:8080", True,
    ),
    "past a proxy, IPv6": (
        {"SLACKAPP_PUBLIC_URL": PUBLIC, "SLACKAPP_TRUSTED_PROXY": PROXY}, "::1", "[::1]:8080", True,
    ),
    "through a proxy that does not say for whom": (
        {"SLACKAPP_PUBLIC_URL": PUBLIC, "SLACKAPP_TRUSTED_PROXY": "127.0.0.1"}, "127.0.0.1", "app.example.com", False,
    ),
    "a name that is none": (
        {"SLACKAPP_PUBLIC_URL": PUBLIC, "SLACKAPP_TRUSTED_PROXY": "127.0.0.1"}, "127.0.0.1", "[", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "address", "host", "told"), SEEN.values(), ids=SEEN)
@pytest.mark.claim("C-102")
def test_who_is_on_this_machine_is_told_all(
    ready: World, changes: dict[str, str], address: str, host: str, told: bool
) -> None:
    """I come through your proxy, which stands on the same machine."""
    settings = ready.settings._replace(
        public_url=changes.get("SLACKAPP_PUBLIC_URL", ready.settings.public_url),
        trusted_proxy=changes.get("SLACKAPP_TRUSTED_PROXY", ""),
    )
    assert is_loopback_client(address, host, settings) is told


@pytest.mark.claim("C-102")
def test_the_operator_is_told_all_and_a_wrong_token_nothing(ready: World) -> None:
    operator = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}
    assert "inbox" in ready.request("GET", "/readyz", headers=operator).json
    reply = ready.request("GET", "/readyz", headers={"Authorization": "Bearer another-token-of-an-operator-it-is-not"})
    assert reply.status == 401
    assert "inbox" not in reply.text


def test_a_service_without_its_worker_is_not_ready_and_says_when_to_ask_again(ready: World) -> None:
    ready.replace_parts(is_worker_running=lambda: False)
    reply = readyz(ready)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert (reply.json["ready"], reply.json["worker"], reply.json["database"]) == (False, False, True)


def test_a_service_whose_database_failed_is_not_ready_until_it_works_again(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    holder = sqlite3.connect(ready.settings.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert ready.browser().begin().status == 503
    reply = readyz(ready)
    holder.execute("ROLLBACK")
    holder.close()
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert (reply.json["ready"], reply.json["database"], list(reply.json["problems"])) == (False, False, ["database"])
    ready.service.local_scheduler.run_due(ready.service.app)
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


def test_readyz_names_no_tenant(ready: World) -> None:
    """I am a stranger who finds the address."""
    ready.slack.fault(Fault("chat.postMessage", "error", error="token_revoked", team=NORTH))
    ready.mention("EvOne")
    ready.work()
    text = readyz(ready).text
    assert set(json.loads(text)) == {
        "ready", "database", "worker", "purges_pending", "inbox", "inbox_oldest_seconds", "brake",
        "tokens_paused", "frozen", "tenants_frozen", "problems",
    }  # fmt: skip
    for word in (NORTH, "Northwind", "EvOne", "U0", "xox", str(ready.folder)):
        assert word not in text


def test_the_service_is_healthy_as_long_as_it_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise StoreError("no database")

    monkeypatch.setattr("slackapp.store.meta.get", fail)
    assert world.request("GET", "/healthz").text == "ok\n"
    found = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    assert (found.status, found.json["database"], found.json["ready"]) == (503, False, False)


def test_the_service_is_ready_when_the_database_answers_and_the_worker_runs(world: World) -> None:
    assert world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).json == {
        **WELL,
        "ready": False,
        "worker": False,
    }
    world.service.start()
    found = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    assert (found.status, found.json["ready"]) == (200, True)


def test_the_metrics_are_text_for_prometheus(world: World) -> None:
    world.request("GET", "/healthz")
    reply = world.request("GET", "/metrics", headers=OPERATOR)
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE slackapp_requests_total counter\n" in reply.text
    assert at(parse(reply.text), "slackapp_requests_total", route="/healthz", status="200") == 1
