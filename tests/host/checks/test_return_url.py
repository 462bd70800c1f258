"""Back to the host: a path of its own site, as the browser reads it, and no other word of ours in it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.host.checks.return_url import MAX_LENGTH, build_return_address, parse_return_url
from slackapp.host.errors import HostRefused
from tests.host.checks.helpers import refusal_of

HOST = "https://product.example.com"
REFUSED = ("RETURN_URL", "metadata.returnUrl")


def parse(claimed: object) -> str:
    return parse_return_url(claimed, "metadata.returnUrl")


@pytest.mark.parametrize(
    "path",
    ["/", "/settings/integrations", "/a/b?tab=slack", "/a?next=//b", "/a?next=https://x.example/y", "/~ann/%2F%2e%2e",
     "/a/../b", "/a?", "/a?b&c=", "/@evil.example", "/a" * 256],
)  # fmt: skip
def test_a_path_of_the_host_is_kept_as_it_is(path: str) -> None:
    assert parse(path) == path


@pytest.mark.claim("C-143")
@pytest.mark.parametrize(
    "claimed",
    ["", "settings", "https://evil.example", "HTTPS://evil.example/", "//evil.example", "///evil.example",
     "/\\evil.example", "\\\\evil.example", "/a//b", "/./" + "/evil.example", "javascript:alert(1)", "/a\\b", "/a#b",
     "/a?b#c", " /a", "/a b", "/a\n", "/a\r\nLocation: x", "/\t/evil.example", "/a\x00", "/\x7f", "/é",
     "/\u2215evil.example", "/\ud800", "?a", "#", "/" + "a" * MAX_LENGTH, None, 1, True, ["/a"], {"path": "/a"}, b"/a"],
)  # fmt: skip
def test_what_may_lead_elsewhere_is_refused(claimed: object) -> None:
    """I send your admin a link that ends on my page, which looks like yours."""
    assert refusal_of(lambda: parse(claimed)) == REFUSED


@pytest.mark.claim("C-143")
@pytest.mark.parametrize(
    "claimed",
    ["/a?status=success", "/a?x=1&workspace=Evil", "/a?error=", "/a?status", "/a?%73tatus=success",
     "/a?x=1;status=success"],
)  # fmt: skip
def test_a_query_that_says_what_we_say_is_refused(claimed: str) -> None:
    """I let your page tell me that it worked, whatever you answer."""
    assert refusal_of(lambda: parse(claimed)) == REFUSED


def test_the_address_says_what_came_of_it_and_keeps_the_query() -> None:
    told = {"status": "success", "workspace": "Acme Corp"}
    assert build_return_address(HOST, "/a", told) == f"{HOST}/a?status=success&workspace=Acme%20Corp"
    assert build_return_address(HOST, "/a?b=1", told) == f"{HOST}/a?b=1&status=success&workspace=Acme%20Corp"


@given(st.text(alphabet="/\\?#&=;:@.%ab\t\n é", max_size=12), st.text(max_size=20))
def test_whatever_is_taken_stays_at_the_host_and_tells_our_words_alone(claimed: str, workspace: str) -> None:
    try:
        path = parse(f"/{claimed}")
    except HostRefused:
        return
    address = build_return_address(HOST, path, {"status": "success", "workspace": workspace})
    parts = urlsplit(address)
    assert (f"{parts.scheme}://{parts.netloc}", parts.fragment) == (HOST, "")
    told = parse_qs(parts.query, keep_blank_values=True)
    assert (told["status"], told["workspace"]) == (["success"], [workspace])
