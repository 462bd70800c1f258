"""What goes over the wire, and what is taken from it."""

import base64
import json
import logging
import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs
from urllib.request import Request, build_opener

import pytest

from slackapp.errors import SlackCallError
from slackapp.errors import SlackErrorKind as Kind
from slackapp.flows.tokens import refresh_token
from slackapp.slack import deadline, transport
from slackapp.store import queue
from tests.slack.conftest import TOKEN, MakeCaller
from tests.slack.servers import Raw, http, raw, self_signed

OK = http(b'{"ok": true}')


def head_and_form(server: Raw) -> tuple[str, dict[str, str], dict[str, str]]:
    """Request line, headers and fields of the only request."""
    (request,) = server.requests
    head, _, body = request.decode().partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    fields = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True, strict_parsing=True).items()}
    pairs = [header.partition(": ") for header in headers]
    return line, {name.lower(): value for name, _, value in pairs}, fields


def failure(caller_of: MakeCaller, answer: bytes | None) -> SlackCallError:
    """How a call fails that is answered with these bytes; it is made once."""
    with raw(answer) as slack:
        caller = caller_of(slack.url)
        with pytest.raises(SlackCallError) as caught:
            caller.client.call("auth.test", TOKEN, {})
        assert len(slack.requests) == 1
        labels = {"method": "auth.test", "result": caught.value.code}
        assert caller.metrics.value("slackapp_slack_calls_total", labels) == 1, "or as `other`"
    return caught.value


# What is sent


def test_a_token_goes_into_the_header_and_parameters_into_the_body(caller_of: MakeCaller) -> None:
    blocks = [{"type": "section", "text": "é & b"}]
    params = {"channel": "C1", "text": "a&b=c d", "blocks": blocks, "metadata": {"a": 1}}
    with raw(OK) as slack:
        caller_of(slack.url).client.call("chat.postMessage", TOKEN, params)
    line, headers, fields = head_and_form(slack)
    assert line == "POST /api/chat.postMessage HTTP/1.1"
    assert headers["authorization"] == f"Bearer {TOKEN.reveal()}"
    assert headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert fields["text"] == "a&b=c d"
    assert (json.loads(fields["blocks"]), json.loads(fields["metadata"])) == (blocks, {"a": 1})
    assert TOKEN.reveal() not in "".join(fields.values())


def test_the_apps_secret_goes_into_the_header_of_an_exchange(caller_of: MakeCaller) -> None:
    with raw(OK) as slack:
        caller_of(slack.url).client.call_as_app("oauth.v2.access", {"code": "a-code", "redirect_uri": "http://x/y"})
    line, headers, fields = head_and_form(slack)
    assert line == "POST /api/oauth.v2.access HTTP/1.1"
    basic = base64.b64encode(b"1000000001.2000000002:a-client-secret-for-tests").decode()
    assert headers["authorization"] == f"Basic {basic}"
    assert fields == {"code": "a-code", "redirect_uri": "http://x/y"}


def test_an_uninstall_sends_the_token_in_the_header_and_the_secret_in_the_body(caller_of: MakeCaller) -> None:
    with raw(OK) as slack:
        caller_of(slack.url).client.uninstall(TOKEN)
    line, headers, fields = head_and_form(slack)
    assert line == "POST /api/apps.uninstall HTTP/1.1"
    assert headers["authorization"] == f"Bearer {TOKEN.reveal()}"
    assert fields == {"client_id": "1000000001.2000000002", "client_secret": "a-client-secret-for-tests"}


def test_a_certificate_that_nobody_vouches_for_gets_no_token(caller_of: MakeCaller, tmp_path: Path) -> None:
    """I stand between you and Slack with a certificate of my own."""
    with raw(OK, tls=self_signed(tmp_path)) as slack:
        caller = caller_of(f"https://127.0.0.1:{slack.port}")
        with pytest.raises(SlackCallError) as caught:
            caller.client.call("auth.test", TOKEN, {})
        assert caught.value.code == "unreachable"
        assert slack.requests == []


# What comes back


def test_where_nobody_takes_the_connection_nothing_was_done(caller_of: MakeCaller) -> None:
    with raw(OK) as slack:
        gone = slack.url
    with pytest.raises(SlackCallError) as caught:
        caller_of(gone).client.call("auth.test", TOKEN, {})
    assert (caught.value.code, caught.value.kind) == ("no_connection", Kind.TRANSIENT)


def test_a_slack_that_does_not_answer_times_out(caller_of: MakeCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert transport.TIMEOUT == 10
    monkeypatch.setattr(transport, "TIMEOUT", 0.05)
    assert failure(caller_of, None).code == "unreachable"


SLOW = {
    "headers": http(b'{"ok": true}', headers="X: " + "x" * 100 + "\r\n"),
    "body": http(b'{"ok": true}' + b" " * 200),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
@pytest.mark.claim("C-84")
def test_an_answer_that_comes_in_drops_times_out(
    caller_of: MakeCaller, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """I answer in Slack's place, one byte at a time, so that your threads wait for me."""
    monkeypatch.setattr(transport, "TIMEOUT", 0.3)
    with raw(answer, pause=0.01) as slack, pytest.raises(SlackCallError) as caught:
        caller_of(slack.url).client.call("auth.test", TOKEN, {})
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize("pause", [0.0, 0.01])
@pytest.mark.claim("C-84")
def test_tls_is_held_to_the_same_deadline(tmp_path: Path, pause: float) -> None:
    context, handler = self_signed(tmp_path), deadline.TlsHandler()
    handler._tls.load_verify_locations(tmp_path / "server.pem")
    with raw(SLOW["headers"], tls=context, pause=pause) as slack:
        request = Request(f"https://127.0.0.1:{slack.port}/api/auth.test", b"a=1", method="POST")
        if pause:
            with pytest.raises(OSError, match=r"timed out|^$"):
                build_opener(handler).open(request, timeout=0.5)
        else:
            with build_opener(handler).open(request, timeout=transport.TIMEOUT) as answer:
                assert answer.read() == b'{"ok": true}'


@pytest.mark.claim("C-84")
def test_no_call_goes_by_another_way_than_those_with_a_deadline() -> None:
    ways = transport._OPENER.handle_open  # type: ignore[attr-defined]
    assert [type(way) for way in (*ways["http"], *ways["https"])] == [deadline.PlainHandler, deadline.TlsHandler]


@pytest.mark.claim("C-84")
def test_a_name_that_is_looked_up_for_ever_times_out(caller_of: MakeCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    over, looked_up = threading.Event(), socket.getaddrinfo

    def hanging(host: str, port: int, **named: Any) -> Any:
        if not named["flags"]:
            over.wait(20)
        return looked_up(host, port, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setattr(transport, "TIMEOUT", 0.05)
    monkeypatch.setattr(deadline, "_LOOKUPS", threading.BoundedSemaphore(1))
    with raw(OK) as slack:
        client = caller_of(slack.url.replace("127.0.0.1", "localhost")).client
        for case in ("that hangs", "beside as many as may hang"):
            with pytest.raises(SlackCallError) as caught:
                client.call("auth.test", TOKEN, {})
            assert caught.value.code == "no_connection", case
        assert slack.requests == [], "nothing was sent"
    over.set()
    for thread in threading.enumerate():
        if thread.name == "look-up":
            thread.join(5)


@pytest.mark.claim("C-84")
def test_all_of_a_names_addresses_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with fifty addresses, none of which answers."""
    now, tried = [1000.0], []

    def silent(address: Any, seconds: float, ends_at: float) -> Any:
        tried.append(address)
        now[0] += seconds
        raise TimeoutError

    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(deadline, "_addresses", lambda *_: list(range(50)))
    monkeypatch.setattr(deadline, "_connect", silent)
    with pytest.raises(deadline.NotConnectedError):
        deadline._connected("slack.com", 443, 1000.0 + transport.TIMEOUT)
    assert len(tried) >= 49, "the last ones have their turn, too"
    assert now[0] == pytest.approx(1000.0 + transport.TIMEOUT)


def test_a_call_ends_before_the_lease_it_stands_under() -> None:
    assert min(refresh_token.LEASE, queue.LEASE) > transport.TIMEOUT * 2


BROKEN = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "half a body": http(b'{"ok": true}', length="4096"),
    "no body of many bytes": http(b"", length="100"),
    "a chunk that breaks off": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"ok": ',
    "headers without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_is_not_whole_is_no_answer(caller_of: MakeCaller, answer: bytes) -> None:
    found = failure(caller_of, answer)
    assert (found.code, found.kind) == ("unreachable", Kind.TRANSIENT)


UNREADABLE = {
    "empty": b"",
    "HTML": b"<!doctype html>",
    "no UTF-8": b'{"ok": true, "a": "\xff"}',
    "a list": b"[]",
    "a string": b'"ok"',
    "null": b"null",
    "no ok": b"{}",
    "ok null": b'{"ok": null}',
    "ok a number": b'{"ok": 1}',
    "ok a string": b'{"ok": "true"}',
    "something after it": b'{"ok": true}}',
    "a byte order mark": b'\xef\xbb\xbf{"ok": true}',
    "UTF-16": '{"ok": true}'.encode("utf-16"),
    "UTF-32": '{"ok": true}'.encode("utf-32"),
    "100,000 lists inside each other": b'{"ok": true, "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number of 5000 digits": b'{"ok": true, "a": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_answer_that_is_none_of_the_web_api_is_unreadable(caller_of: MakeCaller, body: bytes) -> None:
    found = failure(caller_of, http(body))
    assert (found.code, found.kind, found.retry_after) == ("unreadable_answer", Kind.TRANSIENT, 0)


@pytest.mark.parametrize("status", ["500 X", "502 X", "503 X"])
def test_a_page_of_a_failing_server_is_a_server_error(caller_of: MakeCaller, status: str) -> None:
    found = failure(caller_of, http(b"<h1>sorry</h1>", status))
    assert (found.code, found.kind) == ("server_error", Kind.TRANSIENT)


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1 2", "\xb2", "five"])
def test_an_absurd_length_is_a_failed_call_or_none_and_never_a_crash(caller_of: MakeCaller, length: str) -> None:
    with raw(http(b'{"ok": true}', length=length)) as slack:
        client = caller_of(slack.url).client
        try:
            told = client.call("auth.test", TOKEN, {}).data["ok"]
        except SlackCallError as error:
            told = error.kind is Kind.TRANSIENT
        assert told is True


def padded(size: int) -> bytes:
    """A good answer of that many bytes."""
    empty = b'{"ok": true, "a": ""}'
    return b'{"ok": true, "a": "' + b"x" * (size - len(empty)) + b'"}'


@pytest.mark.claim("C-65")
def test_256_kib_are_read_and_no_byte_more(caller_of: MakeCaller) -> None:
    with raw(http(padded(256 * 1024))) as slack:
        assert caller_of(slack.url).client.call("auth.test", TOKEN, {}).data["ok"] is True
    assert failure(caller_of, http(padded(256 * 1024 + 1))).code == "unreadable_answer"


@pytest.mark.parametrize("body", [b'{"ok": false}', b'{"ok": false, "error": null}', b'{"ok": false, "error": ["a"]}'])
def test_an_error_without_a_code_is_unknown(caller_of: MakeCaller, body: bytes) -> None:
    found = failure(caller_of, http(body))
    assert (found.code, found.kind) == ("unknown_error", Kind.BAD_REQUEST)


@pytest.mark.parametrize("code", ["", "a b", "a\nb", "xoxb-1", "<b>", "a" * 65, "a.b", "a,b", '"'])
def test_a_code_that_does_not_look_like_one_is_not_repeated_anywhere(caller_of: MakeCaller, code: str) -> None:
    """I answer in Slack's place with an error that breaks your log, or that holds what you sent me."""
    found = failure(caller_of, http(json.dumps({"ok": False, "error": code}).encode()))
    assert (found.code, str(found)) == ("unknown_error", "auth.test: unknown_error")


@pytest.mark.parametrize("code", ["a" * 64, "invalid_auth", "a1_b2"])
def test_a_code_that_looks_like_one_is_kept(caller_of: MakeCaller, code: str) -> None:
    assert failure(caller_of, http(json.dumps({"ok": False, "error": code}).encode())).code == code


@pytest.mark.parametrize("status", ["200 OK", "400 X", "401 X", "403 X", "404 X", "500 X"])
def test_the_field_and_not_the_status_says_what_went_wrong(caller_of: MakeCaller, status: str) -> None:
    found = failure(caller_of, http(b'{"ok": false, "error": "token_revoked"}', status))
    assert (found.code, found.kind) == ("token_revoked", Kind.DEAD)


WAITS: dict[str | None, int] = {
    "0": 1, "1": 1, "7": 7, "3600": 3600, "3601": 3600, "999999": 3600,
    None: 30, "": 30, "-1": 30, "+1": 30, "1.5": 30, "1e9": 30, "soon": 30, "Wed, 21 Oct 2026 07:28:00 GMT": 30,
    "\xb2": 30, "7, 7": 30,
}  # fmt: skip


@pytest.mark.parametrize(("claimed", "wait"), WAITS.items())
def test_how_long_to_wait_is_taken_from_a_whole_number_and_bounded(
    caller_of: MakeCaller, claimed: str | None, wait: int
) -> None:
    headers = f"Retry-After: {claimed}\r\n" if claimed is not None else ""
    found = failure(caller_of, http(b'{"ok": false, "error": "ratelimited"}', "429 X", headers))
    assert (found.code, found.kind, found.retry_after) == ("ratelimited", Kind.RATE_LIMITED, wait)


@pytest.mark.parametrize("claimed", ["1000000", "9" * 20, "9" * 5000])
def test_an_absurd_wait_is_not_waited_for(caller_of: MakeCaller, claimed: str) -> None:
    headers = f"Retry-After: {claimed}\r\n"
    found = failure(caller_of, http(b'{"ok": false, "error": "ratelimited"}', "429 X", headers))
    assert found.kind is Kind.RATE_LIMITED
    assert 0 < found.retry_after <= 3600


LIMITED = {
    "no code": b'{"ok": false}',
    "another code": b'{"ok": false, "error": "token_revoked"}',
    "ok": b'{"ok": true}',
    "huge": padded(300_000),
    **UNREADABLE,
}


@pytest.mark.parametrize("body", LIMITED.values(), ids=LIMITED)
@pytest.mark.claim("C-85")
def test_a_429_is_a_rate_limit_whatever_its_body_says(caller_of: MakeCaller, body: bytes) -> None:
    found = failure(caller_of, http(body, "429 X", "Retry-After: 7\r\n"))
    assert (found.code, found.kind, found.retry_after) == ("ratelimited", Kind.RATE_LIMITED, 7)


def test_a_429_whose_body_never_comes_is_a_rate_limit(caller_of: MakeCaller) -> None:
    found = failure(caller_of, http(b"", "429 X", "Retry-After: 7\r\n", length="4096"))
    assert (found.code, found.kind, found.retry_after) == ("ratelimited", Kind.RATE_LIMITED, 7)


def test_one_client_serves_several_calls(caller_of: MakeCaller) -> None:
    with raw(OK) as slack:
        client = caller_of(slack.url).client
        answers = [client.call("auth.test", TOKEN, {}).data["ok"] for _ in range(3)]
    assert answers == [True] * 3
    assert len(slack.requests) == 3


@pytest.mark.parametrize("name", [*BROKEN, *UNREADABLE])
@pytest.mark.claim("C-20")
def test_what_cannot_be_read_is_not_logged(caller_of: MakeCaller, caplog: pytest.LogCaptureFixture, name: str) -> None:
    caplog.set_level(logging.DEBUG)
    answer = BROKEN[name] if name in BROKEN else http(UNREADABLE[name])
    with raw(answer) as slack, pytest.raises(SlackCallError):
        caller_of(slack.url).client.call("auth.test", TOKEN, {"text": "a text that is private"})
    assert TOKEN.reveal() not in caplog.text
    assert "private" not in caplog.text
    assert "ok" not in caplog.text
