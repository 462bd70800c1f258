"""A body is JSON of a kind that every later reader understands alike.

Stops:   bodies that parse differently in two places (duplicate keys, byte order marks, NaN), and bodies that hurt a
         parser or a database (deep nesting, huge integers, keys with lone surrogates or NUL).
How:     UTF-8 is decoded strictly first; the parser's hooks refuse what they see; a walk looks at the rest, where
         the text shows that there can be any. Values are texts of users, who write what they like: a NUL or half a
         surrogate pair, written as an escape, stays as it is. What is used as an id has its own form.
Does not stop: a large body; the request's bound does. Read only after the signature holds.
Read:    RFC 8259 sections 4 and 8; RFC 7493 (I-JSON)
"""

import json
from math import isinf
from typing import Any, NoReturn

from slackapp.errors import Refusal, Refused

MAX_DEPTH = 32
_INT64 = range(-(2**63), 2**63)


def parse_json(raw_body: bytes) -> dict[str, Any]:
    """The object that the body holds. Raises Refused for anything else."""
    try:
        text = raw_body.decode("utf-8")
        value = _DECODER.decode(text)
        # With fewer brackets nothing is nested deeper; and only an escape makes a key with NUL or half a pair.
        if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
            _check_depth_and_keys(value, 1)
    except (ValueError, RecursionError, OverflowError):
        # ValueError takes in JSONDecodeError, UnicodeError and the limit on an integer's digits.
        raise Refused(Refusal.JSON) from None
    # claim: C-66
    if not isinstance(value, dict):
        raise Refused(Refusal.JSON)
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # claim: C-66
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _int64(digits: str) -> int:
    number = int(digits)
    # claim: C-66
    if number not in _INT64:
        raise ValueError
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    # claim: C-66
    if isinf(number):
        raise ValueError  # 1e999 is no constant and still becomes infinite
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_constant=_refuse_constant,
    parse_int=_int64,
    parse_float=_finite,
)


def _check_depth_and_keys(value: Any, depth: int) -> None:
    # claim: C-66
    if depth > MAX_DEPTH and isinstance(value, (list, dict)):
        raise ValueError
    match value:
        case list():
            for item in value:
                _check_depth_and_keys(item, depth + 1)
        case dict():
            for key, item in value.items():
                # claim: C-66
                if "\x00" in key:
                    raise ValueError
                # claim: C-66
                key.encode("utf-8")  # a lone surrogate, written as an escape, cannot be encoded: UnicodeEncodeError
                _check_depth_and_keys(item, depth + 1)
