"""A host's customers that connect workspaces: over real HTTP to the local Slack, with browsers of their own."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from slackapp.flows.app import App
from slackapp.flows.tokens import needs_reinstall
from slackapp.host.flows import upkeep
from slackapp.host.flows.connect import begin_connect, open_session
from slackapp.host.flows.connect.begin_connect import BegunConnection, ConnectRequest
from slackapp.host.model import HostCaller, HostRole
from slackapp.host.rows import Connection, Login
from slackapp.host.store import connections
from slackapp.model import BOT, SCHEDULER, ActorKind
from slackapp.store import tokens
from tests.host.keys import KEY_ID, write_keys
from tests.support.client import FORM, Reply, cookie_header, keep_cookie, query_of
from tests.support.connected import ACME, ANN, GLOBEX, add_member
from tests.support.world import HOST, NORTH, Browser, World, make_world, north_tenant

HOST_URL = "http://localhost:4000"
COMPLETE = f"{HOST_URL}/slack/complete"
RETURN = f"{HOST_URL}/settings/integrations"
OURS = f"http://{HOST}"
EVE, BEN = "eve", "ben"
"""An attacker's name, and a colleague's."""


@contextlib.contextmanager
def make_host_world(folder: Path, rotation: bool = True, **changes: str) -> Iterator[World]:
    """A world with the host side on, and two organizations: Ann is an admin of Acme, Eve one of Globex."""
    keys = write_keys(folder)
    settings = {
        "SLACKAPP_HOST_KEYS_FILE": str(keys),
        "SLACKAPP_HOST_URL": HOST_URL,
        "SLACKAPP_HOST_COMPLETE_PATH": "/slack/complete",
        "SLACKAPP_BOT_SCOPES": "app_mentions:read,chat:write,commands,users:read",
        **changes,
    }
    with make_world(folder, rotation, **settings) as world:
        addresses = (*world.slack.app.redirect_urls, begin_connect.redirect_uri(world.settings))
        world.slack.app = dataclasses.replace(world.slack.app, redirect_urls=addresses)
        with world.service.app.db.transaction():
            add_member(world.service.app.db, ACME, ANN)
            add_member(world.service.app.db, ACME, BEN)
            add_member(world.service.app.db, GLOBEX, EVE)
        yield world


@dataclass(frozen=True)
class Person:
    """A member of an organization, with a browser of its own."""

    world: World
    browser: Browser
    organization: str = ACME
    member: str = ANN
    role: HostRole = HostRole.ADMIN

    @property
    def app(self) -> App:
        return self.world.service.app

    @property
    def caller(self) -> HostCaller:
        """Whom a host token names."""
        who = {"organization": self.organization, "role": self.role, "key_id": KEY_ID}
        return HostCaller(kind=ActorKind.MEMBER, request_id="r1", id=self.member, **who)

    def begin(self, **asked: Any) -> BegunConnection:
        """A connect is begun by API, through the host's backend."""
        none: dict[str, Any] = dict.fromkeys(ConnectRequest._fields)
        request = ConnectRequest(**{**none, "address": "192.0.2.7", **asked})
        return begin_connect.run(self.app, self.caller, request, self.world.clock())

    def post(self, target: str, fields: dict[str, str], origin: str = OURS) -> Reply:
        """A form, sent by a page of that origin."""
        headers = {**FORM, "Origin": origin, **cookie_header(self.browser.cookies)}
        reply = self.world.request("POST", target, urlencode(fields).encode(), headers)
        keep_cookie(self.browser.cookies, reply)
        return reply

    def sign_in(self, key_id: str = KEY_ID) -> Reply:
        """The host's page sends the ticket of whoever is logged in there."""
        login = Login(self.organization, self.member, self.role, key_id)
        ticket = open_session.issue_ticket(self.app, login, self.world.clock())
        return self.post("/settings/session", {"ticket": ticket}, HOST_URL)

    def begin_on_page(self, **fields: str) -> Reply:
        """The button of our page; the answer leads on to Slack."""
        return self.press("begin", **fields)

    def press(self, step: str, **fields: str) -> Reply:
        """Loads the page, and sends its form."""
        page = self.browser.get("/settings/connect")
        hidden = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', page.text))
        return self.post("/settings/connect", {**hidden, "form_token": form_token(page), "step": step, **fields})

    def approve(self, authorize_url: str, target: str = NORTH, user: str = "admin", decision: str = "approve") -> str:
        """What somebody does on Slack's page; the address that Slack sends the browser to."""
        fields = {**query_of(authorize_url), "target": target, "user": user, "decision": decision}
        return self.world.slack_form("/oauth/v2/authorize", fields).location

    def come_back(self, location: str) -> Reply:
        """The browser follows Slack's redirect."""
        parts = urlsplit(location)
        return self.browser.get(f"{parts.path}?{parts.query}")

    def connect(self, target: str = NORTH, **asked: Any) -> Connection:
        """The whole way by API; the connection as it is then."""
        begun = self.begin(**asked)
        assert self.come_back(self.approve(begun.authorize_url, target)).location == COMPLETE
        self.sign_in()
        assert "status=success" in led_to(self.press("confirm"))
        return self.held(target)

    def held(self, target: str = NORTH) -> Connection:
        """The connection of ours that holds that workspace."""
        (found,) = [
            row
            for row in self.all()
            if row["kind"] == "workspace" and row["tenant_id"] == target and row["token_vault_key"]
        ]
        connection = connections.find(self.app.db, self.organization, found["id"])
        assert connection is not None
        return connection

    def all(self) -> list[Any]:
        """All rows of our organization, the oldest first."""
        sql = "SELECT * FROM connections WHERE organization_id = ? ORDER BY rowid"
        return self.world.rows(sql, self.organization)

    def statuses(self) -> list[str]:
        """The statuses of all connections of our organization."""
        return [row["status"] for row in self.all()]


def form_token(page: Reply) -> str:
    """The token in a page's form; "" where there is none."""
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    return found[1] if found else ""


def led_to(page: Reply) -> str:
    """Where a page leads on to by itself."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1].replace("&amp;", "&")


def told(location: str) -> dict[str, str]:
    """What the host is told in an address of its own."""
    assert location.startswith(HOST_URL + "/"), location
    return dict(parse_qsl(urlsplit(location).query))


def ann(world: World) -> Person:
    """An admin of Acme."""
    return Person(world, world.browser())


def eve(world: World) -> Person:
    """An admin of Globex, who is after Acme's workspace."""
    return Person(world, world.browser(), GLOBEX, EVE)


def find_dead(world: World) -> None:
    """The stored pair is lost, and somebody must install again."""
    app = world.service.app
    token = tokens.find(app.db, north_tenant(), BOT)
    assert token is not None
    with app.db.transaction():
        needs_reinstall.mark_dead(app, token, "token_revoked", SCHEDULER)


def run_upkeep(world: World) -> None:
    """What the scheduler does each minute."""
    upkeep.sweep(world.service.app, world.clock())
    upkeep.run_remote(world.service.app, lambda: False)
