"""What a body and a query may hold: each field, its type and its bounds, and no other field."""

import contextlib
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.host.checks.fields import MAX_BODY, Fields, has_form, read_body, read_parameters
from slackapp.host.errors import HostRefused
from tests.host.checks.helpers import refusal_of

WORD = {"type": "string", "pattern": "^[a-z]{1,4}$"}
FIELDS: Fields = {
    "name": {"type": "string", "minLength": 1, "maxLength": 5},
    "count": {"type": "integer", "minimum": 1, "maximum": 9, "optional": True},
    "flag": {"type": "boolean", "optional": True},
    "word": {"type": ["string", "null"], "pattern": "^[a-z]{1,4}$", "optional": True},
    "list": {"type": "array", "items": WORD, "maxItems": 2, "optional": True},
    "pair": {"type": "object", "properties": {"id": WORD, "text": {"type": "string"}}, "optional": True},
    "kind": {"type": "string", "enum": ["one", "two"], "optional": True},
}
QUERY: Fields = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 100},
    "search": {"type": "string", "maxLength": 5, "default": ""},
}

GOOD: list[dict[str, Any]] = [
    {"name": "x"},
    {"name": "é" * 5, "count": 1, "flag": False, "word": None, "list": [], "pair": {"id": "a", "text": ""}},
    {"name": "x", "count": 9, "flag": True, "word": "abcd", "list": ["a", "b"], "kind": "two"},
]
BAD: list[tuple[str, dict[str, Any]]] = [
    ("name", {}),
    ("name", {"name": ""}),
    ("name", {"name": "123456"}),
    ("name", {"name": None}),
    ("name", {"name": 1}),
    ("name", {"name": ["x"]}),
    ("name", {"name": "a\nb"}),
    ("name", {"name": "a\x00"}),
    ("name", {"name": "a\x7f"}),
    ("name", {"name": "a\x85"}),
    ("name", {"name": "\ud800"}),
    ("count", {"count": 0}),
    ("count", {"count": 10}),
    ("count", {"count": True}),
    ("count", {"count": 1.0}),
    ("count", {"count": "1"}),
    ("count", {"count": None}),
    ("flag", {"flag": 1}),
    ("flag", {"flag": "true"}),
    ("word", {"word": "abcde"}),
    ("word", {"word": "ab\n"}),
    ("word", {"word": ""}),
    ("word", {"word": False}),
    ("list", {"list": ["a", "b", "c"]}),
    ("list", {"list": ["a", "B"]}),
    ("list", {"list": "ab"}),
    ("list", {"list": [["a"]]}),
    ("pair", {"pair": {"id": "a"}}),
    ("pair", {"pair": {"id": "a", "text": "", "more": 1}}),
    ("pair", {"pair": {"id": "A", "text": ""}}),
    ("pair", {"pair": []}),
    ("kind", {"kind": "three"}),
]


@pytest.mark.parametrize("body", GOOD)
def test_a_body_of_the_right_form_is_read(body: dict[str, Any]) -> None:
    assert read_body(json.dumps(body).encode(), FIELDS) == body


@pytest.mark.parametrize(("field", "body"), BAD, ids=[f"{name} {list(body.values())!a:.30}" for name, body in BAD])
@pytest.mark.claim("C-180")
def test_a_value_of_another_form_is_refused_by_the_name_of_its_field(field: str, body: dict[str, Any]) -> None:
    """I send another type, another length, a control character, or nothing."""
    whole = body if field == "name" else {"name": "x", **body}
    assert refusal_of(lambda: read_body(json.dumps(whole).encode(), FIELDS)) == ("FIELD", field)


@pytest.mark.claim("C-180")
def test_a_field_that_nobody_takes_is_refused_and_named_where_it_is_a_name() -> None:
    """I send a field that nobody reads, and hope that it counts."""
    for name, told in (("nmae", "nmae"), ("x" * 64, "x" * 64), ("x" * 65, None), ("a b", None), ("", None)):
        body = json.dumps({"name": "x", name: 1}).encode()
        assert refusal_of(lambda body=body: read_body(body, FIELDS)) == ("UNKNOWN_FIELD", told)


@pytest.mark.claim("C-180")
def test_what_is_no_json_object_or_too_large_is_refused() -> None:
    twice = b'{"name":"x","name":"y"}'
    for body in (b"", b"[]", b"null", b'"x"', b"{", twice, b'{"name":NaN}', b"\xff\xfe", b"[" * 9999):
        assert refusal_of(lambda body=body: read_body(body, FIELDS)) == ("BODY", None)
    most = json.dumps({"name": "x"}).encode().ljust(MAX_BODY)
    assert read_body(most, FIELDS) == {"name": "x"}
    assert refusal_of(lambda: read_body(most + b" ", FIELDS)) == ("BODY_SIZE", None)


def test_parameters_are_read_with_their_defaults() -> None:
    assert read_parameters("", QUERY) == {"limit": 100, "search": ""}
    assert read_parameters("limit=7&search=%C3%A9+x", QUERY) == {"limit": 7, "search": "é x"}
    assert read_parameters("search=", QUERY) == {"limit": 100, "search": ""}


@pytest.mark.parametrize(
    ("query", "refusal", "field"),
    [
        ("limit=0", "FIELD", "limit"), ("limit=201", "FIELD", "limit"), ("limit=-1", "FIELD", "limit"),
        ("limit=", "FIELD", "limit"), ("limit=1.5", "FIELD", "limit"), ("limit=1e2", "FIELD", "limit"),
        ("limit=\u0661", "FIELD", "limit"), ("limit=" + "9" * 400, "FIELD", "limit"),
        ("search=abcdef", "FIELD", "search"), ("search=%00", "FIELD", "search"), ("search=%0a", "FIELD", "search"),
        ("search=a&search=b", "PARAMETERS", None), ("search", "PARAMETERS", None), ("search=%ff", "PARAMETERS", None),
        ("page=2", "UNKNOWN_FIELD", "page"), ("%6cimit=2", "UNKNOWN_FIELD", None), ("=1", "UNKNOWN_FIELD", None),
        ("search=" + "x" * 5000, "PARAMETERS", None), ("search=x" + "&" * 64, "PARAMETERS", None),
    ],
)  # fmt: skip
@pytest.mark.claim("C-180")
def test_a_wrong_parameter_is_refused_by_its_name(query: str, refusal: str, field: str | None) -> None:
    assert refusal_of(lambda: read_parameters(query, QUERY)) == (refusal, field)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "more"]), JSON, max_size=5) | st.binary(max_size=64))
def test_whatever_is_sent_is_read_whole_or_refused(body: dict[str, Any] | bytes) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with contextlib.suppress(HostRefused):
        found = read_body(raw, FIELDS)
        assert set(found) <= set(FIELDS)
        assert all(has_form(FIELDS[name], value) for name, value in found.items())
        json.dumps(found, ensure_ascii=False).encode()  # what is read can be stored


@given(st.text(max_size=20), st.text(max_size=12))
def test_whatever_stands_in_a_query_is_read_or_refused(name: str, value: str) -> None:
    for query in (f"{name}={value}", f"search={quote(value, errors='replace')}", f"limit={value}"):
        with contextlib.suppress(HostRefused):
            found = read_parameters(query, QUERY)
            assert 1 <= found["limit"] <= 200
            assert len(found["search"]) <= 5
