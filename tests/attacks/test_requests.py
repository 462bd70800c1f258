"""Requests that no browser makes: over real sockets, and through the parameters of the install."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from slackapp.cli.service.server import configure_waitress, waitress_settings
from tests.support.callback_world import Approved, approved, assert_silent, cookie_of, nothing_happens, outcome
from tests.support.servers import serve
from tests.support.world import HOST, NORTH, World, make_world

TIMEOUT = 10
"""Seconds until a server that says nothing is taken for hanging."""

INJECTIONS = [
    "T1&user_scope=admin.users:write&redirect_uri=https://evil.example",
    "T1%26user_scope=admin",
    "T1#",
    "T0NORTH001\r\nSet-Cookie: slackapp_oauth=mine",
    "T0NORTH001\nX: y",
    "T0NORTH001\r",
    "T0NORTH001\x00",
    "T0NORTH001 ",
    " T0NORTH001",
    "t0north001",
    "T0NORTH001,T0SOUTH001",
    "T" + "A" * 21,
    "T1",
    "U0NORTH001",
    "T0NORTH\u0660\u0661",
    "\uff34" + "0NORTH001",
    "",
]


@dataclass(frozen=True)
class Served:
    """Our service behind the server and the settings that it runs with."""

    world: World
    address: tuple[str, int]

    def send(self, data: bytes) -> bytes:
        """The raw answer to raw bytes, up to where the server closes; b"" where it closes without one."""
        found = b""
        with socket.create_connection(self.address, TIMEOUT) as connection:
            try:
                connection.sendall(data)
                while chunk := connection.recv(65536):
                    found += chunk
            except ConnectionError:
                pass  # what came until then is the answer
        return found

    def assert_well(self) -> None:
        """The next good request is answered."""
        assert status(self.send(get(b"/healthz"))) == 200


@contextlib.contextmanager
def serving(world: World) -> Iterator[Served]:
    chosen = waitress_settings(world.settings)
    configure_waitress()
    del chosen["listen"]
    with serve(world.service.wsgi, **chosen) as url:
        host, _, port = urlsplit(url).netloc.partition(":")
        yield Served(world, (host, int(port)))


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    with serving(world) as made:
        yield made


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests here that change nothing in it."""
    with make_world(tmp_path_factory.mktemp("still")) as made:
        yield made


@pytest.fixture(scope="module")
def still_served(still: World) -> Iterator[Served]:
    with serving(still) as made:
        yield made


def get(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    """A request for a raw target, on a connection of its own."""
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + HOST.encode(), b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def status(answer: bytes) -> int:
    """The status of a raw answer; 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


# Parameters that would become ours


@pytest.mark.parametrize("team", INJECTIONS)
@pytest.mark.claim("C-69", "C-74")
def test_a_workspace_hint_adds_no_parameter_and_no_header(still: World, team: str) -> None:
    """I put a further parameter, or a header, into the one that is passed on to Slack."""
    for sent in (quote(team), quote(quote(team))):
        if sent:
            with nothing_happens(still):
                reply = still.request("GET", f"/slack/install?team={sent}")
            assert (reply.status, outcome(still)) == (400, "team_hint")
            assert not {"location", "set-cookie"} & set(reply.headers)
            assert_silent(still, reply, team, sent)


def test_only_the_team_hint_is_passed_on_to_slack(world: World) -> None:
    """I append my own parameters, in the clear."""
    begun = world.request("GET", "/slack/install?team=T0NORTH001&user_scope=admin&state=mine&client_id=1.1")
    names = [name for name, _ in parse_qsl(urlsplit(begun.location).query)]
    assert names == ["client_id", "scope", "redirect_uri", "state", "team"]
    with nothing_happens(world):
        assert world.request("GET", "/slack/install?team=T0NORTH001&team=T0SOUTH001").status == 400
    assert outcome(world) == "query"


# Over real sockets


def test_an_install_over_real_sockets(served: Served) -> None:
    """I am no attacker: the control of all that follows."""
    connection = http.client.HTTPConnection(*served.address, timeout=TIMEOUT)
    connection.request("GET", "/slack/install", headers={"Host": HOST})
    begun = connection.getresponse()
    begun.read()
    cookie = (begun.getheader("Set-Cookie") or "").partition(";")[0]
    asked = dict(parse_qsl(urlsplit(begun.getheader("Location") or "").query))
    consented = served.world.slack_form("/oauth/v2/authorize", {**asked, "target": NORTH, "decision": "approve"})
    back = urlsplit(consented.location)
    for target, expected in ((f"{back.path}?{back.query}", 303), ("/slack/installed", 200)):
        connection.request("GET", target, headers={"Host": HOST, "Cookie": cookie})
        answer = connection.getresponse()
        text = answer.read()
        assert (answer.status, answer.getheader("Server")) == (expected, None)
    connection.close()
    assert b"Northwind" in text


@pytest.mark.parametrize(
    "target",
    [b"//slack/install", b"/slack%2finstall", b"/slack/install/", b"/slack/oauth_redirect/x", b"/slack/./install",
     b"/x/../slack/install", b"http://localhost:3000/slack/install", b"http://evil.example/slack/install", b"*",
     b"/SLACK/INSTALL", b"/slack/install%00", b"/slack/install\x00", b"/sl\tack/install", b"/slack/install\t",
     b"/slack/install#x", b"/slack\\install", b"//evil.example/slack/install", b"http://[evil/", b"/\xff", b"/%",
     b"/slack/install;x", b"slack/install", b"localhost:3000", b"/slack/install\xc2\xa0", b"?", b"/" + b"a" * 9000],
)  # fmt: skip
def test_no_raw_target_reaches_a_page_by_another_name(still_served: Served, target: bytes) -> None:
    """I spell the path in the ways that servers decode, merge and cut."""
    with nothing_happens(still_served.world):
        for method in (b"GET", b"POST"):
            answer = still_served.send(get(target, b"Content-Length: 0", method=method))
            assert status(answer) in (0, 400, 404)
    still_served.assert_well()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost:3000\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost:3000\r\n\r\n",
        get(b"/slack/events", b"Content-Length: " + b"9" * 5000, method=b"POST"),
        get(b"/slack/events", b"Content-Length: 1", b"Content-Length: 2", method=b"POST") + b"{}",
        get(b"/slack/events", b"Content-Length: -1", method=b"POST"),
        get(b"/slack/events", b"Content-Length: 1048577", method=b"POST") + b"x" * 1_048_577,
        get(b"/slack/events", b"Transfer-Encoding: gzip", method=b"POST"),
        get(b"/slack/events", b"Transfer-Encoding: chunked", method=b"POST") + b"zz\r\n",
        get(b"/slack/events", b"Transfer-Encoding: chunked", method=b"POST") + b"2\r\n{}\r\n0\r\n\r\n",
        get(b"/healthz", b"Host: evil.example"),
        b"GET /slack/install HTTP/1.0\r\n\r\n",
        b"GET /slack/install HTTP/1.1\r\nHost: localhost:3000\r\nHost: localhost:3000\r\nConnection: close\r\n\r\n",
        b"GET /slack/install HTTP/1.1\nHost: localhost:3000\n\n\r\n\r\n",
        b"GET /slack/install HTTP/1.1\r\nHost : localhost:3000\r\nConnection: close\r\n\r\n",
        b"GET /slack/install HTTP/1.1\r\nHost: localhost:3000\r\n X: folded\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n\r\n\r\n\r\nGARBAGE\r\n\r\n",
    ],
    ids=range(18),
)
def test_a_broken_request_is_refused_or_cut_off_and_the_next_one_is_served(
    still_served: Served, request_bytes: bytes
) -> None:
    """I send what two servers in a row may read in two ways, or what makes one of them work hard."""
    probe = b"/healthz" in request_bytes  # from loopback it needs no Host
    with nothing_happens(still_served.world):
        answer = still_served.send(request_bytes)
    assert status(answer) in ((0, 200, 400, 431) if probe else (0, 400, 401, 404, 413, 431, 501, 505))
    assert b"Traceback" not in answer
    assert b"waitress" not in answer.lower()
    still_served.assert_well()


def test_garbage_after_a_good_request_is_cut_off(served: Served) -> None:
    """I put a second, broken request behind a good one, on the same connection."""
    good = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    answer = served.send(good + b"GARBAGE \x00\x01\r\n\r\n" + get(b"/slack/install"))
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert answer.count(b"HTTP/1.1 ") - answer.count(b"HTTP/1.1 4") == 1  # of what follows, nothing is served
    assert served.world.count("oauth_states") == 0
    served.assert_well()


def test_the_body_of_one_request_is_not_the_next_request(served: Served) -> None:
    """I hide a request in the body of another."""
    hidden = get(b"/slack/install")
    answer = served.send(get(b"/healthz", f"Content-Length: {len(hidden)}".encode()) + hidden)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert served.world.count("oauth_states") == 0


def test_an_answer_to_head_is_headers_only_whatever_comes_with_it(served: Served) -> None:
    """I want the front server to take a body that should not be there for the next person's answer."""
    for length in (b"0", b"00000000"):
        answer = served.send(get(b"/", b"Content-Length: " + length, method=b"HEAD"))
        assert answer.partition(b"\r\n\r\n")[2] == b""


def test_headers_that_only_a_proxy_may_send_do_not_count(tmp_path: Path) -> None:
    """I pretend to come from another address with each request, to get around the rate."""
    with make_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="1") as world, serving(world) as served:
        spoofed = (b"X-Forwarded-For: 192.0.2.%d\r\nForwarded: for=192.0.2.%d" % (n, n) for n in (1, 2, 3))
        answers = [served.send(get(b"/slack/install", header)) for header in spoofed]
    assert [status(answer) for answer in answers] == [302, 429, 429]


def test_header_names_with_underscores_are_not_headers(served: Served) -> None:
    """I send X_Slack_Signature, which some servers take for X-Slack-Signature."""
    body = json.dumps(served.world.envelope({"type": "app_mention"})).encode()
    signed = served.world.sign(body)
    headers = [f"{name.replace('-', '_')}: {value}".encode() for name, value in signed.items()]
    headers += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    with nothing_happens(served.world):
        assert status(served.send(get(b"/slack/events", *headers, method=b"POST") + body)) == 401
    twice = [f"{name}: {value}".encode() for name, value in signed.items()] * 2
    with nothing_happens(served.world):
        assert status(served.send(get(b"/slack/events", *headers[2:], *twice, method=b"POST") + body)) == 401


# The cookie in several fields

OTHER = "a=1; b=x, y"


def going_back(served: Served, way: Approved, cookies: tuple[str, ...]) -> int:
    """The status of a callback over a socket, with these Cookie fields; `@` in them is the right cookie."""
    fields = [f"cookie: {cookie.replace('@', cookie_of(way.browser))}".encode() for cookie in cookies]
    return status(served.send(get(way.target.encode(), *fields)))


@pytest.mark.parametrize(
    "cookies", [("@",), (OTHER, "@"), ("@", OTHER), ("a=1", "@", "b=2"), (f"{OTHER}; @; c=3", "d=4")]
)
def test_a_cookie_may_come_in_several_fields(served: Served, cookies: tuple[str, ...]) -> None:
    """HTTP/2 takes a Cookie apart, and a proxy may hand it on so (RFC 9113 section 8.2.3)."""
    assert going_back(served, approved(served.world), cookies) == 303


@pytest.mark.parametrize(
    "cookies",
    [("a=1, @",), ("a=1", "b=2, @"), ("@", "@"), ("a=1,@",), ("a=1\r\n , @", "b=2")],
    ids=["a comma", "a comma beside another field", "twice", "no space", "folded"],
)
@pytest.mark.claim("C-04")
def test_a_cookie_inside_another_ones_value_is_none(served: Served, cookies: tuple[str, ...]) -> None:
    """I own a sibling domain: I may plant a cookie whose value holds one of a name that only your host may set."""
    way = approved(served.world)
    with nothing_happens(served.world):
        assert going_back(served, way, cookies) == 400
