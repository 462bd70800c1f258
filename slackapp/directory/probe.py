"""Requests to a running app, as a stranger would send them: timeouts, bounded answers, no redirect followed."""

import http.client
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

TIMEOUT = 10
_LIMIT = 256 * 1024


@dataclass(frozen=True)
class ProbeResponse:
    """Response of the probed app. Status 0, and the reason as text, where none came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str
    seconds: float

    def header(self, name: str) -> str:
        """A header's value by its lower-case name; "" when absent."""
        return next((value for known, value in self.headers if known == name), "")

    @property
    def location(self) -> str:
        """Target of the redirect, without parameters."""
        return self.header("location").partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address that it redirects to."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.header("location")).query).items()}


class HtmlPage(HTMLParser):
    """Links, headings and text of an HTML page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.headings: list[str] = []
        self.text = ""
        self._heading = self._hidden = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes links, and where a heading begins."""
        self._hidden = tag in ("style", "script", "title")
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]
        self._heading = re.fullmatch(r"h[1-6]", tag) is not None
        if self._heading:
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        """Ends a heading."""
        self._heading = self._hidden = False

    def handle_data(self, data: str) -> None:
        """Text, of a heading or other."""
        if not self._hidden:
            self.text += data
        if self._heading:
            self.headings[-1] += data


@dataclass
class Probe:
    """Client that asks one app as a stranger.

    Remembers what a GET without headers said, and everything that came back.
    """

    url: str
    seen: list[ProbeResponse] = field(default_factory=list)
    _pages: dict[str, ProbeResponse] = field(default_factory=dict)

    def get(self, path: str) -> ProbeResponse:
        """Gets a page, once."""
        if path not in self._pages:
            self._pages[path] = self.send("GET", path)
        return self._pages[path]

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> ProbeResponse:
        """Sends one request on a connection of its own."""
        begun = time.monotonic()
        connection = _connection(self.url)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            reply = connection.getresponse()
            named = tuple((name.lower(), value) for name, value in reply.getheaders())
            text = reply.read(_LIMIT).decode("utf-8", "replace")
            answer = ProbeResponse(reply.status, named, text, time.monotonic() - begun)
        except (OSError, http.client.HTTPException) as error:
            answer = ProbeResponse(0, (), _reason(error), time.monotonic() - begun)
        finally:
            connection.close()
        self.seen.append(answer)
        return answer

    def connection_error(self) -> str:
        """Explains why nothing answers there; "" when something does."""
        answer = self.get("/")
        return "" if answer.status else answer.text

    def tls(self) -> str:
        """Reads the TLS version in use with a valid certificate, or what is wrong, after a `!`."""
        connection = _connection(self.url)
        try:
            connection.connect()
            spoken = connection.sock.version() if isinstance(connection.sock, ssl.SSLSocket) else ""
            return spoken or "!no TLS"
        except OSError as error:
            return f"!{_reason(error)}"
        finally:
            connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT, context=context)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate does not hold: {error.verify_message}"
    return f"no answer ({error.strerror or type(error).__name__})" if isinstance(error, OSError) else "no HTTP answer"
