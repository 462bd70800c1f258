"""The pages that a person sees, and what machines look at."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from slackapp.errors import StoreError
from tests.handlers.callback_world import nothing_happens
from tests.runtime.test_metrics import at, parse
from tests.support.world import NORTH, SOUTH, World, make_world

OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}


def test_the_landing_page_has_one_button_and_names_every_permission(tmp_path: Path) -> None:
    made = make_world(tmp_path, SLACKAPP_USER_SCOPES="emoji:read", SLACKAPP_NAME="Bob & <Co>")
    with made as world, nothing_happens(world):
        text = world.request("GET", "/").text
    assert re.findall(r'href="([^"]*)"', text) == ["/favicon.ico", "/slack/install", "/", "/privacy", "/support"]
    listed = re.findall(r"<li><code>([^<]*)</code>(?:: ([^<]*))?</li>", text)
    assert [scope for scope, _ in listed] == ["app_mentions:read", "chat:write", "commands", "emoji:read"]
    assert dict(listed)["app_mentions:read"] == "to receive the mention"
    assert "Add Bob &amp; &lt;Co&gt; to Slack" in text
    assert "talks to the local Slack beside it" in text


@pytest.mark.parametrize("path", ["/", "/slack/installed", "/slack/oauth_redirect?error=access_denied", "/nowhere"])
def test_a_page_brings_no_script_and_exactly_the_style_that_its_policy_allows(world: World, path: str) -> None:
    reply = world.request("GET", path)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.text.startswith('<!doctype html><html lang="en">')
    assert re.findall(r"<link[^>]*>", reply.text) == ['<link rel="icon" type="image/svg+xml" href="/favicon.ico">']
    icon = world.request("GET", "/favicon.ico")
    assert (icon.status, icon.headers["content-type"], icon.text[:4]) == (200, "image/svg+xml", "<svg")
    assert not re.search(r"<script|<img|<form|javascript:|\son\w+=|style=", reply.text)
    (style,) = re.findall(r"<style>(.*?)</style>", reply.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in reply.headers["content-security-policy"]


def test_the_page_of_a_finished_install_names_the_last_one_for_an_hour(world: World) -> None:
    browser = world.browser()
    browser.install(NORTH)
    browser.install(SOUTH)
    with nothing_happens(world):
        assert "<strong>Southridge</strong>" in browser.get("/slack/installed").text
        world.clock.advance(3600)
        assert "<strong>Southridge</strong>" in browser.get("/slack/installed").text
        world.clock.advance(1)
        assert "No recent install" in browser.get("/slack/installed").text


def test_the_page_of_a_finished_install_forgets_what_was_removed(world: World) -> None:
    browser = world.browser()
    browser.install()
    headers = {**OPERATOR, "Content-Type": "application/json"}
    world.request("POST", "/slack/uninstall", b'{"id": "T0NORTH001"}', headers)
    text = browser.get("/slack/installed").text
    assert "No recent install" in text
    assert "Northwind" not in text


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43])
def test_a_browser_that_installed_nothing_is_led_to_begin(world: World, cookie: str) -> None:
    reply = world.request("GET", "/slack/installed", headers={"Cookie": f"slackapp_oauth={cookie}"})
    assert (reply.status, 'href="/slack/install"' in reply.text) == (200, True)


def test_the_service_is_healthy_as_long_as_it_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise StoreError("no database")

    monkeypatch.setattr("slackapp.store.meta.get", fail)
    assert world.request("GET", "/healthz").text == "ok\n"
    found = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    assert (found.status, found.json["database"], found.json["ready"]) == (503, False, False)


def test_the_service_is_ready_when_the_database_answers_and_the_worker_runs(world: World) -> None:
    assert world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).json == {
        "ready": False,
        "database": True,
        "worker": False,
        "purges_pending": 0,
        "inbox": {},
        "inbox_oldest_seconds": 0,
        "brake": False,
        "tokens_paused": 0,
        "problems": {},
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
