"""The record format a second time, from its description: HKDF by hand, AES-GCM from the library."""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

INFO = b"slackapp/v1/key+commit"


def derive(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Key of the record and commitment: HKDF-SHA-512 (RFC 5869), of which 64 bytes are one block."""
    pseudorandom = hmac.new(salt, key, hashlib.sha512).digest()
    okm = hmac.new(pseudorandom, INFO + b"\x01", hashlib.sha512).digest()
    return okm[:32], okm[32:]


def prefixed(*fields: bytes) -> bytes:
    """Each field with its length before it."""
    return b"".join(struct.pack(">H", len(field)) + field for field in fields)


def record(
    key: bytes,
    key_id: int,
    context: bytes,
    plaintext: bytes,
    random: bytes,
    version: int = 1,
    suite: int = 1,
    commitment: bytes | None = None,
) -> bytes:
    """A record in which everything is consistent, even where it must not be taken."""
    salt, nonce = random[:32], random[32:]
    derived, right = derive(key, salt)
    header = struct.pack(">BBI", version, suite, key_id) + salt + (commitment or right) + nonce
    return header + AESGCM(derived).encrypt(nonce, plaintext, prefixed(header) + context)
