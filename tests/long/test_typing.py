"""The local Slack's page in a browser: what somebody types stays, and what happens meanwhile is seen."""

from pathlib import Path

import pytest

from tests.localslack.client import make_client
from tests.support.browser import open_page
from tests.support.screenshots import find_browser

pytestmark = pytest.mark.long
TEXT = "document.querySelector('input[name=text]')"
SAID = "[...document.querySelectorAll('.talk li')].map((each) => each.innerText).join('|')"


def test_news_come_while_somebody_types_and_what_is_typed_stays(tmp_path: Path) -> None:
    """I write a long mention, an answer to the last one arrives, and my words are gone."""
    if not find_browser():
        pytest.skip("there is no browser here to type in")
    with make_client(commands_url="") as on, open_page(find_browser(), tmp_path / "profile") as page:
        token = on.install(scope="app_mentions:read,chat:write,users:read")["access_token"]
        on.slack.state.joined.append("C0NORTH001GEN")
        page.open(f"{on.base}/")
        page.run("window.loaded = 'once'")
        page.run(f"{TEXT}.focus(), {TEXT}.select()")
        page.type("a long story")
        on.api("chat.postMessage", token, channel="C0NORTH001GEN", text="meanwhile")
        page.wait_for(f"({SAID}).includes('meanwhile')")
        page.type(", and more")
        assert page.run(f"[{TEXT}.value, document.activeElement === {TEXT}, window.loaded]") == [
            "a long story, and more", True, "once",
        ]  # fmt: skip
        page.run("[...document.querySelectorAll('button')].find((b) => b.innerText === 'Mention the app').click()")
        page.wait_for(f"({SAID}).includes('a long story, and more')")
        assert page.run("window.loaded") == "once", "the page was not loaded again"
        page.run("document.querySelector('input[name=method]').value = 'half a method'")
        on.slack.uninstall("T0NORTH001")
        page.wait_for("document.body.innerText.includes('is installed nowhere yet')")
        assert page.run("document.querySelector('input[name=method]').value") == "half a method"
        assert page.run("document.querySelectorAll('[data-part^=tenant]').length") == 0
