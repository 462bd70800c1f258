"""The server's settings: each chosen, none inherited."""

from dataclasses import replace
from typing import Any

from waitress.adjustments import Adjustments

from slackapp.cli.server import waitress_settings
from tests.support.world import World

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


def test_the_settings_are_exactly_these(world: World) -> None:
    assert waitress_settings(world.settings) == CHOSEN


def test_a_trusted_proxy_is_one_address_and_two_headers(world: World) -> None:
    assert waitress_settings(replace(world.settings, trusted_proxy="192.0.2.1")) == {
        **CHOSEN,
        "trusted_proxy": "192.0.2.1",
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
    }


def test_a_unix_socket_is_for_the_owner_and_the_group(world: World) -> None:
    expected = {name: value for name, value in CHOSEN.items() if name != "listen"}
    assert waitress_settings(replace(world.settings, listen="unix:/run/slackapp/socket")) == {
        **expected,
        "unix_socket": "/run/slackapp/socket",
        "unix_socket_perms": "660",
    }


def test_the_server_understands_all_of_them(world: World) -> None:
    taken = Adjustments(**waitress_settings(replace(world.settings, trusted_proxy="192.0.2.1")))
    assert (taken.ident, taken.threads, taken.max_request_body_size) == (None, 16, 1_048_577) or taken.ident == ""
    assert taken.trusted_proxy_headers == {"x-forwarded-for", "x-forwarded-proto"}
    assert taken.log_untrusted_proxy_headers is False
