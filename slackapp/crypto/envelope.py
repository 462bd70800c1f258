"""The record format: how every secret lies in the database.

    offset  bytes  field
    0       1      format version, 1
    1       1      suite, 1: AES-256-GCM, HKDF-SHA-512, key commitment
    2       4      key id, big endian: the data key of a record, the master key's version of a wrapped data key
    6       32     salt
    38      32     commitment
    70      12     nonce
    82      n      ciphertext
    82+n    16     tag

    okm(64) = HKDF-SHA-512(key, salt, info="slackapp/v1/key+commit")   key' = okm[:32]   commitment = okm[32:]
    AES-256-GCM under key', AAD = the 82 header bytes and every field of the context, each with its length before it

Stops:   a value that is moved to another tenant, user, kind, row or generation (it does not open); a changed or
         shortened value; a value made to open under two keys (GCM alone does not commit to its key).
How:     the context is authenticated with the value; each value has a key of its own, derived with a fresh salt,
         so that a nonce can never meet the same key twice but by a collision of 256 random bits.
Does not stop: putting back an older authentic row as a whole; reading the process's memory.
Read:    NIST SP 800-38D (GCM), RFC 5869 (HKDF).
"""

import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from slackapp.errors import DecryptError
from slackapp.model import RecordContext, Tenant

VERSION = 1
SUITE = 1
KEY_BYTES = 32
SALT_BYTES = 32
COMMITMENT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HEADER_BYTES = 2 + 4 + SALT_BYTES + COMMITMENT_BYTES + NONCE_BYTES
OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES
RANDOM_BYTES = SALT_BYTES + NONCE_BYTES
"""How many random bytes one `seal` takes."""

TOKEN_LIMIT = 16 * 1024
BODY_LIMIT = 1024 * 1024

_INFO = b"slackapp/v1/key+commit"
_CHECK_LABEL = b"slackapp/v1/key-check"


def seal(key: bytes, key_id: int, context: bytes, plaintext: bytes, random: bytes) -> bytes:
    """Encrypts `plaintext` for `context` under `key` (32 bytes).

    `random` is 44 fresh random bytes, salt and nonce. Raises ValueError for a key, key id or random of the wrong size:
    a bug of the caller, never an input.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError("seal needs 44 random bytes")
    if not 0 <= key_id < 2**32:
        raise ValueError("a key id has 4 bytes")
    salt, nonce = random[:SALT_BYTES], random[SALT_BYTES:]
    derived, commitment = _derive(key, salt)
    header = struct.pack(">BBI", VERSION, SUITE, key_id) + salt + commitment + nonce
    # AESGCM takes nonces of 8 to 128 bytes and no AAD at all: both are fixed, here and where it is opened.
    return header + AESGCM(derived).encrypt(nonce, plaintext, _length_prefixed(header) + context)


def open_sealed(key: bytes, key_id: int, context: bytes, blob: bytes, limit: int) -> bytes:
    """Decrypts what `seal` made, with the same key, key id and context.

    `limit` is the most bytes that the plaintext may have. Raises DecryptError, for every reason alike.
    The order is cheap to dear: size, version and suite, key id, commitment, then GCM.
    """
    # claim: C-32
    if not OVERHEAD_BYTES <= len(blob) <= OVERHEAD_BYTES + limit:
        raise DecryptError
    # claim: C-32
    if key_id_of(blob) != key_id:
        raise DecryptError
    header, salt = blob[:HEADER_BYTES], blob[6:38]
    derived, commitment = _derive(key, salt)
    # claim: C-31
    if not hmac.compare_digest(commitment, blob[38:70]):
        raise DecryptError
    try:
        return AESGCM(derived).decrypt(blob[70:82], blob[HEADER_BYTES:], _length_prefixed(header) + context)
    except InvalidTag:
        raise DecryptError from None


def key_id_of(blob: bytes) -> int:
    """The key id in a blob's header. Raises DecryptError unless it has our version, our suite and a whole header."""
    # claim: C-32
    if len(blob) < OVERHEAD_BYTES or blob[0] != VERSION or blob[1] != SUITE:
        raise DecryptError
    return int.from_bytes(blob[2:6], "big")


def claimed_key_id(blob: bytes) -> int:
    """Reads the key id for the audit, where a damaged blob has one, too; never raises."""
    return int.from_bytes(blob[2:6], "big")


def record_context(app_id: str, record: RecordContext) -> bytes:
    """The bytes that bind a record to where it belongs; the only builder of them."""
    tenant = record.tenant
    fields = (
        "slackapp-record",
        # claim: C-29
        app_id,
        # claim: C-29
        tenant.kind,
        # claim: C-29
        tenant.id,
        # claim: C-29
        record.user_id,
        # claim: C-29
        record.kind,
        # claim: C-29
        record.row,
        # claim: C-29
        str(record.generation),
    )
    return _encode(fields)


def wrap_context(app_id: str, tenant: Tenant, purpose: str, key_id: int, provider: str, master_version: int) -> bytes:
    """The bytes that bind a wrapped data key to its tenant, purpose and place in the hierarchy."""
    fields = (
        "slackapp-dek",
        # claim: C-30
        app_id,
        # claim: C-30
        tenant.kind,
        # claim: C-30
        tenant.id,
        # claim: C-30
        purpose,
        # claim: C-30
        str(key_id),
        # claim: C-30
        provider,
        # claim: C-30
        str(master_version),
    )
    return _encode(fields)


def check_value(key: bytes, app_id: str, database_id: str) -> bytes:
    """A value that shows whether a master key belongs to this database, without being of use to anyone else."""
    salt = hmac.digest(_CHECK_LABEL, _encode((app_id, database_id)), "sha256")
    return _derive(key, salt)[1]


def _encode(fields: tuple[str, ...]) -> bytes:
    return b"".join([len(data := field.encode()).to_bytes(2, "big") + data for field in fields])


def _length_prefixed(data: bytes) -> bytes:
    # More than 65,535 bytes raise OverflowError; no id comes near.
    return len(data).to_bytes(2, "big") + data


def _derive(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    if len(key) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    okm = HKDF(algorithm=SHA512(), length=KEY_BYTES + COMMITMENT_BYTES, salt=salt, info=_INFO).derive(key)
    return okm[:KEY_BYTES], okm[KEY_BYTES:]


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 under a key of its own purpose: 32 bytes."""
    return hmac.digest(key, data, "sha256")
