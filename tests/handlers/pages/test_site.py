"""The pages that anybody may read: what they say is what the code does, and what the operator says stays text."""

import base64
import hashlib
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from slackapp.directory.probe import HtmlPage
from slackapp.errors import Refusal
from slackapp.flows.app import Circle
from slackapp.flows.upkeep import sweep
from slackapp.store import oauth_states
from slackapp.web.pages import NOT_CONFIGURED
from tests.support.callback_world import nothing_happens
from tests.support.host_world import make_host_world
from tests.support.world import NORTH, World, make_world

MIGRATIONS = Path(__file__).resolve().parents[3] / "sql" / "migrations"
TOLD_AS = {
    "installations": "its id and name, the app's own id and user there",
    "installers": "the ids of the people who installed it",
    "tokens": "the tokens that Slack gives the app",
    "data_keys": "Workspace, tokens and keys: until the app is removed",
    "inbox": "what Slack sends when the app is mentioned or used",
    "freezes": "that we have stopped using its tokens",
    "audit": "a journal of installs, removals and each use of a token",
    "oauth_states": "only a hash of it is stored",
    "counters": "counts of what happened",
    "failing": "for as long as that matters, that Slack refused",
    "answered": "for an hour, that Slack served it",
    "organizations": "that customer's id and name",
    "members": "the ids, names and roles of its people",
    "approvals": "their wishes to connect",
    "reviews": "what they say in reviews",
    "review_items": "what they say in reviews",
    "host_tickets": "hashes of their sessions",
    "host_sessions": "hashes of their sessions",
    "templates": "the messages that it says again and again",
    "purposes": "what each connection is for",
    "host_events": "for 30 days what that product was told",
    "host_usage": "for 400 days how often it was used",
    "message_counts": "for 400 days how often it was used",
    "outbox": "of messages that it posts for its customer what they say, encrypted, until they are sent",
    "channel_states": "its channels",
    "message_replies": "the ids of the people who answer or react to a message",
    "message_contents": "of messages that were sent what they said, encrypted, where that customer wishes it",
    "quarantines": "what Slack granted, encrypted, for ten minutes",
}
"""Table to the words that tell of it."""
SHOWN_TEXTS = {
    "SLACKAPP_NAME": "A <b> & Co",
    "SLACKAPP_COMPANY": 'Co "<script>" Ltd',
    "SLACKAPP_SUPPORT_EMAIL": "help@unit.tests",
    "SLACKAPP_STATE_TTL": "390",
    "SLACKAPP_AUDIT_DAYS": "90",
}
OUR_OWN = {
    "meta", "processes", "audit_checkpoint", "host_token_ids", "host_switches", "idempotency_keys", "outbox",
}  # fmt: skip
"""Tables that hold nothing about anybody."""


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests that only read, in which the operator has said nothing."""
    with make_world(tmp_path_factory.mktemp("still")) as made:
        yield made


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One in which he has said all, with letters that mean something to a browser."""
    with make_world(tmp_path_factory.mktemp("told"), **SHOWN_TEXTS) as made:
        yield made


def page(world: World, path: str) -> str:
    """A page's text, as one line."""
    with nothing_happens(world):
        reply = world.request("GET", path)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return " ".join(unescape(HtmlPage(reply.text).text).split())


def test_the_privacy_page_tells_of_every_table(still: World) -> None:
    """I add a table, and no customer hears of what it holds."""
    schema = "\n".join(file.read_text("utf-8") for file in MIGRATIONS.glob("*.sql"))
    tables = {name for name in re.findall(r"CREATE TABLE (\w+)", schema) if not name.endswith("_2")}
    by_circles = {table for data in still.service.app.tenant_data if data.collected for table in data.tables}
    assert tables - OUR_OWN - TOLD_AS.keys() - by_circles == set()
    text = page(still, "/privacy")
    assert [table for table, words in TOLD_AS.items() if words not in text] == []


def test_the_privacy_page_tells_what_a_circle_says_of_its_rows_where_it_is_registered(world: World) -> None:
    said, first = "notes that <its> people leave", world.service.app.tenant_data[0]
    assert said not in page(world, "/privacy")
    circle = Circle(name="notes", tenant_data=(first._replace(collected=said),))
    world.replace_parts(circles=(*world.service.app.circles, circle))
    assert said in page(world, "/privacy")


def test_the_privacy_page_says_who_is_told_besides_slack(still: World, tmp_path: Path) -> None:
    """I read that nobody is, and a product hears of each message."""
    assert "sends data to nobody but Slack. " in page(still, "/privacy")
    with make_host_world(tmp_path) as world:
        text = page(world, "/privacy")
    assert "sends data to nobody but Slack, and the product through which it was connected: its id, name" in text


def test_the_privacy_page_has_the_times_of_the_code_that_erases(told: World) -> None:
    text = page(told, "/privacy")
    assert f"{sweep.DEDUPE_WINDOW // 3600} hours after they were dealt with" in text
    assert f"7 minutes to finish it, and its hash for {oauth_states.KEEP_SECONDS // 60} minutes more" in text
    assert "The journal: 90 days, also after a removal" in text


def test_a_journal_that_is_never_cut_is_told_so(still: World) -> None:
    assert "The journal: as long as the service runs, also after a removal" in page(still, "/privacy")


def test_no_address_of_a_visitor_is_stored(world: World) -> None:
    """The page says so."""
    browser = world.browser()
    browser.install()
    world.request("GET", "/nowhere")
    world.request("POST", "/slack/events", b"{}")
    world.mention()
    world.work()
    assert "No network address is stored" in page(world, "/privacy")
    assert b"192.0.2.7" not in world.bytes_on_disk() + world.log.getvalue().encode()


def test_content_goes_when_it_was_dealt_with_and_ids_stay(world: World) -> None:
    """As the page says."""
    world.browser().install()
    world.mention("Ev0007")
    assert world.rows("SELECT body FROM inbox WHERE event_id = 'Ev0007'")[0]["body"] is not None
    world.work()
    row = world.rows("SELECT * FROM inbox WHERE event_id = 'Ev0007'")[0]
    assert (row["body"], row["tenant_id"], row["type"]) == (None, NORTH, "app_mention")


@pytest.mark.parametrize("path", ["/privacy", "/support"])
def test_what_the_operator_says_is_shown_and_stays_text(told: World, path: str) -> None:
    html, text = told.request("GET", path).text, page(told, path)
    assert "A <b> & Co" in text
    assert 'Co "<script>" Ltd' in text
    assert "<script" not in html
    assert "mailto:help@unit.tests" in HtmlPage(html).links  # privacy too, where it has no address of its own
    assert NOT_CONFIGURED not in text


def test_questions_of_privacy_have_an_address_of_their_own(tmp_path: Path) -> None:
    given = {"SLACKAPP_SUPPORT_EMAIL": "help@unit.tests", "SLACKAPP_PRIVACY_EMAIL": "data@unit.tests"}
    with make_world(tmp_path, **given) as world:
        privacy, support = (HtmlPage(world.request("GET", path).text).links for path in ("/privacy", "/support"))
    assert [link for link in privacy if "@" in link] == ["mailto:data@unit.tests"]
    assert [link for link in support if "@" in link] == ["mailto:help@unit.tests"]


@pytest.mark.parametrize("path", ["/privacy", "/support"])
def test_what_the_operator_has_not_said_is_seen(still: World, path: str) -> None:
    assert page(still, path).count(NOT_CONFIGURED) == 2  # who runs it, and where to write


@pytest.mark.parametrize("path", ["/", "/privacy", "/support"])
def test_each_page_leads_to_the_others(still: World, path: str) -> None:
    links = HtmlPage(still.request("GET", path).text).links
    assert {"/", "/privacy", "/support"} <= set(links)
    for link in links:
        assert still.request("GET", link).status in (200, 302), link


@pytest.mark.parametrize("path", ["/privacy", "/support"])
def test_nothing_of_a_request_gets_into_a_page(still: World, path: str) -> None:
    plain = still.request("GET", path).body
    assert still.request("GET", f"{path}?x=canary", headers={"Cookie": "canary", "Referer": "canary"}).body == plain
    assert still.request("POST", path).status == Refusal.METHOD.status


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
