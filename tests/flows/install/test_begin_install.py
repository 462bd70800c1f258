"""The way to Slack: the address, the cookie, the recorded state, and the limits on how many."""

import re
import sqlite3
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from slackapp.store.engine import sqlite
from tests.attacks.test_rates import At
from tests.support.callback_world import Approved, cookie_of, nothing_happens, outcome
from tests.support.world import START, World, make_world

STATE = r"[A-Za-z0-9_-]{60}\.[A-Za-z0-9_-]{43}"
SECRET = r"[A-Za-z0-9_-]{43}"


def parameters(location: str) -> list[tuple[str, str]]:
    """Every parameter of an address, in order, repeated ones too."""
    return parse_qsl(urlsplit(location).query, keep_blank_values=True, strict_parsing=True)


def test_the_browser_is_sent_to_the_consent_page_with_exactly_these_parameters(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="search:read,users:read") as world:
        begun = world.browser().begin("?team=T0SOUTH001")
        assert begun.status == 302
        assert begun.location.startswith(f"{world.slack_url}/oauth/v2/authorize?")
        assert "#" not in begun.location
        found = dict(parameters(begun.location))
        assert re.fullmatch(STATE, found.pop("state"))
        assert found == {
            "client_id": "1000000001.2000000002",
            "scope": "app_mentions:read,chat:write,commands",
            "user_scope": "search:read,users:read",
            "redirect_uri": "http://localhost:3000/slack/oauth_redirect",
            "team": "T0SOUTH001",
        }
        assert len(parameters(begun.location)) == 6


def test_what_is_not_asked_for_is_left_out(world: World) -> None:
    names = [name for name, _ in parameters(world.browser().begin().location)]
    assert names == ["client_id", "scope", "redirect_uri", "state"]


@pytest.mark.parametrize("team", ["T01", "T0NORTH001", "E0EVERGRN1", "T" + "Z" * 20])
def test_a_hint_at_a_workspace_or_an_enterprise_is_passed_on(world: World, team: str) -> None:
    assert ("team", team) in parameters(world.browser().begin(f"?team={team}").location)


def test_unknown_parameters_are_ignored(world: World) -> None:
    query = "?utm_source=x&user_scope=admin&redirect_uri=https%3A%2F%2Fevil.example&state=mine&scope=admin"
    found = parameters(world.browser().begin(query).location)
    assert [name for name, _ in found] == ["client_id", "scope", "redirect_uri", "state"]
    assert dict(found)["redirect_uri"] == world.settings.redirect_uri
    assert dict(found)["state"] != "mine"


def test_the_cookie_on_loopback_http_has_every_flag_but_secure(world: World) -> None:
    cookie = world.browser().begin().headers["set-cookie"]
    assert re.fullmatch(rf"slackapp_oauth={SECRET}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax", cookie)


def test_the_cookie_on_https_is_bound_to_the_host_and_secure(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_PUBLIC_URL="https://app.example.com", SLACKAPP_STATE_TTL="900") as world:
        begun = world.request("GET", "/slack/install", headers={"Host": "app.example.com"})
    expected = rf"__Host-slackapp_oauth={SECRET}; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure"
    assert re.fullmatch(expected, begun.headers["set-cookie"])


def test_two_tabs_share_the_cookie_and_both_finish(world: World) -> None:
    browser = world.browser()
    first = browser.begin()
    cookie = cookie_of(browser)
    second = browser.begin()
    assert cookie_of(browser) == cookie
    assert first.query["state"] != second.query["state"]
    assert browser.follow_callback(browser.consent(first)).status == 303
    assert browser.follow_callback(browser.consent(second, "T0SOUTH001")).status == 303
    assert {row["tenant_id"] for row in world.rows("SELECT tenant_id FROM installations")} == {
        "T0NORTH001",
        "T0SOUTH001",
    }


@pytest.mark.parametrize("value", ["", "short", "x" * 42, "x" * 44, '"' + "x" * 41 + '"', "x" * 42 + "="])
def test_a_cookie_that_we_cannot_have_made_is_replaced(world: World, value: str) -> None:
    browser = world.browser()
    browser.cookies["slackapp_oauth"] = value
    browser.begin()
    assert browser.cookies["slackapp_oauth"] != value
    assert re.fullmatch(SECRET, browser.cookies["slackapp_oauth"])


def test_every_state_and_every_browser_is_another(world: World) -> None:
    begun = [world.browser().begin() for _ in range(20)]
    assert len({reply.query["state"] for reply in begun}) == 20
    assert len({reply.headers["set-cookie"] for reply in begun}) == 20


def test_the_recorded_state_holds_hashes_only(world: World) -> None:
    browser = world.browser()
    state = browser.begin().query["state"]
    stored = world.bytes_on_disk()
    for secret in (state, *state.split("."), *browser.cookies.values()):
        assert secret.encode() not in stored
    (row,) = world.rows("SELECT * FROM oauth_states")
    assert (row["purpose"], row["expires_at"], row["used_at"], row["outcome"]) == ("install", START + 600, None, "")


def test_beginning_calls_nobody_and_installs_nothing(world: World) -> None:
    world.browser().begin()
    assert world.calls() == []
    assert world.count("installations") == world.count("tokens") == world.count("audit") == 0


@pytest.mark.parametrize("path", ["/slack/install", "/slack/oauth_redirect"])
def test_a_head_request_begins_and_finishes_nothing(world: World, path: str) -> None:
    with nothing_happens(world):
        reply = world.request("HEAD", path)
    assert (reply.status, reply.headers["allow"], reply.body) == (405, "GET", b"")


def test_one_address_is_held_to_its_rate_and_another_is_not(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="2") as world:
        assert [world.browser().begin().status for _ in range(2)] == [302, 302]
        with nothing_happens(world):
            refused = world.browser().begin()
        assert (refused.status, refused.headers["retry-after"], outcome(world)) == (429, "30", "rate")
        assert "set-cookie" not in refused.headers
        assert world.request("GET", "/slack/install", environ={"REMOTE_ADDR": "192.0.2.8"}).status == 302


@pytest.mark.parametrize("rate", [1, 2, 7, 11, 45, 60, 100])
def test_who_waits_as_long_as_told_is_admitted(tmp_path: Path, rate: int) -> None:
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE=str(rate)) as world:
        while (refused := world.request("GET", "/slack/install")).status == 302:
            pass
        world.clock.advance(int(refused.headers["retry-after"]))
        assert world.request("GET", "/slack/install").status == 302


@pytest.mark.claim("C-72")
def test_so_many_installs_may_be_under_way_and_no_more(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_STATE_LIMIT="3") as world:
        under_way = [At(world, f"192.0.2.{number}").browser() for number in range(3)]
        begun = [browser.begin() for browser in under_way]
        with nothing_happens(world):
            refused = world.browser().begin()
        assert (refused.status, refused.headers["retry-after"], outcome(world)) == (503, "60", "state_limit")
        assert "set-cookie" not in refused.headers
        # Those that are under way are not hurt, and places come back when states expire.
        assert under_way[2].follow_callback(under_way[2].consent(begun[2])).status == 303
        world.clock.advance(601)
        assert world.browser().begin().status == 302


def test_a_database_held_by_somebody_is_answered_as_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    with make_world(tmp_path) as world:
        holder = sqlite3.connect(world.settings.database, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        refused = world.browser().begin()
        holder.execute("ROLLBACK")
        holder.close()
        assert (refused.status, refused.headers["retry-after"], outcome(world)) == (503, "5", "store_busy")
        assert "set-cookie" not in refused.headers
        assert world.browser().begin().status == 302


def test_the_state_setting_decides_how_long_an_install_may_take(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_STATE_TTL="60") as world:
        browser = world.browser()
        consented = browser.consent(browser.begin()).query
        world.clock.advance(61)
        assert Approved(browser, consented["state"], consented["code"]).finish().status == 400
        assert outcome(world) == "state_expired"
