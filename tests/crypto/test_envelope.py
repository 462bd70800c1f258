"""The record format: every byte of it, and everything that keeps a record from opening."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.crypto import envelope
from slackapp.errors import DecryptError
from tests.crypto import independent

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
RANDOM = bytes(range(200, 244))
KEY_ID = 0x01020304
CONTEXT = b"where it belongs"
PLAIN = b"xoxb-token"
BLOB = independent.record(KEY, KEY_ID, CONTEXT, PLAIN, RANDOM)
LIMIT = 100
GOLDEN = (
    "010101020304c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7d96ee2051e7c029b669c"
    "c8750c27e508efdf40774c9341af45b62566d61827dce8e9eaebecedeeeff0f1f2f3e846301bdf231c6e3a5ea59cfb23"
    "e74063a8079dfb29dc7e7a9e"
)


def opens(blob: bytes, key: bytes = KEY, key_id: int = KEY_ID, context: bytes = CONTEXT, limit: int = LIMIT) -> bool:
    """Whether a blob opens; fails the test when it opens as anything but what was sealed."""
    try:
        assert envelope.open_sealed(key, key_id, context, blob, limit) == PLAIN
    except DecryptError:
        return False
    return True


def test_a_record_is_the_documented_bytes() -> None:
    assert envelope.seal(KEY, KEY_ID, CONTEXT, PLAIN, RANDOM) == BLOB


def test_a_record_has_every_field_at_its_place() -> None:
    derived, commitment = independent.derive(KEY, RANDOM[:32])
    assert derived != commitment
    assert BLOB[:2] == b"\x01\x01"
    assert BLOB[2:6] == b"\x01\x02\x03\x04"
    assert BLOB[6:38] == RANDOM[:32]
    assert BLOB[38:70] == commitment
    assert BLOB[70:82] == RANDOM[32:]
    assert len(BLOB) == 82 + len(PLAIN) + 16 == envelope.OVERHEAD_BYTES + len(PLAIN)


def test_a_record_of_this_release_is_still_the_same() -> None:
    """Stops a change of the format under the same version: old databases must open for ever."""
    assert BLOB.hex() == GOLDEN


def test_a_record_made_by_hand_opens() -> None:
    assert opens(BLOB)


@given(st.binary(max_size=200), st.binary(max_size=50), st.binary(min_size=44, max_size=44), st.integers(1, 2**32 - 1))
def test_what_was_sealed_opens_to_the_same_bytes(plain: bytes, context: bytes, random: bytes, key_id: int) -> None:
    blob = envelope.seal(KEY, key_id, context, plain, random)
    assert envelope.open_sealed(KEY, key_id, context, blob, 200) == plain
    assert blob == independent.record(KEY, key_id, context, plain, random)


@pytest.mark.parametrize("key_id", [0, 1, 2**32 - 1])
def test_a_key_id_is_any_number_of_32_bits(key_id: int) -> None:
    assert opens(envelope.seal(KEY, key_id, CONTEXT, PLAIN, RANDOM), key_id=key_id)


def test_a_record_with_any_single_bit_changed_does_not_open() -> None:
    """I have the database, and change it bit by bit."""
    opened = []
    for place in range(len(BLOB) * 8):
        changed = bytearray(BLOB)
        changed[place // 8] ^= 1 << place % 8
        if opens(bytes(changed)):
            opened.append(place)
    assert opened == []


def test_a_shortened_or_lengthened_record_does_not_open() -> None:
    """I cut bytes off a record, or put some on."""
    assert [length for length in range(len(BLOB)) if opens(BLOB[:length])] == []
    assert [length for length in range(1, len(BLOB) + 1) if opens(BLOB[length:])] == []
    assert not opens(BLOB + b"\x00")
    assert not opens(b"\x00" + BLOB)


@pytest.mark.parametrize(("version", "suite"), [(0, 1), (2, 1), (255, 1), (1, 0), (1, 2), (1, 255)])
@pytest.mark.claim("C-32")
def test_another_version_or_suite_does_not_open_even_when_all_else_is_right(version: int, suite: int) -> None:
    """I write the number of a weaker suite into a record, whose authenticated header I can make."""
    assert not opens(independent.record(KEY, KEY_ID, CONTEXT, PLAIN, RANDOM, version=version, suite=suite))


@pytest.mark.claim("C-32")
def test_another_key_id_does_not_open_even_when_all_else_is_right() -> None:
    blob = independent.record(KEY, KEY_ID + 1, CONTEXT, PLAIN, RANDOM)
    assert opens(blob, key_id=KEY_ID + 1)
    assert not opens(blob)


@pytest.mark.parametrize("commitment", [bytes(32), independent.derive(OTHER_KEY, RANDOM[:32])[1]])
@pytest.mark.claim("C-31")
def test_a_record_that_commits_to_another_key_does_not_open_even_when_its_tag_is_right(commitment: bytes) -> None:
    """I make one record that opens under two keys: GCM alone lets me."""
    assert not opens(independent.record(KEY, KEY_ID, CONTEXT, PLAIN, RANDOM, commitment=commitment))


def test_another_key_or_context_does_not_open() -> None:
    assert not opens(BLOB, key=OTHER_KEY)
    assert not opens(BLOB, context=b"")
    assert not opens(BLOB, context=CONTEXT + b"\x00")
    assert not opens(BLOB, context=CONTEXT[:-1])


@pytest.mark.claim("C-32")
def test_a_plaintext_at_the_limit_opens_and_one_byte_more_does_not() -> None:
    assert opens(BLOB, limit=len(PLAIN))
    assert not opens(BLOB, limit=len(PLAIN) - 1)


def test_the_empty_plaintext_is_the_shortest_record() -> None:
    blob = envelope.seal(KEY, KEY_ID, CONTEXT, b"", RANDOM)
    assert len(blob) == 98
    assert envelope.open_sealed(KEY, KEY_ID, CONTEXT, blob, 0) == b""


def test_every_record_gets_a_key_of_its_own_from_its_salt() -> None:
    other = envelope.seal(KEY, KEY_ID, CONTEXT, PLAIN, bytes(32) + RANDOM[32:])
    assert other[38:70] != BLOB[38:70]
    assert other[82:] != BLOB[82:]


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_of_another_size_is_a_bug(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        envelope.seal(bytes(size), KEY_ID, CONTEXT, PLAIN, RANDOM)
    with pytest.raises(ValueError, match="32 bytes"):
        envelope.open_sealed(bytes(size), KEY_ID, CONTEXT, BLOB, LIMIT)


@pytest.mark.parametrize("size", [0, 32, 43, 45])
def test_random_bytes_of_another_number_are_a_bug(size: int) -> None:
    with pytest.raises(ValueError, match="44 random bytes"):
        envelope.seal(KEY, KEY_ID, CONTEXT, PLAIN, bytes(size))


@pytest.mark.parametrize("key_id", [-1, 2**32])
def test_a_key_id_that_does_not_fit_is_a_bug(key_id: int) -> None:
    with pytest.raises(ValueError, match="key id"):
        envelope.seal(KEY, key_id, CONTEXT, PLAIN, RANDOM)


@pytest.mark.parametrize(
    ("key", "key_id", "context", "blob", "limit"),
    [
        (KEY, KEY_ID, CONTEXT, b"", LIMIT),
        (KEY, KEY_ID, CONTEXT, BLOB[:97], LIMIT),
        (KEY, KEY_ID, CONTEXT, BLOB, 1),
        (KEY, KEY_ID, CONTEXT, b"\x02" + BLOB[1:], LIMIT),
        (KEY, 9, CONTEXT, BLOB, LIMIT),
        (OTHER_KEY, KEY_ID, CONTEXT, BLOB, LIMIT),
        (KEY, KEY_ID, b"elsewhere", BLOB, LIMIT),
        (KEY, KEY_ID, CONTEXT, BLOB[:-1] + b"\x00", LIMIT),
    ],
    ids=["empty", "short", "too large", "version", "key id", "key", "context", "tag"],
)
def test_every_reason_not_to_open_looks_the_same(
    key: bytes, key_id: int, context: bytes, blob: bytes, limit: int
) -> None:
    """I watch which error I get, to learn how near I am."""
    with pytest.raises(DecryptError) as caught:
        envelope.open_sealed(key, key_id, context, blob, limit)
    assert (str(caught.value), caught.value.args) == ("the value does not open", ("the value does not open",))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("blob", [b"", BLOB[:97], b"\x00" + BLOB[1:], BLOB[:1] + b"\x00" + BLOB[2:]])
def test_a_key_id_is_read_from_whole_records_of_our_format_only(blob: bytes) -> None:
    assert envelope.key_id_of(BLOB) == KEY_ID
    with pytest.raises(DecryptError):
        envelope.key_id_of(blob)


def test_the_check_value_tells_keys_apps_and_databases_apart_and_is_no_commitment_of_a_record() -> None:
    values = {
        envelope.check_value(key, app_id, database)
        for key in (KEY, OTHER_KEY)
        for app_id, database in (("A1", "23"), ("A12", "3"), ("A1", "24"))
    }
    assert len(values) == 6
    salt = hmac.new(b"slackapp/v1/key-check", independent.prefixed(b"A1", b"23"), hashlib.sha256).digest()
    assert envelope.check_value(KEY, "A1", "23") == independent.derive(KEY, salt)[1]


def test_the_mac_is_hmac_sha256() -> None:
    assert envelope.hmac_sha256(KEY, b"data") == hmac.new(KEY, b"data", hashlib.sha256).digest()
