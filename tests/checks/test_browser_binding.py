"""The callback comes from the browser that began the install."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.checks.browser_binding import (
    browser_digest,
    cookie_name,
    find_browser_secret,
    new_browser_secret,
    require_browser_secret,
    set_cookie,
)
from slackapp.errors import Refusal
from tests.checks.helpers import refusal_of

RANDOM = bytes(range(32))
SECRET = new_browser_secret(RANDOM)
PLANTED = new_browser_secret(bytes(32))
NAME = "__Host-slackapp_oauth"

GOOD = {
    "alone": f"{NAME}={SECRET}",
    "after another": f"theme=dark; {NAME}={SECRET}",
    "before another": f"{NAME}={SECRET}; theme=dark",
    "without a space": f"theme=dark;{NAME}={SECRET};x=y",
    "beside one whose name only ends alike": f"x{NAME}={PLANTED}; {NAME}={SECRET}",
    "beside one whose name only begins alike": f"{NAME}2={PLANTED}; {NAME}={SECRET}",
    "beside the plain name of loopback": f"slackapp_oauth={PLANTED}; {NAME}={SECRET}",
    "beside a name in other case": f"__host-slackapp_oauth={PLANTED}; {NAME}={SECRET}",
    "beside a part that is no pair": f"{NAME}; {NAME}={SECRET}",
    "as a value of another": f"x={NAME}={PLANTED}; {NAME}={SECRET}",
}
BAD = {
    "no cookie at all": "",
    "other cookies only": "theme=dark; x=y",
    "name without value": NAME,
    "empty value": f"{NAME}=",
    "the plain name": f"slackapp_oauth={SECRET}",
    "the name in other case": f"__host-slackapp_oauth={SECRET}",
    "the name with a space after it": f"{NAME} ={SECRET}",
    "one character less": f"{NAME}={SECRET[:-1]}",
    "one character more": f"{NAME}={SECRET}A",
    "quotes": f'{NAME}="{SECRET}"',
    "padding": f"{NAME}={SECRET}=",
    "plus": f"{NAME}=+{SECRET[1:]}",
    "not ASCII": f"{NAME}=é{SECRET[1:]}",
    "percent encoding": f"{NAME}=%41{SECRET[1:]}",
    "two headers, joined": f"x=y, {NAME}={SECRET}",
}
TWICE = {
    "the planted one first": f"{NAME}={PLANTED}; {NAME}={SECRET}",
    "the planted one last": f"{NAME}={SECRET}; {NAME}={PLANTED}",
    "the same value twice": f"{NAME}={SECRET}; {NAME}={SECRET}",
    "an empty one beside it": f"{NAME}=; {NAME}={SECRET}",
    "a malformed one beside it": f"{NAME}=x; {NAME}={SECRET}",
}


@pytest.mark.parametrize("header", GOOD.values(), ids=GOOD)
def test_our_cookie_is_found(header: str) -> None:
    assert require_browser_secret(header, secure=True) == SECRET


@pytest.mark.parametrize("header", BAD.values(), ids=BAD)
def test_a_cookie_that_we_cannot_have_set_is_no_cookie(header: str) -> None:
    assert find_browser_secret(header, secure=True) is None
    assert refusal_of(lambda: require_browser_secret(header, secure=True)) is Refusal.BROWSER


@pytest.mark.parametrize("header", TWICE.values(), ids=TWICE)
@pytest.mark.claim("C-04")
def test_two_cookies_of_our_name_are_refused(header: str) -> None:
    """I own a sibling domain and plant a second cookie of your name, so that mine may be the one you read."""
    assert refusal_of(lambda: require_browser_secret(header, secure=True)) is Refusal.BROWSER


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0"])
def test_a_name_that_only_begins_with_odd_white_space_is_not_our_name(space: str) -> None:
    """I plant a cookie from a sibling domain whose name begins with a byte that the browser does not take for
    white space, so that its rule for `__Host-` does not apply, and that your parser strips."""
    assert refusal_of(lambda: require_browser_secret(f"{space}{NAME}={PLANTED}", secure=True)) is Refusal.BROWSER
    assert require_browser_secret(f"{NAME}={SECRET}; {space}{NAME}={PLANTED}", secure=True) == SECRET


def test_on_loopback_the_plain_name_is_read_and_the_prefixed_one_is_not() -> None:
    assert require_browser_secret(f"slackapp_oauth={SECRET}", secure=False) == SECRET
    assert refusal_of(lambda: require_browser_secret(f"{NAME}={SECRET}", secure=False)) is Refusal.BROWSER


@pytest.mark.parametrize(("secure", "name"), [(True, "__Host-slackapp_oauth"), (False, "slackapp_oauth")])
def test_the_prefix_that_keeps_siblings_out_is_there_on_https(secure: bool, name: str) -> None:
    assert cookie_name(secure) == name


def test_the_cookie_on_https_has_every_flag() -> None:
    expected = f"__Host-slackapp_oauth={SECRET}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
    assert set_cookie(SECRET, secure=True, max_age=600) == expected


def test_the_cookie_on_loopback_has_every_flag_but_secure() -> None:
    expected = f"slackapp_oauth={SECRET}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
    assert set_cookie(SECRET, secure=False, max_age=600) == expected


def test_the_secret_is_all_of_the_random_bytes() -> None:
    assert base64.urlsafe_b64decode(SECRET + "=") == RANDOM
    assert len(SECRET) == 43


def test_the_digest_is_sha256_of_the_secret() -> None:
    assert browser_digest(SECRET) == hashlib.sha256(SECRET.encode()).digest()


def test_the_digest_and_its_spelling_agree_with_a_published_vector() -> None:
    """SHA-256 in base64url without padding: docs.slack.dev/authentication/using-pkce."""
    assert new_browser_secret(browser_digest("secretpassword")) == "ldMBaaWcQYtSATMV_IG8mf3wp7A6EW80arYoSW80ntU"


@given(st.binary(min_size=32, max_size=32), st.booleans())
def test_what_we_set_is_what_we_find(random: bytes, secure: bool) -> None:
    secret = new_browser_secret(random)
    pair = set_cookie(secret, secure, 600).partition(";")[0]
    assert find_browser_secret(f"a=b; {pair}; c=d", secure) == secret


@given(st.text(st.characters(max_codepoint=255)) | st.text(f"{NAME}=; \t\xa0"), st.booleans())
def test_whatever_header_comes_nothing_is_raised(header: str, secure: bool) -> None:
    found = find_browser_secret(header, secure)
    assert found is None or len(found) == 43
