"""Bad requests to the host side's API: for each route each of its refusals that a request alone can have.

What hangs on the moment, such as a dead token, is in tests/host/api/test_codes.py. acme holds the workspace; globex has
nothing; `gone` has left acme.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import jwt

from slackapp.host.call import HostRoute
from slackapp.host.checks.fields import MAX_BODY
from slackapp.host.checks.roles import is_allowed
from slackapp.host.model import HostRole
from slackapp.host.routes import API_ROUTES
from tests.attacks.bad_requests import CANARY, JSON, Bad, named
from tests.host.keys import KEY_ID, SECRET, sign
from tests.support.world import HOST, START

OUTCOMES = {
    "token_missing": 401, "token_form": 401, "token_header": 401, "token_key": 401, "token_forged": 401,
    "token_claim": 401, "token_early": 401, "token_expired": 401, "role": 403, "offboarded": 403, "body": 400,
    "body_size": 413, "unknown_field": 400, "field": 400, "parameters": 400, "cursor": 400, "not_there": 404,
    "no_integration": 404, "channel": 422, "method": 405,
}  # fmt: skip
"""Each outcome with its status."""
SHOULD_BE = {
    "PUT /api/v2/slack/integration": "no_integration",
    "DELETE /api/v2/slack/integration": "no_integration",
    "POST /api/v2/slack/integration/test": "no_integration",
    "GET /api/v2/slack/channels": "no_integration",
    "POST /api/v2/slack/channels/{id}/join": "no_integration",
}
"""What an organization gets that has connected nothing."""


def token(member: str | None = None, role: HostRole | None = None, **changes: Any) -> str:
    """A token for acme, of the host itself or a member."""
    said = {"aud": f"http://{HOST}", "iat": START, "exp": START + 300, "jti": "j1", "org": "acme"}
    whose = {} if member is None else {"sub": member, "role": role}
    return sign({**said, **whose, **changes})


GOOD = token()
IN_ADDRESS = f"token={GOOD}"
TOKENS = {
    "none": ("none", "token_missing", ""),
    "another scheme": (f"Basic {GOOD}", "token_missing", ""),
    "two": (f"Bearer {GOOD}, Bearer {GOOD}", "token_missing", ""),
    "no JWT": (f"Bearer {CANARY}", "token_form", ""),
    "cut": (f"Bearer {GOOD[:-1]}", "token_form", ""),
    "too long": (f"Bearer {token(x='c' * 4096)}", "token_form", ""),
    "unsigned": (f"Bearer {GOOD.rpartition('.')[0]}.", "token_form", ""),
    "of another kind": (f"Bearer {jwt.encode({}, SECRET, 'HS256', {'kid': KEY_ID})}", "token_header", "typ"),
    "by another key": (f"Bearer {sign({}, secret=CANARY * 4)}", "token_forged", ""),
    "by a key that is not there": (f"Bearer {sign({}, key_id=CANARY)}", "token_key", ""),
    "for another service": (f"Bearer {token(aud='https://c4nary.example')}", "token_claim", "aud"),
    "for nobody": (f"Bearer {token(org='c4nary/../x')}", "token_claim", "org"),
    "from tomorrow": (f"Bearer {token(iat=START + 900, exp=START + 960)}", "token_early", "iat"),
    "of yesterday": (f"Bearer {token(iat=START - 960, exp=START - 900)}", "token_expired", "exp"),
}  # fmt: skip
QUERIES = {
    "x=c4nary": ("unknown_field", "x"),
    "%78=c4nary": ("unknown_field", ""),
    "connectionId=%2e%2e%2fc4nary": ("field", "connectionId"),
    "limit=0": ("field", "limit"),
    "days=0": ("field", "days"),
    "days=c4nary": ("field", "days"),
    "limit=c4nary": ("field", "limit"),
    "limit=1&limit=2": ("parameters", ""),
    "cursor=c4naryc4nary": ("cursor", "cursor"),
    "cursor=": ("field", "cursor"),
    "teamId=t0north001": ("field", "teamId"),
    "search=c4nary%00": ("field", "search"),
    "search=c4nary%E2%80%AE": ("field", "search"),
    "search=%ED%A0%80": ("parameters", ""),
    "search=%ff": ("parameters", ""),
    f"search={'c' * 4096}": ("parameters", ""),
}
BODIES: dict[str, tuple[bytes, str, str]] = {
    "a list": (b"[]", "body", ""),
    "cut": (b'{"name": "c4nary', "body", ""),
    "a key twice": (b'{"name": "a", "name": "c4nary"}', "body", ""),
    "UTF-16": ('{"name": "c4nary"}'.encode("utf-16"), "body", ""),
    "deep": (b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}", "body", ""),
    "large": (b'{"name": "' + b"c" * MAX_BODY + b'"}', "body_size", ""),
    "a field of nobody's": (b'{"nmae": "c4nary"}', "unknown_field", "nmae"),
    "a name that is none": (b'{"c4nary <script>": 1}', "unknown_field", ""),
}
REQUIRED = {
    "sessions": {"memberId": "ann", "role": "admin"}, "decision": {"decision": "denied"},
    "decisions": {"connectionId": "0" * 24, "decision": "attested", "note": "needed"},
}  # fmt: skip
"""By the end of a path: the fields of a body that must be there."""
METHODS = ("PATCH", "PUT", "DELETE", "POST")
VALUES: list[Any] = [{"c4nary": 1}, ["c4nary ", {}], 1.5, "c4nary\x00", "c4nary\u2066", "c4nary" * 99, -1, True]


def api() -> Iterator[Bad]:
    """Every bad request of every route."""
    yield Bad("POST the reference", "method", "/api/v2/openapi.json", "POST")
    for route in API_ROUTES:
        name, target = f"{route.method} {route.path}", route.path.replace("{id}", "C0NOSUCH01")
        wrong = next(
            each for each in METHODS if each not in {other.method for other in API_ROUTES if other.path == route.path}
        )
        yield Bad(f"{name}: {wrong}", "method", target, wrong)
        for who, (authorization, outcome, field) in TOKENS.items():
            yield bad(route, f"{name}: a token: {who}", outcome, field=field, authorization=authorization)
        yield bad(route, f"{name}: a token in the address", "unknown_field", field="token", query=IN_ADDRESS)
        for role in HostRole:
            if not is_allowed(role, route.action):
                yield bad(route, f"{name} as {role}", "role", authorization=f"Bearer {token('r' + role, role)}")
        gone = f"Bearer {token('gone', HostRole.OWNER)}"
        yield bad(route, f"{name} after leaving", "offboarded", authorization=gone)
        yield from addresses(route, name)
        yield from contents(route, name)
        yield from nothing_there(route, name)


def addresses(route: HostRoute, name: str) -> Iterator[Bad]:
    for query, (outcome, field) in QUERIES.items():
        if query.partition("=")[0] in (*route.parameters, "x", "%78"):
            yield bad(route, named(f"{name}?", query), outcome, field=field, query=query)
    if "connectionId" in route.parameters:
        yield bad(route, f"{name} of nobody's", "not_there", field="connectionId", query=f"connectionId={'0' * 24}")


def contents(route: HostRoute, name: str) -> Iterator[Bad]:
    for what, (content, outcome, field) in BODIES.items():
        if route.body is None:
            yield bad(route, f"{name}: a body that nobody reads: {what}", "body", content=content)
        else:
            whole = content.replace(b"c" * MAX_BODY, b"c" * route.max_body)
            yield bad(route, f"{name}: {what}", outcome, field=field, content=whole)
    if route.body is not None:
        for media_type in ("", "text/plain", f"application/{CANARY}", f"{JSON}; charset=utf-16", f"{JSON};charset=x"):
            yield bad(route, f"{name} as {media_type}", "body", content=b"{}", media_type=media_type)
    for field, form in (route.body or {}).items():
        for value in VALUES[form["type"] == "object" :]:
            if form["type"] == "boolean" and value is True:
                continue  # it is one
            if "lines" in form and isinstance(value, str):
                continue  # any text is one; what it may hold stands in tests/host/messages/
            content = json.dumps({**REQUIRED.get(route.path.rpartition("/")[2], {}), field: value}).encode()
            yield bad(route, named(f"{name}: {field}", repr(value)), "field", field=field, content=content)


def nothing_there(route: HostRoute, name: str) -> Iterator[Bad]:
    stranger = f"Bearer {token(org='globex')}"
    if name in SHOULD_BE:
        yield bad(route, f"{name} of nothing", SHOULD_BE[name], authorization=stranger)
    if "members" in route.path:
        # Who was never seen can be offboarded, so that no token that is under way counts; and not reinstated.
        for claimed in ("~c4nary", "a.b", "n" * 65, *(("nobody", "ANN") if "reinstate" in route.path else ())):
            yield bad(route, f"{name} of {claimed}", "not_there", id=claimed)
    if "decision" in route.path:
        said = json.dumps(REQUIRED[route.path.rpartition("/")[2]]).encode()
        for claimed in ("0" * 24, "c4nary", "a.b"):
            yield bad(route, f"{name} of {claimed}", "not_there", id=claimed, content=said)
    if "join" in route.path:
        for claimed in ("general", "D0DIRECT01", "c0nosuch01", "C"):
            yield bad(route, f"{name} of {claimed}", "channel", id=claimed)


def bad(
    route: HostRoute,
    name: str,
    outcome: str,
    *,
    field: str = "",
    query: str = "",
    content: bytes | None = None,
    authorization: str = "",
    media_type: str = JSON,
    id: str = "ann",  # noqa: A002  (as the path has it)
) -> Bad:
    """A request in which all is right but what is given."""
    if not authorization:
        who = () if is_allowed(None, route.action) else ("rowner", HostRole.OWNER)
        authorization = f"Bearer {token(*who, jti=f'j{next(_NUMBERS)}') if route.single_use or who else GOOD}"
    content = content if content is not None else b"" if route.body is None else b"{}"
    headers: Mapping[str, str] = {"Authorization": authorization, "Content-Type": media_type}
    target = route.path.replace("{id}", id) + (f"?{query}" if query else "")
    return Bad(name, outcome, target, route.method, content, headers, wrong_field=field)


_NUMBERS = itertools.count(2)
API = tuple(api())
