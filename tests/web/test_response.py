"""An answer, and the headers that every answer carries."""

import base64
import hashlib
import re

import pytest

from slackapp.errors import Refusal
from slackapp.web import pages
from slackapp.web.response import Response, html, json_response, redirect, text, to_wsgi

CSP = (
    "default-src 'none'; style-src 'sha256-{}'; img-src 'self'; form-action 'none'; base-uri 'none'; "
    "object-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Request-Id": "a-request",
}
KINDS: dict[str, tuple[Response, str, dict[str, str]]] = {
    "page": (html(200, "<p>é</p>"), "200 OK", {"Content-Type": "text/html; charset=utf-8", "Content-Length": "9"}),
    "text": (text(500, "é"), "500 Internal Server Error", {"Content-Type": "text/plain; charset=utf-8"}),
    "JSON": (
        json_response(409, {"b": "é", "a": 1}),
        "409 Conflict",
        {"Content-Type": "application/json; charset=utf-8"},
    ),
    "redirect": (redirect(302, "https://slack.com/x"), "302 Found", {"Location": "https://slack.com/x"}),
    "with more": (text(405, "", (("Allow", "GET, HEAD"),)), "405 Method Not Allowed", {"Allow": "GET, HEAD"}),
}


def style_hash() -> str:
    """Of the style as it stands in a page."""
    found = re.search(r"<style>(.*?)</style>", pages.declined("app"), re.DOTALL)
    assert found is not None
    return base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_carries_every_security_header(kind: str) -> None:
    response, line, own = KINDS[kind]
    status, headers = to_wsgi(response, "a-request")
    found = dict(headers)
    assert status == line
    assert len(found) == len(headers), "a header is sent twice"
    assert found.items() >= {**ALWAYS, **own, "Content-Security-Policy": CSP.format(style_hash())}.items()
    assert found["Content-Length"] == str(len(response.body))
    assert "charset=utf-8" in found["Content-Type"]
    assert found.keys() <= {*ALWAYS, *own, "Content-Security-Policy", "Content-Length", "Content-Type"}


def test_json_is_ascii_compact_and_always_in_the_same_order() -> None:
    assert KINDS["JSON"][0].body == b'{"a":1,"b":"\\u00e9"}'


SPLITTERS = ("a\r\nSet-Cookie: x=y", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\x85b", "a\tb", "\u20ac", "\u010a", "\ud800")


@pytest.mark.parametrize("value", SPLITTERS)
@pytest.mark.claim("C-69")
def test_a_value_that_would_end_its_header_is_not_sent(value: str) -> None:
    """I get a line break into a header, and write the next header myself."""
    with pytest.raises(ValueError, match="cannot be sent"):
        to_wsgi(redirect(302, f"https://slack.com/{value}"), "a-request")
    with pytest.raises(ValueError, match="cannot be sent"):
        to_wsgi(text(200, ""), value)


@pytest.mark.parametrize("name", ["", "X Y", "X:", "X\r\nY", "Sét", "X_Y"])
def test_a_name_that_is_no_name_is_not_sent(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        to_wsgi(text(200, "", ((name, "value"),)), "a-request")


def test_an_answer_does_not_print_its_body() -> None:
    assert "SECRET" not in repr(text(200, "SECRET"))


@pytest.mark.parametrize("status", sorted({200, 302, 303, 500} | {refusal.status for refusal in Refusal}))
def test_every_status_that_we_use_has_a_reason(status: int) -> None:
    assert re.fullmatch(rf"{status} [A-Z][A-Za-z ]+", to_wsgi(text(status, ""), "a-request")[0])
