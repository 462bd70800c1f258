"""What a product's list of requirements calls its tests of connecting, by those names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.model import HOST_CALLBACK_PATH
from tests.support.callback_world import live_tokens
from tests.support.client import query_of
from tests.support.connecting import COMPLETE, HOST_URL, ann, eve, led_to, make_host_world, run_upkeep, told
from tests.support.world import NORTH, START, World

FAILED = {"status": "error", "error": "exchange_failed"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path, SLACKAPP_STATE_TTL="900") as made:
        yield made


# Begin


def test_throws_if_exists(world: World) -> None:
    """C169"""
    ann(world).connect()
    with pytest.raises(HostRefused) as found:
        ann(world).begin()
    assert found.value.refusal is HostRefusal.EXISTS


def test_valid_url(world: World) -> None:
    """C170"""
    address = ann(world).begin().authorize_url
    assert address.startswith(f"{world.slack_url}/oauth/v2/authorize?client_id=1000000001.2000000002&")


def test_pending_with_state(world: World) -> None:
    """C171, C181, C183"""
    begun = ann(world).begin()
    (row,) = ann(world).all()
    assert (row["id"], row["status"], len(row["oauth_state"])) == (begun.connection_id, "pending", 32)
    assert query_of(begun.authorize_url)["state"] == begun.state


def test_redirect(world: World) -> None:
    """C167: from the callback to the page of the host, with nothing of Slack's in the address."""
    person = ann(world)
    back = person.come_back(person.approve(person.begin().authorize_url))
    assert (back.status, back.location, back.text) == (302, COMPLETE, "")


def test_15_min_expiry(world: World) -> None:
    """C172, C182"""
    ann(world).begin()
    assert ann(world).all()[0]["oauth_expires_at"] == START + 15 * 60


# Back from Slack


def test_state_valid(world: World) -> None:
    """C173"""
    begun = ann(world).begin()
    assert ann(world).come_back(ann(world).approve(begun.authorize_url)).location == COMPLETE


def test_slack_called_correctly(world: World) -> None:
    """C174: once each, with the redirect address of the host side."""
    ann(world).connect()
    assert world.calls() == ["oauth.v2.access", "users.info", "auth.test"]


def test_stored_in_vault(world: World) -> None:
    """C175, C184, C185, C186: under a name that the connection has, and nowhere in clear."""
    held = ann(world).connect()
    assert held.token_vault_key == f"slack-token-{held.id}"
    on_disk = world.bytes_on_disk()
    assert [token for token in world.slack.issued_tokens if token.encode() in on_disk] == []
    assert world.count("tokens") == 1


def test_active(world: World) -> None:
    """C176, C178"""
    assert (ann(world).connect().status, ann(world).statuses(), eve(world).statuses()) == ("active", ["active"], [])


def test_state_cleared(world: World) -> None:
    """C177"""
    ann(world).connect()
    (row,) = ann(world).all()
    assert (row["oauth_state"], row["oauth_expires_at"], row["oauth_metadata"]) == (None, None, None)


# What may go wrong


def test_invalid_code(world: World) -> None:
    """C202"""
    begun = ann(world).begin()
    reply = world.request("GET", f"{HOST_CALLBACK_PATH}?state={begun.state}&code=made-up")
    assert (told(reply.location), ann(world).statuses()) == (FAILED, ["failed"])


def test_expired_state(world: World) -> None:
    """C191, C203"""
    begun = ann(world).begin()
    world.clock.advance(901)
    reply = world.request("GET", f"{HOST_CALLBACK_PATH}?state={begun.state}&code=c")
    assert (told(reply.location)["error"], world.calls()) == ("invalid_state", [])
    world.clock.advance(1)
    run_upkeep(world)
    assert ann(world).statuses() == ["failed"]


def test_csrf(world: World) -> None:
    """C206: a link that somebody else has begun gives its sender nothing."""
    attacker, victim = eve(world), ann(world)
    victim.come_back(victim.approve(attacker.begin().authorize_url))
    victim.sign_in()
    assert victim.browser.get("/settings/connect").status == 403
    assert (attacker.statuses(), live_tokens(world, NORTH)) == (["failed"], [])


def test_token_exposure(world: World) -> None:
    """C208: no token is in the log, in an answer's address, or on a page."""
    person = ann(world)
    back = person.come_back(person.approve(person.begin().authorize_url))
    person.sign_in()
    page, done = person.browser.get("/settings/connect"), person.press("confirm")
    said = world.log.getvalue() + back.location + page.text + done.text
    assert led_to(done).startswith(HOST_URL)
    assert world.slack.issued_tokens
    assert [token for token in world.slack.issued_tokens if token in said] == []


def test_cross_org(world: World) -> None:
    """C192, C209"""
    held, other = ann(world).connect(), eve(world)
    back = other.come_back(other.approve(other.begin().authorize_url))
    assert told(back.location)["error"] == "workspace_taken"
    with pytest.raises(HostRefused):
        other.begin(reconnect=held.id)
    assert (ann(world).statuses(), other.statuses()) == (["active"], ["failed"])
