"""HTTP in and out: a request read whole and bounded, an answer, and an answer that breaks off."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

MAX_BODY = 1_048_576
"""Largest request body taken, in bytes."""

REASONS = {
    200: "OK",
    302: "Found",
    303: "See Other",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

StartResponse = Callable[..., Any]
Fields = dict[str, list[str]]


class BadRequestError(Exception):
    """The request cannot be taken; carries the HTTP status and one safe sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class HttpRequest:
    """A request: header names in lower case, body as raw bytes."""

    method: str
    path: str
    query: Fields
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def form(self) -> Fields:
        """The fields of a form body; raises BadRequestError when it is not text."""
        try:
            return parse_qs(self.body.decode("utf-8"), keep_blank_values=True)
        except ValueError:
            raise BadRequestError(400, "the form cannot be read") from None


@dataclass(frozen=True)
class HttpResponse:
    """An answer. `cut` makes the connection break off in the middle of it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool = False


def read(environ: dict[str, Any]) -> HttpRequest:
    """Read a request. Raises BadRequestError for a foreign Host, a body over MAX_BODY, or one that breaks off."""
    headers = {k[5:].replace("_", "-").lower(): str(v) for k, v in environ.items() if k.startswith("HTTP_")}
    headers["content-type"] = str(environ.get("CONTENT_TYPE", ""))
    if not is_loopback(headers.get("host", "")):
        # A page of another site that points its own name at 127.0.0.1 (DNS rebinding) ends here.
        raise BadRequestError(400, "the local Slack answers on loopback names only")
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not length.isascii() or not length.isdigit():
        raise BadRequestError(400, "bad Content-Length")
    if int(length) > MAX_BODY:
        raise BadRequestError(413, "the body is too large")
    body = environ["wsgi.input"].read(int(length)) if int(length) else b""
    if len(body) != int(length):
        raise BadRequestError(400, "the body broke off")
    try:
        query = parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
    except ValueError:
        raise BadRequestError(400, "the query cannot be read") from None
    path = str(environ.get("PATH_INFO", "")) or "/"
    return HttpRequest(str(environ["REQUEST_METHOD"]), path, query, headers, body=body)


def is_loopback(host: str) -> bool:
    """Tells whether a Host header (or host:port) names this machine's loopback interface."""
    if "@" in host or "/" in host:
        return False
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in ("localhost", "::1") or (name.startswith("127.") and name.replace(".", "").isdigit())


def is_own_origin(request: HttpRequest) -> bool:
    """Tells whether a form post comes from a page of ours, or from a program (which sends no Origin)."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    own = (f"http://{request.headers['host']}", f"https://{request.headers['host']}")
    return (origin is None or origin in own) and site in ("same-origin", "none")


def first(fields: Fields, name: str) -> str:
    """The first value of a field, or an empty string."""
    return fields.get(name, [""])[0]


def json_response(status: int, data: object, headers: Iterable[tuple[str, str]] = ()) -> HttpResponse:
    """An answer in JSON."""
    kind = ("Content-Type", "application/json; charset=utf-8")
    return HttpResponse(status, (kind, *headers), json.dumps(data).encode())


def text_response(status: int, text: str, headers: Iterable[tuple[str, str]] = ()) -> HttpResponse:
    """An answer in plain text."""
    return HttpResponse(status, (("Content-Type", "text/plain; charset=utf-8"), *headers), text.encode())


def redirect(status: int, location: str) -> HttpResponse:
    """A redirect; `location` may not hold a line break."""
    if any(ord(character) < 33 or ord(character) > 126 for character in location):
        raise BadRequestError(400, "the address to go back to is not a plain URL")
    return HttpResponse(status, (("Location", location), ("Content-Type", "text/plain; charset=utf-8")), b"")


def send(response: HttpResponse, start_response: StartResponse) -> Iterable[bytes]:
    """Hand an answer to the WSGI server."""
    promised = len(response.body)
    body = response.body
    if response.cut:
        # Promise more than is sent: the server then has to close, and the client sees a short answer.
        promised, body = promised + 4096, b"{"
    status = f"{response.status} {REASONS.get(response.status, 'Unknown')}"
    headers = [
        *response.headers,
        ("Content-Length", str(promised)),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response(status, headers)
    return [body]
