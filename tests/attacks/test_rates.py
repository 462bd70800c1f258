"""Attacks by number: one address, one workspace, or many addresses, as fast as they can."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from slackapp.config import settings as config
from slackapp.localslack.model import Fault
from slackapp.runtime import rate_limits
from tests.attacks.bad_requests import OPERATOR
from tests.support.callback_world import live_tokens, log_lines, nothing_happens, outcome, state_outcomes
from tests.support.client import Reply
from tests.support.world import NORTH, SOUTH, Browser, World, environment, make_world

ONE, OTHER = "192.0.2.1", "192.0.2.2"
RATE = 3


class At:
    """The world as one address sees it."""

    def __init__(self, world: World, address: str) -> None:
        self._world = world
        self._address = address
        self.slack_form = world.slack_form

    def request(self, method: str, target: str, body: bytes = b"", headers: Any = None) -> Reply:
        return self._world.request(method, target, body, headers, {"REMOTE_ADDR": self._address})

    def signed(self, body: bytes, path: str = "/slack/events") -> Reply:
        return self.request("POST", path, body, {**self._world.sign(body), "Content-Type": "application/json"})

    def operator(self, body: bytes) -> Reply:
        headers = {"Authorization": f"Bearer {OPERATOR}", "Content-Type": "application/json"}
        return self.request("POST", "/slack/uninstall", body, headers)

    def browser(self) -> Browser:
        return Browser(cast(World, self))


KINDS: dict[str, tuple[int, Callable[[At], Reply]]] = {
    "install": (302, lambda at: at.request("GET", "/slack/install")),
    "callback": (200, lambda at: at.request("GET", "/slack/oauth_redirect?error=access_denied")),
    "a path": (404, lambda at: at.request("GET", "/nowhere")),
    "a method": (405, lambda at: at.request("PUT", "/slack/events")),
    "a host": (400, lambda at: at.request("GET", "/", headers={"Host": "x"})),
    "a length": (400, lambda at: at.request("POST", "/", headers={"Content-Length": "x"})),
    "a size": (413, lambda at: at.request("POST", "/slack/events", headers={"Content-Length": "9999999"})),
    "an event": (401, lambda at: at.request("POST", "/slack/events", b"{}")),
    "a command": (401, lambda at: at.request("POST", "/slack/commands", b"x=y")),
    "an operator": (401, lambda at: at.request("GET", "/metrics", headers={"Authorization": "Bearer guess"})),
    "a token in the address": (400, lambda at: at.request("POST", "/slack/uninstall?token=guess")),
    "a hint": (400, lambda at: at.request("GET", "/slack/install?team=x")),
    "a state": (400, lambda at: at.request("GET", "/slack/oauth_redirect?code=1&state=guess")),
}
"""What one address may do only so often, and how it is answered until then."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.claim("C-72")
def test_each_address_has_its_own_rate_limit(tmp_path: Path, kind: str) -> None:
    """I try again and again, or guess, as fast as I can."""
    status, ask = KINDS[kind]
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE=str(RATE)) as world:
        assert [ask(At(world, ONE)).status for _ in range(RATE)] == [status] * RATE
        audited = world.count("audit")
        with nothing_happens(world):
            refused = [ask(At(world, ONE)) for _ in range(20)]
        assert {(reply.status, reply.headers["retry-after"]) for reply in refused} == {(429, "20")}
        assert outcome(world) == "rate"
        assert world.count("audit") <= audited + 1, "who is refused buys no rows"
        assert not any({"location", "set-cookie", "www-authenticate"} & set(reply.headers) for reply in refused)
        assert ask(At(world, OTHER)).status == status
        world.clock.advance(20)
        assert [ask(At(world, ONE)).status for _ in range(2)] == [status, 429]


def test_what_is_not_refused_is_not_held_back_by_refusals(tmp_path: Path) -> None:
    """I share an address, such as an office's, with somebody who guesses."""
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE=str(RATE)) as world:
        here = At(world, ONE)
        while here.request("GET", "/nowhere").status != 429:
            pass
        for path in ("/", "/healthz", "/slack/installed"):
            assert here.request("GET", path).status == 200
        assert here.browser().install().status == 303


def test_a_verified_request_is_never_limited_by_refusals_from_its_address(tmp_path: Path) -> None:
    """Without a named proxy all come from one address: I send what is refused, so that Slack is shut out."""
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="1") as world:
        here = At(world, ONE)
        assert here.browser().install().status == 303
        world.work()
        here.request("POST", "/slack/events", b"{}")
        assert here.request("POST", "/slack/events", b"{}").status == 429
        kept = world.envelope({"type": "app_mention", "user": "U0SOMEBODY", "channel": "C0X", "ts": "1.1"})
        for number in range(10):
            assert here.signed(json.dumps({**kept, "event_id": f"Ev{number}"}).encode()).status == 200
            assert (here.signed(b"{").status, outcome(world)) == (400, "json")
            assert (here.operator(b"{").status, outcome(world)) == (400, "json")
        assert world.count("inbox") >= 10
        assert here.request("POST", "/slack/events", b"{}").status == 429
        assert here.operator(b'{"id": "T0NORTH001"}').status == 200


@pytest.mark.parametrize("rotation", [True, False])
def test_a_workspace_that_installs_over_and_over_is_stopped_and_works_on(tmp_path: Path, rotation: bool) -> None:
    """I am an admin, and install again and again, each time from another address."""
    with make_world(tmp_path, rotation=rotation, SLACKAPP_RATE_PER_MINUTE=str(RATE)) as world:
        for number in range(RATE):
            assert At(world, f"192.0.2.{number}").browser().install().status == 303
        world.work()
        tokens, calls = world.rows("SELECT * FROM tokens"), len(world.calls())
        refused = At(world, "192.0.2.100").browser().install()
        assert (refused.status, refused.headers["retry-after"], outcome(world)) == (429, "20", "rate")
        # What Slack has just granted is revoked, unless it is the very token that is in use.
        expected = ["oauth.v2.access", "auth.revoke"] if rotation else ["oauth.v2.access"]
        assert world.calls()[calls:] == expected
        assert [tuple(row) for row in world.rows("SELECT * FROM tokens")] == [tuple(row) for row in tokens]
        assert world.audit()[-2:] == ["install.failed", "refused.rate"]
        assert live_tokens(world), "the one that is in use"
        world.mention()
        assert world.work() == 1
        assert (world.slack.calls[-1].method, world.slack.calls[-1].ok) == ("chat.postMessage", True)
        assert At(world, "192.0.2.100").browser().install(SOUTH).status == 303, "another workspace may"
        world.clock.advance(20)
        assert At(world, "192.0.2.101").browser().install().status == 303


@pytest.mark.claim("C-72")
def test_a_member_who_may_not_install_does_not_keep_the_admin_out(tmp_path: Path) -> None:
    """I am a member, and try again and again, so that the workspace's rate is gone when the admin comes."""
    scopes = "app_mentions:read,chat:write,users:read"
    admin_only = {"SLACKAPP_BOT_SCOPES": scopes, "SLACKAPP_REQUIRE_ADMIN_INSTALLER": "yes"}
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE=str(RATE), **admin_only) as world:
        found = []
        for number in range(RATE + 2):
            found.append(At(world, f"192.0.2.{number}").browser().install(NORTH, "member").status)
        assert found == [403] * RATE + [429] * 2, "whose own rate it is"
        assert world.calls().count("users.info") == RATE, "and then nobody is asked any more"
        assert At(world, "192.0.2.99").browser().install(NORTH, "admin").status == 303


def made_up(at: At, number: int) -> Reply:
    """An install that was begun here, and comes back with a code that Slack never gave."""
    browser = at.browser()
    state = browser.begin().query["state"]
    return browser.get(f"/slack/oauth_redirect?state={state}&code=made-up-{number}")


@pytest.mark.claim("C-72")
def test_made_up_codes_do_not_eat_up_what_slack_gives_for_exchanges(tmp_path: Path) -> None:
    """I begin installs from many addresses, and come back with codes of my own: each would be a call to Slack."""
    with make_world(tmp_path) as world:
        one = [made_up(At(world, ONE), number).status for number in range(20)]
        assert one == [400] * 10 + [503] * 10, "an address has ten"
        assert outcome(world) == "busy"
        for number in range(400):
            made_up(At(world, f"198.51.{number}.1"), number)
        calls = len(world.calls("oauth.v2.access"))
        assert calls == 120, "of 600 that Slack takes in a minute"
        assert world.audit().count("install.failed") == 1
        assert len(world.rows("SELECT 1 FROM oauth_states WHERE used_at IS NOT NULL")) == calls, "no state is spent"
        world.clock.advance(1)
        assert At(world, "203.0.113.1").browser().install().status == 303, "whoever has not failed comes first"
        assert made_up(At(world, ONE), 0).status == 503


@pytest.mark.claim("C-72")
def test_while_slack_is_slow_one_network_leaves_places_to_the_others(tmp_path: Path) -> None:
    """Slack takes its time, and I come back from it as often as I can, from all the addresses of my site."""
    with make_world(tmp_path) as world:
        slack, hold, inside = world.service.app.slack, threading.Event(), threading.Semaphore(0)

        class Slow:
            def call_as_app(self, method: str, fields: Any) -> Any:
                inside.release()
                hold.wait(10)
                return slack.call_as_app(method, fields)

        def at(number: int) -> At:
            return At(world, f"2001:db8:7:{number:x}::1")

        world.replace_parts(slack=Slow())
        threads = [threading.Thread(target=made_up, args=(at(number), number)) for number in range(4)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert inside.acquire(timeout=10)
        assert (made_up(at(4), 4).status, outcome(world)) == (503, "busy"), "half of the eight places"
        world.replace_parts(slack=slack)
        assert At(world, OTHER).browser().install().status == 303
        hold.set()
        for thread in threads:
            thread.join()
        assert made_up(at(4), 4).status == 400, "and then there is room again"


@pytest.mark.claim("C-72")
def test_declined_and_failed_installs_write_one_audit_row_per_reason_and_minute(tmp_path: Path) -> None:
    """I begin installs and decline them, or come back with nonsense, and watch your disk fill."""
    with make_world(tmp_path) as world:

        def come_back(parameter: str) -> None:
            browser = world.browser()
            state = browser.begin().query["state"]
            browser.get(f"/slack/oauth_redirect?state={state}&{parameter}")

        ways = ("error=access_denied", "error=nonsense", "error=invalid_scope")
        for parameter in ways * 5:
            come_back(parameter)
        assert world.audit().count("install.declined") == 3, "one per reason"
        assert world.service.app.metrics.value("slackapp_installs_total", {"result": "declined"}) == 15
        for fault in ("html500", "error"):
            world.slack.fault(Fault("oauth.v2.access", fault, error="invalid_code", times=4))
            for _ in range(4):
                come_back("code=made-up")
        assert (world.audit().count("install.unclear"), world.audit().count("install.failed")) == (1, 1)
        world.clock.advance(60)
        come_back("error=access_denied")
        assert world.audit().count("install.declined") == 4
        assert world.count("oauth_states") == len(state_outcomes(world)), "each state has its end all the same"


@pytest.mark.claim("C-72")
def test_what_slack_has_granted_is_a_fact_and_gets_a_row_each_but_not_without_end(tmp_path: Path) -> None:
    """I have a workspace of my own, where Slack gives me as many real codes as I like."""
    with make_world(tmp_path, SLACKAPP_ALLOWED_TEAMS=SOUTH) as world:
        found = [At(world, ONE).browser().install(NORTH).status for _ in range(13)]
        assert found == [403] * 10 + [503] * 3, "as with codes that are made up"
        assert (world.audit().count("install.failed"), world.calls().count("oauth.v2.access")) == (10, 10)
        assert At(world, OTHER).browser().install(SOUTH).status == 303


def test_ever_new_addresses_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I come from a new address with each request; there are enough of them."""
    monkeypatch.setattr(rate_limits, "MAX_KEYS", 50)
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="1") as world:
        for number in range(60):
            here = At(world, f"2001:db8:{number:x}::1")
            for target in ("/nowhere", "/slack/oauth_redirect?error=access_denied", "/slack/install"):
                assert here.request("GET", target).status != 429
        assert len(vars(world.service.app.rate_limiter)["_buckets"]) == 50
        assert here.request("GET", "/slack/install").status == 429, "the newest are remembered"
        assert At(world, "2001:db8::1").request("GET", "/slack/install").status == 302, "and the oldest are not"
        for line in log_lines(world):
            assert "2001:db8" not in json.dumps(line), "an address is nobody's business"


SAME_SUBSCRIBER = [
    ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"),
    ("2001:db8:0:1::1", "2001:DB8:0000:0001::3"),
    ("2001:db8:0:1::1", "[2001:db8:0:1::1]:4711"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("x" * 64, "x" * 16_000),
]
ANOTHER_SUBSCRIBER = [
    ("2001:db8:0:1::1", "2001:db8:0:2::1"),
    ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
    ("192.0.2.1", "192.0.2.11"),
    ("", "x"),
]


@pytest.mark.parametrize("kind", ["install", "callback", "a path"])
def test_the_addresses_of_one_subscriber_are_counted_together(tmp_path: Path, kind: str) -> None:
    """I have 2 to the 64th addresses, as everybody with IPv6 has, and take another one each time."""
    status, ask = KINDS[kind]
    for pairs, second in ((SAME_SUBSCRIBER, 429), (ANOTHER_SUBSCRIBER, status)):
        with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="1") as world:
            for one, other in pairs:
                assert [ask(At(world, address)).status for address in (one, other)] == [status, second], (one, other)
                world.clock.advance(60)


def test_one_address_cannot_use_up_the_installs_that_may_be_under_way(tmp_path: Path) -> None:
    """I begin installs until nobody else can."""
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="2", SLACKAPP_STATE_LIMIT="5") as world:
        statuses = [At(world, ONE).request("GET", "/slack/install").status for _ in range(20)]
        assert statuses == [302, 302, *[429] * 18]
        assert world.count("oauth_states") == 2
        assert [At(world, OTHER).request("GET", "/slack/install").status for _ in range(2)] == [302, 302]
        assert At(world, "192.0.2.3").request("GET", "/slack/install").status == 302
        full = At(world, "192.0.2.3").request("GET", "/slack/install")
        assert (full.status, full.headers["retry-after"], outcome(world)) == (503, "60", "state_limit")
        assert At(world, ONE).request("GET", "/slack/install").status == 429, "the address's own limit comes first"
        assert world.count("oauth_states") == 5
        world.clock.advance(601)
        assert At(world, ONE).request("GET", "/slack/install").status == 302


@pytest.mark.claim("C-72")
def test_one_ipv6_site_cannot_use_up_the_states(tmp_path: Path) -> None:
    """I have 65,536 networks, as every site with IPv6 has, and begin from another one each time."""
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="1", SLACKAPP_STATE_LIMIT="100") as world:
        mine = [At(world, f"2001:db8:7:{number:x}::1") for number in range(20)]
        statuses = [here.request("GET", "/slack/install").status for here in mine]
        assert statuses == [302] * 11 + [503] * 9, "as many as one address gets within the life of a state"
        assert outcome(world) == "state_limit"
        assert At(world, "2001:db8:8::1").browser().install().status == 303, "another site"
        assert At(world, "192.0.2.1").browser().install(SOUTH).status == 303
        world.clock.advance(601)
        assert mine[0].request("GET", "/slack/install").status == 302
        networks = {row["network"] for row in world.rows("SELECT network FROM oauth_states")}
        assert (len(networks), {len(network) for network in networks}) == (3, {16}), "keyed hashes, no addresses"


def test_by_default_the_state_limit_exceeds_the_burst_of_a_hundred_addresses(tmp_path: Path) -> None:
    given = environment(tmp_path, "http://127.0.0.1:9")
    del given["SLACKAPP_RATE_PER_MINUTE"]
    settings = config.load(given, {})
    burst = settings.rate_per_minute + settings.rate_per_minute * settings.state_ttl // 60
    assert settings.state_limit > 100 * burst


def test_the_wait_that_is_told_is_enough_for_a_callback(tmp_path: Path) -> None:
    """I am a person whose office installs at many desks, and I wait as long as I am told."""
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="7") as world:
        here = At(world, ONE)
        while (refused := here.request("GET", "/slack/oauth_redirect?error=access_denied")).status == 200:
            pass
        world.clock.advance(int(refused.headers["retry-after"]))
        assert here.request("GET", "/slack/oauth_redirect?error=access_denied").status == 200
        assert NORTH not in world.log.getvalue()


def test_a_callback_that_is_stopped_spends_nothing(tmp_path: Path) -> None:
    """Somebody at my address has used its callbacks up, just when I come back from Slack."""
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE=str(RATE)) as world:
        here = At(world, ONE)
        browser = here.browser()
        consented = browser.consent(browser.begin())
        for _ in range(RATE):
            here.request("GET", "/slack/oauth_redirect?error=access_denied")
        with nothing_happens(world):
            assert browser.follow_callback(consented).status == 429
        world.clock.advance(20)
        assert browser.follow_callback(consented).status == 303
