"""The stored vectors through our own envelope: what must open does, what must not does not, for every reason known."""

import base64
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from slackapp.crypto import envelope
from slackapp.errors import DecryptError
from slackapp.model import RecordContext, Tenant

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "tests" / "vectors" / "envelope-v1.json"
SIZE_LIMIT = 400_000
RECORD_FIELDS = ("app_id", "tenant_kind", "tenant_id", "user_id", "kind", "row", "generation")
WRAP_FIELDS = ("app_id", "tenant_kind", "tenant_id", "purpose", "key_id", "provider", "master_version")
CLASSES = {
    "lengthened", "other_layer", "shifted_context", "swapped_body", "swapped_header", "swapped_value", "too_long",
    "truncated", "two_keys", "unauthenticated_header", "unbound", "unprefixed_context", "wrong_ciphertext",
    "wrong_commitment", "wrong_key", "wrong_key_id", "wrong_nonce", "wrong_salt", "wrong_suite", "wrong_tag",
    "wrong_version", *(f"wrong_context_{name}" for name in (*RECORD_FIELDS, *WRAP_FIELDS)),
}  # fmt: skip
STEPS = {"size", "version", "suite", "key_id", "commitment", "tag"}

Vector = dict[str, Any]


@cache
def vectors(name: str) -> list[Vector]:
    return list(json.loads(FILE.read_bytes())[name])


def context_of(vector: Vector) -> bytes:
    """The bytes that our own builders bind the value to."""
    fields = vector["context"]
    tenant = Tenant(fields["tenant_kind"], fields["tenant_id"])
    if vector["layer"] == "record":
        place = RecordContext(tenant, "any", fields["user_id"], fields["kind"], fields["row"], fields["generation"])
        return envelope.record_context(fields["app_id"], place)
    return envelope.wrap_context(
        fields["app_id"], tenant, fields["purpose"], fields["key_id"], fields["provider"], fields["master_version"]
    )


def opened(vector: Vector, blob: bytes | None = None) -> bytes:
    stored = base64.b64decode(vector["blob"], validate=True) if blob is None else blob
    key = bytes.fromhex(vector["key"])
    return envelope.open_sealed(key, vector["key_id"], context_of(vector), stored, vector["limit"])


def opening_changes(vector: Vector, changes: Iterable[bytes]) -> list[bytes]:
    """Those of the changed values that open all the same."""
    found = []
    for blob in changes:
        try:
            opened(vector, blob)
        except DecryptError:
            continue
        found.append(blob)
    return found


def flips(blob: bytes) -> Iterable[bytes]:
    """The value with each of its bits changed in turn."""
    for place in range(len(blob) * 8):
        changed = bytearray(blob)
        changed[place // 8] ^= 1 << place % 8
        yield bytes(changed)


def cuts(blob: bytes) -> Iterable[bytes]:
    """The value cut off at every length, from its end and from its start."""
    for length in range(len(blob)):
        yield blob[:length]
        yield blob[length + 1 :]


def named(name: str) -> Vector:
    (found,) = [vector for vector in vectors("open") if vector["name"] == name]
    return found


@pytest.mark.parametrize("vector", vectors("open"), ids=lambda vector: str(vector["name"]))
def test_each_good_vector_opens(vector: Vector) -> None:
    assert opened(vector) == bytes.fromhex(vector["plain"]) * vector["times"]


@pytest.mark.parametrize("vector", vectors("refuse"), ids=lambda found: f"{found['why']}-{found['name']}")
def test_each_bad_vector_fails_in_its_documented_way(vector: Vector) -> None:
    """I change, cut, move or re-label a stored value, in every way that the format knows of."""
    assert vector["why"] in CLASSES
    with pytest.raises(DecryptError) as caught:
        opened(vector)
    assert caught.value.args == ("the value does not open",)


def test_every_class_of_failure_occurs_and_no_unknown_one() -> None:
    classes = Counter(vector["why"] for vector in vectors("refuse"))
    assert set(classes) == CLASSES
    assert {vector["step"] for vector in vectors("refuse")} == STEPS
    print(f"{len(vectors('open'))} open, {sum(classes.values())} do not, of {len(classes)} classes")


def test_the_vector_file_has_enough_cases_and_stays_small() -> None:
    assert len(vectors("open")) >= 20
    assert len(vectors("refuse")) >= 120
    assert {vector["layer"] for vector in vectors("open")} == {"record", "wrap"}
    sizes = {len(vector["plain"]) // 2 * vector["times"] for vector in vectors("open")}
    assert {0, envelope.TOKEN_LIMIT} <= sizes
    assert FILE.stat().st_size < SIZE_LIMIT


def test_no_vector_is_there_twice() -> None:
    for name in ("open", "refuse"):
        given = [json.dumps({key: vector[key] for key in ("key", "key_id", "context", "limit", "blob")}, sort_keys=True)
                 for vector in vectors(name)]  # fmt: skip
        assert [one for one, times in Counter(given).items() if times > 1] == []


def test_the_script_writes_the_same_file_again_without_our_code(tmp_path: Path) -> None:
    """Stops vectors that were edited by hand, or made by what they test."""
    code = (
        "import runpy, sys; sys.modules['slackapp'] = None; sys.modules['cryptography.hazmat.primitives.kdf'] = None; "
        "runpy.run_module('tests.vectors.make_vectors', run_name='__main__')"
    )
    target = tmp_path / "again.json"
    subprocess.run([sys.executable, "-c", code, str(target)], cwd=ROOT, check=True, timeout=60)
    assert target.read_bytes() == FILE.read_bytes()


@pytest.mark.parametrize("name", ["bot_access", "wrapped bot key"])
def test_no_flipped_bit_and_no_truncation_opens(name: str) -> None:
    """I change a stored record, or a wrapped data key, bit by bit; I cut it off at every length."""
    vector = named(name)
    blob = base64.b64decode(vector["blob"])
    assert opened(vector, blob)
    assert opening_changes(vector, flips(blob)) == []
    assert opening_changes(vector, cuts(blob)) == []
