"""A host token is one that the host has signed, for us and for now. PyJWT, which knows nothing of us, makes them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slackapp.host.checks.host_token import MAX_SIZE, read_bearer, verify_host_token
from slackapp.host.errors import HostRefused
from slackapp.host.model import HostRole, HostToken
from tests.host.checks.helpers import refusal_of

NOW = 1_800_000_000
US = "https://app.example.com"
KEY, OTHER_KEY = b"k" * 43, b"o" * 43
KEYS = {"k1": KEY, "k2": OTHER_KEY}
HEADER = {"typ": "slackapp-host+jwt", "kid": "k1"}
HOST: dict[str, Any] = {"aud": US, "iat": NOW, "exp": NOW + 60, "jti": "one-1", "org": "acme"}
MEMBER: dict[str, Any] = {**HOST, "sub": "ann_1", "role": "admin"}
GONE = object()
"""In the place of a claim's value: it is not there."""


def made(claims: Mapping[str, Any], key: bytes = KEY, **header: Any) -> str:
    """A token as PyJWT makes it."""
    return jwt.encode(dict(claims), key, algorithm="HS256", headers={**HEADER, **header})


def verify(token: str, now: int = NOW) -> HostToken:
    return verify_host_token(token, US, KEYS.get, now)


def part(value: Any) -> str:
    """A part of a token: JSON text as it is, anything else as JSON."""
    text = value if isinstance(value, str | bytes) else json.dumps(value)
    return base64.urlsafe_b64encode(text if isinstance(text, bytes) else text.encode()).rstrip(b"=").decode()


def signed(header: Any, claims: Any, key: bytes = KEY) -> str:
    """A token of any two parts, rightly signed: what no library would make."""
    covered = f"{part(header)}.{part(claims)}"
    return f"{covered}.{part(hmac.new(key, covered.encode(), hashlib.sha256).digest())}"


WHOLE = {"alg": "HS256", **HEADER}


# What is taken


def test_a_member_s_token_says_who_it_is() -> None:
    claims = {**MEMBER, "orgName": "Acme Corp", "name": "Ann Example"}
    assert verify(made(claims)) == HostToken(
        key_id="k1", token_id="one-1", organization="acme", member="ann_1", role=HostRole.ADMIN,
        issued_at=NOW, expires_at=NOW + 60, organization_name="Acme Corp", member_name="Ann Example",
    )  # fmt: skip


def test_the_host_s_own_token_has_neither_member_nor_role() -> None:
    assert verify(made(HOST)) == HostToken(
        key_id="k1", token_id="one-1", organization="acme", member=None, role=None,
        issued_at=NOW, expires_at=NOW + 60, organization_name=None, member_name=None,
    )  # fmt: skip


@pytest.mark.parametrize("role", HostRole)
def test_each_role_is_taken(role: HostRole) -> None:
    assert verify(made({**MEMBER, "role": str(role)})).role is role


def test_the_second_key_signs_while_they_change() -> None:
    assert verify(made(HOST, OTHER_KEY, kid="k2")).key_id == "k2"


def test_pyjwt_reads_what_is_made_here_and_the_parts_are_those_of_the_documented_form() -> None:
    token = signed(WHOLE, HOST)
    assert jwt.decode(token, KEY, algorithms=["HS256"], audience=US, options={"verify_iat": False}) == HOST
    assert verify(token) == verify(made(HOST))


TAKEN: dict[str, Mapping[str, Any]] = {
    "an audience in a list": {"aud": [US]},
    "an audience among others": {"aud": ["https://other.example", US]},
    "the longest life": {"exp": NOW + 900},
    "the shortest life": {"exp": NOW + 1},
    "a clock that goes before, just so": {"iat": NOW + 30, "exp": NOW + 90},
    "an end that is just not over": {"iat": NOW - 60, "exp": NOW - 29},
    "not before now, and a little": {"nbf": NOW + 30},
    "the longest jti": {"jti": "~" * 64},
    "the longest ids": {"org": "a" * 64, "sub": "-" * 64},
    "a name of one character": {"name": "x"},
    "the longest name, in any script": {"name": "é" * 100, "orgName": "株式会社"},
    "claims that mean nothing here": {"iss": "https://host.example", "email": "ann@example.com", "admin": True},
}  # fmt: skip


@pytest.mark.parametrize("what", TAKEN)
def test_it_is_taken_with(what: str) -> None:
    claims = {**MEMBER, **TAKEN[what]}
    token = verify(made(claims))
    assert (token.organization, token.member) == (claims["org"], claims["sub"])


# What is refused, and as what

FORM, HEADER_WRONG = ("TOKEN_FORM", None), ("TOKEN_HEADER", None)
FORGED = ("TOKEN_FORGED", None)
GOOD = made(MEMBER)
HEAD, BODY, MAC = GOOD.split(".")

FORMS = {
    "nothing": "",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.{MAC}",
    "no MAC": f"{HEAD}.{BODY}.",
    "no claims": f"{HEAD}..{MAC}",
    "a MAC that is short": GOOD[:-1],
    "padding": f"{HEAD}.{BODY}=.{MAC}",
    "padding at the end": f"{GOOD}=",
    "a space": f"{GOOD} ",
    "a line break": f"{GOOD}\n",
    "the other alphabet": f"{HEAD}.{BODY[:-2]}+/.{MAC}",
    "the flattened JSON of RFC 7515": json.dumps({"protected": HEAD, "payload": BODY, "signature": MAC}),
    "an encrypted token of five parts": ".".join([HEAD, "", BODY, BODY, MAC]),
    "a part that is too short to be any": f"A.{BODY}.{MAC}",
    "letters that look alike": GOOD.replace("e", "\u0435", 1),
    "more than 2 KiB": signed(WHOLE, {**MEMBER, "x": "x" * MAX_SIZE}),
    "a header that is no JSON": signed("{", MEMBER),
    "a header that is a list": signed([WHOLE], MEMBER),
    "a header that is a text": signed('"HS256"', MEMBER),
    "a header that says alg twice": signed('{"alg":"none","alg":"HS256","typ":"slackapp-host+jwt","kid":"k1"}', MEMBER),
    "a header that is no UTF-8": signed(b'{"alg":"HS256\xff"}', MEMBER),
    "a header behind a byte order mark": signed(b"\xef\xbb\xbf" + json.dumps(WHOLE).encode(), MEMBER),
    "claims that are no JSON": signed(WHOLE, "{"),
    "claims that are a list": signed(WHOLE, [MEMBER]),
    "claims that are null": signed(WHOLE, "null"),
    "claims that say org twice": signed(WHOLE, json.dumps(HOST)[:-1] + ', "org": "other"}'),
    "claims that say org twice, once escaped": signed(WHOLE, json.dumps(HOST)[:-1] + ', "\\u006frg": "other"}'),
    "claims with NaN": signed(WHOLE, json.dumps({**HOST, "x": float("nan")})),
    "claims that nest too deeply": signed(WHOLE, json.dumps(HOST)[:-1] + ', "x": ' + "[" * 40 + "]" * 40 + "}"),
    "claims with a number that is too large": signed(WHOLE, json.dumps({**HOST, "x": 2**70})),
}  # fmt: skip


@pytest.mark.claim("C-140")
@pytest.mark.parametrize("what", FORMS)
def test_a_token_of_another_form_is_refused(what: str) -> None:
    assert refusal_of(lambda: verify(FORMS[what])) == FORM


@pytest.mark.claim("C-140")
def test_another_spelling_of_the_same_bytes_is_refused_though_it_is_signed() -> None:
    """I send your log's token again, spelled otherwise, past whatever remembers texts."""
    claims = json.dumps(HOST)
    body = part(claims + " " * ((1 - len(claims)) % 3))  # whose last letter has four bits that say nothing
    spelled = body[:-1] + chr(ord(body[-1]) + 1)
    assert base64.urlsafe_b64decode(f"{spelled}==") == base64.urlsafe_b64decode(f"{body}==")
    covered = f"{part(WHOLE)}.{spelled}"
    mac = part(hmac.new(KEY, covered.encode(), hashlib.sha256).digest())
    assert refusal_of(lambda: verify(f"{covered}.{mac}")) == FORM


HEADERS: dict[str, tuple[Mapping[str, Any], str | None]] = {
    "no algorithm": ({"alg": GONE}, "alg"),
    "none": ({"alg": "none"}, "alg"),
    "None": ({"alg": "None"}, "alg"),
    "hs256": ({"alg": "hs256"}, "alg"),
    "HS512": ({"alg": "HS512"}, "alg"),
    "RS256": ({"alg": "RS256"}, "alg"),
    "a list of algorithms": ({"alg": ["HS256"]}, "alg"),
    "no type": ({"typ": GONE}, "typ"),
    "the common type": ({"typ": "JWT"}, "typ"),
    "the type in capitals": ({"typ": "SLACKAPP-HOST+JWT"}, "typ"),
    "the type as a media type": ({"typ": "application/slackapp-host+jwt"}, "typ"),
    "no key": ({"kid": GONE}, "kid"),
    "a key that is a number": ({"kid": 1}, "kid"),
    "a key that is null": ({"kid": None}, "kid"),
    "a key that is a path": ({"kid": "../../dev/null"}, "kid"),
    "a key that is a statement": ({"kid": "k1' OR '1'='1"}, "kid"),
    "a key that is too long": ({"kid": "k" * 65}, "kid"),
    "no key's id": ({"kid": ""}, "kid"),
    "crit": ({"crit": ["exp"], "exp": NOW}, None),
    "b64": ({"b64": False, "crit": ["b64"]}, None),
    "jwk": ({"jwk": {"kty": "oct", "k": part(KEY)}}, None),
    "jku": ({"jku": "https://evil.example/keys.json"}, None),
    "x5u": ({"x5u": "https://evil.example/cert.pem"}, None),
    "x5c": ({"x5c": ["MIIB"]}, None),
    "zip": ({"zip": "DEF"}, None),
    "an unknown name": ({"canary": 1}, None),
}  # fmt: skip


@pytest.mark.claim("C-140")
@pytest.mark.parametrize("what", HEADERS)
def test_a_header_that_chooses_how_it_is_checked_is_refused(what: str) -> None:
    """I sign with your key, or with none, and let the header say what else counts."""
    changes, field = HEADERS[what]
    header = {name: value for name, value in {**WHOLE, **changes}.items() if value is not GONE}
    assert refusal_of(lambda: verify(signed(header, MEMBER))) == ("TOKEN_HEADER", field)


@pytest.mark.claim("C-140")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_of_pyjwt_is_refused(algorithm: str) -> None:
    token = jwt.encode(MEMBER, KEY * 2, algorithm=algorithm, headers=HEADER)
    covered, _, _ = token.rpartition(".")
    assert refusal_of(lambda: verify(f"{covered}.{MAC}")) == ("TOKEN_HEADER", "alg")


@pytest.mark.claim("C-140")
def test_a_token_that_nobody_signed_is_refused() -> None:
    token = jwt.encode(MEMBER, None, algorithm="none", headers=HEADER)
    assert refusal_of(lambda: verify(token)) == FORM
    assert refusal_of(lambda: verify(token + MAC)) == ("TOKEN_HEADER", "alg")


MACS = {
    "another key": made(MEMBER, b"x" * 43),
    "the key of the other id": made(MEMBER, OTHER_KEY),
    "an empty key": signed(WHOLE, MEMBER, b""),
    "the key's id as key": signed(WHOLE, MEMBER, b"k1"),
    "another MAC": f"{HEAD}.{BODY}.{'A' * 43}",
    "another spelling of the MAC": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "other claims": f"{HEAD}.{part({**MEMBER, 'role': 'owner'})}.{MAC}",
    "another header": f"{part({**WHOLE, 'kid': 'k2'})}.{BODY}.{MAC}",
}


@pytest.mark.claim("C-140")
@pytest.mark.parametrize("what", MACS)
def test_a_token_that_is_signed_otherwise_is_forged(what: str) -> None:
    assert refusal_of(lambda: verify(MACS[what])) == FORGED


@pytest.mark.claim("C-140")
def test_a_key_that_is_not_here_signs_nothing() -> None:
    assert refusal_of(lambda: verify(made(MEMBER, kid="k3"))) == ("TOKEN_KEY", None)


CLAIMS: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "no audience": ({"aud": GONE}, "TOKEN_CLAIM", "aud"),
    "another audience": ({"aud": "https://other.example"}, "TOKEN_CLAIM", "aud"),
    "our audience with a slash": ({"aud": f"{US}/"}, "TOKEN_CLAIM", "aud"),
    "our audience in capitals": ({"aud": US.upper()}, "TOKEN_CLAIM", "aud"),
    "no audience in the list": ({"aud": []}, "TOKEN_CLAIM", "aud"),
    "others in the list": ({"aud": ["https://other.example"]}, "TOKEN_CLAIM", "aud"),
    "a list within the list": ({"aud": [[US]]}, "TOKEN_CLAIM", "aud"),
    "a number beside us in the list": ({"aud": [US, 1]}, "TOKEN_CLAIM", "aud"),
    "an object with us as name": ({"aud": {US: True}}, "TOKEN_CLAIM", "aud"),
    "no iat": ({"iat": GONE}, "TOKEN_CLAIM", "iat"),
    "an iat that is true": ({"iat": True}, "TOKEN_CLAIM", "iat"),
    "an iat that is a text": ({"iat": str(NOW)}, "TOKEN_CLAIM", "iat"),
    "an iat with a fraction": ({"iat": NOW + 0.5}, "TOKEN_CLAIM", "iat"),
    "an iat that is 1.0 of its kind": ({"iat": float(NOW)}, "TOKEN_CLAIM", "iat"),
    "an iat below zero": ({"iat": -1, "exp": 1}, "TOKEN_CLAIM", "iat"),
    "an iat beyond what is exact": ({"iat": 2**53, "exp": 2**53 + 1}, "TOKEN_CLAIM", "iat"),
    "an iat of milliseconds": ({"iat": NOW * 1000, "exp": NOW * 1000 + 900}, "TOKEN_EARLY", "iat"),
    "no exp": ({"exp": GONE}, "TOKEN_CLAIM", "exp"),
    "an exp that is null": ({"exp": None}, "TOKEN_CLAIM", "exp"),
    "an exp that is true": ({"exp": True}, "TOKEN_CLAIM", "exp"),
    "an exp with a fraction": ({"exp": NOW + 60.5}, "TOKEN_CLAIM", "exp"),
    "a life of a second too long": ({"exp": NOW + 901}, "TOKEN_CLAIM", "exp"),
    "a life for ever": ({"exp": 2**53 - 1}, "TOKEN_CLAIM", "exp"),
    "no life": ({"exp": NOW}, "TOKEN_CLAIM", "exp"),
    "an end before its beginning": ({"exp": NOW - 1}, "TOKEN_CLAIM", "exp"),
    "an end that is over": ({"iat": NOW - 60, "exp": NOW - 30}, "TOKEN_EXPIRED", "exp"),
    "an end that is long over": ({"iat": NOW - 9060, "exp": NOW - 9000}, "TOKEN_EXPIRED", "exp"),
    "a beginning to come": ({"iat": NOW + 31, "exp": NOW + 91}, "TOKEN_EARLY", "iat"),
    "not before later": ({"nbf": NOW + 31}, "TOKEN_EARLY", "nbf"),
    "not before a text": ({"nbf": "now"}, "TOKEN_CLAIM", "nbf"),
    "not before true": ({"nbf": True}, "TOKEN_CLAIM", "nbf"),
    "no jti": ({"jti": GONE}, "TOKEN_CLAIM", "jti"),
    "an empty jti": ({"jti": ""}, "TOKEN_CLAIM", "jti"),
    "a jti that is too long": ({"jti": "j" * 65}, "TOKEN_CLAIM", "jti"),
    "a jti that is a number": ({"jti": 1}, "TOKEN_CLAIM", "jti"),
    "a jti with a space": ({"jti": "a b"}, "TOKEN_CLAIM", "jti"),
    "a jti with a line break": ({"jti": "a\n"}, "TOKEN_CLAIM", "jti"),
    "a jti with a NUL": ({"jti": "a\x00"}, "TOKEN_CLAIM", "jti"),
    "no org": ({"org": GONE}, "TOKEN_CLAIM", "org"),
    "an org that is null": ({"org": None}, "TOKEN_CLAIM", "org"),
    "an empty org": ({"org": ""}, "TOKEN_CLAIM", "org"),
    "an org that is a list": ({"org": ["acme"]}, "TOKEN_CLAIM", "org"),
    "an org that is too long": ({"org": "a" * 65}, "TOKEN_CLAIM", "org"),
    "an org with a colon": ({"org": "acme:other"}, "TOKEN_CLAIM", "org"),
    "an org with a slash": ({"org": "acme/other"}, "TOKEN_CLAIM", "org"),
    "an org with a line break": ({"org": "acme\n"}, "TOKEN_CLAIM", "org"),
    "an org in other digits": ({"org": "١٢٣"}, "TOKEN_CLAIM", "org"),
    "a sub that is null": ({"sub": None}, "TOKEN_CLAIM", "sub"),
    "an empty sub": ({"sub": ""}, "TOKEN_CLAIM", "sub"),
    "a sub that is a number": ({"sub": 7}, "TOKEN_CLAIM", "sub"),
    "a sub that is too long": ({"sub": "a" * 65}, "TOKEN_CLAIM", "sub"),
    "a sub with an at": ({"sub": "ann@example.com"}, "TOKEN_CLAIM", "sub"),
    "a role without a sub": ({"sub": GONE}, "TOKEN_CLAIM", "role"),
    "a name without a sub": ({"sub": GONE, "role": GONE, "name": "Ann"}, "TOKEN_CLAIM", "name"),
    "a sub without a role": ({"role": GONE}, "TOKEN_CLAIM", "role"),
    "a role that is null": ({"role": None}, "TOKEN_CLAIM", "role"),
    "an empty role": ({"role": ""}, "TOKEN_CLAIM", "role"),
    "a role that there is not": ({"role": "root"}, "TOKEN_CLAIM", "role"),
    "a role in capitals": ({"role": "Admin"}, "TOKEN_CLAIM", "role"),
    "two roles": ({"role": ["admin", "owner"]}, "TOKEN_CLAIM", "role"),
    "a role that is an object": ({"role": {"admin": True}}, "TOKEN_CLAIM", "role"),
    "a name that is null": ({"name": None}, "TOKEN_CLAIM", "name"),
    "an empty name": ({"name": ""}, "TOKEN_CLAIM", "name"),
    "a name of spaces": ({"name": "   "}, "TOKEN_CLAIM", "name"),
    "a name that is too long": ({"name": "n" * 101}, "TOKEN_CLAIM", "name"),
    "a name of two lines": ({"name": "Ann\nBob"}, "TOKEN_CLAIM", "name"),
    "a name that turns the line round": ({"name": "Ann \u202egnp"}, "TOKEN_CLAIM", "name"),
    "a name with half a letter": ({"name": "\ud800"}, "TOKEN_CLAIM", "name"),
    "a name that is an object": ({"name": {}}, "TOKEN_CLAIM", "name"),
    "an organization's name that is a number": ({"orgName": 1}, "TOKEN_CLAIM", "orgName"),
    "an organization's name with a NUL": ({"orgName": "a\x00"}, "TOKEN_CLAIM", "orgName"),
}  # fmt: skip


@pytest.mark.claim("C-141")
@pytest.mark.parametrize("what", CLAIMS)
def test_a_signed_token_is_refused_for(what: str) -> None:
    changes, refusal, field = CLAIMS[what]
    claims = {name: value for name, value in {**MEMBER, **changes}.items() if value is not GONE}
    assert refusal_of(lambda: verify(signed(WHOLE, claims))) == (refusal, field)


@pytest.mark.claim("C-141")
def test_a_token_is_good_from_half_a_minute_before_to_half_a_minute_after() -> None:
    token = made(MEMBER)
    assert [verify(token, now).issued_at for now in (NOW - 30, NOW, NOW + 60, NOW + 89)] == [NOW] * 4
    assert refusal_of(lambda: verify(token, NOW - 31)) == ("TOKEN_EARLY", "iat")
    assert refusal_of(lambda: verify(token, NOW + 90)) == ("TOKEN_EXPIRED", "exp")


@pytest.mark.parametrize("token", [FORMS["claims that are null"][:40], made(MEMBER, typ="JWT"), made(MEMBER, jku="x")])
def test_no_key_is_looked_for_before_the_header_is_right(token: str) -> None:
    asked: list[str] = []

    def find_key(key_id: str) -> bytes | None:
        asked.append(key_id)
        return KEY

    refusal_of(lambda: verify_host_token(token, US, find_key, NOW))
    assert asked == []


# The header of the request


@pytest.mark.parametrize("header", [f"Bearer {GOOD}", f"bearer {GOOD}", f"BEARER   {GOOD}"])
def test_a_bearer_token_is_found(header: str) -> None:
    assert read_bearer(header) == GOOD


@pytest.mark.claim("C-140")
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", GOOD, f"Basic {GOOD}", f"Token {GOOD}", f"Bearer: {GOOD}", f"Bearer {GOOD} ",
     f"Bearer {GOOD}, Bearer {GOOD}", f"Bearer {GOOD}\t", f" Bearer {GOOD}", "Bearer \u0435"],
)  # fmt: skip
def test_any_other_header_has_no_token(header: str) -> None:
    assert refusal_of(lambda: read_bearer(header)) == ("TOKEN_MISSING", None)


# Whatever comes


@given(st.text(max_size=200))
@example("..")
@example(f"{HEAD}.{BODY}.{MAC}\x00")
def test_no_text_does_anything_but_be_refused(text: str) -> None:
    with pytest.raises(HostRefused):
        verify(text)


@given(st.data())
def test_a_token_with_any_change_is_refused_and_nothing_else_is_raised(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    how = data.draw(st.sampled_from(["replace", "insert", "delete", "cut"]))
    character = data.draw(st.sampled_from("ABCxyz019-_.=+/ \n\x00é"))
    changed = {
        "replace": GOOD[:at] + character + GOOD[at + 1 :],
        "insert": GOOD[:at] + character + GOOD[at:],
        "delete": GOOD[:at] + GOOD[at + 1 :],
        "cut": GOOD[:at],
    }[how]
    if changed != GOOD:
        with pytest.raises(HostRefused):
            verify(changed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([US, "admin", NOW]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*MEMBER, "nbf", "name", "orgName"]), JSON | st.just(GONE), max_size=4))
def test_signed_claims_of_any_type_are_taken_exactly_or_refused(changes: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**MEMBER, **changes}.items() if value is not GONE}
    try:
        token = verify(signed(WHOLE, claims))
    except HostRefused:
        return
    assert (token.organization, token.member, token.role) == (claims["org"], claims.get("sub"), claims.get("role"))
    assert 0 < token.expires_at - token.issued_at <= 900


@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jku"]), JSON, max_size=3))
def test_headers_of_any_type_are_taken_exactly_or_refused(changes: dict[str, Any]) -> None:
    header = {**WHOLE, **changes}
    try:
        verify(signed(header, MEMBER))
    except HostRefused:
        return
    assert header == WHOLE
