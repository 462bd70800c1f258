"""A host's own site and ours, on sockets for a browser: at two ports of this machine, or as two sites over TLS."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from slackapp.demo.harness import free_port
from slackapp.host.flows.connect import begin_connect, open_session
from slackapp.host.model import HostRole
from slackapp.host.rows import Login
from slackapp.model import CALLBACK_PATH
from tests.host.keys import KEY_ID
from tests.slack.servers import self_signed
from tests.support.connected import ACME, ANN
from tests.support.connecting import make_host_world
from tests.support.servers import serve
from tests.support.world import World

OUR_SITE, HOST_SITE, OTHER_SITE = "app.test", "product.example", "elsewhere.example.net"
"""Names that have nothing in common: to a browser they are sites of their own. The last has the pages of the host."""


@dataclass
class HostSite:
    """Sites of a host whose every page has the button to ours. `policy` is its referrer policy.

    `asked` are the addresses that were asked for.
    """

    world: World
    organization: str = ACME
    member: str = ANN
    role: HostRole = HostRole.ADMIN
    policy: str = "strict-origin"
    asked: list[str] = dataclasses.field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/favicon.ico":
            start_response("404 Not Found", [])
            return []
        self.asked.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        app = self.world.service.app
        ticket = open_session.issue_ticket(app, Login(self.organization, self.member, self.role, KEY_ID), app.clock())
        page = (
            '<!doctype html><html lang="en"><title>Host</title><h1>Host</h1>'
            f'<form method="post" action="{app.settings.public_url}/settings/session">'
            f'<input type="hidden" name="ticket" value="{ticket}"><button>Slack</button></form></html>'
        )
        start_response("200 OK", [("Content-Type", "text/html"), ("Referrer-Policy", self.policy)])
        return [page.encode()]


@dataclass
class Sites:
    """Both, with their addresses, and what a browser must be told to find them."""

    world: World
    host: HostSite
    url: str
    host_url: str
    flags: tuple[str, ...] = ()


@contextlib.contextmanager
def serve_two_ports(folder: Path, **changes: str) -> Iterator[Sites]:
    """Both on this machine, without TLS: as one site to a browser, which is enough to look at pages."""
    port, host_port = free_port(), free_port()
    url, host_url = f"http://localhost:{port}", f"http://localhost:{host_port}"
    with _world(folder, url, host_url, **changes) as world:
        host = HostSite(world)
        with serve(world.service.wsgi, port=port), serve(host, port=host_port):
            yield Sites(world, host, url, host_url)


@contextlib.contextmanager
def serve_two_sites(folder: Path, **changes: str) -> Iterator[Sites]:
    """Both under names of their own, over TLS, with a certificate that nobody vouches for."""
    with _world(folder, f"https://{OUR_SITE}", f"https://{HOST_SITE}", **changes) as world:
        host = HostSite(world)
        with _serve_tls(folder, world.service.wsgi) as port, _serve_tls(folder, host) as host_port:
            ports = {OUR_SITE: port, HOST_SITE: host_port, OTHER_SITE: host_port}
            rules = ", ".join(f"MAP {name}:443 127.0.0.1:{each}" for name, each in ports.items())
            flags = (f"--host-resolver-rules={rules}", "--ignore-certificate-errors")
            yield Sites(world, host, f"https://{OUR_SITE}", f"https://{HOST_SITE}", flags)


@contextlib.contextmanager
def _world(folder: Path, url: str, host_url: str, **changes: str) -> Iterator[World]:
    scopes = "app_mentions:read,channels:join,channels:read,chat:write,commands,groups:read,users:read"
    changes = {"SLACKAPP_BOT_SCOPES": scopes, **changes}
    with make_host_world(folder, SLACKAPP_PUBLIC_URL=url, SLACKAPP_HOST_URL=host_url, **changes) as world:
        addresses = (f"{url}{CALLBACK_PATH}", begin_connect.redirect_uri(world.settings))
        world.slack.app = dataclasses.replace(world.slack.app, redirect_urls=addresses)
        yield world


class _Handler(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "REQUEST_URI": self.path}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name there)
        """Says nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def _serve_tls(folder: Path, app: Callable[..., Iterable[bytes]]) -> Iterator[int]:
    server = _Server(("127.0.0.1", 0), _Handler)
    # A browser opens connections in advance: the handshake is for the thread that has one.
    server.socket = self_signed(folder).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.set_app(app)
    runner = threading.Thread(target=server.serve_forever, daemon=True)
    runner.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        runner.join(5)
