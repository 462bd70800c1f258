"""The log: one JSON object per line, fields only, no secret."""

import io
import json
from typing import Any

import pytest

from slackapp.model import Secret
from slackapp.runtime.log import PIPE_BYTES, JsonLog, WholeLines, mask
from tests.support.world import START, Clock, World

SECRETS = {
    "bot's token": "xoxb-" + "1234-5678-abcDEF",
    "person's token": "xoxp-" + "1234-5678-abcDEF",
    "rotating bot's token": "xoxe.xoxb-1-" + "Mi0yLTEyMzQ",
    "rotating person's token": "xoxe.xoxp-1-" + "Mi0yLTEyMzQ",
    "refresh token": "xoxe-1-" + "Mi0yLTEyMzQ",
    "app-level token": "xapp-1-" + "A0LOCAL001-abc",
    "workflow token": "xwfp-" + "1234-abc",
    "legacy token": "xoxs-" + "1234-abc",
    "bearer": "Bearer something.short",
    "signature": "v0=" + "0123456789abcdef" * 4,
    "state": "A" * 60 + "." + "b-_" * 14 + "C",
    "cookie": "c" * 43,
    "64 hexadecimal digits": "ab" * 32,
    "client secret": "0123456789abcdef" * 2,
    "client secret in capitals": "0123456789ABCDEF" * 2,
    "refresh token with the signs of base64": "xoxe-1-" + "Mi0y/LTEy_M+zQ==",
    "code": "1234567890." + "1234567890." + "0123456789abcdef" * 4,
    "incoming webhook": "https://hooks.slack.com/services/" + "T0NORTH001/B0NORTH001/abcDEF123",
    "address for an answer": "https://hooks.slack.com/commands/" + "T0NORTH001/123/abcDEF123",
    "address of a workflow": "https://hooks.slack.com/triggers/" + "E0123/456/abcDEF123",
    "webhook of a local Slack": "http://127.0.0.1:3001/services/" + "T0NORTH001/B0NORTH001/abcDEF123",
    "basic authorization": "Basic " + "MTAwMDAwMDAwMS4yOnNlY3JldA==",
    "secret in a form": "client_secret=a/short+one",
    "operator's token in base64": "+/" * 21 + "a=",
    "master key": "slackapp-mk1:1:" + "+/" * 21 + "a=",
}
INNOCENT = (
    "T0NORTH001", "request 0123456789abcdef", "purpose=refresh method=auth.test generation=12", "invalid_auth",
    "xoxb", "xoxb is what it begins with", "v0=abc", "a" * 42, "the bearer of news", "", "Basic Information",
    "https://app.example.com/slack/commands", "http://127.0.0.1:3000/slack/oauth_redirect", "b" * 31, "c" * 33,
    "/var/lib/slackapp-key-backup/slackapp-keys.json", "https://hooks.slack.com is out of reach",
)  # fmt: skip


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    """Every line, each of which must be one object."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> JsonLog:
    return JsonLog(stream, Clock())


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("around", ["{}", "before {} after", "a={}&b", '"{}"', "({})"])
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(secret: str, around: str) -> None:
    """I read your log."""
    masked = mask(around.format(secret))
    assert "***" in masked
    for part in secret.replace(".", " ").split(" "):
        assert len(part) < 12 or part not in masked
    assert secret not in masked


@pytest.mark.parametrize("text", INNOCENT)
def test_what_an_operator_needs_to_read_is_not_masked(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("level", ["info", "error", "bug"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.claim("C-19")
def test_a_secret_in_a_field_does_not_get_into_the_log(
    log: JsonLog, stream: io.StringIO, level: str, secret: str
) -> None:
    getattr(log, level)("something", {"why": f"it was {secret}", "count": 3})
    assert secret not in stream.getvalue()
    assert written(stream)[0]["why"].startswith("it was ***")
    assert written(stream)[0]["count"] == 3


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.claim("C-19")
def test_a_secret_is_masked_whatever_stands_right_before_it_and_the_line_stays_json(
    log: JsonLog, stream: io.StringIO, secret: str
) -> None:
    """I put a line break before a secret: JSON writes it as two signs, of which the second is a letter."""
    before = ("\n", "\t", "\u00e9", "\u200b", '"', "\\", "/", "_")
    for each in before:
        log.error("something", {"why": f"it was{each}{secret}"})
    lines = written(stream)
    assert len(lines) == len(before)
    assert [line for line in lines if not line["why"].startswith("it ") or secret in line["why"]] == []


@pytest.mark.claim("C-19")
def test_each_secret_of_the_settings_is_masked_whatever_it_looks_like(stream: io.StringIO) -> None:
    """I get an operator's token of a form that nobody else has into your log."""
    secrets = ("an-operator-token-of-forty-characters-xx", r'a "secret" \ of.any+form*', "short.but.known")
    log = JsonLog(stream, Clock(), secrets=[Secret(text) for text in secrets])
    log.error("something", {"why": " and ".join(secrets), "fine": "x"})
    (line,) = written(stream)
    assert (line["why"], line["fine"]) == ("*** and *** and ***", "x")


@pytest.mark.claim("C-19")
def test_the_service_masks_its_own_settings(world: World) -> None:
    settings = world.service.app.settings
    assert settings.operator_token is not None
    secrets = [settings.client_secret, *settings.signing_secrets, settings.operator_token]
    world.service.app.log.error("something", {"why": " ".join(secret.reveal() for secret in secrets)})
    assert '"why": "*** *** ***"' in world.log.getvalue()


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_line_stays_json_where_a_secret_stood_between_quotes(log: JsonLog, stream: io.StringIO, secret: str) -> None:
    log.error("something", {"why": f'{{"a": "{secret}", "b": "\\{secret}\\"}}', "fine": "x"})
    (line,) = written(stream)
    assert (line["fine"], line["event"]) == ("x", "something")
    assert secret not in line["why"]


@pytest.mark.parametrize("level", ["info", "error", "bug"])
def test_every_line_says_when_how_serious_and_what(log: JsonLog, stream: io.StringIO, level: str) -> None:
    getattr(log, level)("something", {"request": "0123"})
    (line,) = written(stream)
    assert (line["at"], line["level"], line["event"], line["request"]) == (START, level, "something", "0123")


BREAKERS = ("a\nb", "a\r\nb", "a\x00b", "a\u2028b", "a\x85b", '"}\n{"level":"info', "\ud800", "é")


@pytest.mark.parametrize("text", BREAKERS)
def test_one_event_is_one_line_of_plain_ascii(log: JsonLog, stream: io.StringIO, text: str) -> None:
    """I put a line break into what you log, and write the next line myself."""
    log.info("first", {"path": text})
    log.error("second", {})
    assert stream.getvalue().isascii()
    assert [line["event"] for line in written(stream)] == ["first", "second"]
    assert stream.getvalue().count("\n") == 2
    assert written(stream)[0]["path"] == text


def stumble(canary: str) -> None:
    kept_in_a_local = canary
    try:
        raise KeyError(kept_in_a_local)
    except KeyError as error:
        raise ValueError(f"could not read {canary}") from error


def test_a_bug_shows_type_and_place_and_neither_text_nor_locals(log: JsonLog, stream: io.StringIO) -> None:
    """I send what makes you fail, and have the exception written where I can read it."""
    try:
        stumble("a-short-canary")
    except ValueError:
        log.bug("request_failed", {"request": "0123"})
    (line,) = written(stream)
    assert line["exception"] == "ValueError"
    assert "test_log.py:" in stream.getvalue()
    assert "canary" not in stream.getvalue()
    assert "could not read" not in stream.getvalue()


def test_a_bug_outside_an_exception_is_a_line_all_the_same(log: JsonLog, stream: io.StringIO) -> None:
    log.bug("request_failed", {})
    assert written(stream)[0]["exception"] == "none"


class Broken(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed")])
def test_a_log_that_cannot_be_written_stops_nothing(error: Exception) -> None:
    """I fill the disk of your log, so that you refuse everybody."""
    log = JsonLog(Broken(error), Clock())
    log.info("something", {})
    log.error("something", {})
    log.bug("something", {})
    assert log._stream.getvalue() == ""


class WithoutTextError(Exception):
    """Its text has to be made, and cannot be."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __str__(self) -> str:
        raise self._error


@pytest.mark.parametrize("error", [ValueError(), SystemExit(0), KeyboardInterrupt()], ids=repr)
def test_an_exception_that_cannot_say_its_text_is_told_all_the_same(stream: io.StringIO, error: BaseException) -> None:
    log = JsonLog(stream, Clock(), with_texts=True)
    try:
        raise WithoutTextError(error)
    except WithoutTextError:
        log.bug("something", {})
    (line,) = written(stream)
    assert (line["exception"], line["text"]) == ("WithoutTextError", f"no text: {type(error).__name__}")


def test_a_deep_trace_is_cut_to_its_last_places(log: JsonLog, stream: io.StringIO) -> None:
    def fall(depth: int) -> None:
        if depth == 0:
            raise ValueError
        fall(depth - 1)

    try:
        fall(100)
    except ValueError:
        log.bug("request_failed", {})
    assert stream.getvalue().count("test_log.py:") == 12


class CountingStream(io.StringIO):
    """Counts how often it is told to hand on."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def test_what_is_as_it_should_be_waits_for_the_next_flush_and_nothing_else_does() -> None:
    stream = CountingStream()
    log = JsonLog(stream, Clock())
    log.info("something", {})
    assert stream.flushes == 0
    log.error("something", {})
    log.bug("something", {})
    assert stream.flushes == 2
    log.info("something", {})
    log.flush()
    assert stream.flushes == 3


class Pieces(CountingStream):
    """Keeps each piece that is written."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str, /) -> int:
        self.pieces.append(text)
        return len(text)


def test_lines_go_out_whole_in_their_order_and_in_pieces_that_no_other_writer_cuts() -> None:
    stream, numbers = Pieces(), range(300)
    log = JsonLog(WholeLines(stream), Clock())
    for number in numbers:
        log.request({"request": number})
    assert 1 < len(stream.pieces) < len(numbers) / 20
    assert all(len(piece) <= PIPE_BYTES and piece.endswith("\n") for piece in stream.pieces)
    log.flush()
    lines = "".join(stream.pieces).splitlines()
    assert [json.loads(line)["request"] for line in lines] == [*numbers]


def test_an_error_takes_along_what_waited_before_it_and_a_long_line_goes_by_itself() -> None:
    stream = Pieces()
    log = JsonLog(WholeLines(stream), Clock())
    log.info("first", {})
    assert stream.pieces == []
    log.error("second", {"why": "x " * PIPE_BYTES})
    assert [json.loads(piece)["event"] for piece in stream.pieces] == ["first", "second"]
    assert stream.flushes == 1
    log.flush()
    assert len(stream.pieces) == 2


def test_where_the_upkeep_is_busy_a_line_hands_on_what_has_waited_for_more_than_a_second() -> None:
    stream, clock = Pieces(), Clock()
    log = JsonLog(WholeLines(stream), clock)
    log.info("first", {})
    clock.now += 1
    log.info("second", {})
    assert stream.pieces == []
    clock.now += 1
    log.info("third", {})
    assert [json.loads(line)["event"] for line in "".join(stream.pieces).splitlines()] == ["first", "second", "third"]
    log.info("fourth", {})
    assert len(stream.pieces) == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("closed")])
def test_a_log_that_cannot_be_handed_on_stops_nothing(error: Exception) -> None:
    class Stuck(io.StringIO):
        def flush(self) -> None:
            raise error

    log = JsonLog(Stuck(), Clock())
    log.error("something", {})
    log.flush()
