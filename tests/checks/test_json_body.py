"""A body is JSON of a kind that every later reader understands alike."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackapp.checks.json_body import parse_json
from slackapp.errors import Refusal
from tests.checks.helpers import accepts, refusal_of


def lists(depth: int) -> bytes:
    """An object that holds lists inside lists, `depth` containers in all."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def objects(depth: int) -> bytes:
    """Objects inside objects."""
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


GOOD: dict[str, tuple[bytes, Any]] = {
    "empty object": (b"{}", {}),
    "white space around": (b" \r\n\t{} \n", {}),
    "every kind of value": (
        b'{"s":"x","i":-1,"f":1.5,"t":true,"n":null,"l":[1,"2",{}],"o":{"a":1}}',
        {"s": "x", "i": -1, "f": 1.5, "t": True, "n": None, "l": [1, "2", {}], "o": {"a": 1}},
    ),
    "the same key in two objects": (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
    "greatest number": (b'{"a":9223372036854775807}', {"a": 2**63 - 1}),
    "least number": (b'{"a":-9223372036854775808}', {"a": -(2**63)}),
    "large fraction": (b'{"a":1e308}', {"a": 1e308}),
    "UTF-8": ('{"é":"日本"}'.encode(), {"é": "日本"}),
    "surrogate pair": (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "byte order mark inside": (b'{"a":"\\ufeff"}', {"a": "\ufeff"}),
    "NUL in a value": (b'{"a":"\\u0000"}', {"a": "\0"}),
    "NUL deep inside": (b'{"a":[{"b":["x\\u0000"]}]}', {"a": [{"b": ["x\0"]}]}),
    "lone surrogate in a value": (b'{"a":"\\ud83d!"}', {"a": "\ud83d!"}),
    "lone low surrogate in a value": (b'{"a":"x\\udc00"}', {"a": "x\udc00"}),
    "lone surrogate deep inside": (b'{"a":[{"b":["\\udfff"]}]}', {"a": [{"b": ["\udfff"]}]}),
    "lists 32 deep": (lists(32), json.loads(lists(32))),
    "objects 32 deep": (objects(32), json.loads(objects(32))),
}
BAD = {
    "empty": b"",
    "white space": b" \n",
    "no JSON": b"{bad",
    "something after it": b"{}{}",
    "NUL after it": b"{}\x00",
    "comment": b"{}//",
    "single quotes": b"{'a':1}",
    "comma at the end": b'{"a":1,}',
    "line feed in a string": b'{"a":"\n"}',
    "list at the top": b"[1]",
    "string at the top": b'"x"',
    "number at the top": b"1",
    "true at the top": b"true",
    "null at the top": b"null",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "no UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key, once escaped": b'{"a":1,"\\u0061":2}',
    "duplicate key deep inside": b'{"a":[{"b":{"c":1,"c":2}}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":-Infinity}',
    "becomes infinite": b'{"a":1e999}',
    "becomes infinite below zero": b'{"a":-1e999}',
    "becomes infinite deep inside": b'{"a":[[{"b":1e999}]]}',
    "lone surrogate in a key": b'{"\\ud800":1}',
    "lone surrogate in a key deep inside": b'{"a":[{"b":[{"\\udfff":1}]}]}',
    "NUL in a key": b'{"\\u0000":1}',
    "NUL in a key deep inside": b'{"a":[{"b":[{"x\\u0000":1}]}]}',
    "one more than int64": b'{"a":9223372036854775808}',
    "one less than int64": b'{"a":-9223372036854775809}',
    "more than int64 deep inside": b'{"a":[[9223372036854775808]]}',
    "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "lists 33 deep": lists(33),
    "objects 33 deep": objects(33),
    "lists 100,000 deep": b'{"a":' + b"[" * 100_000,
    "lists 100,000 deep and closed": lists(100_000),
    "objects 100,000 deep": b'{"a":' * 100_000,
}


@pytest.mark.parametrize(("body", "value"), GOOD.values(), ids=GOOD)
def test_good_json_is_taken_as_it_is(body: bytes, value: Any) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
@pytest.mark.claim("C-66")
def test_ambiguous_or_hurtful_json_is_refused(body: bytes) -> None:
    """I send a body that two parsers read differently, or that hurts the one that reads it."""
    assert refusal_of(lambda: parse_json(body)) is Refusal.JSON


@given(st.binary() | st.text('{}[]",:0123456789eE+-.\\u nulltruefasNI\x00', max_size=60).map(str.encode))
def test_whatever_bytes_come_nothing_but_a_refusal_is_raised(body: bytes) -> None:
    if accepts(lambda: parse_json(body)):
        assert parse_json(body) == json.loads(body)


PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e300, 1e300) | PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.long
@settings(max_examples=50)
@given(st.dictionaries(PLAIN, VALUES, max_size=4), st.booleans())
def test_whatever_json_slack_may_write_is_read_back_the_same(value: dict[str, Any], escaped: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=escaped).encode()) == value
