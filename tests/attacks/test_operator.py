"""What is the operator's is nobody else's."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.callback_world import assert_silent, nothing_happens, outcome
from tests.support.client import Reply
from tests.support.world import NORTH, World, make_world

TOKEN = "an-operator-token-of-forty-characters-xx"
PATHS = (("GET", "/metrics"), ("POST", "/slack/uninstall"))

WRONG = {
    "nothing": "",
    "no scheme": TOKEN,
    "lower case": f"bearer {TOKEN}",
    "upper case": f"BEARER {TOKEN}",
    "two spaces": f"Bearer  {TOKEN}",
    "a tab": f"Bearer\t{TOKEN}",
    "a space after it": f"Bearer {TOKEN} ",
    "a space before it": f" Bearer {TOKEN}",
    "another scheme": f"Basic {TOKEN}",
    "no token": "Bearer ",
    "the scheme alone": "Bearer",
    "a shorter one": f"Bearer {TOKEN[:-1]}",
    "a longer one": f"Bearer {TOKEN}x",
    "another case": f"Bearer {TOKEN.upper()}",
    "its hash": f"Bearer {hashlib.sha256(TOKEN.encode()).hexdigest()}",
    "two of them": f"Bearer {TOKEN}, Bearer {TOKEN}",
    "a NUL after it": f"Bearer {TOKEN}\x00",
    "quotes": f'Bearer "{TOKEN}"',
    "not ASCII": f"Bearer {TOKEN[:-1]}\xff",
    "very long": "Bearer " + "x" * 10_000,
}


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world, with one installation, for all tests here that change nothing in it."""
    with make_world(tmp_path_factory.mktemp("still")) as made:
        made.browser().install()
        yield made


def ask(world: World, method: str, path: str, authorization: str, query: str = "", body: bytes = b"") -> Reply:
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    return world.request(method, path + query, body, headers)


@pytest.mark.parametrize("authorization", WRONG.values(), ids=WRONG)
@pytest.mark.claim("C-73")
def test_nobody_without_the_token_is_the_operator(still: World, authorization: str) -> None:
    """I guess, and send what is almost the token."""
    for method, path in PATHS:
        with nothing_happens(still):
            reply = ask(still, method, path, authorization, body=b'{"id": "%s"}' % NORTH.encode())
        assert (reply.status, outcome(still)) == (401, "operator")
        assert (reply.headers["www-authenticate"], reply.body) == ("Bearer", b'{"error":"not_operator"}')
    if len(authorization) > 10:
        assert_silent(still, reply, authorization)
    assert still.status() == "active"


def test_the_operator_token_is_accepted_for_uninstall_and_metrics(world: World) -> None:
    """I have the token: the control."""
    assert ask(world, "GET", "/metrics", f"Bearer {TOKEN}").status == 200
    assert ask(world, "POST", "/slack/uninstall", f"Bearer {TOKEN}", body=b'{"id": "T0NORTH001"}').status == 200


@pytest.mark.parametrize("name", ["token", "access_token", "bearer", "Token", "ACCESS_TOKEN"])
@pytest.mark.parametrize("authorization", ["", f"Bearer {TOKEN}"])
def test_a_token_in_the_address_is_refused_even_when_it_is_right(still: World, name: str, authorization: str) -> None:
    """I hope that it is taken from the address, which I can read in a log."""
    for method, path in PATHS:
        for query in (f"?{name}={TOKEN}", f"?a=b&{name}={TOKEN}", f"?{name}"):
            with nothing_happens(still):
                reply = ask(still, method, path, authorization, query)
            assert (reply.status, outcome(still)) == (400, "token_in_query")
            assert_silent(still, reply, TOKEN)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer None", "Bearer x", f"Bearer {TOKEN}"])
def test_without_a_configured_token_nobody_is_the_operator(tmp_path: Path, authorization: str) -> None:
    """I try my luck where the operator has not set one."""
    with make_world(tmp_path, SLACKAPP_OPERATOR_TOKEN_FILE="") as world:
        for method, path in PATHS:
            with nothing_happens(world):
                assert ask(world, method, path, authorization).status == 401


def test_slacks_signature_is_refused_on_operator_routes(still: World) -> None:
    """I am able to have Slack send a request, and aim it at another address."""
    with nothing_happens(still):
        assert still.post_signed(b'{"id": "T0NORTH001"}', path="/slack/uninstall").status == 401


def test_the_operators_token_is_refused_on_slacks_routes(still: World) -> None:
    """I found the operator's token and send events with it."""
    with nothing_happens(still):
        assert ask(still, "POST", "/slack/events", f"Bearer {TOKEN}", body=b"{}").status == 401


UNUSABLE: dict[str, tuple[bytes, str, str]] = {
    "no body": (b"", "application/json", "json"),
    "no JSON": (b"id=T0NORTH001", "application/json", "json"),
    "another type": (b'{"id": "T0NORTH001"}', "text/plain", "media_type"),
    "a form": (b"id=T0NORTH001", "application/x-www-form-urlencoded", "media_type"),
    "no type": (b'{"id": "T0NORTH001"}', "", "media_type"),
    "a list": (b'["T0NORTH001"]', "application/json", "json"),
    "a text": (b'"T0NORTH001"', "application/json", "json"),
    "no id": (b"{}", "application/json", "json"),
    "a null": (b'{"id": null}', "application/json", "json"),
    "a number": (b'{"id": 1}', "application/json", "json"),
    "a list of ids": (b'{"id": ["T0NORTH001"]}', "application/json", "json"),
    "a person": (b'{"id": "U0NORTH001ADM"}', "application/json", "json"),
    "lower case": (b'{"id": "t0north001"}', "application/json", "json"),
    "a wildcard": (b'{"id": "%"}', "application/json", "json"),
    "SQL": (b"{\"id\": \"T0' OR '1'='1\"}", "application/json", "json"),
    "a line break": (b'{"id": "T0NORTH001\\n"}', "application/json", "json"),
    "twice": (b'{"id": "T0SOUTH001", "id": "T0NORTH001"}', "application/json", "json"),
    "another encoding": ('{"id": "T0NORTH001"}'.encode("utf-16"), "application/json", "json"),
    "deep": (b'{"id":' + b"[" * 100_000, "application/json", "json"),
}


@pytest.mark.parametrize("case", UNUSABLE.values(), ids=UNUSABLE)
def test_an_uninstall_that_names_no_tenant_removes_none(still: World, case: tuple[bytes, str, str]) -> None:
    """I have the token, and try to remove more than I name."""
    body, media_type, refusal = case
    headers: dict[str, Any] = {"Authorization": f"Bearer {TOKEN}", "Content-Type": media_type}
    with nothing_happens(still):
        reply = still.request("POST", "/slack/uninstall", body, headers)
    assert (reply.status, outcome(still)) == (415 if refusal == "media_type" else 400, refusal)
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


def test_the_uninstall_of_one_tenant_leaves_the_others(world: World) -> None:
    """I have the token, and remove my competitor by removing myself."""
    for target in ("T0NORTH001", "E0EVERGRN1", "T0EVERAA01"):
        world.browser().install(target)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    reply = world.request("POST", "/slack/uninstall", b'{"id": "E0EVERGRN1"}', headers)
    assert (reply.json["id"], reply.json["erased"]) == ("E0EVERGRN1", True)
    assert [world.status(tenant) for tenant in ("T0NORTH001", "E0EVERGRN1", "T0EVERAA01")] == ["active", "", "active"]
