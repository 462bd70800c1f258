"""The buttons of the local Slack's page, over real sockets: a command, a Home tab, and the app removed from it."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from tests.e2e.test_round_trip import delivered, live_world
from tests.support.client import HttpBrowser, Reply
from tests.support.world import NORTH, World

FORM = re.compile(r'<form method="post" action="(/control/[a-z-]+)"[^>]*>(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="(?:hidden|text)" name="([^"]*)" value="([^"]*)"')


def click(world: World, browser: HttpBrowser, label: str) -> Reply:
    """Presses the one button of the page with that label, with what its form holds."""
    page = browser.get(f"{world.slack_url}/").text
    ((action, inner),) = [(action, inner) for action, inner in FORM.findall(page) if f">{label}</button>" in inner]
    fields = urlencode({unescape(name): unescape(value) for name, value in FIELD.findall(inner)})
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Origin": world.slack_url}
    return browser.send("POST", f"{world.slack_url}{action}", fields.encode(), **headers)


def test_a_command_and_the_home_tab_s_button_from_the_page_to_an_empty_database(tmp_path: Path) -> None:
    scopes = "app_mentions:read,chat:write,commands,users:read"
    with live_world(tmp_path, SLACKAPP_BOT_SCOPES=scopes, SLACKAPP_HOME_ADMIN="yes") as (world, url):
        browser = HttpBrowser(url)
        browser.install(NORTH)
        world.work()

        assert click(world, browser, "Send the command").status == 303
        assert delivered(world) == [("slash_command", 200)]
        world.work()
        answer = world.slack.messages(NORTH)[-1]
        assert (answer["via"], "/example help" in answer["text"]) == ("response_url", True)

        assert click(world, browser, "Open the Home tab as an admin").status == 303
        assert delivered(world) == [("app_home_opened", 200)]
        world.work()

        assert click(world, browser, "Remove this app and erase its data").status == 303
        assert delivered(world) == [("block_actions", 200)]
        world.work()
        assert (world.slack.installed, world.count("installations"), world.count("tokens")) == ([], 0, 0)
        assert delivered(world) == [("app_uninstalled", 200), ("tokens_revoked", 200)], (
            "what Slack says of it comes late"
        )
