"""The line of each request: whom it was about as a hash, never by id, and nothing that came with it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from slackapp.errors import KeyRevokedError, StoreFullError
from slackapp.flows.install import store_grant
from slackapp.localslack.model import Fault
from slackapp.model import Tenant
from tests.support.client import Reply
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import APP_ID, NORTH, ORG, SOUTH, World, make_world, north_tenant

OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx", "Content-Type": "application/json"}
FORM = "application/x-www-form-urlencoded"
USUAL = {"at", "level", "event", "request", "route", "status", "outcome"}


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder) as world:
        world.browser().install()
        world.browser().install(ORG)
        world.work()
        yield snapshot_world(world)


@pytest.fixture
def ready(installed: Prepared) -> World:
    return installed.reset()


def last(world: World) -> dict[str, Any]:
    """The newest line about a request."""
    lines = [json.loads(line) for line in world.log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "request"][-1]


def command(world: World, name: str, **changes: str) -> Reply:
    fields = {"command": name, "api_app_id": APP_ID, "team_id": NORTH, "user_id": "U0SOMEBODY", "text": "c0ntent"}
    fields |= {"channel_id": "C0GENERAL1", "response_url": f"{world.slack_url}/commands/x", **changes}
    return world.post_signed(urlencode(fields).encode(), FORM, "/slack/commands")


def press(world: World, **changes: Any) -> Reply:
    payload = {
        "type": "block_actions",
        "api_app_id": APP_ID,
        "team": {"id": NORTH},
        "user": {"id": "U0SOMEBODY"},
        "actions": [{"action_id": "an_action", "type": "button"}],
        **changes,
    }
    return world.post_signed(urlencode({"payload": json.dumps(payload)}).encode(), FORM, "/slack/interactivity")


def uninstall(world: World) -> Reply:
    return world.request("POST", "/slack/uninstall", b'{"id": "%s"}' % NORTH.encode(), OPERATOR)


ABOUT: dict[str, tuple[Callable[[World], Reply], Tenant, str]] = {
    "an event": (lambda world: world.mention(), north_tenant(), "ok"),
    "an event of an org": (
        lambda world: world.mention(team_id="T0EVERAA01", enterprise_id=ORG), Tenant("E", ORG), "ok",
    ),
    "an event that nobody handles": (lambda world: world.event({"type": "message"}), north_tenant(), "ok"),
    "an uninstall that Slack reports": (lambda world: world.event({"type": "app_uninstalled"}), north_tenant(), "ok"),
    "a command": (lambda world: command(world, "/example"), north_tenant(), "ok"),
    "a command that nobody knows": (lambda world: command(world, "/what"), north_tenant(), "ok"),
    "a button": (press, north_tenant(), "ok"),
    "an install": (lambda world: world.browser().install(SOUTH), Tenant("T", SOUTH), "ok"),
    "an uninstall": (uninstall, north_tenant(), "ok"),
}  # fmt: skip


@pytest.mark.parametrize("what", ABOUT)
def test_the_line_says_whom_the_request_was_about_as_a_hash(ready: World, what: str) -> None:
    """I read your log, and want to know who your customers are and what they say."""
    act, tenant, outcome = ABOUT[what]
    act(ready)
    line = last(ready)
    assert set(line) == {*USUAL, "tenant"}
    assert (line["tenant"], line["outcome"]) == (ready.service.app.keyring.label(tenant), outcome)
    for text in (NORTH, SOUTH, ORG, "T0EVERAA01", "U0SOMEBODY", "C0GENERAL1", "c0ntent", "hello", "Northwind"):
        assert text not in ready.log.getvalue()


NOBODY: dict[str, Callable[[World], Reply]] = {
    "a page": lambda world: world.request("GET", "/"),
    "an install that begins": lambda world: world.request("GET", f"/slack/install?team={NORTH}"),
    "an event of a tenant that is not there": lambda world: world.mention(team_id=SOUTH),
    "an event of another app": lambda world: world.mention(api_app_id="A0ANOTHER1"),
    "an event that nobody signed": lambda world: world.request("POST", "/slack/events", b'{"team_id": "T0NORTH001"}'),
    "a command there": lambda world: command(world, "/example", team_id=SOUTH),
    "a button there": lambda world: press(world, team={"id": SOUTH}),
}


@pytest.mark.parametrize("what", NOBODY)
def test_whom_nobody_has_proved_is_not_in_the_line(ready: World, what: str) -> None:
    NOBODY[what](ready)
    assert set(last(ready)) == USUAL


def test_a_refusal_says_whom_it_was_about_where_that_was_known(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    label = ready.service.app.keyring.label(north_tenant())

    def refuse(*_: object, **__: object) -> None:
        raise KeyRevokedError

    with monkeypatch.context() as patch:
        patch.setattr(ready.service.app.keyring, "seal", refuse)
        ready.mention("EvOne")
    assert (last(ready)["outcome"], last(ready)["tenant"]) == ("key_revoked", label)
    for act in (lambda: ready.mention("EvTwo"), lambda: command(ready, "/example")):
        act()
        assert (last(ready)["outcome"], last(ready)["tenant"]) == ("key_revoked", label), "it is suspended now"


def test_an_install_that_fails_after_the_exchange_says_whose_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_world(tmp_path, SLACKAPP_ALLOWED_TEAMS=SOUTH) as world:
        keyring = world.service.app.keyring
        world.browser().install(NORTH)
        assert (last(world)["outcome"], last(world)["tenant"]) == ("team_not_allowed", keyring.label(north_tenant()))
        monkeypatch.setattr(store_grant, "run", full)
        world.browser().install(SOUTH)
        assert (last(world)["outcome"], last(world)["tenant"]) == ("not_stored", keyring.label(Tenant("T", SOUTH)))
        world.slack.fault(Fault("oauth.v2.access", "error", error="invalid_code"))
        world.browser().install(SOUTH)
        assert last(world)["outcome"] == "exchange"
        assert "tenant" not in last(world)


def full(*_: object, **__: object) -> None:
    raise StoreFullError("the database cannot be written")
