"""Slack's limits, known before a message is accepted."""

from typing import Any

import pytest

from slackapp.host.checks.message_content import MAX_BLOCKS_TEXT, require_content
from slackapp.host.errors import HostRefused


def text_of(kind: str, length: int) -> dict[str, Any]:
    return {"type": kind, "text": "x" * length}


def section(length: int = 10, **fields: Any) -> dict[str, Any]:
    return {"type": "section", "text": text_of("mrkdwn", length), **fields}


def options(number: int) -> list[dict[str, Any]]:
    return [{"text": text_of("plain_text", 3), "value": str(each)} for each in range(number)]


def button(**fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": text_of("plain_text", 75), "action_id": "a", **fields}


GOOD: dict[str, tuple[str | None, list[Any] | None]] = {
    "a text": ("x" * 4000, None),
    "lines and emoji": ("one\ntwo\t\U0001f600", None),
    "blocks alone": (None, [section(3000)]),
    "both": ("fallback", [section()] * 50),
    "a type that is not known": ("x", [{"type": "carousel_of_tomorrow", "anything": ["goes"]}]),
    "a header": ("x", [{"type": "header", "text": text_of("plain_text", 150)}]),
    "buttons": ("x", [{"type": "actions", "elements": [button()] * 25}]),
    "fields": ("x", [{"type": "section", "fields": [text_of("mrkdwn", 1000)] * 10}]),
}
BAD: dict[str, tuple[str | None, list[Any] | None, str]] = {
    "nothing": (None, None, "/text"),
    "no blocks": (None, [], "/text"),
    "blanks": (" \n", None, "/text"),
    "a long text": ("x" * 4001, None, "/text"),
    "a NUL": ("a\x00b", None, "/text"),
    "an escape": ("a\x1bb", None, "/text"),
    "half a pair": ("\ud83d", None, "/text"),
    "many blocks": ("x", [section()] * 51, "/blocks"),
    "no block": ("x", ["text"], "/blocks/0/type"),
    "no type": ("x", [section(), {}], "/blocks/1/type"),
    "a long section": ("x", [section(), section(3001)], "/blocks/1/text/text"),
    "an empty section": ("x", [section(0)], "/blocks/0/text/text"),
    "a long field": (
        "x", [{"type": "section", "fields": [text_of("mrkdwn", 1), text_of("mrkdwn", 2001)]}],
        "/blocks/0/fields/1/text",
    ),
    "many fields": ("x", [{"type": "section", "fields": [text_of("mrkdwn", 1)] * 11}], "/blocks/0/fields"),
    "a long header": ("x", [{"type": "header", "text": text_of("plain_text", 151)}], "/blocks/0/text/text"),
    "many elements": ("x", [{"type": "actions", "elements": [button()] * 26}], "/blocks/0/elements"),
    "a long button": (
        "x", [{"type": "actions", "elements": [button(), button(text=text_of("plain_text", 76))]}],
        "/blocks/0/elements/1/text/text",
    ),
    "a long value": ("x", [section(accessory=button(value="x" * 2001))], "/blocks/0/accessory/value"),
    "many options": (
        "x", [section(accessory={"type": "overflow", "options": options(6)})], "/blocks/0/accessory/options",
    ),
    "a long id": ("x", [section(block_id="x" * 256)], "/blocks/0/block_id"),
    "a long alt text": ("x", [{"type": "image", "alt_text": "x" * 2001}], "/blocks/0/alt_text"),
    "a control character deep inside": ("x", [{"type": "later", "a": [{"b": "\x07"}]}], "/blocks/0"),
    "long in all": ("x", [section(2700)] * 5, "/blocks"),
    "markdown in all": ("x", [{"type": "markdown", "text": "x" * 6001}] * 2, "/blocks"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_slack_takes_passes_as_it_is(name: str) -> None:
    text, blocks = GOOD[name]
    found = require_content(text, blocks)
    assert found.get("text") == text
    assert found.get("blocks") == blocks


@pytest.mark.claim("C-264")
@pytest.mark.parametrize("name", BAD)
def test_what_slack_would_not_take_is_refused_with_a_pointer(name: str) -> None:
    text, blocks, pointer = BAD[name]
    with pytest.raises(HostRefused) as caught:
        require_content(text, blocks, "/messages/3")
    assert (caught.value.refusal.code, caught.value.field) == ("INVALID_CONTENT", f"/messages/3{pointer}")


def test_the_whole_is_counted_as_it_is_sent() -> None:
    frame = len('[{"type":"later","x":""}]')
    assert require_content(None, [{"type": "later", "x": "é" * (MAX_BLOCKS_TEXT - frame)}])
    with pytest.raises(HostRefused):
        require_content(None, [{"type": "later", "x": "é" * (MAX_BLOCKS_TEXT - frame + 1)}])
