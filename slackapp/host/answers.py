"""Refusals as the host side's API tells them: JSON with a sentence, a code, and its status."""

from collections.abc import Mapping

from slackapp.errors import Refusal, RefusalKind, Refused
from slackapp.host.errors import HostRefusal, HostRefused, TokenRefused
from slackapp.web.components import NO_FRAME, Frame
from slackapp.web.refusals import refusal_headers
from slackapp.web.response import Response, json_response

CODES: Mapping[str, int] = {
    "BAD_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "INTEGRATION_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "INTEGRATION_EXISTS": 409,
    "WORKSPACE_LIMIT_REACHED": 409,
    "WORKSPACE_TAKEN": 409,
    "APPROVAL_REQUIRED": 409,
    "REGION_MISMATCH": 409,
    "INTEGRATION_INACTIVE": 409,
    "IDEMPOTENCY_CONFLICT": 409,
    "TOO_LARGE": 413,
    "INVALID_CHANNEL": 422,
    "INVALID_CONTENT": 422,
    "IDEMPOTENCY_MISMATCH": 422,
    "RATE_LIMITED": 429,
    "SLACK_ERROR": 502,
    "INTEGRATION_DISABLED": 503,
    "TOKEN_UNAVAILABLE": 503,
    "BUSY": 503,
}
"""The closed list of codes, each with its status."""
_OF_CORE: Mapping[RefusalKind, str] = {
    Refusal.NEEDS_REINSTALL: "INTEGRATION_INACTIVE",
    Refusal.NOT_INSTALLED: "INTEGRATION_INACTIVE",
    Refusal.KEY_REVOKED: "TOKEN_UNAVAILABLE",
    Refusal.KEY_UNAVAILABLE: "TOKEN_UNAVAILABLE",
    Refusal.TOKEN_UNAVAILABLE: "TOKEN_UNAVAILABLE",
    Refusal.FROZEN: "TOKEN_UNAVAILABLE",
    Refusal.SLACK_UNREACHABLE: "SLACK_ERROR",
}
"""Refusals of the core that mean more here than their status."""
_BY_STATUS: Mapping[int, str] = {
    401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE",
    429: "RATE_LIMITED", 502: "SLACK_ERROR", 503: "BUSY",
}  # fmt: skip


def refusal_api(refused: Refused, frame: Frame = NO_FRAME) -> Response:
    """JSON for whoever programs against the API: what is wrong, and which field, and never a value."""
    code = _code(refused.refusal)
    status = CODES[code]
    body: dict[str, object] = {"error": refused.refusal.sentence, "code": code, "status": status}
    if isinstance(refused, HostRefused) and refused.field is not None:
        body["field"] = refused.field
    if isinstance(refused, HostRefused) and refused.reconnect_url is not None:
        body["reconnectUrl"] = refused.reconnect_url
    if isinstance(refused, TokenRefused):
        body["active"] = False
    challenge = (("WWW-Authenticate", "Bearer"),) if status == CODES["UNAUTHENTICATED"] else ()
    answer = json_response(status, body, (*refusal_headers(refused), *challenge), refused.tenant)
    return answer._replace(code=code)


def _code(refusal: RefusalKind) -> str:
    if isinstance(refusal, HostRefusal):
        return refusal.code
    return _OF_CORE.get(refusal) or _BY_STATUS.get(refusal.status, "BAD_REQUEST")
