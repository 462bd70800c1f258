"""Routes that show who called: one for each action of the host side, and those where a token works once."""

import json
from collections.abc import Mapping
from typing import Any

from slackapp.flows.app import App
from slackapp.host.answers import refusal_api
from slackapp.host.callers import HostTokenCaller
from slackapp.host.checks.roles import HostAction
from slackapp.host.flows.switch_host import require_enabled
from slackapp.host.model import HostCaller
from slackapp.routes import Route
from slackapp.web.request import Request
from slackapp.web.response import Response, json_response
from slackapp.wsgi import Wsgi
from tests.host.keys import sign
from tests.support.client import Reply
from tests.support.world import World

OPENING = "/once"


def show(app: App, request: Request, caller: HostCaller, now: int) -> Response:
    """Who called."""
    told = {"organization": caller.organization, "member": caller.id, "role": caller.role, "key": caller.key_id}
    return json_response(200, {**told, "kind": caller.kind})


def begin(app: App, request: Request, caller: HostCaller, now: int) -> Response:
    """What is off when the switch is."""
    require_enabled(app, caller)
    return show(app, request, caller, now)


PROBES = (
    *(Route("GET", f"/{each}", show, HostTokenCaller(each), answers=refusal_api) for each in HostAction),
    Route("POST", OPENING, show, HostTokenCaller(HostAction.READ, single_use=True), answers=refusal_api),
    Route("POST", "/begin", begin, HostTokenCaller(HostAction.READ), answers=refusal_api),
)


def with_probes(world: World) -> World:
    """The world, serving these routes and no other."""
    world.service.wsgi = Wsgi(world.service.app, PROBES)
    return world


def claims(world: World, member: str | None = "ann", role: str | None = "admin", **changes: Any) -> dict[str, Any]:
    """What a token of this moment says, for a member or, without one, for the host itself."""
    now = world.clock.now
    said = {"aud": world.settings.public_url, "iat": now, "exp": now + 300, "jti": f"j{next(_NUMBERS)}", "org": "acme"}
    whose = {} if member is None else {"sub": member, "role": role}
    return {**said, **whose, **changes}


_NUMBERS = iter(range(10**9))


def ask(world: World, target: str, said: Mapping[str, Any], **headers: str) -> Reply:
    """A request with a token that says this."""
    return send(world, target, sign(dict(said)), **headers)


def send(world: World, target: str, token: str, **headers: str) -> Reply:
    """A request with that token."""
    method = "POST" if target.partition("?")[0] in (OPENING, "/begin") else "GET"
    return world.request(method, target, headers={"Authorization": f"Bearer {token}", **headers})


def told(reply: Reply) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal, whose body has these and a sentence."""
    body = json.loads(reply.body)
    assert body["status"] == reply.status
    assert body.keys() - {"field"} == {"error", "code", "status"}
    return reply.status, body["code"], body.get("field")
