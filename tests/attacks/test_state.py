"""A state works once, for ten minutes, in the browser that began."""

import base64
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from slackapp.app import build, system_entropy
from slackapp.checks.state_token import VerifiedState, issue_state
from slackapp.config import settings as config
from slackapp.localslack import LocalSlack
from slackapp.localslack.model import Fault
from slackapp.model import StateBinding, StatePurpose
from slackapp.store import oauth_states
from tests.support.callback_world import (
    Approved,
    approved,
    assert_silent,
    callback,
    cookie_of,
    nothing_happens,
    outcome,
    state_outcomes,
    unused_states,
)
from tests.support.client import Reply
from tests.support.world import SOUTH, Clock, World, environment, make_world, new_service

EXCHANGE = "oauth.v2.access"
PROCESSES = 4


def refused(world: World, way: Approved, state: str, cookies: str) -> str:
    """Sends a callback that must change nothing; the name of its refusal. The victim can finish afterwards."""
    with nothing_happens(world):
        reply = world.request("GET", callback(code=way.code, state=state), headers={"Cookie": cookies})
        assert reply.status == 400
    assert_silent(world, reply, state[:40], way.code)
    name = outcome(world)
    assert unused_states(world) == 1
    return name


@pytest.mark.claim("C-03")
def test_a_second_use_of_a_state_is_refused(world: World) -> None:
    """I saw the callback's address in the victim's browser history and send it again."""
    way = approved(world)
    assert way.finish().status == 303
    with nothing_happens(world):
        again = way.finish()
    assert (again.status, outcome(world)) == (400, "state_used")
    fresh = approved(world, browser=way.browser)
    assert way.browser.get(callback(code=fresh.code, state=way.state)).status == 400
    assert world.calls() == [EXCHANGE]


@pytest.mark.parametrize("failure", [Fault(EXCHANGE, "cut"), Fault(EXCHANGE, "error", error="invalid_code")])
def test_a_state_is_used_up_by_a_failure_too(world: World, failure: Fault) -> None:
    """I let the first try fail, and hope for a second exchange on the same state."""
    way = approved(world)
    world.slack.fault(failure)
    assert way.finish().status >= 400
    with nothing_happens(world):
        assert way.finish().status == 400
    assert (outcome(world), world.calls(), state_outcomes(world)) == ("state_used", [EXCHANGE], ["failed"])


def test_a_state_lives_for_ten_minutes(world: World) -> None:
    """I am slow, but not too slow: the control."""
    way = approved(world)
    world.clock.advance(600)
    assert way.finish().status == 303


def test_an_expired_state_is_refused(world: World) -> None:
    """I found a callback's address that nobody used, eleven minutes later."""
    way = approved(world)
    world.clock.advance(601)
    assert refused(world, way, way.state, cookie_of(way.browser)) == "state_expired"


def test_a_state_is_of_no_use_in_another_browser(world: World) -> None:
    """I approve with my own workspace and send the callback's address to the victim, who also began an install."""
    way, victim = approved(world, SOUTH), world.browser()
    victim.begin()
    with nothing_happens(world):
        assert victim.get(way.target).status == 400
    assert outcome(world) == "state_forged"
    assert way.finish().status == 303


@pytest.mark.parametrize(
    "cookies",
    ["", "other=1", "slackapp_oauth=", "slackapp_oauth", "SLACKAPP_OAUTH={}", "slackapp_oauth2={}",
     "slackapp_oauth={}x", 'slackapp_oauth="{}"', "__Host-slackapp_oauth={}", "slackapp_oauth=%20{}",
     "slackapp_oauth={},slackapp_oauth={}"],
)  # fmt: skip
@pytest.mark.claim("C-04")
def test_a_state_is_of_no_use_without_its_cookie(world: World, cookies: str) -> None:
    """I send the victim, who has no cookie or another one, to my callback's address."""
    way = approved(world)
    secret = way.browser.cookies["slackapp_oauth"]
    assert refused(world, way, way.state, cookies.replace("{}", secret)) == "browser"
    assert way.finish().status == 303


def test_two_cookies_of_one_name_are_none(world: World) -> None:
    """I own a sibling domain and plant my own cookie beside the victim's."""
    way, mine = approved(world), world.browser()
    state = mine.begin().query["state"]
    for cookies in ((way.browser, mine), (mine, way.browser), (way.browser, way.browser)):
        header = "; ".join(cookie_of(browser) for browser in cookies)
        for claimed in (state, way.state):
            with nothing_happens(world):
                reply = world.request("GET", callback(code=way.code, state=claimed), headers={"Cookie": header})
            assert (reply.status, outcome(world)) == (400, "browser")
    assert way.finish().status == 303


def test_a_cookie_of_another_name_does_no_harm(world: World) -> None:
    """I plant cookies of other names."""
    way = approved(world)
    header = f"a=b; {cookie_of(way.browser)}; slackapp_oauth_x=y; ="
    assert world.request("GET", way.target, headers={"Cookie": header}).status == 303


@pytest.mark.claim("C-01")
def test_no_changed_state_is_taken(world: World) -> None:
    """I change one character after the other, to find one that the MAC does not cover."""
    way = approved(world)
    with nothing_happens(world):
        for place, character in enumerate(way.state):
            if character != ".":
                changed = way.state[:place] + ("A" if character != "A" else "B") + way.state[place + 1 :]
                assert way.browser.get(callback(code=way.code, state=changed)).status == 400
                assert outcome(world) in ("state_forged", "state_malformed")
    assert way.finish().status == 303


def test_a_longer_life_cannot_be_written_into_a_state(world: World) -> None:
    """I move the expiry on and keep the MAC, eleven minutes after the install began."""
    way = approved(world)
    payload, _, mac = way.state.partition(".")
    raw = bytearray(base64.urlsafe_b64decode(payload))
    raw[9:13] = (int.from_bytes(raw[9:13], "big") + 3600).to_bytes(4, "big")
    world.clock.advance(601)
    forged = f"{base64.urlsafe_b64encode(raw).decode()}.{mac}"
    assert refused(world, way, forged, cookie_of(way.browser)) == "state_forged"


def test_a_state_signed_with_another_key_is_refused(world: World) -> None:
    """I name the audit's key, a workspace's key, no key, and one of my own making."""
    world.browser().install(SOUTH)
    way = approved(world)
    ids = [row["key_id"] for row in world.rows("SELECT key_id FROM data_keys WHERE purpose <> 'state'")]
    state_key_id, _ = world.service.app.keyring.state_key()
    for key_id in (*ids, 0, 2**32 - 1, state_key_id):
        for digest in (bytes(32), b""):
            binding, now = StateBinding(StatePurpose.INSTALL, digest), world.clock.now
            state = issue_state(binding, key_id=key_id, key=bytes(32), random=bytes(32), now=now, expires_at=now + 600)
            assert refused(world, way, state.text, cookie_of(way.browser)) == "state_forged"


def test_a_state_of_another_service_is_refused(world: World, tmp_path: Path) -> None:
    """I take a state from the staging system of the same operator."""
    folder = tmp_path / "other"
    folder.mkdir()
    new_service(folder)
    with make_world(folder) as other:
        browser = other.browser()
        state = browser.begin().query["state"]
    way = approved(world)
    assert refused(world, way, state, cookie_of(browser)) == "state_forged"


@pytest.mark.parametrize(
    "form",
    ["{}=", "{}%0A", "%20{}", "{}%00", "{}.", ".{}", "{}{}", "{}%2E", "../../{}", "../../etc/passwd", "x", ".",
     "AAAA.AAAA", "A" * 60 + "." + "A" * 43, "-" * 60 + "." + "-" * 43, "A" * 2000, "[]", '{"a":1}', "null",
     "%F0%9F%92%A9", "%EF%BC%91"],
)  # fmt: skip
def test_a_state_of_another_form_is_refused(world: World, form: str) -> None:
    """I send anything that a parser, a file system or a database might take in its own way."""
    way = approved(world)
    target = f"/slack/oauth_redirect?code={way.code}&state={form.replace('{}', way.state)}"
    with nothing_happens(world):
        reply = way.browser.get(target)
    assert (reply.status, outcome(world)[:6]) == (400, "state_")
    assert way.finish().status == 303


def test_the_other_spelling_of_the_last_character_is_refused(world: World) -> None:
    """I use the two spare bits at the end of the MAC: another text, the same bytes."""
    way = approved(world)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(way.state[-1])
    for spare in (1, 2, 3):
        twin = way.state[:-1] + alphabet[last ^ spare]
        assert base64.urlsafe_b64decode(twin[61:] + "=") == base64.urlsafe_b64decode(way.state[61:] + "=")
        assert refused(world, way, twin, cookie_of(way.browser)) == "state_malformed"


def test_a_state_whose_row_is_gone_is_refused(world: World) -> None:
    """I keep an address until the service has forgotten it."""
    way = approved(world)
    connection = world.service.app.db
    world.clock.advance(601)
    with connection.transaction():
        assert connection.execute("sweep_states", {"before": world.clock.now}) == 1
    world.clock.advance(-601)
    with nothing_happens(world):
        assert (way.finish().status, outcome(world)) == (400, "state_used")


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({}, True),
        ({"now": 600}, True),
        ({"now": 601}, False),
        ({"session": bytes(32)}, False),
        ({"hash": bytes(32)}, False),
    ],
)
@pytest.mark.claim("C-04")
def test_the_database_asks_for_the_browser_and_the_time_by_itself(
    world: World, changed: dict[str, Any], taken: bool
) -> None:
    """I got past the MAC."""
    approved(world)
    app, (row,) = world.service.app, world.rows("SELECT id_hash, session_hash FROM oauth_states")
    id_hash, session = changed.get("hash", row["id_hash"]), changed.get("session", row["session_hash"])
    now = world.clock.now + changed.get("now", 0)
    state = VerifiedState(id_hash, StateBinding(StatePurpose.INSTALL, session))
    with app.db.transaction():
        assert oauth_states.consume(app.db, state, now) is taken
        assert oauth_states.consume(app.db, state, now) is False
    assert unused_states(world) == (0 if taken else 1)


@pytest.mark.claim("C-03")
def test_sixty_four_threads_exchange_one_code_once(world: World) -> None:
    """I send one callback sixty-four times at the same moment."""
    way = approved(world)
    cookies, start = cookie_of(way.browser), threading.Barrier(64)

    def attack(_: int) -> Reply:
        start.wait()
        return world.request("GET", way.target, headers={"Cookie": cookies})

    with ThreadPoolExecutor(64) as threads:
        statuses = [reply.status for reply in threads.map(attack, range(64))]
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 400, 503}
    assert world.calls() == [EXCHANGE]
    assert (world.count("installations"), state_outcomes(world)) == (1, ["installed"])


_start: Any = None


def _take_barrier(barrier: Any) -> None:
    global _start  # noqa: PLW0603  (how a process of a pool is given what it shares)
    _start = barrier


def _spend(folder: Path, slack_url: str, ways: list[tuple[str, str]]) -> list[int]:
    """A process of its own: comes back with every address; the answers."""
    settings = config.load(environment(folder, slack_url), {})
    with open("/dev/null", "w") as log:
        service = build(settings, Clock(), system_entropy, log)
        try:
            ours = World(folder, settings, Clock(), cast(LocalSlack, None), slack_url, service, cast(Any, log))
            _start.wait()
            return [ours.request("GET", target, headers={"Cookie": cookies}).status for target, cookies in ways]
        finally:
            service.stop()


@pytest.mark.long
def test_four_processes_use_each_state_once(world: World) -> None:
    """I send the same callbacks to all the processes of the service at once."""
    ways = [(way.target, cookie_of(way.browser)) for way in (approved(world) for _ in range(12))]
    start = multiprocessing.get_context("spawn").Barrier(PROCESSES)
    with multiprocessing.get_context("spawn").Pool(PROCESSES, _take_barrier, (start,)) as pool:
        tasks = [(world.folder, world.slack_url, ways)] * PROCESSES
        statuses = pool.starmap(_spend, tasks, chunksize=1)
    for answers in zip(*statuses, strict=True):
        assert sorted(answers) == [303, 400, 400, 400]
    # A stored pair that was pushed out meanwhile is refreshed, by the same method.
    codes = [call for call in world.slack.calls if call.method == EXCHANGE and "grant_type" not in call.params]
    assert len(codes) == len(ways)
    assert state_outcomes(world) == ["installed"] * len(ways)
    assert world.rows("SELECT generation FROM installations")[0]["generation"] == len(ways)
