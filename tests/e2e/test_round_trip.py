"""One customer's whole life over real sockets: a browser, our service behind waitress, and the local Slack."""

import contextlib
import http.client
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from slackapp import config
from slackapp.cli.service.server import waitress_settings
from slackapp.localslack.model import Fault
from tests.support.servers import WsgiApp, serve
from tests.support.world import NORTH, SOUTH, Reply, World, environment, make_world

OPERATOR = "an-operator-token-of-forty-characters-xx"


@dataclass
class Browser:
    """Follows one link at a time, and sends back the cookies of our service to our service only."""

    ours: str
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, url: str, body: bytes = b"", **headers: str) -> Reply:
        parts = urlsplit(url)
        at_home = url.startswith(self.ours)
        if at_home and self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=10)) as connection:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body or None, sent)
            answer = connection.getresponse()
            reply = Reply(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        if at_home and "set-cookie" in reply.headers:
            name, _, value = reply.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    def get(self, url: str) -> Reply:
        return self.send("GET", url)

    def install(self, tenant: str) -> Reply:
        """From our page to Slack's, an approval there, back to us, and on to the clean page."""
        begun = self.get(f"{self.ours}/slack/install")
        asked = self.get(begun.location)
        assert (begun.status, asked.status) == (302, 200)
        form = urlencode({**begun.query, "target": tenant, "user": "admin", "decision": "approve"}).encode()
        slack = begun.location.partition("?")[0]
        approved = self.send("POST", slack, form, Content_Type="application/x-www-form-urlencoded")
        landed = self.get(approved.location)
        assert (landed.status, landed.location) == (303, f"{self.ours}/slack/installed")
        return self.get(landed.location)


@contextlib.contextmanager
def live_world(tmp_path: Path, **changes: str) -> Iterator[tuple[World, str]]:
    """The world behind a real server, and its address. The port is bound before the service knows its own address."""
    ours: list[WsgiApp] = []

    def forward(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return ours[0](environ, start_response)

    settings = config.load(environment(tmp_path, "http://127.0.0.1:1"), {})
    chosen = {name: value for name, value in waitress_settings(settings).items() if name != "listen"}
    with serve(forward, **chosen) as url, make_world(tmp_path, SLACKAPP_PUBLIC_URL=url, **changes) as world:
        world.slack.app = replace(
            world.slack.app,
            redirect_urls=(f"{url}/slack/oauth_redirect",),
            events_url=f"{url}/slack/events",
            commands_url=f"{url}/slack/commands",
            interactivity_url=f"{url}/slack/interactivity",
        )
        ours.append(world.service.wsgi)
        yield world, url


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[World, str]]:
    """One for a test."""
    with live_world(tmp_path) as found:
        yield found


def delivered(world: World) -> list[tuple[str, int]]:
    """What Slack delivers now, and how each was answered."""
    return [(delivery.type, delivery.status) for delivery in world.slack.deliver_due()]


def test_two_tenants_install_use_and_uninstall_over_real_sockets(live: tuple[World, str]) -> None:
    world, url = live
    handshake = world.slack.verify_events_url()
    assert (handshake.status, len(handshake.body)) == (200, 32)

    # The first customer installs and is greeted
    page = Browser(url).install(NORTH)
    assert (page.status, "Northwind" in page.text) == (200, True)
    world.work()
    assert len(world.slack.messages(NORTH)) == 1

    # A mention is delivered, twice, and answered once in its thread
    world.slack.fault(Fault("events", "duplicate"))
    world.slack.mention(NORTH, "hello")
    ts = world.slack.conversation(NORTH)[-1]["ts"]
    assert delivered(world) == [("app_mention", 200)] * 2
    assert world.work() == 1
    assert (world.slack.messages(NORTH)[-1]["thread_ts"], len(world.slack.messages(NORTH))) == (ts, 2)

    # Eleven hours later the token is refreshed on the way
    world.clock.advance(11 * 3600)
    world.slack.mention(NORTH, "still there?")
    assert delivered(world) == [("app_mention", 200)]
    world.work()
    assert (len(world.calls("oauth.v2.access")), len(world.slack.messages(NORTH))) == (2, 3)

    # A second customer comes, and each is answered at home
    Browser(url).install(SOUTH)
    world.work()
    for team in (NORTH, SOUTH):
        world.slack.mention(team, "hello")
    assert delivered(world) == [("app_mention", 200)] * 2
    world.work()
    assert (len(world.slack.messages(NORTH)), len(world.slack.messages(SOUTH))) == (4, 2)

    # The first one leaves
    world.slack.uninstall(NORTH)
    assert delivered(world) == [("app_uninstalled", 200), ("tokens_revoked", 200)]
    world.work()
    left = [secret for secret in world.slack.issued_tokens if secret.encode() in world.bytes_on_disk()]
    assert (world.status(NORTH), world.status(SOUTH), left) == ("", "active", [])
    for table in ("tokens", "data_keys"):
        assert world.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", NORTH) == []

    # The operator removes the second
    body, bearer = json.dumps({"id": SOUTH}).encode(), f"Bearer {OPERATOR}"
    operator = Browser(url)
    address = f"{url}/slack/uninstall"
    reply = operator.send("POST", address, body, Authorization=bearer, Content_Type="application/json")
    assert reply.json == {"id": SOUTH, "found": True, "slack": "uninstalled", "erased": True, "pending": False}
    assert delivered(world) == [("app_uninstalled", 200), ("tokens_revoked", 200)]
    world.work()
    assert (world.slack.installed, world.count("tokens"), world.count("installations")) == ([], 0, 0)
    assert operator.get(f"{url}/readyz").json["purges_pending"] == 0
