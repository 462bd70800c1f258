"""A verified body is an event for our app that can be kept."""

from typing import Any

import pytest

from slackapp.checks.event_envelope import Envelope, challenge_of, is_for_app, read_envelope
from slackapp.errors import Refusal
from tests.checks.helpers import refusal_of

EVENT = {"type": "app_mention", "text": "hello"}
BODY: dict[str, Any] = {
    "type": "event_callback",
    "event_id": "Ev08MFMKH6",
    "event_time": 1234567890,
    "event": EVENT,
}
BAD: dict[str, tuple[str, Any]] = {
    "no type": ("type", None),
    "another type": ("type", "app_rate_limited"),
    "no event": ("event", None),
    "event a list": ("event", [EVENT]),
    "event a string": ("event", "app_mention"),
    "no event type": ("event", {}),
    "event type null": ("event", {"type": None}),
    "event type a list": ("event", {"type": ["app_mention"]}),
    "event type empty": ("event", {"type": ""}),
    "event type of one of our own jobs": ("event", {"type": "slackapp.purge"}),
    "event type in capitals": ("event", {"type": "App_Mention"}),
    "event type with a line feed": ("event", {"type": "app_mention\n"}),
    "event type of 81 characters": ("event", {"type": "a" * 81}),
    "no id": ("event_id", None),
    "id a number": ("event_id", 7),
    "id empty": ("event_id", ""),
    "id of 65 characters": ("event_id", "E" * 65),
    "id with a line feed": ("event_id", "Ev1\n"),
    "id with a space": ("event_id", "Ev 1"),
    "id with a letter that is not ASCII": ("event_id", "Évi"),
    "no time": ("event_time", None),
    "time a string": ("event_time", "1234567890"),
    "time a fraction": ("event_time", 1234567890.0),
    "time true": ("event_time", True),
    "time zero": ("event_time", 0),
    "time below zero": ("event_time", -1),
    "time after 2099": ("event_time", 4_102_444_800),
}
GOOD: dict[str, tuple[str, Any]] = {
    "id of one character": ("event_id", "E"),
    "id of 64 characters": ("event_id", "E" * 64),
    "id with a hyphen and an underscore": ("event_id", "Ev_1-x"),
    "first second": ("event_time", 1),
    "last second of 2099": ("event_time", 4_102_444_799),
    "event type of 80 characters": ("event", {"type": "a" * 80}),
    "event type with a digit": ("event", {"type": "type_2"}),
}


def test_what_identifies_an_event_is_taken() -> None:
    assert read_envelope(BODY) == Envelope("Ev08MFMKH6", "app_mention", 1234567890, EVENT)


@pytest.mark.parametrize(("key", "value"), GOOD.values(), ids=GOOD)
def test_an_event_at_the_bounds_is_taken(key: str, value: Any) -> None:
    assert read_envelope({**BODY, key: value}) != read_envelope(BODY)


@pytest.mark.parametrize(("key", "value"), BAD.values(), ids=BAD)
@pytest.mark.claim("C-74")
def test_what_cannot_be_kept_is_refused(key: str, value: Any) -> None:
    assert refusal_of(lambda: read_envelope({**BODY, key: value})) is Refusal.EVENT


@pytest.mark.parametrize("key", BODY)
def test_an_event_without_one_of_its_parts_is_refused(key: str) -> None:
    body = {name: value for name, value in BODY.items() if name != key}
    assert refusal_of(lambda: read_envelope(body)) is Refusal.EVENT


@pytest.mark.parametrize("challenge", ["a", "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", "-_" * 128])
def test_a_challenge_is_taken(challenge: str) -> None:
    assert challenge_of({"type": "url_verification", "challenge": challenge}) == challenge


@pytest.mark.parametrize("challenge", [None, "", "a" * 257, "a b", "<b>", "a\n", "é", 7, ["a"], {"a": 1}])
def test_a_challenge_that_is_not_plain_is_refused(challenge: object) -> None:
    """I have you echo a page of mine as the answer to a handshake."""
    body = {"type": "url_verification", "challenge": challenge}
    assert refusal_of(lambda: challenge_of(body)) is Refusal.EVENT


@pytest.mark.parametrize("body", [{}, {"challenge": "abc"}, {"type": "event_callback", "challenge": "abc"}])
def test_any_other_body_has_no_challenge(body: dict[str, Any]) -> None:
    assert challenge_of(body) is None


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        ({"api_app_id": "A0LOCAL001"}, True),
        ({"api_app_id": "A0OTHER001"}, False),
        ({"api_app_id": ""}, False),
    ],
    ids=["ours", "another", "empty"],
)
def test_only_a_body_that_names_our_app_is_for_us(body: dict[str, Any], ours: bool) -> None:
    assert is_for_app(body, "A0LOCAL001") is ours


@pytest.mark.parametrize("body", [{}, {"api_app_id": None}, {"api_app_id": 7}, {"api_app_id": ["A0LOCAL001"]}])
def test_a_body_that_names_no_app_is_no_event(body: dict[str, Any]) -> None:
    assert refusal_of(lambda: is_for_app(body, "A0LOCAL001")) is Refusal.EVENT
