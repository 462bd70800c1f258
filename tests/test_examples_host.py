"""The host application of examples/, and its client, against the service and a local Slack over real HTTP."""

import ast
import dataclasses
import importlib
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from slackapp.demo.harness import free_port
from slackapp.host.checks.webhook_signature import signed_headers
from slackapp.host.cli.keys import make_private_files
from slackapp.host.flows.connect import begin_connect
from slackapp.host.flows.webhook import deliver_events
from slackapp.model import CALLBACK_PATH
from tests.support.client import FORM, HttpBrowser, Reply, request
from tests.support.connecting import find_dead
from tests.support.host_world import make_host_world
from tests.support.posting import said, send_all, shown
from tests.support.servers import serve
from tests.support.world import NORTH, SOUTH, World
from tests.web.test_style import contrast

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = ("host_client", "host_app", "host_pages")
MOST_LINES = 120
"""Of the client: meant to be read aloud, and copied."""


@dataclass
class Product:
    """The host application on a port of its own, beside our service."""

    world: World
    url: str
    modules: dict[str, Any]
    browsers: dict[str, HttpBrowser] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        return self.modules["host_client"]

    def press(self, browser: HttpBrowser, path: str, **fields: str) -> Reply:
        """Presses a button of the application; the page that comes after it."""
        origin = re.match(r"http://[^/]+", path)
        headers = {**FORM, "Origin": self.url}
        reply = browser.send("POST", path if origin else self.url + path, urlencode(fields).encode(), **headers)
        return browser.get(f"{self.url}/") if reply.headers.get("location") == "/" else reply

    def log_in(self, person: str) -> HttpBrowser:
        browser = HttpBrowser("http://localhost")  # both are there, and a browser does not tell ports apart
        page = self.press(browser, "/login", person=person)
        assert page.status == 200
        assert 'class="notice' not in page.text, page.text
        return browser

    def hand_over(self, browser: HttpBrowser, page: Reply) -> Reply:
        """Sends the form with the ticket, as the page's script does."""
        found = re.search(r'action="([^"]+)"><input type="hidden" name="ticket" value="([^"]+)"', page.text)
        assert found is not None, page.text
        assert page.headers["referrer-policy"] == "strict-origin"
        reply = self.press(browser, found[1], ticket=found[2])
        while reply.status == 303:
            reply = browser.get(reply.location)
        return reply

    def submit(self, browser: HttpBrowser, page: Reply, step: str) -> Reply:
        """Sends a form of the service's page."""
        hidden = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', page.text))
        raw = urlencode({**hidden, "step": step}).encode()
        ours = self.world.settings.public_url
        return browser.send("POST", f"{ours}/settings/connect", raw, **{**FORM, "Origin": ours})

    def deliver(self) -> None:
        """Sends what waits: messages to Slack, events to the application."""
        send_all(self.world, 4)
        deliver_events.run(self.world.service.app, lambda: False)


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    """Both, and a local Slack; the application has the clock of the service."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    modules = {name: importlib.import_module(name) for name in FILES}
    app = modules["host_app"]
    server = app.ThreadingHTTPServer(("127.0.0.1", 0), app.Handler)
    url, port = f"http://localhost:{server.server_port}", free_port()
    (tmp_path / "private").mkdir(mode=0o700)
    files = make_private_files(tmp_path / "private")
    settings = {
        **files, "SLACKAPP_PUBLIC_URL": f"http://localhost:{port}", "SLACKAPP_HOST_URL": url,
        "SLACKAPP_HOST_RETURN_PATH": "/", "SLACKAPP_HOST_WEBHOOK_URL": f"{url}/slack/webhook",
    }  # fmt: skip
    key, secret = (Path(file).read_text().strip() for file in files.values())
    with make_host_world(tmp_path, **settings) as world, serve(world.service.wsgi, port=port):
        ours = world.settings.public_url
        addresses = (f"{ours}{CALLBACK_PATH}", begin_connect.redirect_uri(world.settings))
        world.slack.app = dataclasses.replace(world.slack.app, redirect_urls=addresses)
        monkeypatch.setattr(modules["host_client"], "time", SimpleNamespace(time=world.clock))
        monkeypatch.setattr(app.Handler, "product", app.Product(url, ours, *key.split(":")[1:], secret), raising=False)
        runner = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        runner.start()
        yield Product(world, url, modules)
        server.shutdown()
        server.server_close()
        runner.join(5)
    for name in FILES:
        sys.modules.pop(name, None)


def connect_by_api(product: Product, browser: HttpBrowser, tenant: str) -> Reply:
    """From the button to Slack, back to the application's complete page, and to the confirmation."""
    begun = product.press(browser, "/connect")
    back = browser.get(browser.consent(begun.location, tenant).location)
    assert back.location == f"{product.url}/slack/complete"
    asked = product.hand_over(browser, browser.get(back.location))
    return product.submit(browser, asked, "confirm")


def test_a_customer_connects_by_api_and_each_notice_arrives_under_its_purpose(product: Product) -> None:
    browser = product.log_in("ann")
    done = connect_by_api(product, browser, NORTH)
    assert f"{product.url}/?status=success&amp;workspace=Northwind" in done.text
    page = browser.get(f"{product.url}/?status=success&workspace=Northwind")
    assert "Northwind is connected." in page.text
    channel = re.search(r'<option value="(C[A-Z0-9]+)">general', page.text)
    assert channel is not None
    assert "Messages go to #general" in product.press(browser, "/channel", channel=channel[1]).text
    for notice in ("deployment", "billing", "task", "task"):
        page = product.press(browser, "/send", notice=notice)
    assert "Task updates: queued." in page.text
    product.deliver()
    wanted = ["*shop-api 4.7.1* is live in production.", "Invoice *2044* is due in three days."]
    assert said(product.world) == [*wanted, "*Move the price page* is begun.", "*Move the price page* is done."]
    begun, done = shown(product.world)[-2:]
    assert done["thread_ts"] == begun["ts"], "an update answers what it updates"
    client = product.modules["host_app"].Handler.product.host("acme")
    names = [each["name"] for each in client.call("GET", "/slack/templates")["templates"]]
    assert names == ["deployed", "invoice-due", "task-moved"]
    page = browser.get(f"{product.url}/")
    for purpose in ("Deployment alerts", "Billing reminders", "Task updates"):
        assert f"<td>{purpose}</td><td>sent</td>" in page.text
    assert re.findall(r"<td>(connection\.\w+|message\.\w+)</td>", page.text) == ["message.sent"] * 4 + [
        "connection.active"
    ]
    other = product.log_in("eve")
    assert "Nothing was sent yet." in other.get(f"{product.url}/").text, "another customer sees nothing of it"
    assert "message.sent" not in other.get(f"{product.url}/").text


def test_a_customer_connects_on_the_page_of_the_service(product: Product) -> None:
    browser = product.log_in("eve")
    page = product.hand_over(browser, product.press(browser, "/settings"))
    assert (page.status, "Globex Corporation" in page.text) == (200, True)
    begun = product.submit(browser, browser.get(f"{product.world.settings.public_url}/settings/connect"), "begin")
    slack = re.search(r'url=(http[^"]+)"', begun.text)
    assert slack is not None
    back = browser.get(browser.consent(slack[1].replace("&amp;", "&"), SOUTH).location)
    assert "status=success&workspace=Southridge" in back.location
    assert "Southridge" in browser.get(back.location).text


def test_a_workspace_whose_token_is_dead_is_reconnected(product: Product) -> None:
    browser = product.log_in("ann")
    connect_by_api(product, browser, NORTH)
    find_dead(product.world)
    page = browser.get(f"{product.url}/").text
    assert "Slack takes the app's token no more" in page
    again = re.search(r'name="connection" value="([0-9a-f]+)"', page)
    assert again is not None
    begun = product.press(browser, "/connect", connection=again[1])
    back = browser.get(browser.consent(begun.location, NORTH).location)
    product.submit(browser, product.hand_over(browser, browser.get(back.location)), "confirm")
    assert "<strong>Northwind</strong> is connected." in browser.get(f"{product.url}/").text


def test_what_is_refused_is_told_with_its_code_and_field(product: Product) -> None:
    browser = product.log_in("dan")
    assert "FORBIDDEN: " in product.press(browser, "/send", notice="task").text
    ann = product.modules["host_app"].Handler.product.client(product.modules["host_app"].PEOPLE[0])
    with pytest.raises(product.client.ApiError) as refused:
        ann.call("POST", "/slack/auth", {"purpose": "NOT ONE"})
    assert (refused.value.status, refused.value.code, refused.value.field) == (400, "BAD_REQUEST", "purpose")
    with pytest.raises(product.client.ApiError) as refused:
        ann.post_message("hello", key="one")
    assert refused.value.code == "INTEGRATION_NOT_FOUND"
    assert refused.value.retry_after is None
    assert ann.secret not in repr(ann)
    gone = dataclasses.replace(ann, url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(OSError, match="refused"):
        gone.integration()

    def proxy(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("503 Service Unavailable", [("Content-Type", "text/html"), ("Retry-After", "7")])
        return [b"<h1>Down</h1>"]

    with serve(proxy) as url, pytest.raises(product.client.ApiError) as refused:
        dataclasses.replace(ann, url=url).integration()
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "UNREADABLE", "7")


def test_the_feed_says_the_same_as_the_webhooks(product: Product) -> None:
    browser = product.log_in("ann")
    connect_by_api(product, browser, NORTH)
    product.deliver()
    app = product.modules["host_app"].Handler.product
    feed = app.host("acme").events()
    assert [f"evt_{event['id']}" for event in feed["events"]] == [event["id"] for event in app.events]
    assert len(feed["events"]) == 1
    assert app.host("acme").events(feed["cursor"])["events"] == []


def test_a_webhook_is_verified_and_shown_once(product: Product) -> None:
    app, now = product.modules["host_app"].Handler.product, product.world.clock()
    secret = product.client.base64.b64decode(app.webhook_secret.removeprefix("whsec_"))
    body = b'{"type":"connection.active","timestamp":"x","data":{"organizationId":"acme","reason":null}}'
    good = dict(signed_headers("evt_1", now, body, (b"another one", secret)))
    wrong: list[tuple[dict[str, str], bytes]] = [
        (good, body + b" "),
        ({**good, "Webhook-Id": "evt_2"}, body),
        ({**good, "Webhook-Timestamp": str(now + 1)}, body),
        ({**good, "Webhook-Signature": "v1,"}, body),
        (dict(signed_headers("evt_1", now - 301, body, (secret,))), body),
        ({}, body),
    ]
    for headers, sent in wrong:
        assert request("POST", f"{product.url}/slack/webhook", sent, headers).status == 401
    assert not app.events
    for _ in range(2):
        assert request("POST", f"{product.url}/slack/webhook", body, good).status == 204
    assert [event["id"] for event in app.events] == ["evt_1"]


def test_the_application_takes_forms_from_its_own_pages_and_has_one_name(product: Product) -> None:
    browser = product.log_in("ann")
    for origin in ({}, {"Origin": "null"}, {"Origin": product.world.settings.public_url}):
        assert browser.send("POST", f"{product.url}/leave", b"", **origin).status == 403
    assert request("POST", f"{product.url}/login", "", {"Content-Length": "65537"}).status == 413
    beside = request("GET", product.url.replace("localhost", "127.0.0.1") + "/slack/complete")
    assert (beside.status, beside.location) == (303, f"{product.url}/slack/complete")
    assert request("GET", f"{product.url}/nothing").status == 404
    for path in ("/", "/slack/complete"):
        assert "Who are you?" in request("GET", product.url + path).text
    assert product.press(HttpBrowser("http://localhost"), "/send").status == 200
    told = browser.get(f"{product.url}/?status=error&error=<b>access_denied")
    assert "&lt;b&gt;access_denied" in told.text
    assert "Who are you?" in product.press(browser, "/leave").text


def test_the_client_is_short_and_all_of_it_needs_python_alone() -> None:
    assert len((EXAMPLES / "host_client.py").read_text("utf-8").splitlines()) <= MOST_LINES
    for name in FILES:
        tree = ast.parse((EXAMPLES / f"{name}.py").read_text("utf-8"))
        plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        parts = [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert {each.partition(".")[0] for each in (*plain, *parts)} <= {*sys.stdlib_module_names, *FILES}


def test_its_pages_are_legible_in_both_schemes() -> None:
    text = (EXAMPLES / "host_pages.py").read_text("utf-8")
    light = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text.partition("@media")[0]))
    dark = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text.partition("@media")[2]))
    assert light.keys() == dark.keys()
    for colours in (light, dark):
        for name in ("text", "muted", "bad"):
            assert min(contrast(colours[name], colours[ground]) for ground in ("ground", "surface")) >= 4.5
        assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
        for name in ("edge", "accent", "focus"):
            assert min(contrast(colours[name], colours[ground]) for ground in ("ground", "surface")) >= 3
