"""A body is a form of a kind that every later reader understands alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.checks.form_body import parse_form
from slackapp.errors import Refusal
from tests.checks.helpers import accepts, refusal_of


def fields(number: int) -> bytes:
    return b"&".join(b"n%d=v" % place for place in range(number))


GOOD = {
    "one field": (b"ssl_check=1", {"ssl_check": "1"}),
    "empty value": (b"text=&command=%2Fgo", {"text": "", "command": "/go"}),
    "plus is a space": (b"text=a+b%2Bc", {"text": "a b+c"}),
    "UTF-8": (b"text=%C3%A9", {"text": "é"}),
    "equals sign in a value": (b"text=a=b", {"text": "a=b"}),
    "names that differ in case": (b"a=1&A=2", {"a": "1", "A": "2"}),
    "NUL in a text": (b"text=a%00b", {"text": "a\0b"}),
    "half a surrogate pair in a text": (b"text=a%ED%A0%80", {"text": "a\ud800"}),
}
BAD = {
    "repeated field": b"a=1&a=1",
    "repeated field, once encoded": b"a=1&%61=2",
    "repeated field far away": b"a=1&b=2&c=3&a=4",
    "no equals sign": b"a",
    "no equals sign after a field": b"a=1&b",
    "ampersand at the end": b"a=1&",
    "two ampersands": b"a=1&&b=2",
    "no UTF-8, encoded": b"a=%FF",
    "no UTF-8 in a name": b"%FF=a",
    "surrogate in a name, encoded": b"%ED%A0%80=a",
    "NUL in a name": b"a%00=1",
    "overlong slash, encoded": b"a=%C0%AF",
    "raw bytes that are not ASCII": "a=é".encode(),
    "raw bytes that are no UTF-8": b"a=\xff",
    "JSON": b'{"a":1}',
    "65 fields": fields(65),
    "100,000 fields": fields(100_000),
    "100,000 ampersands": b"&" * 100_000,
}


@pytest.mark.parametrize(("body", "found"), GOOD.values(), ids=GOOD)
def test_a_good_form_is_read(body: bytes, found: dict[str, str]) -> None:
    assert parse_form(body) == found


def test_64_fields_are_read() -> None:
    assert len(parse_form(fields(64))) == 64


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
@pytest.mark.claim("C-66")
def test_an_ambiguous_or_hurtful_form_is_refused(body: bytes) -> None:
    """I send a form of which two readers take different fields, or too many of them."""
    assert refusal_of(lambda: parse_form(body)) is Refusal.FORM


@given(st.binary() | st.text("ab=&%20;+\xe9", max_size=40).map(lambda text: text.encode("latin-1")))
def test_whatever_bytes_come_nothing_but_a_refusal_is_raised(body: bytes) -> None:
    if accepts(lambda: parse_form(body)):
        text = "".join(parse_form(body))
        assert text.encode().decode() == text  # a lone surrogate could not be encoded
