"""The parameters of an address, each at most once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.checks.query import read_query
from slackapp.errors import Refusal
from tests.checks.helpers import accepts, refusal_of

KNOWN = frozenset({"state", "code", "error"})


def fields(number: int) -> str:
    return "&".join(f"n{place}=v" for place in range(number))


GOOD = {
    "nothing": ("", {}),
    "what is known": ("code=abc&state=x.y", {"code": "abc", "state": "x.y"}),
    "what is not known is dropped": ("code=abc&utm_source=mail", {"code": "abc"}),
    "what is not known may be repeated": ("x=1&x=2&code=abc", {"code": "abc"}),
    "an empty value is there": ("code=&state=x", {"code": "", "state": "x"}),
    "encoded value": ("code=a%2Fb+c", {"code": "a/b c"}),
    "encoded name": ("c%6Fde=abc", {"code": "abc"}),
    "other case is another name": ("Code=abc", {}),
    "ampersands that separate nothing": ("&&state=a&", {"state": "a"}),
    "what is not known needs no value": ("fbclid&code=abc", {"code": "abc"}),
    "what is not known may be unreadable": ("%FF=1&x=%FF&code=abc", {"code": "abc"}),
}
BAD = {
    "repeated": "state=a&state=b",
    "repeated with the same value": "state=a&state=a",
    "repeated, once encoded": "state=a&st%61te=b",
    "repeated, once empty": "state=a&state=",
    "repeated, once without a value": "state=a&state",
    "repeated among others": "state=a&x=1&x=2&state=b",
    "code twice": "code=a&state=x&code=b",
    "no equals sign": "state",
    "no UTF-8": "state=%FF",
    "surrogate": "state=%ED%A0%80",
    "65 fields": fields(65),
    "4097 bytes": "code=" + "a" * 4092,
}


@pytest.mark.parametrize(("raw", "found"), GOOD.values(), ids=GOOD)
def test_known_parameters_are_read(raw: str, found: dict[str, str]) -> None:
    assert read_query(raw, KNOWN) == found


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
@pytest.mark.claim("C-67")
def test_parameters_that_two_readers_could_read_differently_are_refused(raw: str) -> None:
    """I send two values of one name, so that one place checks the first and another uses the second."""
    assert refusal_of(lambda: read_query(raw, KNOWN)) is Refusal.QUERY


def test_a_query_of_64_fields_and_4096_bytes_is_read() -> None:
    assert read_query(f"{fields(63)}&code=a", KNOWN) == {"code": "a"}
    assert read_query("code=" + "a" * (4096 - 5), KNOWN) == {"code": "a" * 4091}


@given(st.text(st.characters(max_codepoint=255)) | st.text("state=&%code0F+;", max_size=60))
def test_whatever_address_comes_nothing_but_a_refusal_is_raised(raw: str) -> None:
    if accepts(lambda: read_query(raw, KNOWN)):
        assert read_query(raw, KNOWN).keys() <= KNOWN
