"""OpenAPI 3.1 of the API, made from the table of its routes: what is checked is what is shown.

Follows spec.openapis.org/oas/v3.1.1 and JSON Schema 2020-12.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

from slackapp.callers import anyone
from slackapp.flows.app import App
from slackapp.host.answers import CODES
from slackapp.host.call import KEY_FORM, HostRoute, answer
from slackapp.host.callers import HostTokenCaller
from slackapp.host.checks.fields import Fields, is_optional
from slackapp.host.checks.roles import is_allowed
from slackapp.host.forms import EVENT_BODY, word_of
from slackapp.host.model import HostRole
from slackapp.host.routes import API, API_ROUTES
from slackapp.host.rows import HostEventKind
from slackapp.model import Actor, Settings
from slackapp.web.request import Request
from slackapp.web.response import Response, json_response

COMMON_CODES = ("BAD_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED", "BUSY")
"""What every request may get."""
_DESCRIPTION = (
    "Connects the workspaces of organizations. Each request carries a host token: a JWT that the host's backend has "
    "signed. Texts of requests are one line, in UTF-8, but those of messages. A body has 16 KiB at most, that of a "
    "message 128 KiB."
)
_OURS = frozenset({"optional", "lines"})
"""Words of our forms that are none of JSON Schema."""
_KEY: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A repeat with the same key and body is answered alike, for a day, and sends nothing.",
    "schema": {"type": "string", "pattern": KEY_FORM},
}


@cache
def _response(public_url: str) -> Response:
    return json_response(200, describe(public_url))


def describe(public_url: str) -> Mapping[str, Any]:
    """Describes the API as it is served at that address."""
    paths: dict[str, dict[str, Any]] = {}
    for route in API_ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "slackapp", "version": "2", "description": _DESCRIPTION},
        "servers": [{"url": public_url}],
        "security": [{"hostToken": []}],
        "paths": paths,
        "webhooks": {str(kind): {"post": _told(kind)} for kind in HostEventKind},
        "components": {"schemas": {"Error": _error()}, "securitySchemes": {"hostToken": bearer}},
    }


def is_host_on(settings: Settings) -> bool:
    """Tells whether the host side is served."""
    return settings.host_keys_file is not None


def show(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows it."""
    return _response(app.settings.public_url)


def codes_of(route: HostRoute) -> tuple[str, ...]:
    """Lists the codes that a route may answer, by their statuses."""
    more = ("INTEGRATION_DISABLED",) if route.stops else ()
    size = ("TOO_LARGE",) if route.body is not None else ()
    return tuple(sorted({*COMMON_CODES, *route.codes, *more, *size}, key=lambda code: (CODES[code], code)))


def roles_of(route: HostRoute) -> tuple[str, ...]:
    """Names who may call a route: roles of members, and the host."""
    return tuple(str(role or "host") for role in (*HostRole, None) if is_allowed(role, route.action))


def _operation(route: HostRoute) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": describe_name(route),
        "summary": route.summary,
        "description": f"For: {', '.join(roles_of(route))}.",
        "parameters": list(_parameters(route)),
        "responses": {str(route.status): _json("Done", _object(route.answer)), **_failures(route)},
    }
    if route.sends:
        operation["parameters"].append(_KEY)
    if route.has_csv:
        operation["responses"][str(route.status)]["content"]["text/csv"] = {"schema": {"type": "string"}}
    if route.body:
        operation["requestBody"] = {"required": True, **_content(_object(route.body))}
    return operation


def _told(kind: HostEventKind) -> dict[str, Any]:
    """Describes what the host is sent when that has happened."""
    summary = f"Tells the host of {kind}, signed as Standard Webhooks has it"
    body = _object({**EVENT_BODY, "type": word_of(kind)})
    return {
        "operationId": f"told_{str(kind).replace('.', '_')}",
        "summary": summary,
        "security": [],
        "requestBody": {"required": True, **_content(body)},
        "responses": {"2XX": {"description": "Taken; anything else is tried again"}},
    }


def describe_name(route: HostRoute) -> str:
    """Names a route by its method and path: `get_slack_integration`."""
    words = re.findall(r"[a-z_]+", route.path.removeprefix("/api/v2"))
    return "_".join((route.method.lower(), *words))


def _parameters(route: HostRoute) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{([a-z_]+)\}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name, form in route.parameters.items():
        schema = {word: value for word, value in _schema(form).items() if word != "default" or value is not None}
        yield {"name": name, "in": "query", "required": False, "schema": schema}


def _failures(route: HostRoute) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in codes_of(route):
        by_status.setdefault(CODES[code], []).append(code)
    reference = {"$ref": "#/components/schemas/Error"}
    return {str(status): _json(", ".join(codes), reference) for status, codes in by_status.items()}


def _error() -> dict[str, Any]:
    fields: dict[str, Any] = {
        "error": {"type": "string"},
        "code": {"type": "string", "enum": list(CODES)},
        "status": {"type": "integer"},
        "field": {"type": "string"},
        "reconnectUrl": {"type": "string"},
        "active": {"type": "boolean"},
    }
    return {"type": "object", "properties": fields, "required": ["error", "code", "status"]}


def _json(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, **_content(schema)}


def _content(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _object(fields: Fields) -> dict[str, Any]:
    """Writes the schema of an object that has these fields and no other."""
    required = [name for name, form in fields.items() if not is_optional(form)]
    properties = {name: _schema(form) for name, form in fields.items()}
    whole = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**whole, "required": required} if required else whole


def _schema(form: Mapping[str, Any]) -> dict[str, Any]:
    told = {word: value for word, value in form.items() if word not in _OURS}
    if "items" in told:
        told["items"] = _schema(told["items"])
    if "properties" in told:
        told |= {**_object(told["properties"]), "type": told["type"]}
    return told


SERVED: tuple[tuple[str, str, Callable[..., Response], Callable[..., Actor]], ...] = (
    *(
        (each.method, each.path, partial(answer, each), HostTokenCaller(each.action, each.single_use, each.uses_later))
        for each in API_ROUTES
    ),
    ("GET", f"{API}/openapi.json", show, anyone),
)
"""Method, path, handler and caller of each route, as `slackapp/routes.py` serves them."""
