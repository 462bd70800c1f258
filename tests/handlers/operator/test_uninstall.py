"""`POST /slack/uninstall`: what the operator is told."""

import pytest

from slackapp.localslack.model import Fault
from tests.support.client import Reply
from tests.support.world import NORTH, World

HEADERS = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx", "Content-Type": "application/json"}

REMOVED = {"id": NORTH, "found": True, "erased": True, "pending": False}


def remove(world: World, tenant_id: str, media_type: str = "application/json") -> Reply:
    body = b'{"id": "%s", "more": 1}' % tenant_id.encode()
    return world.request("POST", "/slack/uninstall", body, {**HEADERS, "Content-Type": media_type})


def test_a_tenant_is_removed_and_slack_is_told(world: World) -> None:
    world.browser().install()
    reply = remove(world, NORTH)
    assert (reply.status, reply.json) == (200, {**REMOVED, "slack": "uninstalled"})
    assert (world.status(), world.slack.installed) == ("", [])
    assert [world.count(table) for table in ("installations", "tokens")] == [0, 0]
    assert world.rows("SELECT 1 FROM data_keys WHERE tenant_id = ?", NORTH) == []


def test_removing_again_says_that_there_is_nothing(world: World) -> None:
    world.browser().install()
    remove(world, NORTH)
    calls = world.calls()
    assert remove(world, NORTH).json == {**REMOVED, "found": False, "slack": "nothing to tell"}
    assert world.calls() == calls


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
def test_the_type_may_have_parameters_and_any_case(world: World, media_type: str) -> None:
    assert remove(world, NORTH, media_type).status == 200


def test_a_slack_that_fails_does_not_keep_the_tokens_here(world: World) -> None:
    world.browser().install()
    world.slack.fault(Fault("*", "html500", times=-1))
    reply = remove(world, NORTH)
    assert reply.json == {**REMOVED, "slack": "not told: server_error"}
    assert world.count("tokens") == 0
