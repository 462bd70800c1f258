"""A request, read once, bounded, as raw bytes."""

import io
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.web.request import BODY_LIMIT, NoRawTargetError, Request, read_request
from tests.support.world import World


class Untouched(io.BytesIO):
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")


def environ(**changes: Any) -> dict[str, Any]:
    """What a server hands over for a POST of five bytes; None leaves a key out."""
    given = {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": "/slack/events",
        "PATH_INFO": "/somewhere/else",
        "QUERY_STRING": "not=ours",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_LENGTH": "5",
        "CONTENT_TYPE": "application/json",
        "HTTP_HOST": "app.example.com",
        "wsgi.input": io.BytesIO(b"hello"),
        **changes,
    }
    return {key: value for key, value in given.items() if value is not None}


def read(**changes: Any) -> Request:
    return read_request(environ(**changes), "a-request")


def refusal(**changes: Any) -> Refusal:
    with pytest.raises(Refused) as caught:
        read(**changes)
    return caught.value.refusal


def test_a_request_is_what_the_server_gave() -> None:
    request = read(REQUEST_URI="/slack/events?a=%41", HTTP_X_SLACK_SIGNATURE="v0=\xe9")
    assert (request.method, request.path, request.raw_query) == ("POST", "/slack/events", "a=%41")
    assert (request.raw_body, request.address, request.request_id) == (b"hello", "192.0.2.7", "a-request")
    assert (request.header("host"), request.header("content-type")) == ("app.example.com", "application/json")
    assert (request.header("x-absent"), request.header_bytes("x-absent")) == ("", b"")
    assert request.header_bytes("x-slack-signature") == b"v0=\xe9"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/slack%2fevents", "/slack%2fevents", ""),
        ("//slack/events", "//slack/events", ""),
        ("/slack/../slack/events", "/slack/../slack/events", ""),
        ("/slack/events%00", "/slack/events%00", ""),
        ("/slack/events?", "/slack/events", ""),
        ("/slack/events?a?b", "/slack/events", "a?b"),
        ("/slack/events#x", "/slack/events#x", ""),
        ("http://other/slack/events", "http://other/slack/events", ""),
        ("*", "*", ""),
        ("", "", ""),
    ],
)
def test_the_path_is_the_raw_target_and_nothing_is_decoded(target: str, path: str, query: str) -> None:
    """I spell a path in another way, so that a proxy's rule does not see it and you do."""
    request = read(REQUEST_URI=target)
    assert (request.path, request.raw_query) == (path, query)


def test_gunicorn_calls_the_raw_target_by_another_name() -> None:
    request = read(REQUEST_URI=None, RAW_URI="/slack%2Fevents?a=%41")
    assert (request.path, request.raw_query) == ("/slack%2Fevents", "a=%41")
    assert read(RAW_URI="/other").path == read().path, "where there are both, the usual one counts"


@pytest.mark.parametrize("target", [None, b"/slack/events", 7])
def test_a_server_without_a_raw_target_is_refused_loudly(target: Any) -> None:
    for name in ("REQUEST_URI", "RAW_URI"):
        with pytest.raises(NoRawTargetError):
            read(**{"REQUEST_URI": None, name: target})


BAD_LENGTHS = (
    None, "", "+5", "-5", "1_0", " 5", "5 ", "5\n", "0x5", "5.0", "5,5", "5, 5", "five", "\xb2", "\u0665",
    "10000000", "00000005", "9" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("length", BAD_LENGTHS)
@pytest.mark.claim("C-65")
def test_a_missing_or_malformed_length_is_refused_before_the_body_is_read(length: str | None) -> None:
    """I send a length that two servers read differently, so that the rest of my body becomes another request."""
    changes = {"CONTENT_LENGTH": length, "wsgi.input": Untouched()}
    assert refusal(**changes) is Refusal.LENGTH


@pytest.mark.parametrize("length", ["1048577", "9999999"])
@pytest.mark.claim("C-65")
def test_more_than_one_mib_is_refused_before_it_is_read(length: str) -> None:
    assert refusal(CONTENT_LENGTH=length, **{"wsgi.input": Untouched()}) is Refusal.TOO_LARGE


def test_a_body_of_one_mebibyte_is_read() -> None:
    body = b"x" * 1048576
    assert len(body) == BODY_LIMIT
    assert read(CONTENT_LENGTH="1048576", **{"wsgi.input": io.BytesIO(body)}).raw_body == body


@pytest.mark.parametrize("sent", [b"", b"hell"])
@pytest.mark.claim("C-65")
def test_a_body_shorter_than_it_was_said_to_be_is_refused(sent: bytes) -> None:
    """I break off in the middle of my body."""
    assert refusal(**{"wsgi.input": io.BytesIO(sent)}) is Refusal.LENGTH


def test_no_more_is_read_than_was_promised() -> None:
    stream = io.BytesIO(b"hello, and another request")
    assert read(**{"wsgi.input": stream}).raw_body == b"hello"
    assert stream.tell() == 5


def test_a_body_of_no_bytes_is_read() -> None:
    assert read(CONTENT_LENGTH="0").raw_body == b""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("length", [None, "", "0"])
def test_a_get_needs_no_length_and_its_body_is_not_waited_for(method: str, length: str | None) -> None:
    changes = {"CONTENT_LENGTH": length, "wsgi.input": Untouched()}
    assert read(REQUEST_METHOD=method, **changes).raw_body == b""


def test_a_get_with_a_body_is_bounded_like_any_other() -> None:
    assert read(REQUEST_METHOD="GET").raw_body == b"hello"
    assert refusal(REQUEST_METHOD="GET", CONTENT_LENGTH="1048577") is Refusal.TOO_LARGE
    assert refusal(REQUEST_METHOD="GET", CONTENT_LENGTH="+5") is Refusal.LENGTH
    assert refusal(REQUEST_METHOD="GET", CONTENT_LENGTH="6") is Refusal.LENGTH


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "DELETE", "PROPFIND"])
def test_a_method_that_is_not_taken_gets_405_without_having_to_name_a_length(world: World, method: str) -> None:
    reply = world.request(method, "/slack/events", environ={"CONTENT_LENGTH": ""})
    assert (reply.status, reply.headers.get("allow")) == (405, "POST")


def test_a_request_does_not_print_what_came_with_it() -> None:
    """I wait for a traceback that shows what others sent."""
    request = read(REQUEST_URI="/slack/oauth_redirect?code=SECRET", HTTP_COOKIE="a=SECRET", CONTENT_TYPE="SECRET")
    assert "SECRET" not in repr(request)
    assert "hello" not in repr(request)
