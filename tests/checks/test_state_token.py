"""The OAuth state is one that we issued, to this browser, not too long ago."""

import base64
import hashlib
import hmac
import string
import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slackapp.checks.state_token import issue_state, parse_state, state_hash, verify_state
from slackapp.errors import Refusal
from slackapp.model import StateBinding
from tests.checks.helpers import accepts, refusal_of

NOW = 1_800_000_000
TTL = 600
KEY_ID = 7
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
RANDOM = bytes(range(100, 132))
BROWSER, OTHER_BROWSER = hashlib.sha256(b"mine").digest(), hashlib.sha256(b"theirs").digest()
PURPOSE = "install"
BINDING = StateBinding(PURPOSE, BROWSER)
KEYS = {KEY_ID: KEY}
BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def issue() -> str:
    made = issue_state(BINDING, key_id=KEY_ID, key=KEY, random=RANDOM, now=NOW, expires_at=NOW + TTL)
    assert (made.id_hash, made.binding, made.expires_at) == (state_hash(RANDOM), BINDING, NOW + TTL)
    return made.text


def verify(state: str, now: int = NOW, **changes: Any) -> bytes:
    """The hash by which the state's row is found."""
    return verify_state(parse_state(state), BINDING._replace(**changes), KEYS.get, now).id_hash


def build(version: int = 1, key_id: int = KEY_ID, expires_at: int = NOW + TTL, key: bytes = KEY) -> str:
    """A state as documented, made without the code under test."""
    payload = struct.pack(">BIII", version, key_id, NOW, expires_at) + RANDOM
    fields = (b"oauth-state-v1", PURPOSE.encode(), payload, BROWSER)
    covered = b"".join(struct.pack(">H", len(field)) + field for field in fields)
    mac = hmac.new(key, covered, hashlib.sha256).digest()
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (payload, mac))


def test_a_state_has_the_documented_form() -> None:
    assert issue() == build()


def test_a_state_that_we_issued_is_accepted_and_found_by_the_hash_of_its_random_part() -> None:
    assert verify(issue()) == state_hash(RANDOM) == hashlib.sha256(RANDOM).digest()


def test_a_parsed_state_says_what_it_claims() -> None:
    claimed = parse_state(issue())
    assert (claimed.key_id, claimed.issued_at, claimed.expires_at, claimed.random) == (KEY_ID, NOW, NOW + TTL, RANDOM)


@pytest.mark.parametrize("age", [0, 1, 599, 600])
def test_a_state_is_good_for_600_seconds(age: int) -> None:
    assert verify(issue(), NOW + age) == state_hash(RANDOM)


@pytest.mark.parametrize("age", [601, 602, 86_400])
@pytest.mark.claim("C-02")
def test_a_state_is_refused_from_the_601st_second_on(age: int) -> None:
    assert refusal_of(lambda: verify(issue(), NOW + age)) is Refusal.STATE_EXPIRED


@pytest.mark.claim("C-83")
def test_a_state_of_a_clock_that_is_ahead_is_good_for_a_minute_and_no_more() -> None:
    """I had your clock set wrong once, and kept a state of next year."""
    assert verify(issue(), NOW - 60)
    assert refusal_of(lambda: verify(issue(), NOW - 61)) is Refusal.STATE_AHEAD
    assert refusal_of(lambda: verify(build(key=OTHER_KEY), NOW - 61)) is Refusal.STATE_FORGED


def test_a_state_that_names_its_own_later_expiry_is_refused() -> None:
    """I write a later expiry into a state that I was given."""
    _, mac = issue().split(".")
    payload, _ = build(expires_at=NOW + 10 * TTL).split(".")
    assert refusal_of(lambda: verify(f"{payload}.{mac}", NOW + TTL + 1)) is Refusal.STATE_FORGED


def test_a_forged_expired_state_is_refused_as_forged() -> None:
    """I send an expired state with a signature of my own, to learn from the answer whether its form is right."""
    assert refusal_of(lambda: verify(build(expires_at=NOW - 1, key=OTHER_KEY))) is Refusal.STATE_FORGED


@pytest.mark.claim("C-04")
def test_a_state_of_another_browser_is_refused() -> None:
    """I begin an install in my browser and make yours finish it."""
    assert refusal_of(lambda: verify(issue(), browser_digest=OTHER_BROWSER)) is Refusal.STATE_FORGED


@pytest.mark.claim("C-05")
def test_a_state_for_another_purpose_is_refused() -> None:
    """I take a state that was issued for something else."""
    assert refusal_of(lambda: verify(issue(), purpose="login")) is Refusal.STATE_FORGED


@pytest.mark.claim("C-05")
def test_a_state_for_another_provider_is_refused() -> None:
    """I begin with a provider of my own, and bring its state to Slack's callback; and the reverse."""
    elsewhere = BINDING._replace(provider="elsewhere")
    other = issue_state(elsewhere, key_id=KEY_ID, key=KEY, random=RANDOM, now=NOW, expires_at=NOW + TTL).text
    assert verify(other, provider="elsewhere") == state_hash(RANDOM)
    assert refusal_of(lambda: verify(other)) is Refusal.STATE_FORGED
    assert refusal_of(lambda: verify(other, provider="elsewher")) is Refusal.STATE_FORGED
    assert refusal_of(lambda: verify(issue(), provider="elsewhere")) is Refusal.STATE_FORGED


PARTS = st.text("installslack\x00\x07", max_size=12)


@given(PARTS, PARTS, PARTS, PARTS)
@example("install", "slack", "installslack", "")
def test_no_name_of_a_provider_reads_as_another_purpose(one: str, to: str, other: str, there: str) -> None:
    """I name my provider so that what is signed for it reads as signed for yours."""
    bindings = StateBinding(one, BROWSER, to), StateBinding(other, BROWSER, there)
    texts = [issue_state(each, key_id=1, key=KEY, random=RANDOM, now=NOW, expires_at=NOW).text for each in bindings]
    assert (texts[0] == texts[1]) is (bindings[0] == bindings[1])


@pytest.mark.claim("C-01")
def test_a_state_signed_with_another_key_is_refused() -> None:
    """I sign a state with a key of my own."""
    assert refusal_of(lambda: verify(build(key=OTHER_KEY))) is Refusal.STATE_FORGED


@pytest.mark.claim("C-01")
def test_a_state_that_names_an_unknown_key_is_refused() -> None:
    """I name a key that is not there, in the hope that nothing is compared with nothing."""
    assert refusal_of(lambda: verify(build(key_id=KEY_ID + 1))) is Refusal.STATE_FORGED


def test_a_state_that_names_another_known_key_is_refused() -> None:
    """I name a key that I know, while the state is signed with the one that I do not know."""
    claimed = parse_state(build(key_id=KEY_ID + 1))
    keys = {KEY_ID: KEY, KEY_ID + 1: OTHER_KEY}
    refused = refusal_of(lambda: verify_state(claimed, BINDING, keys.get, NOW))
    assert refused is Refusal.STATE_FORGED


@pytest.mark.parametrize("version", [0, 2, 255])
@pytest.mark.claim("C-01")
def test_a_state_of_another_version_is_refused_even_with_the_right_signature(version: int) -> None:
    assert refusal_of(lambda: parse_state(build(version=version))) is Refusal.STATE_MALFORMED


def test_a_state_with_any_single_bit_changed_is_refused() -> None:
    """I change a state bit by bit and watch for one that still passes."""
    state = issue().encode()
    passed = []
    for place in range(len(state) * 8):
        changed = bytearray(state)
        changed[place // 8] ^= 1 << place % 8
        text = changed.decode("latin-1")
        if accepts(lambda text=text: verify(text)):
            passed.append(text)
    assert passed == []


@pytest.mark.claim("C-01")
def test_only_one_spelling_of_a_state_is_taken() -> None:
    """I send the same state in another spelling of base64, so that a filter of used states misses it."""
    state = issue()
    same_bytes = [
        state[:-1] + last
        for last in BASE64URL
        if last != state[-1]
        and base64.urlsafe_b64decode(state[61:-1] + last + "=") == base64.urlsafe_b64decode(state[61:] + "=")
    ]
    assert len(same_bytes) == 3
    for spelling in same_bytes:
        assert refusal_of(lambda spelling=spelling: parse_state(spelling)) is Refusal.STATE_MALFORMED


STATE = issue()
MALFORMED = {
    "empty": "",
    "dot": ".",
    "payload only": STATE.split(".")[0],
    "no MAC": STATE[:61],
    "two dots": STATE + ".",
    "one character less": STATE[:-1],
    "one character more": STATE + "A",
    "payload shorter": STATE[1:],
    "padding": STATE + "=",
    "line feed after": STATE + "\n",
    "space before": " " + STATE,
    "plus": "+" + STATE[1:],
    "slash": "/" + STATE[1:],
    "NUL": "\x00" + STATE[1:],
    "not ASCII": "é" + STATE[1:],
    "percent encoding": STATE.replace(".", "%2E"),
    "path": "../../etc/passwd",
    "long": STATE * 1000,
}


@pytest.mark.parametrize("claimed", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.claim("C-01")
def test_a_malformed_state_is_refused(claimed: str) -> None:
    assert refusal_of(lambda: parse_state(claimed)) is Refusal.STATE_MALFORMED


@given(
    st.text()
    | st.text(BASE64URL + ".=+/", max_size=110)
    | st.tuples(*(st.text(BASE64URL, min_size=size, max_size=size) for size in (60, 43))).map(".".join)
)
@example("A" * 60 + "." + "A" * 43)
@example("A" * 60 + "." + "A" * 42 + "B")
def test_whatever_text_comes_nothing_but_a_refusal_is_raised(claimed: str) -> None:
    assert not accepts(lambda: verify(claimed))


@given(
    key_id=st.integers(1, 2**32 - 1),
    random=st.binary(min_size=32, max_size=32),
    now=st.integers(0, 2**32 - 901),
    ttl=st.integers(60, 900),
)
def test_every_state_that_we_issue_works_to_its_last_second(key_id: int, random: bytes, now: int, ttl: int) -> None:
    state = issue_state(BINDING, key_id=key_id, key=KEY, random=random, now=now, expires_at=now + ttl).text
    claimed = parse_state(state)
    assert verify_state(claimed, BINDING, {key_id: KEY}.get, now + ttl).id_hash == state_hash(random)
    assert not accepts(lambda: verify_state(claimed, BINDING, {key_id: KEY}.get, now + ttl + 1))
    assert set(state) <= set(BASE64URL + ".")
