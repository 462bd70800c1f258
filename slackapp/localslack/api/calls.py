"""The Web API's common part: credentials, parameters, scopes, errors and headers of every method.

Follows docs.slack.dev/apis/web-api: failures are HTTP 200 with `ok` false; a token comes in the Authorization
header or in a form body, never in the query; with a JSON body only the header counts.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slackapp.localslack.api import tokens
from slackapp.localslack.model import AppInstall, Json, SlackToken
from slackapp.localslack.wire import BadRequestError, HttpRequest, HttpResponse, first, json_response

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

SECRETS = frozenset({"token", "client_secret", "code", "refresh_token", "code_verifier", "assertion"})
Params = dict[str, str]


class ApiError(Exception):
    """A method's refusal: the short `error` and what goes beside it."""

    def __init__(self, error: str, extra: Json | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra or {}


@dataclass(frozen=True)
class ApiRequest:
    """Call of an app: where its credentials came from, its parameters, and (once known) who calls."""

    method: str
    params: Params
    token: str
    basic: tuple[str, str] | None
    credentials: str
    problem: str = ""


@dataclass(frozen=True)
class TokenCaller:
    """The live token of a call and the installation it belongs to."""

    token: SlackToken
    install: AppInstall

    @property
    def scopes(self) -> list[str]:
        """The scopes the token has now."""
        return tokens.scopes_of(self.install, self.token)

    def require(self, *scopes: str) -> None:
        """Raise `missing_scope` unless the token has one of the scopes."""
        if scopes and not set(scopes).intersection(self.scopes):
            raise ApiError("missing_scope", {"needed": scopes[0], "provided": ",".join(self.scopes)})


@dataclass(frozen=True)
class Method:
    """A method with a token: its function and the scopes of which the caller needs one."""

    run: Callable[[LocalSlack, TokenCaller, Params], Json]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClientMethod:
    """A method without a token of its own: it checks client id and secret itself."""

    run: Callable[[LocalSlack, ApiRequest], Json]


@dataclass
class ApiResult:
    """Result of a call."""

    answer: Json
    caller: TokenCaller | None = None
    accepted: tuple[str, ...] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """The HTTP answer, with the scope headers every answer carries."""
        scopes = ",".join(self.caller.scopes) if self.caller else ""
        headers = {"x-oauth-scopes": scopes, "x-accepted-oauth-scopes": ",".join(self.accepted), **self.headers}
        return json_response(self.status, self.answer, tuple(headers.items()))


def error_body(error: str, extra: Json | None = None) -> Json:
    """The body of a failure."""
    return {"ok": False, "error": error, **(extra or {})}


def parse(request: HttpRequest, method: str) -> ApiRequest:
    """Sort a request into credentials and parameters; what is wrong with it is kept in `problem`."""
    params = {name: values[0] for name, values in request.query.items() if name not in SECRETS}
    header = request.headers.get("authorization", "")
    token, how, problem = "", "", ""
    if request.method == "POST" and request.body:
        body, problem = _body(request)
        if request.content_type == "application/json":
            body.pop("token", None)
        token = body.pop("token", "")
        params.update(body)
        how = "body" if token or "client_secret" in body else ""
    if header.startswith("Bearer "):
        token, how = header[len("Bearer ") :].strip(), "header"
    basic = _basic(header)
    return ApiRequest(method, params, token, basic, credentials="basic" if basic else how, problem=problem)


def _body(request: HttpRequest) -> tuple[Params, str]:
    if request.content_type == "application/x-www-form-urlencoded":
        try:
            form = request.form()
        except BadRequestError:
            return {}, "invalid_form_data"
        return {name: first(form, name) for name in form}, ""
    if request.content_type == "application/json":
        try:
            data = json.loads(request.body)
        except (ValueError, RecursionError):
            return {}, "invalid_json"
        if not isinstance(data, dict):
            return {}, "json_not_object"
        return {name: _text(value) for name, value in data.items() if value is not None}, ""
    return {}, "missing_post_type" if not request.content_type else "invalid_post_type"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _basic(header: str) -> tuple[str, str] | None:
    if not header.startswith("Basic "):
        return None
    try:
        name, _, password = base64.b64decode(header[len("Basic ") :], validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ("", "")
    return (name, password)


def public_params(params: Params) -> Params:
    """The parameters without anything secret, for the record of calls."""
    return {name: value for name, value in params.items() if name not in SECRETS}


def find_caller(slack: LocalSlack, claimed: str) -> TokenCaller:
    """The caller behind a token. Raises the ApiError Slack would answer for one that is missing or no good."""
    if not claimed:
        raise ApiError("not_authed")
    token = slack.state.tokens.get(claimed)
    problem = tokens.problem_of(slack, token)
    if problem or token is None:
        raise ApiError(problem or "invalid_auth")
    return TokenCaller(token, slack.state.installs[token.tenant])


def tenant_of(slack: LocalSlack, call: ApiRequest) -> str:
    """The tenant id a call is about, good token or not; empty when nobody knows."""
    token = slack.state.tokens.get(call.token)
    if token is not None:
        return token.tenant
    code = slack.state.codes.get(call.params.get("code", ""))
    refresh = slack.state.refreshes.get(call.params.get("refresh_token", ""))
    return code.tenant if code else refresh.tenant if refresh else ""


def run(
    slack: LocalSlack, call: ApiRequest, methods: dict[str, Method], open_methods: dict[str, ClientMethod]
) -> ApiResult:
    """Process a call. The caller holds `slack.lock`."""
    outcome = ApiResult({})
    try:
        if call.problem:
            raise ApiError(call.problem)
        if call.method in open_methods:
            outcome.answer = {"ok": True, **open_methods[call.method].run(slack, call)}
            return outcome
        if call.method not in methods:
            raise ApiError("unknown_method", {"req_method": call.method})
        method = methods[call.method]
        outcome.accepted = method.scopes
        outcome.caller = find_caller(slack, call.token)
        outcome.caller.require(*method.scopes)
        outcome.answer = {"ok": True, **method.run(slack, outcome.caller, call.params)}
    except ApiError as refusal:
        outcome.answer = error_body(refusal.error, refusal.extra)
    return outcome
