"""A request, read once, bounded, as raw bytes. Nothing of it is believed here."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from slackapp.errors import Refusal, Refused

BODY_LIMIT = 1024 * 1024
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
"""The media types that we take."""
_LENGTH = re.compile(r"[0-9]{1,7}")
_DEFAULT_PORT = {"http": 80, "https": 443}
_KEYS = {"content-type": "CONTENT_TYPE"}
"""Where WSGI keeps a header elsewhere than under HTTP_ and its name."""


class NoRawTargetError(Exception):
    """Missing raw target: the server gives it only as it understood it.

    Nothing that it hands over can be trusted to be a path.
    """


@dataclass(slots=True)
class Request:
    """Request as the handlers see it. `path` is the raw target up to the question mark, never decoded.

    Once it has matched, which is the only time that it changes, `template` is the path of its route, and `path_values`
    are what stands there for each `{name}`.
    """

    method: str
    path: str
    raw_query: str = field(repr=False)
    environ: Mapping[str, Any] = field(repr=False)
    raw_body: bytes = field(repr=False)
    address: str
    request_id: str
    template: str = ""
    path_values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def header(self, name: str) -> str:
        """A header's value by its lower-case name; "" when absent."""
        value: str = self.environ.get(_key(name), "")
        return value

    @property
    def media_type(self) -> str:
        """Media type of the body, without parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def header_bytes(self, name: str) -> bytes:
        """The header's value as the bytes that came over the wire."""
        return self.header(name).encode("latin-1")


@cache
def _key(name: str) -> str:
    """Name under which WSGI keeps a header, made once for each of the few that are asked for."""
    return _KEYS.get(name) or f"HTTP_{name.upper().replace('-', '_')}"


def address_prefix(address: str) -> str:
    """Cuts an address to what rates are counted by: the address, or of IPv6 one subscriber's 64 bits.

    A proxy may add a port to it, which makes nobody another, and what is no address at all is cut short.
    """
    return _prefix(address, 64)


def network_prefix(address: str) -> str:
    """Cuts an address to what shares are counted by: the address, or of IPv6 one site's 48 bits."""
    return _prefix(address, 80)


def _prefix(address: str, bits: int) -> str:
    if ":" not in address:  # what most are, and an exception costs more than all the rest here
        return address[:64]
    try:
        found = ipaddress.IPv6Address(address.removeprefix("[").partition("]")[0])
    except ValueError:
        return address[:64]
    return str(found.ipv4_mapped or ipaddress.IPv6Address(int(found) >> bits << bits))


def host_values(public_url: str) -> frozenset[str]:
    """The values of `Host`, in lower case, that mean this address: the scheme's own port may be there or not.

    RFC 9110 section 4.2.3.
    """
    url = urlsplit(public_url.lower())
    default = _DEFAULT_PORT[url.scheme]
    if (url.port or default) != default:
        return frozenset({url.netloc})
    bare = url.netloc.removesuffix(f":{default}")
    return frozenset({bare, f"{bare}:{default}"})


def read_request(environ: Mapping[str, Any], request_id: str) -> Request:
    """Takes what we use out of a WSGI environment.

    The path is the raw request target (`REQUEST_URI`, or gunicorn's `RAW_URI`), because a server's `PATH_INFO` is
    decoded, and several spellings of one path become alike in it. Raises Refused for a bad or too large length, and
    NoRawTargetError.
    """
    target = environ.get("REQUEST_URI", environ.get("RAW_URI"))
    if not isinstance(target, str):
        raise NoRawTargetError
    path, _, raw_query = target.partition("?")
    return Request(
        method=environ["REQUEST_METHOD"],
        path=path,
        raw_query=raw_query,
        environ=environ,
        raw_body=_body(environ),
        address=environ.get("REMOTE_ADDR", ""),
        request_id=request_id,
    )


def _body(environ: Mapping[str, Any]) -> bytes:
    claimed, method = environ.get("CONTENT_LENGTH") or "", environ["REQUEST_METHOD"]
    if method != "POST" and claimed in ("", "0"):
        return b""  # a body without a length is not read at all, and need not be there
    # claim: C-65
    if not _LENGTH.fullmatch(claimed):
        raise Refused(Refusal.LENGTH)
    length = int(claimed)
    # claim: C-65
    if length > BODY_LIMIT:
        raise Refused(Refusal.TOO_LARGE)
    body: bytes = environ["wsgi.input"].read(length)
    # claim: C-65
    if len(body) != length:
        raise Refused(Refusal.LENGTH)
    return body
