"""The server's settings: each chosen, none inherited."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel

from slackapp.cli.service.server import waitress_settings
from tests.attacks.test_requests import Served, get, serving, status
from tests.support.world import World, make_world

CHOSEN: dict[str, Any] = {
    "threads": 16,
    "ident": "",
    "expose_tracebacks": False,
    "max_request_body_size": 1_048_577,
    "inbuf_overflow": 1_048_578,
    "max_request_header_size": 16_384,
    "channel_timeout": 30,
    "cleanup_interval": 10,
    "connection_limit": 200,
    "backlog": 256,
    "asyncore_use_poll": True,
    "channel_request_lookahead": 0,
    "clear_untrusted_proxy_headers": True,
    "listen": "127.0.0.1:8080",
}


def test_waitress_gets_exactly_these_settings(world: World) -> None:
    assert waitress_settings(world.settings) == CHOSEN


def test_a_trusted_proxy_is_one_address_and_two_headers(world: World) -> None:
    assert waitress_settings(world.settings._replace(trusted_proxy="192.0.2.1")) == {
        **CHOSEN,
        "trusted_proxy": "192.0.2.1",
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
    }


def test_a_unix_socket_is_for_the_owner_and_the_group(world: World) -> None:
    expected = {name: value for name, value in CHOSEN.items() if name != "listen"}
    assert waitress_settings(world.settings._replace(listen="unix:/run/slackapp/socket")) == {
        **expected,
        "unix_socket": "/run/slackapp/socket",
        "unix_socket_perms": "660",
    }


def test_an_answer_is_sent_whole_by_the_thread_that_waits_for_the_network(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, bytes]] = []
    send = HTTPChannel.send

    def noted(channel: HTTPChannel, data: bytes, do_close: bool = True) -> int:
        sent.append((threading.current_thread().name, bytes(data)))
        return int(send(channel, data, do_close))

    monkeypatch.setattr(HTTPChannel, "send", noted)
    with serving(world) as served:
        answers = [served.send(get(path)) for path in (b"/healthz", b"/privacy")]
    assert [status(answer) for answer in answers] == [200, 200]
    assert [data for _, data in sent] == answers
    assert not [name for name, _ in sent if name.startswith("waitress")]


def test_waitress_accepts_every_setting(world: World) -> None:
    taken = Adjustments(**waitress_settings(world.settings._replace(trusted_proxy="192.0.2.1")))
    assert (taken.ident, taken.threads, taken.max_request_body_size) == (None, 16, 1_048_577) or taken.ident == ""
    assert taken.trusted_proxy_headers == {"x-forwarded-for", "x-forwarded-proto"}
    assert taken.log_untrusted_proxy_headers is False


# Whose word counts, over real sockets; whoever asks there comes from 127.0.0.1


@contextlib.contextmanager
def behind(folder: Path, proxy: str, rate: int = 1) -> Iterator[Served]:
    """Our service with the settings that it runs with; the address of its proxy, "" for none."""
    given = {"SLACKAPP_TRUSTED_PROXY": proxy} if proxy else {}
    with make_world(folder, SLACKAPP_RATE_PER_MINUTE=str(rate), **given) as world, serving(world) as served:
        yield served


def begin(served: Served, *headers: str) -> int:
    return status(served.send(get(b"/slack/install", *(header.encode() for header in headers))))


def test_the_trusted_proxy_says_where_each_request_comes_from(tmp_path: Path) -> None:
    with behind(tmp_path, "127.0.0.1") as served:
        assert [begin(served, "X-Forwarded-For: 192.0.2.1") for _ in range(2)] == [302, 429]
        assert begin(served, "X-Forwarded-For: 192.0.2.2") == 302
        assert begin(served, "X-Forwarded-For: 192.0.2.2:4711") == 429, "a port makes no other address"
        assert [begin(served, "X-Forwarded-For: 2001:db8::1") for _ in range(2)] == [302, 429]
        assert begin(served, "X-Forwarded-For: [2001:db8::1]:4711") == 429
        assert [begin(served) for _ in range(2)] == [302, 429], "without a word of it, it is the proxy itself"


def test_what_was_there_before_the_proxy_added_its_own_counts_for_nothing(tmp_path: Path) -> None:
    """I send the header along, each time with another address in it; the proxy puts mine behind it."""
    with behind(tmp_path, "127.0.0.1") as served:
        spoofed = [f"X-Forwarded-For: 192.0.2.{number}, 198.51.100.1" for number in range(1, 5)]
        assert [begin(served, header) for header in spoofed] == [302, 429, 429, 429]
        assert begin(served, "X-Forwarded-For: 198.51.100.1, 127.0.0.1, 198.51.100.1") == 429
        two = ("X-Forwarded-For: 192.0.2.9", "X-Forwarded-For: 198.51.100.1")
        assert begin(served, *two) == 429, "two headers are one list"
        assert begin(served, "X-Forwarded-For: 192.0.2.1") == 302, "and whoever is named there is not held back"


@pytest.mark.parametrize("header", ["Forwarded: for={}", "X-Real-IP: {}", "X-Forwarded-By: {}", "X_Forwarded_For: {}"])
def test_no_other_header_names_an_address(tmp_path: Path, header: str) -> None:
    with behind(tmp_path, "127.0.0.1") as served:
        assert [begin(served, header.format(f"192.0.2.{number}")) for number in range(3)] == [302, 429, 429]


@pytest.mark.parametrize("proxy", ["", "192.0.2.1"])
def test_nobody_but_the_trusted_proxy_says_where_a_request_comes_from(tmp_path: Path, proxy: str) -> None:
    """I come past the proxy, or there is none."""
    with behind(tmp_path, proxy) as served:
        headers = [f"X-Forwarded-For: 192.0.2.{number}" for number in range(1, 4)]
        assert [begin(served, header) for header in headers] == [302, 429, 429]


def test_the_proxy_does_not_say_under_which_name_it_was_asked(tmp_path: Path) -> None:
    """I let the proxy pass on a name of mine."""
    with behind(tmp_path, "127.0.0.1", rate=100) as served:
        for header in ("X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1", "Forwarded: host=evil.example"):
            answer = served.send(get(b"/slack/install", b"X-Forwarded-For: 192.0.2.1", header.encode()))
            assert status(answer) == 302
            assert b"evil" not in answer
        wrong = get(b"/slack/install", b"X-Forwarded-Host: localhost:3000").replace(b"Host: l", b"Host: x", 1)
        assert status(served.send(wrong)) == 400


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For: ", "X-Forwarded-For: ,", 'X-Forwarded-For: "', "X-Forwarded-For: :", "X-Forwarded-For: []",
     "X-Forwarded-For: 192.0.2.1,", "X-Forwarded-For: unknown", "X-Forwarded-Proto: gopher",
     "X-Forwarded-Proto: http, https"],
)  # fmt: skip
def test_a_header_of_the_proxy_that_cannot_be_read_hurts_nobody_else(tmp_path: Path, header: str) -> None:
    """I send the proxy what it passes on as it is."""
    with behind(tmp_path, "127.0.0.1") as served:
        assert begin(served, header) in (302, 400)
        assert begin(served, "X-Forwarded-For: 192.0.2.77") == 302


def test_the_refusals_of_one_address_behind_the_proxy_are_its_own(tmp_path: Path) -> None:
    """I guess paths, so that others behind the same proxy are told to wait."""
    with behind(tmp_path, "127.0.0.1") as served:
        mine, other = b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-For: 192.0.2.2"
        assert [status(served.send(get(b"/nowhere", mine))) for _ in range(3)] == [404, 429, 429]
        assert status(served.send(get(b"/nowhere", other))) == 404
