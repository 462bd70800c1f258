"""The HTTP client of the tests: one request on a connection of its own, and a browser that keeps cookies."""

import contextlib
import http.client
import json
import ssl
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Reply:
    """What a server answered; the names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def said(self) -> bytes:
        """The body without our own id of that request, which every error shows."""
        return self.body.replace(self.headers["x-request-id"].encode(), b"")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address that is redirected to."""
        return query_of(self.location)


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address, each once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def request(
    method: str,
    url: str,
    body: str | bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
    context: ssl.SSLContext | None = None,
) -> Reply:
    """One request; what stands behind the host goes out as it is. `context` is for an address with https."""
    place = urlsplit(url).netloc
    connection: http.client.HTTPConnection
    if url.startswith("https:"):
        connection = http.client.HTTPSConnection(place, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(place, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, url.partition(place)[2], body or None, dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def post_form(url: str, fields: Mapping[str, str], timeout: float = 10.0) -> Reply:
    """A form, as a browser sends it."""
    return request("POST", url, urlencode(fields), FORM, timeout)


def cookie_header(cookies: Mapping[str, str]) -> dict[str, str]:
    """The header that brings them back; none where there are none."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}


def keep_cookie(cookies: MutableMapping[str, str], reply: Reply) -> None:
    """Adds the one that an answer sets, by name."""
    if "set-cookie" in reply.headers:
        name, _, value = reply.headers["set-cookie"].partition(";")[0].partition("=")
        cookies[name] = value


@dataclass
class HttpBrowser:
    """Follows one link at a time, and sends back the cookies of our service to our service only."""

    ours: str
    context: ssl.SSLContext | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, url: str, body: bytes = b"", **headers: str) -> Reply:
        at_home = url.startswith(self.ours)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= cookie_header(self.cookies) if at_home else {}
        reply = request(method, url, body, sent, context=self.context)
        if at_home:
            keep_cookie(self.cookies, reply)
        return reply

    def get(self, url: str) -> Reply:
        return self.send("GET", url)

    def consent(self, page: str, target: str) -> Reply:
        """An approval on Slack's page; the redirect back to us."""
        fields = {**query_of(page), "target": target, "user": "admin", "decision": "approve"}
        return post_form(page.partition("?")[0], fields)

    def install(self, target: str) -> Reply:
        """From our page to Slack's, an approval there, back to us, and on to the clean page."""
        begun = self.get(f"{self.ours}/slack/install")
        asked = self.get(begun.location)
        assert (begun.status, asked.status) == (302, 200)
        landed = self.get(self.consent(begun.location, target).location)
        assert (landed.status, landed.location) == (303, f"{self.ours}/slack/installed")
        return self.get(landed.location)
