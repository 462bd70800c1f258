"""Clients of our own WSGI application, without a socket: a host that signs its tokens, and a browser with cookies."""

import base64
import hmac
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from slackapp.host.checks.host_token import ALGORITHM, TOKEN_TYPE
from slackapp.host.model import HostRole
from slackapp.model import Clock, Entropy
from slackapp.web.request import FORM, JSON

WsgiApplication = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]
MEMBER = "rehearsal-admin"
_TOKEN_SECONDS = 60
_COOKIE = re.compile(r"([^=;]+)=([^;]*)")
_ADDRESS = "192.0.2.1"


class WsgiReply(NamedTuple):
    """Reply of the application."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str

    @property
    def location(self) -> str:
        """Address that it redirects to; "" where it does not."""
        return next((value for name, value in self.headers if name.lower() == "location"), "")

    @property
    def json(self) -> dict[str, Any]:
        """The object of its body; an empty one where that is none."""
        try:
            found = json.loads(self.text)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}


class WsgiClient:
    """Client that hands requests over as a server would, and remembers all answers."""

    def __init__(self, application: WsgiApplication, url: str) -> None:
        self.answers: list[str] = []
        self._application = application
        self.url = url

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> WsgiReply:
        """Sends one request."""
        path, _, query = target.partition("?")
        given: dict[str, Any] = {
            "REQUEST_METHOD": method, "REQUEST_URI": target, "PATH_INFO": path, "QUERY_STRING": query,
            "REMOTE_ADDR": _ADDRESS, "HTTP_HOST": urlsplit(self.url).netloc, "wsgi.input": io.BytesIO(body),
        }  # fmt: skip
        if method != "GET":
            given["CONTENT_LENGTH"] = str(len(body))
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            given[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        text = b"".join(self._application(given, lambda *told: begun.append(told))).decode()
        status, found = begun[0]
        self.answers.append(f"{found} {text}")
        return WsgiReply(int(status[:3]), tuple(found), text)


class HostClient:
    """Backend of a host, which calls for an admin of an organization, or issues a ticket for one."""

    def __init__(self, client: WsgiClient, key: tuple[str, bytes], clock: Clock, entropy: Entropy) -> None:
        self._client = client
        self._key = key
        self._clock = clock
        self._entropy = entropy

    def call(
        self, method: str, path: str, organization: str, body: Mapping[str, object] | None = None, *, key: str = ""
    ) -> WsgiReply:
        """Calls the API for the organization's admin; `key` is the Idempotency-Key of what sends."""
        return self._send(method, path, body, {"org": organization, "sub": MEMBER, "role": HostRole.ADMIN}, key=key)

    def call_as_host(
        self, method: str, path: str, organization: str, body: Mapping[str, object] | None = None
    ) -> WsgiReply:
        """Calls the API as the host itself."""
        return self._send(method, path, body, {"org": organization})

    def issue_ticket(self, organization: str) -> str:
        """Issues a ticket for that admin's browser, as the host itself."""
        said = {"memberId": MEMBER, "role": HostRole.ADMIN}
        return str(self.call_as_host("POST", "slack/sessions", organization, said).json["ticket"])

    def _send(
        self, method: str, path: str, body: Mapping[str, object] | None, whom: Mapping[str, str], *, key: str = ""
    ) -> WsgiReply:
        headers = {"Authorization": f"Bearer {self._sign(whom)}", **({"Idempotency-Key": key} if key else {})}
        raw = b""
        if body is not None:
            headers["Content-Type"], raw = JSON, json.dumps(body).encode()
        return self._client.send(method, f"/api/v2/{path}", headers, raw)

    def _sign(self, whom: Mapping[str, str]) -> str:
        key_id, key = self._key
        now = self._clock()
        claims = {
            "aud": self._client.url, "iat": now, "exp": now + _TOKEN_SECONDS,
            "jti": self._entropy(16).hex(), **whom,
        }  # fmt: skip
        header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": key_id}
        signed = ".".join(_part(json.dumps(each).encode()) for each in (header, claims))
        return f"{signed}.{_part(hmac.digest(key, signed.encode(), 'sha256'))}"


class WsgiBrowser:
    """Browser that follows no redirect by itself, and keeps its cookies."""

    def __init__(self, client: WsgiClient) -> None:
        self._client = client
        self._cookies: dict[str, str] = {}

    def get(self, target: str) -> WsgiReply:
        """Gets a page."""
        return self._send("GET", target, {}, b"")

    def post(self, target: str, fields: Mapping[str, str], origin: str) -> WsgiReply:
        """Sends a form from a page of that origin."""
        return self._send("POST", target, {"Content-Type": FORM, "Origin": origin}, urlencode(fields).encode())

    def _send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> WsgiReply:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        reply = self._client.send(method, target, {**headers, **({"Cookie": cookie} if cookie else {})}, body)
        for name, value in reply.headers:
            if match := _COOKIE.match(value) if name.lower() == "set-cookie" else None:
                self._cookies[match[1]] = match[2]
        return reply


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
