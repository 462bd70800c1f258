"""One ciphertext that GCM takes under two keys: the attack that the commitment is there for.

GCM's tag is linear in each block, over the field of 2^128 elements: one free block is enough to make two tags equal.
Read: NIST SP 800-38D, 6.3 and 7; Dodis, Grubbs, Ristenpart, Woodage, "Fast Message Franking", section 3.2.
"""

import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def one_block_for(keys: tuple[bytes, bytes], nonce: bytes, aad: bytes) -> bytes:
    """Sixteen bytes of ciphertext and a tag that is right under both keys."""
    # tag = (aad's hash + block) * h^2 + lengths * h + E(counter): block is what may be chosen
    constants, squares = [], []
    for key in keys:
        h = _ecb(key, bytes(16))
        square = _multiply(h, h)
        rest = _multiply(_hash(aad, h), square)
        rest ^= _multiply(int.from_bytes(struct.pack(">QQ", len(aad) * 8, 128), "big"), h)
        constants.append(rest ^ _ecb(key, nonce + b"\x00\x00\x00\x01"))
        squares.append(square)
    block = _multiply(constants[0] ^ constants[1], _inverse(squares[0] ^ squares[1]))
    tag = constants[0] ^ _multiply(block, squares[0])
    return block.to_bytes(16, "big") + tag.to_bytes(16, "big")


def _hash(data: bytes, h: int) -> int:
    mixed = 0
    for place in range(0, len(data), 16):
        block = int.from_bytes(data[place : place + 16].ljust(16, b"\x00"), "big")
        mixed = _multiply(mixed ^ block, h)
    return mixed


def _multiply(one: int, other: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (0xE1 << 120 if other & 1 else 0)
    return product


def _inverse(value: int) -> int:
    result, power = 1 << 127, value
    for bit in range(128):
        if bit:
            result = _multiply(result, power)
        power = _multiply(power, power)
    return result


def _ecb(key: bytes, block: bytes) -> int:
    """The block cipher itself, on one block."""
    return int.from_bytes(Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block), "big")  # noqa: S305
