"""What tests of the edge look at: an install under way, sealed values, and that nothing happened."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from slackapp.crypto import records
from slackapp.model import Sealed, Tenant
from tests.support.client import Reply
from tests.support.world import NORTH, Browser, World, holder_of


@dataclass
class Approved:
    """An install up to where Slack sends the browser back."""

    browser: Browser
    state: str
    code: str

    @property
    def target(self) -> str:
        """The address of the callback."""
        return callback(code=self.code, state=self.state)

    def finish(self) -> Reply:
        """The browser goes where Slack sent it."""
        return self.browser.get(self.target)


def approved(world: World, target: str = NORTH, user: str = "admin", browser: Browser | None = None) -> Approved:
    """A user begins an install and approves it at Slack."""
    browser = browser or world.browser()
    consented = browser.consent(browser.begin(), target, user).query
    return Approved(browser, consented["state"], consented["code"])


def callback(**parameters: str) -> str:
    """The callback with these parameters, properly encoded."""
    return f"/slack/oauth_redirect?{urlencode(parameters)}"


def cookie_of(browser: Browser) -> str:
    """The one cookie, as a header."""
    ((name, value),) = browser.cookies.items()
    return f"{name}={value}"


def log_lines(world: World) -> list[dict[str, Any]]:
    """The log so far."""
    return [json.loads(line) for line in world.log.getvalue().splitlines()]


def outcome(world: World) -> str:
    """What the log says of the last request: `ok`, a refusal's name, `bug`, …"""
    lines = map(json.loads, reversed(world.log.getvalue().splitlines()))
    return next(str(line["outcome"]) for line in lines if line["event"] == "request")


@contextlib.contextmanager
def nothing_happens(world: World) -> Iterator[None]:
    """No call to Slack is made in here, and no row but the audit's changes."""
    rows, calls = world.snapshot(), world.calls()
    yield
    assert world.calls() == calls
    assert world.snapshot() == rows


def assert_silent(world: World, reply: Reply, *inputs: str) -> None:
    """None of the inputs is in the answer, its headers or the log."""
    said = reply.body + repr(reply.headers).encode() + world.log.getvalue().encode()
    for given in inputs:
        assert given.encode() not in said


def only(world: World, sql: str, *parameters: Any) -> dict[str, Any]:
    """The one row that a query gives."""
    (row,) = world.rows(sql, *parameters)
    return dict(row)


def installation(world: World, tenant_id: str = NORTH) -> dict[str, Any]:
    """A tenant's row, without the sealed webhook."""
    row = only(world, "SELECT * FROM installations WHERE tenant_id = ?", tenant_id)
    row.pop("webhook")
    return row


def token(world: World, tenant: Tenant, user_id: str = "") -> dict[str, Any]:
    """A token's row; `user_id` is "" for the bot's."""
    sql = "SELECT * FROM tokens WHERE tenant_kind = ? AND tenant_id = ? AND holder_id = ?"
    return only(world, sql, tenant.kind, tenant.id, user_id)


def opened(world: World, tenant: Tenant, user_id: str = "") -> tuple[str, str]:
    """Access and refresh token in clear; "" for no refresh token."""
    row = token(world, tenant, user_id)
    keyring, place = world.service.app.keyring, (tenant, holder_of(user_id), row["generation"])
    access = keyring.open(records.access_token_context(*place), Sealed(row["access"]))
    refresh = (
        b"" if row["refresh"] is None else keyring.open(records.refresh_token_context(*place), Sealed(row["refresh"]))
    )
    return access.decode(), refresh.decode()


def live_tokens(world: World, tenant_id: str = NORTH) -> list[str]:
    """The access tokens of a tenant that Slack would take, oldest first."""
    held = sorted(world.slack.state.tokens.values(), key=lambda found: found.serial)
    return [found.value for found in held if found.tenant == tenant_id and not found.dead]


def state_outcomes(world: World) -> list[str]:
    """How the states that were used up ended, in order."""
    return [row["outcome"] for row in world.rows("SELECT outcome FROM oauth_states WHERE used_at IS NOT NULL")]


def unused_states(world: World) -> int:
    """States that can still be used."""
    return len(world.rows("SELECT 1 FROM oauth_states WHERE used_at IS NULL"))
