"""Writes `envelope-v1.json`: sealed values that must open, and values that must not, each with the reason why.

    python -m tests.vectors.make_vectors [FILE]

Stands alone: it imports nothing of slackapp, has HKDF by hand and a reader of its own. Only the block cipher is the
library's. Every value is derived from a fixed seed, so that a second run writes the same bytes.

A vector is never taken out or changed: what opened once must open for ever.
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.two_keys import one_block_for

INFO = b"slackapp/v1/key+commit"
HEADER, TAG = 82, 16
LIMITS = {"webhook": 31_744, "event_body": 1_048_576, "wrapped": 32}
TOKEN_LIMIT = 16_384
FIELDS = {
    "record": ("app_id", "tenant_kind", "tenant_id", "user_id", "kind", "row", "generation"),
    "wrap": ("app_id", "tenant_kind", "tenant_id", "purpose", "key_id", "provider", "master_version"),
}
LABELS = {"record": "slackapp-record", "wrap": "slackapp-dek"}

Fields = dict[str, str]


@dataclass(frozen=True)
class Case:
    """A value and how somebody tries to open it. `plain` is repeated `times` times."""

    name: str
    layer: str
    key: bytes
    key_id: int
    context: Fields
    limit: int
    blob: bytes
    plain: bytes = b""
    times: int = 1


def pseudorandom(label: str, size: int) -> bytes:
    """Bytes that are the same in every run."""
    return hashlib.shake_256(b"slackapp envelope vectors, version 1: " + label.encode()).digest(size)


def prefixed(*fields: bytes) -> bytes:
    """Each field with its length before it, in two bytes."""
    return b"".join(struct.pack(">H", len(field)) + field for field in fields)


def bound(layer: str, context: Fields) -> bytes:
    """What the value is authenticated with, after the header."""
    return prefixed(*(text.encode() for text in (LABELS[layer], *(context[name] for name in FIELDS[layer]))))


def derive(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """HKDF-SHA-512 (RFC 5869), of which 64 bytes are one block: the value's key, and the commitment."""
    extracted = hmac.new(salt, key, hashlib.sha512).digest()
    okm = hmac.new(extracted, INFO + b"\x01", hashlib.sha512).digest()
    return okm[:32], okm[32:]


def header_of(key_id: int, salt: bytes, commitment: bytes, nonce: bytes, version: int = 1, suite: int = 1) -> bytes:
    """The 82 bytes before the ciphertext."""
    return struct.pack(">BBI", version, suite, key_id) + salt + commitment + nonce


def seal(
    case: Case, context: bytes | None = None, version: int = 1, suite: int = 1, key_id: int | None = None
) -> bytes:
    """A value in which all is consistent, also where it must not be taken."""
    salt, nonce = pseudorandom(f"salt {case.name}", 32), pseudorandom(f"nonce {case.name}", 12)
    key, commitment = derive(case.key, salt)
    header = header_of(case.key_id if key_id is None else key_id, salt, commitment, nonce, version, suite)
    aad = prefixed(header) + (bound(case.layer, case.context) if context is None else context)
    return header + AESGCM(key).encrypt(nonce, case.plain * case.times, aad)


def stops_at(case: Case) -> str:
    """Where our own reader stops; "" when the value opens."""
    blob = case.blob
    if not HEADER + TAG <= len(blob) <= HEADER + TAG + case.limit:
        return "size"
    version, suite, key_id = struct.unpack(">BBI", blob[:6])
    key, commitment = derive(case.key, blob[6:38])
    for step, wrong in {
        "version": version != 1,
        "suite": suite != 1,
        "key_id": key_id != case.key_id,
        "commitment": commitment != blob[38:70],
    }.items():
        if wrong:
            return step
    try:
        aad = prefixed(blob[:HEADER]) + bound(case.layer, case.context)
        plain = AESGCM(key).decrypt(blob[70:HEADER], blob[HEADER:], aad)
    except InvalidTag:
        return "tag"
    if plain != case.plain * case.times:
        raise AssertionError(f"{case.name} opens to something else")
    return ""


# What opens


def _record(kind: str, user: str, row: str, plain: bytes, times: int = 1, **changes: Any) -> Case:
    context = {
        "app_id": "A0LOCAL001", "tenant_kind": "T", "tenant_id": "T0NORTH001", "user_id": user, "kind": kind,
        "row": row, "generation": "1", **changes.pop("context", {}),
    }  # fmt: skip
    name = changes.pop("name", kind)
    fields = {"key_id": 0x01020304, "limit": LIMITS.get(kind, TOKEN_LIMIT), **changes}
    return _sealed(Case(name, "record", pseudorandom(f"key {name}", 32), context=context, blob=b"", plain=plain,
                        times=times, **fields))  # fmt: skip


def _wrap(name: str, purpose: str, key_id: int, version: int = 1, provider: str = "local", tenant: str = "") -> Case:
    context = {
        "app_id": "A0LOCAL001", "tenant_kind": tenant[:1], "tenant_id": tenant, "purpose": purpose,
        "key_id": str(key_id), "provider": provider, "master_version": str(version),
    }  # fmt: skip
    key, wrapped = pseudorandom("master key", 32), pseudorandom(f"data key {name}", 32)
    return _sealed(Case(name, "wrap", key, version, context, LIMITS["wrapped"], b"", wrapped))


def _sealed(case: Case) -> Case:
    return replace(case, blob=seal(case))


def opening() -> list[Case]:
    """At least one of every kind, and the ends of every range."""
    user = "U0PERSON01"
    return [
        _record("bot_access", "", "bot", b"xoxe.xoxb-1-example"),
        _record("bot_refresh", "", "bot", b"xoxe-1-example"),
        _record("user_access", user, user, b"xoxe.xoxp-1-example"),
        _record("user_refresh", user, user, b"xoxe-1-example-of-a-person"),
        _record("webhook", "", "webhook", b'{"url": "https://hooks.slack.com/services/T0/B0/example"}'),
        _record("event_body", "", "Ev0001", b'{"type": "event_callback"}', context={"generation": "0"}),
        _record("bot_access", "", "bot", b"", name="nothing"),
        _record("bot_access", "", "bot", b"\x00", name="one zero byte"),
        _record("bot_access", "", "bot", bytes(range(256)), name="every byte"),
        _record("bot_access", "", "bot", "tökén-✓".encode(), name="not ascii"),
        _record("bot_access", "", "bot", b"0123456789abcdef", name="a block"),
        _record("bot_access", "", "bot", b"0123456789abcdef0", name="a block and a byte"),
        _record("bot_access", "", "bot", b"t", TOKEN_LIMIT, name="the longest token"),
        _record("bot_access", "", "bot", b"x", key_id=0, name="the smallest key id"),
        _record("bot_access", "", "bot", b"x", key_id=2**32 - 1, name="the largest key id"),
        _record("bot_access", "", "bot", b"x", context={"generation": "9223372036854775807"}, name="old age"),
        _record("bot_access", "", "bot", b"x", context={"tenant_kind": "E", "tenant_id": "E0EVERGRN1"}, name="an org"),
        _record("bot_access", "", "bot", b"x", context={"app_id": "A" * 65_535}, name="the longest field"),
        _record("bot_access", "", "", b"x", context=dict.fromkeys(FIELDS["record"][:6], ""), name="no fields"),
        _record("bot_access", "", "bot", b"x", context={"tenant_id": "T0é✓"}, name="a field that is not ascii"),
        _wrap("wrapped bot key", "bot", 0x01020304, tenant="T0NORTH001"),
        _wrap("wrapped user key", "user", 1, tenant="T0NORTH001"),
        _wrap("wrapped refresh key", "refresh", 2**32 - 1, version=2, tenant="E0EVERGRN1"),
        _wrap("wrapped data key", "data", 7, version=999_999_999, tenant="T0SOUTH001"),
        _wrap("wrapped state key", "state", 8),
        _wrap("wrapped audit key", "audit", 9),
    ]


# What must not open


def _flip(blob: bytes, place: int) -> bytes:
    return blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]


def _broken(case: Case) -> Iterator[tuple[str, str, Case]]:
    """Class, what was done, and the case: everything that is done to every kind of value."""
    blob, end = case.blob, len(case.blob)
    for size in (0, 1, 6, HEADER, HEADER + TAG - 1):
        yield "truncated", f"{size} bytes", replace(case, blob=blob[:size])
    for version in (0, 2, 255):
        yield "wrong_version", str(version), replace(case, blob=seal(case, version=version))
    for suite in (0, 2):
        yield "wrong_suite", str(suite), replace(case, blob=seal(case, suite=suite))
    yield "wrong_key_id", "sealed under another", replace(case, blob=seal(case, key_id=case.key_id ^ 1))
    yield "wrong_key_id", "opened under another", replace(case, key_id=case.key_id ^ 0x01000000)
    yield "wrong_key", "another one", replace(case, key=pseudorandom("another key", 32))
    yield "wrong_key", "one bit", replace(case, key=_flip(case.key, 31))
    yield "wrong_salt", "one bit", replace(case, blob=_flip(blob, 6))
    yield "wrong_commitment", "one bit", replace(case, blob=_flip(blob, 69))
    yield "wrong_commitment", "zeros", replace(case, blob=blob[:38] + bytes(32) + blob[70:])
    yield "wrong_nonce", "one bit", replace(case, blob=_flip(blob, 81))
    yield "wrong_ciphertext", "its first bit", replace(case, blob=_flip(blob, HEADER))
    yield "wrong_tag", "its first bit", replace(case, blob=_flip(blob, end - TAG))
    yield "wrong_tag", "its last bit", replace(case, blob=_flip(blob, end - 1))
    yield "wrong_tag", "zeros", replace(case, blob=blob[:-TAG] + bytes(TAG))
    for name in FIELDS[case.layer]:
        changed = _other(case.context[name])
        yield f"wrong_context_{name}", changed, replace(case, context={**case.context, name: changed})
    context = [text.encode() for text in (LABELS[case.layer], *(case.context[name] for name in FIELDS[case.layer]))]
    yield "unprefixed_context", "no lengths", replace(case, blob=seal(case, b"".join(context)))
    yield "unbound", "no context", replace(case, blob=seal(case, b""))
    other = "wrap" if case.layer == "record" else "record"
    label = prefixed(LABELS[other].encode(), *context[1:])
    yield "other_layer", LABELS[other], replace(case, blob=seal(case, label))


def _other(value: str) -> str:
    """Another value of the same form: the next number, another kind of tenant, another id."""
    if value.isdecimal():
        return str(int(value) + 1)
    return {"T": "E", "E": "T"}.get(value, value[:-1] + "X")


def _between(one: Case, other: Case) -> Iterator[tuple[str, str, Case]]:
    """Parts of two values of the same key in one, and the end of one field at the start of the next."""
    other = replace(other, key=one.key)
    other_blob = seal(other)
    yield "swapped_header", "another value's", replace(one, blob=other_blob[:HEADER] + one.blob[HEADER:])
    yield "swapped_body", "another value's", replace(one, blob=one.blob[:HEADER] + other_blob[HEADER:])
    yield "swapped_value", "another value's", replace(one, key_id=other.key_id, blob=other_blob)
    shifted = {**one.context, "tenant_id": one.context["tenant_id"][:-1]}
    shifted["user_id"] = one.context["tenant_id"][-1] + one.context["user_id"]
    yield "shifted_context", "an end that is a beginning", replace(one, context=shifted)
    yield "unauthenticated_header", "not in the AAD", replace(one, blob=_without_header(one))


def _without_header(case: Case) -> bytes:
    header = case.blob[:HEADER]
    key, _ = derive(case.key, header[6:38])
    return header + AESGCM(key).encrypt(header[70:], case.plain * case.times, bound(case.layer, case.context))


def _sizes(case: Case) -> Iterator[tuple[str, str, Case]]:
    yield "too_long", "a limit below", replace(case, limit=len(case.plain) * case.times - 1)
    yield "truncated", "its last byte", replace(case, blob=case.blob[:-1])
    yield "truncated", "its first byte", replace(case, blob=case.blob[1:])
    yield "lengthened", "a zero byte", replace(case, limit=case.limit + 1, blob=case.blob + b"\x00")


def _two_keys() -> Case:
    """A value whose tag is right under two keys; it commits to the first."""
    first, second = pseudorandom("first of two keys", 32), pseudorandom("second of two keys", 32)
    salt, nonce = pseudorandom("salt of two keys", 32), pseudorandom("nonce of two keys", 12)
    (key, commitment), (other, _) = derive(first, salt), derive(second, salt)
    header = header_of(1, salt, commitment, nonce)
    context = _wrap("two keys", "bot", 1, tenant="T0NORTH001").context
    aad = prefixed(header) + bound("wrap", context)
    body = one_block_for((key, other), nonce, aad)
    AESGCM(other).decrypt(nonce, body, aad)  # GCM alone takes it under the second key, too
    plain = AESGCM(key).decrypt(nonce, body, aad)
    return Case("two keys", "wrap", first, 1, context, LIMITS["wrapped"], header + body, plain)


def refusing(cases: dict[str, Case]) -> Iterator[tuple[str, str, Case]]:
    """Everything that must not open."""
    for name in ("bot_access", "user_refresh", "webhook", "event_body", "wrapped bot key"):
        yield from _broken(cases[name])
        yield from _sizes(cases[name])
    yield from _between(cases["bot_access"], cases["bot_refresh"])
    yield from _between(cases["user_access"], cases["user_refresh"])
    yield "too_long", "one byte over", _record("bot_access", "", "bot", b"t", TOKEN_LIMIT + 1, name="too long a token")
    yield "two_keys", "under the second", replace(cases["two keys"], key=pseudorandom("second of two keys", 32))


def _as_json(case: Case, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": case.name,
        "layer": case.layer,
        "key": case.key.hex(),
        "key_id": case.key_id,
        "context": case.context,
        "limit": case.limit,
        "blob": base64.b64encode(case.blob).decode(),
        **more,
    }


def build() -> dict[str, Any]:
    """All of the file. Raises AssertionError where our own reader judges otherwise than the vector says."""
    cases = {case.name: case for case in [*opening(), _two_keys()]}
    opens = [_as_json(case, {"plain": case.plain.hex(), "times": case.times}) for case in cases.values()]
    wrong = [case.name for case in cases.values() if stops_at(case)]
    refused = []
    for why, done, case in refusing(cases):
        step = stops_at(case)
        wrong += [] if step else [f"{why}: {done}"]
        refused.append(_as_json(case, {"why": why, "done": done, "step": step}))
    if wrong:
        raise AssertionError(f"not as they should be: {wrong}")
    return {"format": "slackapp envelope, version 1", "open": opens, "refuse": refused}


def main(write: Callable[[bytes], object]) -> None:
    """The file's bytes: one vector a line."""
    found = build()
    parts = [f'{{\n"format": {json.dumps(found["format"])}']
    for name in ("open", "refuse"):
        lines = ",\n".join(json.dumps(vector, ensure_ascii=True) for vector in found[name])
        parts.append(f'"{name}": [\n{lines}\n]')
    write((",\n".join(parts) + "\n}\n").encode())


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("envelope-v1.json")
    main(target.write_bytes)
