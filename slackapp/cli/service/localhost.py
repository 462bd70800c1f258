"""Redirect to the public name while developing.

Cookies belong to a name: an install that begins at 127.0.0.1 and comes back to localhost has lost its browser.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from slackapp.model import LOOPBACK
from slackapp.routes import ROUTES

Application = Callable[..., Iterable[bytes]]

_PROBES = frozenset(route.path for route in ROUTES if route.probe)


def redirect_other_names(public_url: str) -> Callable[[Application], Application]:
    """Redirects requests for another name of this machine, at the same port, to the public name."""
    own = urlsplit(public_url)

    def wrap(service: Application) -> Application:
        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            target = str(environ.get("REQUEST_URI", ""))
            if not _is_beside(environ, own.hostname, own.port) or not _is_plain(target):
                return service(environ, start_response)
            headers = [("Location", f"{public_url}{target}"), ("Content-Length", "0"), ("Cache-Control", "no-store")]
            start_response("302 Found", headers)
            return []

        return answer

    return wrap


def _is_beside(environ: dict[str, Any], name: str | None, port: int | None) -> bool:
    """Tells whether a page is asked for under another name of this machine."""
    try:
        asked = urlsplit(f"//{environ.get('HTTP_HOST', '')}")
        same_port = asked.port == port
    except ValueError:
        return False
    is_page = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    return is_page and same_port and name in LOOPBACK and asked.hostname in LOOPBACK and asked.hostname != name


def _is_plain(target: str) -> bool:
    """Tells whether it is a path for people, with nothing in it that does not belong in a header."""
    plain = target.startswith("/") and target.isascii() and target.isprintable()
    return plain and target.partition("?")[0] not in _PROBES
