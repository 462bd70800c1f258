"""An answer, and the headers that every answer carries.

Stops:   a header being split by a value with a line break; a page of ours being framed, cached, run as a script, or
         telling another site its address.
Read:    OWASP ASVS 5.0 chapter 3 (web frontend security); RFC 9110 section 5.5 (field values)
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from slackapp.model import NO_TENANT, Tenant
from slackapp.web.style import STYLE

Headers = tuple[tuple[str, str], ...]

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

SECURITY_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    (
        "Content-Security-Policy",
        (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; form-action 'none'; "
            "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
        ),
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

_REASONS = {
    200: "OK", 202: "Accepted", 302: "Found", 303: "See Other", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
    415: "Unsupported Media Type", 422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9-]+")
_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff]*")


class Response(NamedTuple):
    """Status, headers beyond the ones that all answers have, and a body."""

    status: int
    content_type: str
    body: bytes
    headers: Headers = ()
    tenant: Tenant = NO_TENANT
    """Whom it was about, for the log; it is not sent."""
    code: str = ""
    """Code of a refusal, to be counted."""

    def __repr__(self) -> str:
        return f"Response({self.status}, {self.content_type})"


def html(status: int, page: str, headers: Headers = (), tenant: Tenant = NO_TENANT) -> Response:
    """A page for a person."""
    return Response(status, "text/html; charset=utf-8", page.encode(), headers, tenant=tenant)


def text(status: int, body: str, headers: Headers = (), tenant: Tenant = NO_TENANT) -> Response:
    """Plain text."""
    return Response(status, "text/plain; charset=utf-8", body.encode(), headers, tenant=tenant)


def json_response(
    status: int, data: Mapping[str, object], headers: Headers = (), tenant: Tenant = NO_TENANT
) -> Response:
    """JSON for a program."""
    body = json.dumps(data, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()
    return Response(status, "application/json; charset=utf-8", body, headers, tenant=tenant)


def csv_file(name: str, body: str, headers: Headers = ()) -> Response:
    """A table to be kept as a file; `name` is ours."""
    return Response(200, "text/csv; charset=utf-8; header=present", body.encode(), (
        ("Content-Disposition", f'attachment; filename="{name}.csv"'), *headers
    ))  # fmt: skip


def redirect(status: int, location: str, headers: Headers = (), tenant: Tenant = NO_TENANT) -> Response:
    """Redirects to an address that we made ourselves; no part of it comes from a request."""
    return Response(status, "text/plain; charset=utf-8", b"", (("Location", location), *headers), tenant=tenant)


def to_wsgi(response: Response, request_id: str) -> tuple[str, list[tuple[str, str]]]:
    """Status line and all headers. Raises ValueError for a value that would end its header early.

    An empty acknowledgement has nothing to show, run or keep, and goes without the headers that are about that.
    """
    given = [("X-Request-Id", request_id), *response.headers]
    for name, value in given:
        # claim: C-69
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("a header that cannot be sent")
    own = [("Content-Type", response.content_type), ("Content-Length", str(len(response.body))), *given]
    about_content = SECURITY_HEADERS if response.body or response.status != 200 else ()
    own += [header for header in about_content if header[0] not in dict(response.headers)]
    return f"{response.status} {_REASONS[response.status]}", own
