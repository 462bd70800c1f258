"""`GET /slack/installed`: the page after an install, for the browser that made it."""

import pytest

from tests.support.callback_world import nothing_happens
from tests.support.world import NORTH, SOUTH, World

OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}


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
