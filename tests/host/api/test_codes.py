"""Each code of each route: a way to it, in one world, which is as before when the way is left."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import KeyUnavailableError, StoreBusyError
from slackapp.host.answers import CODES
from slackapp.host.call import HostRoute
from slackapp.host.checks.roles import is_allowed
from slackapp.host.errors import HostRefusal
from slackapp.host.flows import change_connection, switch_host
from slackapp.host.memory import SLACK_PLACES, host_memory
from slackapp.host.model import ConnectionStatus
from slackapp.host.openapi import codes_of
from slackapp.host.routes import API_ROUTES, BULK_BODY
from slackapp.host.rows import ConnectionSettings, StatusReason
from slackapp.host.store import connections
from slackapp.localslack.model import Fault
from slackapp.model import SCHEDULER, Tenant
from slackapp.store import freezes
from tests.support import connecting, personal, posting
from tests.support.connected import ACME
from tests.support.connecting import ann, eve
from tests.support.host_world import ADMIN, MEMBER, OPERATOR, Host, connect, make_host_world, told
from tests.support.world import NORTH, ORG, SOUTH, World

NOBODY = "0" * 24
FULL, ELSEWHERE = "initech", "hooli"
"""Organizations with as many workspaces as they may have, and of another region."""


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    changes = {"SLACKAPP_HOST_APPROVAL": "yes", "SLACKAPP_HOST_USER_SCOPES": personal.SCOPES}
    changes["SLACKAPP_HOST_TOKEN_ORGANIZATIONS"] = ACME
    with make_host_world(tmp_path_factory.mktemp("codes"), **changes) as made:
        connect(made, Host(made))
        for number, tenant in enumerate((SOUTH, ORG), start=2):
            connect(made, Host(made, FULL), tenant, number)
        assert Host(made, FULL).put("organization", {"workspaceLimit": 2}).status == 200
        assert Host(made, ELSEWHERE).put("organization", {"dataRegion": "elsewhere"}).status == 200
        Host(made).put("organization", {"purposes": [{"id": "alerts", "text": "Alerts"}]})
        personal.keep(Host(made), "ann", ADMIN, number=4)
        for number, user in enumerate(("member", "guest"), start=5):
            personal.keep(Host(made, FULL), "ann", ADMIN, SOUTH, user, number=number)
        Host(made).of("gone").get("slack/integration")
        Host(made).post("members/gone/offboard")
        general = made.slack.workspaces[NORTH].general
        assert Host(made).put("slack/templates/gone", {"text": "hello"}).status == 200
        posting.join(made, "general")
        posting.accepted(Host(made), channel=general)
        posting.send_due(made)
        posting.accepted(Host(made), channel=general, internalMessageId="taken")
        yield made


Way = contextlib.AbstractContextManager[dict[str, Any]]
"""What is changed of the request, for as long as the world is changed, too."""


@contextlib.contextmanager
def request_with(**changes: Any) -> Iterator[dict[str, Any]]:
    yield changes


@contextlib.contextmanager
def too_often(world: World) -> Iterator[dict[str, Any]]:
    limiter = host_memory(world.service.app).requests
    while not limiter.admit(ACME, world.clock()):
        pass
    yield {}
    limiter._buckets.clear()


@contextlib.contextmanager
def crowded(world: World) -> Iterator[dict[str, Any]]:
    limit = host_memory(world.service.app).slack_limit
    host_memory(world.service.app).channel_lists._lists.clear()
    with contextlib.ExitStack() as held:
        for _ in range(SLACK_PLACES):
            held.enter_context(limit.acquire(ACME))
        yield {}


@contextlib.contextmanager
def off(world: World) -> Iterator[dict[str, Any]]:
    switch_host.disable(world.service.app, ACME, OPERATOR, world.clock())
    yield {}
    switch_host.enable(world.service.app, ACME, OPERATOR, world.clock())


@contextlib.contextmanager
def inactive(world: World) -> Iterator[dict[str, Any]]:
    move(world, ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD)
    yield {}
    move(world, ConnectionStatus.ACTIVE, None)


def move(world: World, status: ConnectionStatus, reason: StatusReason | None) -> None:
    db = world.service.app.db
    held = (connections.find_held(db, Tenant("T", NORTH)), connections.find(db, ACME, own_id(world)))
    for found in held:
        assert found is not None
        with db.transaction():
            assert change_connection.set_status(db, found.key, status, reason, now=world.clock())


def own_id(world: World) -> str:
    """The id of ann's personal connection."""
    found = world.rows("SELECT id FROM connections WHERE kind = 'personal' AND organization_id = ?", ACME)
    return str(found[0]["id"])


@contextlib.contextmanager
def slack_fails(world: World) -> Iterator[dict[str, Any]]:
    host_memory(world.service.app).channel_lists._lists.clear()
    world.slack.fault(Fault("*", "html500", times=-1))
    yield {}
    world.slack.clear_faults()


def key_away(*arguments: Any) -> Any:
    raise KeyUnavailableError("the key command does not answer")


@contextlib.contextmanager
def frozen(world: World) -> Iterator[dict[str, Any]]:
    host_memory(world.service.app).channel_lists._lists.clear()
    db, tenant = world.service.app.db, Tenant("T", NORTH)
    with db.transaction():
        freezes.add(db, tenant, SCHEDULER, world.clock())
    general = world.slack.workspaces[NORTH].general
    with pytest.MonkeyPatch.context() as patch:  # a message is sealed by the keys that its token has
        patch.setattr(world.service.app.keyring, "seal", key_away)
        yield {"bulk": [{"text": "hello", "channel": general}]}
    with db.transaction():
        freezes.delete(db, tenant)


def not_there(world: World) -> Way:
    return request_with(query=f"?connectionId={NOBODY}", id="~nobody", said={"connectionId": NOBODY})


@contextlib.contextmanager
def not_allowed(world: World) -> Iterator[dict[str, Any]]:
    allow(world, "C0NOTHERE01")
    yield {"body": {"defaultChannel": "C0NOSUCH01"}, "id": "C0NOSUCH01"}
    allow(world)


def allow(world: World, *channels: str) -> None:
    db = world.service.app.db
    found = connections.find_held(db, Tenant("T", NORTH))
    assert found is not None
    with db.transaction():
        settings = ConnectionSettings("ann", "alerts", allowed_channels=channels)
        assert change_connection.configure(db, found, settings, world.clock())


WAYS: dict[str, Callable[[World], Way]] = {
    "BAD_REQUEST": lambda world: request_with(query="?nonsense=1"),
    "UNAUTHENTICATED": lambda world: request_with(headers={"Authorization": "Bearer none"}),
    "FORBIDDEN": lambda world: request_with(member="gone"),
    "NOT_FOUND": not_there,
    "INTEGRATION_NOT_FOUND": lambda world: request_with(organization="globex"),
    "INTEGRATION_INACTIVE": inactive,
    "TOO_LARGE": lambda world: request_with(body={"x": "x" * BULK_BODY}),
    "INVALID_CHANNEL": not_allowed,
    "INVALID_CONTENT": lambda world: request_with(said={"text": " "}),
    "IDEMPOTENCY_CONFLICT": lambda world: request_with(said={"internalMessageId": "taken"}),
    "IDEMPOTENCY_MISMATCH": lambda world: request_with(first={"text": "another"}),
    "RATE_LIMITED": too_often,
    "SLACK_ERROR": slack_fails,
    "INTEGRATION_DISABLED": off,
    "TOKEN_UNAVAILABLE": frozen,
    "BUSY": crowded,
    "INTEGRATION_EXISTS": lambda world: request_with(),
    "WORKSPACE_LIMIT_REACHED": lambda world: request_with(organization=FULL),
    "APPROVAL_REQUIRED": lambda world: request_with(member="meg", role=MEMBER),
    "REGION_MISMATCH": lambda world: request_with(organization=ELSEWHERE),
}
REVIEWED = {
    "reviews": {"dueInDays": 14}, "decisions": {"connectionId": NOBODY, "decision": "attested", "note": "needed"},
}  # fmt: skip
OF_NO_ROUTE = {"METHOD_NOT_ALLOWED", "WORKSPACE_TAKEN"}
"""Codes of what is refused before a route is found, and of what Slack sends a browser back with."""
ALL = [
    (route, code) for route in API_ROUTES for code in codes_of(route)
    if code != "BUSY" or "SLACK_ERROR" in codes_of(route)  # of the others: below
]  # fmt: skip


def ask(world: World, route: HostRoute, changes: dict[str, Any]) -> tuple[int, str]:
    """One request, with everything right but what is changed."""
    general = world.slack.workspaces[NORTH].general
    changed = {"defaultChannel": general} if "connections" in route.path else None
    bodies = {"PATCH": changed, "PUT": {"defaultChannel": general} if "integration" in route.path else {}, "POST": {}}
    body = changes.get("body", bodies.get(route.method))
    if not route.body and body and "x" not in body:
        body = {}
    if body == {}:
        required = {"approvals": {"reason": "x"}, "decision": {"decision": "denied"}, "token": {"purpose": "alerts"}}
        body = {**required, **REVIEWED}.get(route.path.rpartition("/")[2], {})
    named = changes.get("id", general if "channels" in route.path else "gone")
    if "connections" in route.path:
        named = named if named == "~nobody" else own_id(world)
    if "messages" in route.path:
        sent, waiting = (row["id"] for row in world.rows("SELECT id FROM messages ORDER BY number LIMIT 2"))
        found = sent if route.method == "DELETE" else waiting
        named = named if named == "~nobody" else found
    if ("messages" in route.path or "templates" in route.path) and route.body and "x" not in (body or ()):
        said = {name: value for name, value in changes.get("said", {}).items() if name in route.body}
        body = message_body(route, general) | said
        if route.path.endswith("/bulk") and "first" in changes:
            changes = {**changes, "first": {"messages": [{}]}}
        body = body | {"messages": changes["bulk"]} if route.path.endswith("/bulk") and "bulk" in changes else body
    target = route.path.replace("{id}", named) + changes.get("query", "")
    if "connectionId" not in route.parameters and NOBODY in target:
        target = target.partition("?")[0]
    host = Host(world, changes.get("organization", ACME))
    is_own = "connections" in route.path and not route.path.endswith("/token")
    if "member" in changes or is_own or not is_allowed(None, route.action):
        host = host.of(changes.get("member", "ann"), changes.get("role", ADMIN))
    headers = {"Idempotency-Key": f"key-{next(posting.KEYS)}"} if route.sends else {}
    if "first" in changes:
        assert host.call(route.method, target, body | changes["first"], headers).status == route.status
    reply = host.call(route.method, target, body, {**headers, **changes.get("headers", {})})
    if "reconnectUrl" in reply.json:
        assert reply.json["code"] == "INTEGRATION_INACTIVE"
    return told(reply)


def message_body(route: HostRoute, general: str) -> dict[str, Any]:
    if not route.sends and route.method == "POST":
        return {"outcome": "sent"}
    if route.path.endswith("/bulk"):
        return {"messages": []}
    return {"text": "hello", **({"channel": general} if "channel" in (route.body or {}) else {})}


@pytest.mark.parametrize(("route", "code"), ALL, ids=[f"{r.method} {r.path} {code}" for r, code in ALL])
def test_error_statuses(still: World, route: HostRoute, code: str) -> None:
    """C164, C168: each code that a route names is what something gets."""
    with WAYS[code](still) as changes:
        assert ask(still, route, changes)[1] == code


@pytest.mark.parametrize("route", API_ROUTES, ids=[f"{r.method} {r.path}" for r in API_ROUTES])
def test_a_busy_database_is_a_code_too(still: World, route: HostRoute, monkeypatch: pytest.MonkeyPatch) -> None:
    """C205: somebody else holds the database for longer than we wait."""

    def busy(*arguments: Any, **named: Any) -> Any:
        raise StoreBusyError

    for way in ("one", "many", "execute", "transaction"):
        monkeypatch.setattr(still.service.app.db, way, busy)
    assert ask(still, route, {}) == (503, "BUSY")


def test_what_no_route_answers_is_reached_too(tmp_path: Path) -> None:
    with connecting.make_host_world(tmp_path) as world:
        assert told(world.request("PATCH", API_ROUTES[0].path)) == (405, "METHOD_NOT_ALLOWED")
        ann(world).connect()
        late = eve(world)
        back = late.come_back(late.approve(late.begin().authorize_url))
        assert connecting.told(back.location)["error"] == HostRefusal.TAKEN.code.lower() == "workspace_taken"


def test_there_is_a_way_to_every_code() -> None:
    of_routes = {code for route in API_ROUTES for code in codes_of(route)}
    assert set(WAYS) == of_routes
    assert of_routes | OF_NO_ROUTE == CODES.keys()
