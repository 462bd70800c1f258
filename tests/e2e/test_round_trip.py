"""One customer's whole life over real sockets: a browser, our service behind waitress, and the local Slack."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slackapp.cli.service.server import waitress_settings
from slackapp.config import settings as config
from slackapp.localslack.model import Fault
from tests.support.client import HttpBrowser
from tests.support.servers import WsgiApp, serve
from tests.support.world import NORTH, SOUTH, World, environment, make_world

OPERATOR = "an-operator-token-of-forty-characters-xx"


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
    page = HttpBrowser(url).install(NORTH)
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
    HttpBrowser(url).install(SOUTH)
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
    operator = HttpBrowser(url)
    address = f"{url}/slack/uninstall"
    reply = operator.send("POST", address, body, Authorization=bearer, Content_Type="application/json")
    assert reply.json == {"id": SOUTH, "found": True, "slack": "uninstalled", "erased": True, "pending": False}
    assert delivered(world) == [("app_uninstalled", 200), ("tokens_revoked", 200)]
    world.work()
    assert (world.slack.installed, world.count("tokens"), world.count("installations")) == ([], 0, 0)
    assert operator.get(f"{url}/readyz").json["purges_pending"] == 0
