"""What comes over the wire before a route, or as no browser and no client of ours sends it: refused in its own form."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.answers import CODES
from slackapp.web.request import BODY_LIMIT
from tests.support import connecting
from tests.support.callback_world import nothing_happens
from tests.support.client import FORM, Reply, cookie_header
from tests.support.connecting import HOST_URL, OURS, Person, ann, form_token
from tests.support.host_world import MEMBER, OWNER, Host, told
from tests.support.world import World, make_world

INTEGRATION, SESSION, CONNECT = "/api/v2/slack/integration", "/settings/session", "/settings/connect"
RTL, HALF = "\u202egpj", "%ED%A0%80"
"""Text that shows from right to left, and half a pair of surrogates as bytes."""
EARLY = {
    "no such path": ("GET", "/api/v2/nothing", b"", {}, (404, "NOT_FOUND")),
    "no such path below": ("GET", "/api/nothing?x=1", b"", {}, (404, "NOT_FOUND")),
    "another method": ("PATCH", INTEGRATION, b"", {}, (405, "METHOD_NOT_ALLOWED")),
    "another method of the callback": ("POST", "/api/v2/slack/auth/callback", b"", {}, (405, "METHOD_NOT_ALLOWED")),
    "no length": ("POST", "/api/v2/slack/auth", b"{}", {"CONTENT_LENGTH": ""}, (400, "BAD_REQUEST")),
    "a length that is none": ("PUT", INTEGRATION, b"{}", {"CONTENT_LENGTH": "x"}, (400, "BAD_REQUEST")),
    "a body that breaks off": ("PUT", INTEGRATION, b"{}", {"CONTENT_LENGTH": "3"}, (400, "BAD_REQUEST")),
    "a large body": ("POST", "/api/v2/slack/auth", bytes(BODY_LIMIT + 1), {}, (413, "TOO_LARGE")),
    "another host": ("GET", INTEGRATION, b"", {"HTTP_HOST": "evil.example"}, (400, "BAD_REQUEST")),
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connecting.make_host_world(tmp_path) as made:
        yield made


@pytest.fixture
def member(world: World) -> Person:
    """Ann, with a session of the pages."""
    person = ann(world)
    assert person.sign_in().status == 303
    return person


def send_raw(person: Person, target: str, body: bytes, media_type: str = FORM["Content-Type"]) -> Reply:
    """A form as its bytes are given, from the page that may send it."""
    origin = HOST_URL if target == SESSION else OURS
    headers = {"Content-Type": media_type, "Origin": origin, **cookie_header(person.browser.cookies)}
    return person.world.request("POST", target, body, headers)


# Before a route


@pytest.mark.parametrize(("method", "target", "body", "environ", "expected"), EARLY.values(), ids=EARLY)
def test_what_is_refused_before_a_route_is_found_is_data_below_api(
    world: World, method: str, target: str, body: bytes, environ: dict[str, str], expected: tuple[int, str]
) -> None:
    with nothing_happens(world):
        reply = world.request(method, target, body, environ=environ)
    assert told(reply) == expected
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.json.keys() == {"error", "code", "status"}
    assert CODES[reply.json["code"]] == reply.status
    assert (reply.status == 405) == ("allow" in reply.headers)


@pytest.mark.parametrize("target", ["/apix", "/settings/nothing", "//api/v2/x", "/nowhere?/api/"])
def test_elsewhere_it_is_a_page(world: World, target: str) -> None:
    reply = world.request("GET", target)
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_and_so_it_is_while_the_host_side_is_off(tmp_path: Path) -> None:
    with make_world(tmp_path) as made:
        reply = made.request("GET", "/api/v2/nothing")
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")


# Texts


@pytest.mark.claim("C-205")
@pytest.mark.parametrize("value", [HALF, "a%00", "a%0A", "%E2%80%AEgpj", "%E2%81%A6", "%FF"])
@pytest.mark.parametrize("name", ["form_token", "purpose", "reconnect", "step", "anything"])
def test_a_form_with_a_text_that_is_not_plain_is_refused(member: Person, name: str, value: str) -> None:
    """I send half a surrogate pair, a NUL, or what turns the text beside it around."""
    token = form_token(member.browser.get(CONNECT))
    fields = {"form_token": token, "step": "begin", name: value}
    body = "&".join(f"{field}={given}" for field, given in fields.items()).encode()
    assert send_raw(member, CONNECT, body).status == 400
    assert send_raw(member, SESSION, f"ticket=x&{name}={value}".encode()).status == 400
    assert send_raw(member, SESSION, f"ticket={value}".encode()).status == 400
    assert member.all() == []


@pytest.mark.claim("C-205")
def test_a_name_that_shows_as_another_one_is_refused_by_its_field(world: World) -> None:
    """I am called so that the page shows another organization, or the end of the line before me."""
    host = Host(world)
    purposes = [{"id": "alerts", "text": f"alerts {RTL}"}]
    for sent, field in (
        (host.put("organization", {"name": f"Acme {RTL}"}), "name"),
        (host.put("organization", {"purposes": purposes}), "purposes"),
        (host.post("slack/sessions", {"memberId": "ann", "role": "admin", "name": RTL}), "name"),
        (host.of().post("slack/auth", {"metadata": {"source": RTL}}), "metadata.source"),
        (host.of().post("slack/auth", {"metadata": {"plan": {"name": [RTL]}}}), "metadata"),
        (host.of().post("slack/auth", {"metadata": {"plan": {RTL: 1}}}), "metadata"),
        (host.of().post("slack/auth", {"metadata": {"plan": "a\nb"}}), "metadata"),
        (host.of().post("slack/auth", {"metadata": {"returnUrl": f"/a?{RTL}"}}), "metadata.returnUrl"),
    ):
        assert (told(sent), sent.json["field"]) == ((400, "BAD_REQUEST"), field)
        assert "gpj" not in sent.text
    for claim in ("orgName", "name"):
        token = host.of().token(**{claim: RTL})
        sent = world.request("GET", INTEGRATION, headers={"Authorization": f"Bearer {token}"})
        assert (told(sent), sent.json["field"]) == ((401, "UNAUTHENTICATED"), claim)


@pytest.mark.claim("C-206")
@pytest.mark.parametrize(
    "charset", ["charset=utf-16", ' CHARSET = "UTF-7"', "x=y; charset=latin-1", "charset=utf-8; charset=utf-16"]
)
def test_a_body_that_says_it_is_in_another_character_set_is_refused(member: Person, charset: str) -> None:
    """A proxy before you reads it as it says, and sees another body than you do."""
    host, media_type = Host(member.world), f"application/json; {charset}"
    reply = host.call("PUT", "organization", {"name": "Acme"}, {"Content-Type": media_type})
    assert told(reply) == (400, "BAD_REQUEST")
    for target in (SESSION, CONNECT):
        assert send_raw(member, target, b"ticket=x", f"{FORM['Content-Type']}; {charset}").status == 415


@pytest.mark.parametrize("parameters", ["", "; charset=utf-8", ';charset="UTF-8"', "; charset=utf8", "; x=1"])
def test_utf_8_may_be_said_in_any_spelling(world: World, parameters: str) -> None:
    media_type = f"Application/JSON{parameters}"
    reply = Host(world).call("PUT", "organization", {"name": "Acme"}, {"Content-Type": media_type})
    assert reply.status == 200


# Pages


@pytest.mark.claim("C-207")
def test_a_session_asks_for_pages_at_a_rate(world: World) -> None:
    """I reload all night: each view is a look at what Slack has granted, and a row of the audit."""
    world.restart(rate_per_minute=5)
    persons = [ann(world), ann(world)]
    for person in persons:
        assert person.sign_in().status == 303
    statuses = [persons[0].browser.get(CONNECT).status for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    reply = persons[0].post(CONNECT, {"step": "begin"})
    assert (reply.status, reply.headers["retry-after"]) == (429, "12")
    assert persons[1].browser.get(CONNECT).status == 200, "another session of mine"
    world.clock.advance(12)
    assert persons[0].browser.get(CONNECT).status == 200
    assert world.audit().count("refused.rate") == 1


@pytest.mark.claim("C-207")
def test_an_organization_has_one_rate_for_its_pages_and_its_calls(world: World) -> None:
    world.restart(host_rate_per_minute=2)
    person = ann(world)
    assert person.sign_in().status == 303
    assert [person.browser.get(CONNECT).status for _ in range(3)] == [200, 200, 429]
    assert told(Host(world).get("organization")) == (429, "RATE_LIMITED")
    assert Host(world, "globex").get("organization").status == 200


@pytest.mark.claim("C-166")
def test_forms_that_are_not_ours_buy_one_row_of_the_audit_each_minute(member: Person) -> None:
    """I have the member's browser send forms from my own site, or with a token that I have made up."""
    for _ in range(4):
        assert member.post(CONNECT, {"form_token": "made up", "step": "begin"}).status == 403
        assert member.post(CONNECT, {"step": "begin"}, "https://evil.example").status == 403
    rows = member.world.rows("SELECT event, actor FROM audit WHERE event LIKE 'refused%' ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("refused.form_token", "unverified"), ("refused.origin", "unverified"),
    ]  # fmt: skip


# Roles


@pytest.mark.claim("C-154")
def test_a_ticket_is_of_the_word_that_asks_for_it_by_the_hosts_clock(world: World) -> None:
    """The host's clock is ahead of ours by what is allowed, and the role of my last token has fallen since."""
    ahead = world.clock() + 25
    owner = Host(world).of("zoe", OWNER).token(iat=ahead, exp=ahead + 60)
    assert world.request("GET", INTEGRATION, headers={"Authorization": f"Bearer {owner}"}).status == 200
    world.clock.advance(2)
    said = Host(world).token(iat=ahead + 2, exp=ahead + 60)
    body, headers = b'{"memberId":"zoe","role":"member"}', {"Content-Type": "application/json"}
    reply = world.request("POST", "/api/v2/slack/sessions", body, {**headers, "Authorization": f"Bearer {said}"})
    assert reply.status == 200
    assert [tuple(row) for row in world.rows("SELECT role, issued_at FROM members WHERE member_id = 'zoe'")] == [
        ("member", ahead + 2)
    ]
    world.clock.advance(1)
    assert told(Host(world).of("zoe", MEMBER).call("DELETE", "slack/integration")) == (403, "FORBIDDEN")
    late = world.request("GET", INTEGRATION, headers={"Authorization": f"Bearer {owner}"})
    assert late.status == 200, "it still speaks for zoe, as a member"
    assert told(world.request("DELETE", INTEGRATION, headers={"Authorization": f"Bearer {owner}"})) == (
        403, "FORBIDDEN",
    )  # fmt: skip


def test_a_name_that_the_host_sets_counts_from_the_word_that_set_it(world: World) -> None:
    ahead = world.clock() + 25
    tokens = [Host(world).token(iat=at, exp=ahead + 60, orgName=name) for at, name in (
        (ahead, "First"), (ahead + 1, "Old"),
    )]  # fmt: skip
    headers = [{"Authorization": f"Bearer {token}"} for token in tokens]
    assert world.request("GET", "/api/v2/organization", headers=headers[0]).json["name"] == "First"
    said = Host(world).token(iat=ahead + 2, exp=ahead + 60)
    body = {"Content-Type": "application/json", "Authorization": f"Bearer {said}"}
    assert world.request("PUT", "/api/v2/organization", b'{"name":"Set"}', body).status == 200
    assert world.request("GET", "/api/v2/organization", headers=headers[1]).json["name"] == "Set"
