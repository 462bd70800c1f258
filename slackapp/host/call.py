"""Call of a route of the API: who calls, what was checked, and where a list goes on.

A cursor is of this organization and this list.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from slackapp.flows.app import App
from slackapp.host.checks.cursor import read_cursor, write_cursor
from slackapp.host.checks.fields import MAX_BODY, Fields, read_body, read_parameters
from slackapp.host.checks.media_type import asks_for_csv, is_media_type
from slackapp.host.checks.roles import HostAction
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import switch_host
from slackapp.host.model import HostCaller
from slackapp.web.request import JSON, Request
from slackapp.web.response import Headers, Response, json_response

Answer = Mapping[str, object]
"""Fields of an answer, as the route's documentation shows them."""


class HostCall(NamedTuple):
    """Call whose role, switch, parameters and body have passed.

    `id` is what stands in the path, or ""; `address` is the client's. `route` is the method and path of the route, and
    `key` the Idempotency-Key of one that sends something. `wants_csv`: a table is asked for as CSV.
    """

    caller: HostCaller
    id: str
    address: str
    parameters: Mapping[str, Any]
    body: Mapping[str, Any]
    route: str = ""
    key: str = ""
    wants_csv: bool = False


Handler = Callable[[App, HostCall, int], Answer | Response]
"""Gives the fields of an answer, or their JSON where that is kept."""


NOTHING: Fields = {}
KEY_FORM = "^[A-Za-z0-9_.:-]{1,128}$"
"""Form of an Idempotency-Key."""


class HostRoute(NamedTuple):
    """Route of the API: for which action of a role, and whether the switch stops it.

    `parameters` are those of the address, `body` the fields of a JSON body, or None where there is none. `codes` are
    those besides what any request may get. `single_use`: a host token works there one time. `uses_later`: the handler
    uses it up, in the commit of what is begun. `sends`: it needs an
    Idempotency-Key. `has_csv`: it answers with CSV, too.
    """

    method: str
    path: str
    handler: Handler
    action: HostAction
    summary: str
    answer: Fields
    stops: bool = False
    single_use: bool = False
    uses_later: bool = False
    parameters: Fields = NOTHING
    body: Fields | None = None
    codes: tuple[str, ...] = ()
    status: int = 200
    sends: bool = False
    max_body: int = MAX_BODY
    has_csv: bool = False


def read_position(app: App, call: HostCall, name: str) -> str | None:
    """Reads the position behind which a list goes on; None at its beginning. Raises HostRefused."""
    claimed = call.parameters["cursor"]
    if claimed is None:
        return None
    find_key = app.keyring.state_key_by_id
    return read_cursor(claimed, find_key, organization=call.caller.organization, name=name)


def make_cursor(app: App, call: HostCall, name: str, position: str) -> str:
    """Makes the cursor of what stands behind a position."""
    key_id, key = app.keyring.state_key()
    return write_cursor(key_id, key, organization=call.caller.organization, name=name, position=position)


def make_link(app: App, call: HostCall, cursor: str | None) -> Headers:
    """Makes the header that names the next page of a table; none behind the last one."""
    if cursor is None:
        return ()
    given = {name: value for name, value in call.parameters.items() if value is not None}
    path = call.route.partition(" ")[2]
    return (("Link", f'<{app.settings.public_url}{path}?{urlencode({**given, "cursor": cursor})}>; rel="next"'),)


def answer(route: HostRoute, app: App, request: Request, caller: HostCaller, now: int) -> Response:
    """Answers a call of a route. Raises Refused."""
    # 1. the role may do it: `callers.py`
    # 2. it is not switched off
    # claim: C-183
    if route.stops:
        switch_host.require_enabled(app, caller)
    # 3. the parameters and the body are those of the route
    parameters, body = read_parameters(request.raw_query, route.parameters), _read_body(route, request)
    # 4. do it
    path_id = request.path_values.get("id", "")
    whose = {"route": f"{route.method} {request.path}", "key": _read_key(route, request)}
    wants_csv = route.has_csv and asks_for_csv(request.header("accept"))
    call = HostCall(caller, path_id, request.address, parameters=parameters, body=body, wants_csv=wants_csv, **whose)
    told = route.handler(app, call, now)
    return told if isinstance(told, Response) else json_response(route.status, told)


def _read_key(route: HostRoute, request: Request) -> str:
    """Reads the key under which something is sent once. Raises HostRefused."""
    key = request.header("idempotency-key")
    # claim: C-257
    if route.sends and not re.fullmatch(KEY_FORM, key):
        raise HostRefused(HostRefusal.KEY_MISSING, field="Idempotency-Key")
    return key


def _read_body(route: HostRoute, request: Request) -> Mapping[str, object]:
    """Reads the body; one that is empty says nothing, where nothing must be said."""
    if route.body is None:
        if request.raw_body:
            raise HostRefused(HostRefusal.BODY)
        return {}
    if not request.raw_body and not route.body:
        return {}
    if not is_media_type(request.header("content-type"), JSON):
        raise HostRefused(HostRefusal.BODY)
    return read_body(request.raw_body, route.body, route.max_body)
