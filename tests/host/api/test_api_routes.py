"""Every route of the API: who may call it, what stops it, and that Slack hears nothing before that has passed."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slackapp.host.answers import CODES
from slackapp.host.call import HostRoute
from slackapp.host.checks.fields import MAX_BODY
from slackapp.host.checks.roles import is_allowed
from slackapp.host.errors import HostRefusal
from slackapp.host.flows import switch_host
from slackapp.host.openapi import codes_of
from slackapp.host.routes import API_ROUTES
from tests.support import personal, posting
from tests.support.client import Reply
from tests.support.connected import ACME
from tests.support.host_world import (
    ADMIN,
    AUDITOR,
    MEMBER,
    OPERATOR,
    OWNER,
    Host,
    connect,
    make_host_world,
    told,
)
from tests.support.world import NORTH, World, make_world

CALLERS: dict[str, tuple[str | None, Any]] = {
    "host": (None, None), "owner": ("olga", OWNER), "admin": ("ada", ADMIN), "member": ("meg", MEMBER),
    "auditor": ("aud", AUDITOR),
}  # fmt: skip
SURFACE = {
    # route: who may call it, and whether the switch stops it
    "POST /api/v2/slack/auth": ("owner admin member", True),
    "POST /api/v2/slack/auth/init": ("owner admin member", True),
    "POST /api/v2/slack/sessions": ("host", False),
    "GET /api/v2/slack/integration": ("host owner admin member auditor", False),
    "PUT /api/v2/slack/integration": ("host owner admin", True),
    "DELETE /api/v2/slack/integration": ("host owner admin", False),
    "POST /api/v2/slack/integration/test": ("host owner admin member", True),
    "GET /api/v2/slack/integrations": ("host owner admin member auditor", False),
    "GET /api/v2/slack/connections": ("host owner admin member auditor", False),
    "POST /api/v2/slack/connections": ("owner admin member", True),
    "GET /api/v2/slack/connections/{id}": ("host owner admin member auditor", False),
    "PATCH /api/v2/slack/connections/{id}": ("host owner admin member", True),
    "DELETE /api/v2/slack/connections/{id}": ("host owner admin member", False),
    "POST /api/v2/slack/connections/{id}/token": ("host", True),
    "GET /api/v2/slack/channels": ("host owner admin member", True),
    "POST /api/v2/slack/channels/{id}/join": ("host owner admin", True),
    "GET /api/v2/slack/approvals": ("host owner admin member auditor", False),
    "POST /api/v2/slack/approvals": ("owner admin member", True),
    "POST /api/v2/slack/approvals/{id}/decision": ("owner admin", False),
    "GET /api/v2/slack/reviews": ("host owner admin auditor", False),
    "POST /api/v2/slack/reviews": ("host owner admin", False),
    "GET /api/v2/slack/reviews/{id}": ("host owner admin auditor", False),
    "POST /api/v2/slack/reviews/{id}/decisions": ("owner admin", False),
    "POST /api/v2/slack/reviews/{id}/close": ("host owner admin", False),
    "POST /api/v2/slack/freeze": ("host owner", False),
    "DELETE /api/v2/slack/freeze": ("host owner", False),
    "POST /api/v2/slack/messages": ("host owner admin member", True),
    "POST /api/v2/slack/messages/bulk": ("host owner admin member", True),
    "POST /api/v2/slack/messages/{id}/settlement": ("host owner admin member", True),
    "PATCH /api/v2/slack/messages/{id}": ("host owner admin member", True),
    "DELETE /api/v2/slack/messages/{id}": ("host owner admin member", False),
    "GET /api/v2/slack/messages": ("host owner admin member auditor", False),
    "GET /api/v2/slack/messages/{id}": ("host owner admin member auditor", False),
    "POST /api/v2/slack/messages/{id}/replies": ("host owner admin member", True),
    "GET /api/v2/slack/messages/{id}/replies": ("host owner admin member auditor", False),
    "GET /api/v2/slack/analytics": ("host owner admin auditor", False),
    "GET /api/v2/slack/templates": ("host owner admin member", False),
    "GET /api/v2/slack/templates/{id}": ("host owner admin member", False),
    "PUT /api/v2/slack/templates/{id}": ("host owner admin", True),
    "DELETE /api/v2/slack/templates/{id}": ("host owner admin", False),
    "GET /api/v2/slack/inventory": ("host owner admin auditor", False),
    "GET /api/v2/slack/token-use": ("host owner admin auditor", False),
    "GET /api/v2/organization": ("host", False),
    "PUT /api/v2/organization": ("host", False),
    "DELETE /api/v2/organization": ("host", False),
    "POST /api/v2/members/{id}/offboard": ("host owner", False),
    "POST /api/v2/members/{id}/reinstate": ("host owner", False),
    "GET /api/v2/shadow-installations": ("host", False),
    "GET /api/v2/events": ("host", False),
}
GONE = (
    "DELETE /api/v2/slack/integration", "DELETE /api/v2/slack/messages/{id}",
    "POST /api/v2/slack/messages/{id}/settlement", "DELETE /api/v2/slack/templates/{id}",
    "DELETE /api/v2/slack/connections/{id}",
)  # fmt: skip
"""What is asked for where nothing is there to be ended or settled."""
OWN = "PATCH /api/v2/slack/connections/{id}"
"""For whoever it is of, alone."""
IDS = {f"{each.method} {each.path}": each for each in API_ROUTES}


def target_of(route: HostRoute, world: World) -> str:
    """An address of the route at which something is there."""
    shown = world.slack.workspaces[NORTH].general if "channels" in route.path else "ann"
    if "messages" in route.path:
        shown = world.rows("SELECT id FROM messages ORDER BY number")[0]["id"]
    if "connections" in route.path:
        shown = world.rows("SELECT id FROM connections WHERE kind = 'personal' AND status = 'active'")[0]["id"]
    return route.path.replace("{id}", shown)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One connected world for the tests here, which leave it as it was."""
    changes = {"SLACKAPP_HOST_RATE_PER_MINUTE": "6000", "SLACKAPP_HOST_APPROVAL": "yes"}
    changes |= {"SLACKAPP_HOST_USER_SCOPES": personal.SCOPES, "SLACKAPP_HOST_TOKEN_ORGANIZATIONS": ACME}
    with make_host_world(tmp_path_factory.mktemp("routes"), **changes) as made:
        connect(made, Host(made))
        alerts = [{"id": "alerts", "text": "Alerts"}]
        Host(made).put("organization", {"workspaceLimit": 9, "purposes": alerts})
        assert Host(made).put("slack/templates/ann", {"text": "hello"}).status == 200
        personal.keep(Host(made), "meg", MEMBER, number=2)
        for member, role in CALLERS.values():
            Host(made).of(member, role).get("slack/integration")
        posting.accepted(Host(made).of("meg", MEMBER), channel=made.slack.workspaces[NORTH].general)
        yield made


REQUIRED: dict[str, dict[str, Any]] = {
    "sessions": {"memberId": "ann", "role": "admin"}, "approvals": {"reason": "for alerts"},
    "decision": {"decision": "denied"}, "reviews": {"dueInDays": 14},
    "decisions": {"connectionId": "none", "decision": "attested", "note": "needed"},
}  # fmt: skip
"""By the end of a path: the fields of a body that must be there."""


def body_of(route: HostRoute, world: World) -> dict[str, Any]:
    """A body with which the route is gone through."""
    if route.path.endswith("/settlement"):
        return {"outcome": "sent"}
    if route.path.endswith("/bulk"):
        return {"messages": []}
    if "connections" in route.path:
        return {"purpose": "alerts"} if route.path.endswith("/token") else {}
    if route.sends or route.method == "PATCH" or "templates" in route.path:
        general = {"channel": world.slack.workspaces[NORTH].general} if "channel" in (route.body or {}) else {}
        return {"text": "hello", **general}
    return REQUIRED.get(route.path.rpartition("/")[2], {})


def host_of(world: World, name: str) -> Host:
    """The host itself, or a member of it where that must be a member's own word."""
    if name == OWN:
        return Host(world).of("meg", MEMBER)
    return Host(world) if is_allowed(None, IDS[name].action) else Host(world).of()


def ask(world: World, route: HostRoute, host: Host, target: str = "", body: Any = None) -> Reply:
    given = body_of(route, world) if body is None and route.body is not None else body
    if (route.method == "DELETE" or "freeze" in route.path) and is_allowed(host.role, route.action):
        host = replace(host, organization="doomed")  # the one that the other tests are about stays
    if "/reviews" in route.path and is_allowed(host.role, route.action):
        host = replace(host, organization="reviewed")
        target = target or route.path.replace("{id}", review_of(host, is_open="{id}" in route.path))
    headers = {"Idempotency-Key": f"key-{next(posting.KEYS)}"} if route.sends else {}
    return host.call(route.method, target or target_of(route, world), given, headers)


def review_of(host: Host, is_open: bool) -> str:
    """The id of a review of that organization, which holds nothing; it is open, or there is none that is."""
    itself = host.of(None, None)
    listed = [each for each in itself.get("slack/reviews").json["reviews"] if each["closedAt"] is None]
    if is_open and not listed:
        listed = [itself.post("slack/reviews", {"dueInDays": 14}).json]
    elif listed and not is_open:
        itself.post(f"slack/reviews/{listed[0]['id']}/close")
    return str(listed[0]["id"]) if listed else ""


def assert_is_done(name: str, reply: Reply) -> None:
    """Fails where the route was not gone through to its end; what is to be ended is elsewhere."""
    if name == "DELETE /api/v2/slack/integration":
        assert told(reply) == (404, "INTEGRATION_NOT_FOUND")
    elif "settlement" in name:
        assert told(reply) == (400, "BAD_REQUEST"), "it is not unclear: tests/host/messages/test_settle.py"
    elif "decision" in name or (name in GONE and "{id}" in name):
        assert told(reply) == (404, "NOT_FOUND")
    else:
        assert reply.status == IDS[name].status, reply.text


def test_route_registration() -> None:
    """C159: each route, who may call it, and what the switch stops, stands in this list, and no other."""
    found = {}
    for name, route in IDS.items():
        who = [caller for caller, (_, role) in CALLERS.items() if is_allowed(role, route.action)]
        found[name] = (" ".join(who), route.stops)
    assert found == SURFACE


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.claim("C-142")
def test_authorization(still: World, name: str, caller: str) -> None:
    """C207, C160: I call each route in each role; Slack hears of it only where I may."""
    member, role = CALLERS[caller]
    calls, before = still.calls(), still.snapshot()
    reply = ask(still, IDS[name], Host(still).of(member, role))
    if caller == "member" and ("auth" in name or name == "POST /api/v2/slack/connections"):
        assert told(reply) == (409, "APPROVAL_REQUIRED"), "nobody has approved it: tests/host/api/test_approvals.py"
    elif caller in SURFACE[name][0].split() and (name != OWN or caller == "member"):
        assert_is_done(name, reply)
    else:
        assert told(reply) == (403, "FORBIDDEN")
        assert (still.calls(), still.snapshot()) == (calls, before)
    if "offboard" in name:
        Host(still).post("members/ann/reinstate")


@pytest.mark.parametrize("name", IDS)
def test_auth_context_extracted(still: World, name: str) -> None:
    """C162: without a token, and with one for nobody, nothing is answered but that."""
    route = IDS[name]
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eA=="}):
        reply = still.request(route.method, target_of(route, still), headers=headers)
        assert told(reply) == (401, "UNAUTHENTICATED")
        assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", IDS)
@pytest.mark.claim("C-183")
def test_off_stops_what_begins_and_nothing_else(still: World, name: str) -> None:
    """I go on while the operator has switched us off."""
    route, app = IDS[name], still.service.app
    switch_host.disable(app, ACME, OPERATOR, still.clock())
    try:
        calls = still.calls()
        host = host_of(still, name)
        reply = ask(still, route, host)
        if route.stops:
            assert told(reply) == (503, "INTEGRATION_DISABLED")
            bad = host.call(route.method, target_of(route, still) + "?x=1")
            assert told(bad) == (503, "INTEGRATION_DISABLED"), "the switch is asked before anything is read"
            assert still.calls() == calls
        else:
            assert_is_done(name, reply)
    finally:
        switch_host.enable(app, ACME, OPERATOR, still.clock())
        Host(still).post("members/ann/reinstate")


ODD = [b"[]", b"{", b'"x"', b"null", b'{"x":1}', b'{"a":1,"a":2}', b"\xff", b"x" * (MAX_BODY + 1), b'{"x":NaN}']


@pytest.mark.parametrize("name", IDS)
@pytest.mark.claim("C-180")
def test_parameters_validated(still: World, name: str) -> None:
    """C161, C165: a body or a parameter that a route does not take is refused, and Slack hears nothing of it."""
    route, calls = IDS[name], still.calls()
    target = target_of(route, still)
    host = host_of(still, name)
    for query in ("x=1", "limit=0", "limit=x", "cursor=", "cursor=a&cursor=b", "connectionId=%2F", "teamId=x", "%ff"):
        reply = ask(still, route, host, f"{target}?{query}")
        assert told(reply) == (400, "BAD_REQUEST"), query
        assert set(reply.json) <= {"error", "code", "status", "field"}
    for body in ODD:
        headers = {"Authorization": f"Bearer {host.token()}", "Content-Type": "application/json"}
        reply = still.request(route.method, target, body, headers)
        assert told(reply) in ((400, "BAD_REQUEST"), (413, "TOO_LARGE")), body[:20]
    if route.body is not None:
        for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
            headers = {"Authorization": f"Bearer {host.token()}", "Content-Type": media_type}
            assert told(still.request(route.method, target, b"{}", headers)) == (400, "BAD_REQUEST")
    assert still.calls() == calls


@pytest.mark.parametrize("name", [name for name, route in IDS.items() if route.body])
def test_a_wrong_value_is_refused_by_the_name_of_its_field(still: World, name: str) -> None:
    route = IDS[name]
    host = host_of(still, name)
    login = body_of(route, still)
    for field, form in (route.body or {}).items():
        if "lines" in form or field in ("blocks", "messages"):
            continue  # tests/host/checks/test_message_content.py
        for value in ({}, [{}], 1.5, "\x00", "x" * 300, -1, True):
            is_right = isinstance(value, {"object": dict, "boolean": bool}.get(str(form["type"]), type(None)))
            if is_right:
                continue
            reply = ask(still, route, host, body={**login, field: value})
            assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), field), value


@pytest.mark.parametrize("name", [
    name for name in IDS if name not in GONE and "decision" not in name
])  # fmt: skip
def test_what_is_answered_is_what_the_route_says(still: World, name: str) -> None:
    """The fields of each answer, to the last one, as `openapi.json` has them."""
    route = IDS[name]
    reply = ask(still, route, host_of(still, name))
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert_has(route.answer, reply.json)
    Host(still).post("members/ann/reinstate")


def assert_has(fields: Any, value: Any) -> None:
    """Fails for a field too many or too few, or of another type, however deep."""
    assert set(value) == set(fields)
    types: dict[str, type] = {
        "string": str,
        "integer": int,
        "boolean": bool,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    types["number"] = float
    for name, form in fields.items():
        named = form["type"] if isinstance(form["type"], list) else [form["type"]]
        assert isinstance(value[name], tuple(types[each] for each in named)), name
        if "enum" in form:
            assert value[name] in form["enum"]
        if isinstance(value[name], dict):
            assert_has(form["properties"], value[name])
        for each in value[name] if isinstance(value[name], list) else ():
            if form["items"]["type"] == "object":
                assert_has(form["items"]["properties"], each)


# Codes


def test_codes_are_closed_and_each_has_one_status() -> None:
    assert {(each.code, each.status) for each in HostRefusal} <= set(CODES.items())
    for route in API_ROUTES:
        assert set(codes_of(route)) <= set(CODES)


def test_a_field_is_named_and_no_value_is_repeated(still: World) -> None:
    canary = "c4naryInTheRequest"
    for body in ({"ownerId": f"{canary} x"}, {"purpose": canary}, {"defaultChannel": canary}):
        reply = Host(still).put("slack/integration", body)
        assert (reply.status, canary in reply.text, canary in json.dumps(reply.headers)) == (400, False, False)
        assert reply.json["field"] in body
    assert canary not in still.log.getvalue()


# The whole table


def test_off_no_path_is_there(tmp_path: Path) -> None:
    with make_world(tmp_path) as world:
        for route in API_ROUTES:
            target = re.sub(r"\{[a-z]+\}", "x", route.path)
            assert world.request(route.method, target, headers={"Authorization": "Bearer x"}).status == 404
        assert world.request("GET", "/api/v2/openapi.json").status == 404


def test_the_rate_of_an_organization_is_its_own(tmp_path: Path) -> None:
    """C95: one that asks too often waits, and the others do not."""
    with make_host_world(tmp_path, SLACKAPP_HOST_RATE_PER_MINUTE="3") as world:
        host = Host(world)
        assert [host.get("slack/integration").status for _ in range(4)] == [200, 200, 200, 429]
        reply = host.of().post("slack/integration/test")
        assert (told(reply), reply.headers["retry-after"]) == ((429, "RATE_LIMITED"), "20")
        assert Host(world, "globex").get("slack/integration").status == 200
        world.clock.advance(20)
        assert host.get("slack/integration").status == 200
