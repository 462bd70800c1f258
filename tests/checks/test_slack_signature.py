"""The request was signed by Slack, recently."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from slackapp.checks.slack_signature import verify_signature
from slackapp.errors import Refusal
from slackapp.model import Secret
from tests.checks.helpers import accepts, refusal_of

# The documented example: docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1531420618
STAMP = str(NOW).encode()
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
SECRETS = (Secret(SECRET),)
NEXT_SECRET = "the-secret-that-comes-after-it"

MALFORMED_TIMESTAMPS = {
    "empty": b"",
    "space before": b" 1531420618",
    "space after": b"1531420618 ",
    "space for a digit": b" 531420618",
    "line feed after": b"1531420618\n",
    "plus for a digit": b"+531420618",
    "minus for a digit": b"-531420618",
    "underscore between digits": b"1_53142061",
    "nine digits": b"153142061",
    "eleven digits": b"15314206180",
    "fraction": b"1531420618.0",
    "exponent": b"153142e004",
    "hexadecimal": b"0x5b47acca",
    "Arabic digits": "١٥٣١٤٢٠٦١٨".encode(),
    "full-width digits": "".join(chr(ord(digit) + 0xFEE0) for digit in str(NOW)).encode(),
    "superscript digits in Latin-1": b"\xb9\xb2\xb3" * 3 + b"\xb9",
    "sent twice, joined": b"1531420618, 1531420618",
    "sent twice, joined without space": b"1531420618,1531420618",
    "not a number": b"abcdefghij",
    "NUL": b"1531420618\x00",
    "five thousand digits": b"1" * 5000,
}
MALFORMED_SIGNATURES = {
    "empty": b"",
    "without version": SIGNATURE[3:],
    "other version": b"v1=" + SIGNATURE[3:],
    "upper-case version": b"V0=" + SIGNATURE[3:],
    "upper-case digits": b"v0=" + SIGNATURE[3:].upper(),
    "one upper-case digit": SIGNATURE.replace(b"a", b"A", 1),
    "space before": b" " + SIGNATURE,
    "space after": SIGNATURE + b" ",
    "space after the version": b"v0= " + SIGNATURE[3:],
    "line feed after": SIGNATURE + b"\n",
    "plus for a digit": b"v0=+" + SIGNATURE[4:],
    "underscore": SIGNATURE[:10] + b"_" + SIGNATURE[11:],
    "one digit less": SIGNATURE[:-1],
    "one digit more": SIGNATURE + b"0",
    "no hexadecimal digit": b"v0=" + b"g" * 64,
    "sent twice, joined": SIGNATURE + b", " + SIGNATURE,
    "sent twice, joined without space": SIGNATURE + b"," + SIGNATURE,
    "not ASCII": b"v0=" + "é".encode() * 32,
    "Unicode digits": b"v0=" + "\uff11".encode() * 64,
    "five thousand digits": b"v0=" + b"0" * 5000,
}


def sign(timestamp: bytes, body: bytes, secret: str = SECRET) -> bytes:
    """What Slack would send, whatever the timestamp looks like."""
    return b"v0=" + hmac.new(secret.encode(), b"v0:" + timestamp + b":" + body, hashlib.sha256).hexdigest().encode()


def test_the_documented_example_is_accepted() -> None:
    assert verify_signature(BODY, STAMP, SIGNATURE, SECRETS, NOW) == 0


@pytest.mark.parametrize("age", [0, 1, -1, 300, -300])
def test_a_timestamp_may_be_300_seconds_off_either_way(age: int) -> None:
    assert verify_signature(BODY, STAMP, SIGNATURE, SECRETS, NOW + age) == 0


@pytest.mark.parametrize("age", [301, -301, 86_400])
@pytest.mark.claim("C-16")
def test_a_request_that_was_captured_earlier_is_refused(age: int) -> None:
    """I captured a signed request and send it again later, or with a clock of my own."""
    refused = refusal_of(lambda: verify_signature(BODY, STAMP, SIGNATURE, SECRETS, NOW + age))
    assert refused is Refusal.SIGNATURE_STALE


@pytest.mark.parametrize("timestamp", MALFORMED_TIMESTAMPS.values(), ids=MALFORMED_TIMESTAMPS)
def test_a_malformed_timestamp_is_refused_even_with_the_right_signature(timestamp: bytes) -> None:
    """I send a timestamp that one parser takes for a number and another does not."""
    signature = sign(timestamp, BODY)
    assert refusal_of(lambda: verify_signature(BODY, timestamp, signature, SECRETS, NOW)) is Refusal.UNSIGNED


@pytest.mark.parametrize("signature", MALFORMED_SIGNATURES.values(), ids=MALFORMED_SIGNATURES)
@pytest.mark.claim("C-15")
def test_a_malformed_signature_is_refused(signature: bytes) -> None:
    """I send a signature that makes the comparison raise, or that is right but for its spelling."""
    assert refusal_of(lambda: verify_signature(BODY, STAMP, signature, SECRETS, NOW)) is Refusal.UNSIGNED


@pytest.mark.parametrize(
    ("body", "timestamp", "secret"),
    [
        (BODY + b" ", STAMP, SECRET),
        (b"", STAMP, SECRET),
        (BODY, str(NOW + 1).encode(), SECRET),
        (BODY, STAMP, SECRET.upper()),
        (BODY, STAMP, SECRET + "0"),
    ],
    ids=["longer body", "no body", "other time", "other secret", "longer secret"],
)
@pytest.mark.claim("C-15")
def test_a_signature_of_anything_else_is_refused(body: bytes, timestamp: bytes, secret: str) -> None:
    """I change the request, or guess the secret, and keep a signature that I saw."""
    refused = refusal_of(lambda: verify_signature(body, timestamp, SIGNATURE, (Secret(secret),), NOW))
    assert refused is Refusal.SIGNATURE_WRONG


def test_without_a_secret_nothing_is_accepted() -> None:
    assert refusal_of(lambda: verify_signature(BODY, STAMP, SIGNATURE, (), NOW)) is Refusal.SIGNATURE_WRONG


def test_a_body_that_is_no_text_is_verified_as_the_bytes_it_is() -> None:
    body = b"\xff\xfe\x00" + bytes(range(256))
    assert verify_signature(body, STAMP, sign(STAMP, body), SECRETS, NOW) == 0


@pytest.mark.parametrize(("secret", "position"), [(SECRET, 0), (NEXT_SECRET, 1)])
def test_with_two_secrets_it_says_which_one_matched(secret: str, position: int) -> None:
    secrets = (Secret(SECRET), Secret(NEXT_SECRET))
    assert verify_signature(BODY, STAMP, sign(STAMP, BODY, secret), secrets, NOW) == position


def test_with_two_secrets_a_third_one_is_refused() -> None:
    secrets = (Secret(SECRET), Secret(NEXT_SECRET))
    signature = sign(STAMP, BODY, "some-other-secret")
    assert refusal_of(lambda: verify_signature(BODY, STAMP, signature, secrets, NOW)) is Refusal.SIGNATURE_WRONG


def test_every_secret_is_tried_even_when_the_first_one_matches() -> None:
    """I measure how long an answer takes, to learn which of the two secrets is in use."""
    tried: list[int] = []

    class Watched(Secret):
        def reveal(self) -> str:
            tried.append(1)
            return super().reveal()

    verify_signature(BODY, STAMP, SIGNATURE, (Watched(SECRET), Watched(NEXT_SECRET)), NOW)
    assert len(tried) == 2


@given(st.binary(), st.binary(max_size=40), st.binary(max_size=80), st.integers())
def test_whatever_bytes_come_nothing_but_a_refusal_is_raised(body: bytes, stamp: bytes, sent: bytes, now: int) -> None:
    assert not accepts(lambda: verify_signature(body, stamp, sent, SECRETS, now))


class StoppedClock(Clock):
    """The clock of slack_sdk's verifier, at our time."""

    def now(self) -> float:
        return NOW


def theirs(body: bytes, timestamp: bytes, signature: bytes) -> bool | None:
    """What slack_sdk's verifier says; None where it raises."""
    verifier = SignatureVerifier(SECRET, StoppedClock())
    try:
        return verifier.is_valid(body, timestamp.decode("latin-1"), signature.decode("latin-1"))
    except (ValueError, TypeError):
        return None


@given(
    body=st.text().map(lambda text: text.encode("utf-8", "replace")),
    offset=st.integers(-400, 400) | st.sampled_from([-301, -300, 300, 301]),
    secret=st.sampled_from([SECRET, SECRET, NEXT_SECRET]),
    added=st.sampled_from([b"", b"", b"x"]),
)
def test_it_agrees_with_the_verifier_of_slack_sdk(body: bytes, offset: int, secret: str, added: bytes) -> None:
    timestamp = str(NOW + offset).encode()
    signature = sign(timestamp, body, secret)
    ours = accepts(lambda: verify_signature(body + added, timestamp, signature, SECRETS, NOW))
    assert ours is theirs(body + added, timestamp, signature)


HEADER = st.sampled_from([*MALFORMED_TIMESTAMPS.values(), *MALFORMED_SIGNATURES.values(), STAMP, SIGNATURE])


@given(HEADER | st.binary(max_size=20), HEADER | st.binary(max_size=80))
def test_what_makes_the_verifier_of_slack_sdk_raise_is_refused_here(timestamp: bytes, signature: bytes) -> None:
    ours = accepts(lambda: verify_signature(BODY, timestamp, signature, SECRETS, NOW))
    assert ours is (timestamp == STAMP and signature == SIGNATURE)
    if ours:
        assert theirs(BODY, timestamp, signature) is True


@pytest.mark.parametrize("timestamp", [b"abc", b"", b"1" * 5000])
def test_the_verifier_of_slack_sdk_does_raise(timestamp: bytes) -> None:
    """Negative control of the comparison above."""
    assert theirs(BODY, timestamp, SIGNATURE) is None
