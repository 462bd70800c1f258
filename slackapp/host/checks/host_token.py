"""The caller has a host token: a JWT that the host's backend has signed for one request or page view.

    header  {"alg": "HS256", "typ": "slackapp-host+jwt", "kid": …}
    claims  {"aud", "iat", "exp", "jti", "org", ["sub" and "role"], ["orgName"], ["name"]}

Stops:   a token that nobody signed, or whose header chooses how it is checked (`none`, another algorithm, a key that it
         brings or points to); one of another kind, for another service, for long, or from another time; one that two
         readers understand differently: a name given twice, `true` for 1, another spelling of the same bytes.
How:     the form, then the header, of which nothing is taken but which key; the MAC in constant time; only then the
         claims. `aud` may be a list, as RFC 7519 has it, since some libraries write one. Claims that are not named here
         mean nothing, as there; a header has no place for anything more, since what stands there is about keys.
Does not stop: a second use of the token, or a member who has left (`callers.py`); whoever has the host's key.
Read:    RFC 7515 (JWS) section 5.2; RFC 7519 (JWT) sections 4.1 and 7.2; RFC 8725 (JWT best practices) section 3
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from slackapp.checks.json_body import parse_json
from slackapp.errors import Refused
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostRole, HostToken

ALGORITHM, TOKEN_TYPE = "HS256", "slackapp-host+jwt"
MAX_SIZE = 2048
"""Bytes of a whole token."""
MAX_LIFE, LEEWAY = 900, 30
"""Seconds that a token may last, and by which the host's clock and ours may differ."""
_BEARER = re.compile(r"(?i:bearer) +([!-~]+)")
_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN_ID = re.compile(r"[!-~]{1,64}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMES = range(2**53)
"""What JavaScript, too, counts exactly (RFC 7493 section 2.2)."""


def is_organization(value: str) -> bool:
    """Tells whether it has the form of an organization's id."""
    return _ID.fullmatch(value) is not None


def read_bearer(authorization: str) -> str:
    """Takes the token out of the header `Authorization` (RFC 6750 section 2.1). Raises HostRefused."""
    match = _BEARER.fullmatch(authorization)
    # claim: C-140
    if match is None:
        raise HostRefused(HostRefusal.TOKEN_MISSING)
    return match[1]


def verify_host_token(
    claimed_token: str, audience: str, find_key: Callable[[str], bytes | None], now: int
) -> HostToken:
    """Verifies that a token is the host's, for this service and for now. `audience` is our address. Raises HostRefused.

    Good while `iat - 30 <= now < exp + 30`.
    """
    match = _FORM.fullmatch(claimed_token)
    # claim: C-140
    if match is None or len(claimed_token) > MAX_SIZE:
        raise HostRefused(HostRefusal.TOKEN_FORM)
    key_id = _key_id(match[1])
    key = find_key(key_id)
    # claim: C-140
    if key is None:
        raise HostRefused(HostRefusal.TOKEN_KEY)
    mac = hmac.digest(key, f"{match[1]}.{match[2]}".encode(), "sha256")
    # Texts are compared, so that of a MAC's spellings only the canonical one counts.
    # claim: C-140
    if not hmac.compare_digest(_b64(mac), match[3]):
        raise HostRefused(HostRefusal.TOKEN_FORGED)
    claims = _parse_object(match[2])
    _check_audience(claims, audience)
    issued_at, expires_at = _check_times(claims, now)
    member, role = _member_and_role(claims)
    return HostToken(
        key_id=key_id,
        token_id=_text(claims, "jti", _TOKEN_ID),
        organization=_text(claims, "org", _ID),
        member=member,
        role=role,
        issued_at=issued_at,
        expires_at=expires_at,
        organization_name=_name(claims, "orgName"),
        member_name=_name(claims, "name"),
    )


def _parse_object(part: str) -> Mapping[str, Any]:
    """Parses a part in its one spelling: without padding and without spare bits, and no name twice."""
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise HostRefused(HostRefusal.TOKEN_FORM) from None
    # claim: C-140
    if _b64(data) != part:
        raise HostRefused(HostRefusal.TOKEN_FORM)
    try:
        return parse_json(data)
    except Refused:
        raise HostRefused(HostRefusal.TOKEN_FORM) from None


@lru_cache(maxsize=16)
def _key_id(part: str) -> str:
    """Reads which key has signed. All tokens of a host have the same header, which is not read again and again."""
    header = _parse_object(part)
    # claim: C-140
    if header.get("alg") != ALGORITHM:
        raise HostRefused(HostRefusal.TOKEN_HEADER, field="alg")
    # claim: C-140
    if header.get("typ") != TOKEN_TYPE:
        raise HostRefused(HostRefusal.TOKEN_HEADER, field="typ")
    key_id = header.get("kid")
    # claim: C-140
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise HostRefused(HostRefusal.TOKEN_HEADER, field="kid")
    # claim: C-140
    if len(header) != 3:
        raise HostRefused(HostRefusal.TOKEN_HEADER)
    return key_id


def _check_audience(claims: Mapping[str, Any], audience: str) -> None:
    claimed = claims.get("aud")
    audiences = claimed if isinstance(claimed, list) else [claimed]
    # claim: C-141
    if audience not in audiences or not all(isinstance(each, str) for each in audiences):
        raise _wrong("aud")


def _check_times(claims: Mapping[str, Any], now: int) -> tuple[int, int]:
    issued_at, expires_at = _time(claims, "iat"), _time(claims, "exp")
    # claim: C-141
    if not issued_at < expires_at <= issued_at + MAX_LIFE:
        raise _wrong("exp")
    # claim: C-141
    if now >= expires_at + LEEWAY:
        raise HostRefused(HostRefusal.TOKEN_EXPIRED, field="exp")
    # claim: C-141
    if issued_at > now + LEEWAY:
        raise HostRefused(HostRefusal.TOKEN_EARLY, field="iat")
    # claim: C-141
    if "nbf" in claims and _time(claims, "nbf") > now + LEEWAY:
        raise HostRefused(HostRefusal.TOKEN_EARLY, field="nbf")
    return issued_at, expires_at


def _member_and_role(claims: Mapping[str, Any]) -> tuple[str | None, HostRole | None]:
    """Reads both, or neither where the host speaks for itself; a member's name has no place there."""
    if "sub" not in claims:
        for name in ("role", "name"):
            # claim: C-141
            if name in claims:
                raise _wrong(name)
        return None, None
    member, role = _text(claims, "sub", _ID), claims.get("role")
    # claim: C-141
    if role not in tuple(HostRole):
        raise _wrong("role")
    return member, HostRole(role)


def _time(claims: Mapping[str, Any], name: str) -> int:
    """Reads Unix seconds: a whole number, and neither `true` nor 1.0."""
    value = claims.get(name)
    # claim: C-141
    if type(value) is not int or value not in _TIMES:
        raise _wrong(name)
    return value


def _text(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = claims.get(name)
    # claim: C-141
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _wrong(name)
    return value


def _name(claims: Mapping[str, Any], name: str) -> str | None:
    """Reads a name for people, which may be missing: one line of 1 to 100 characters that can be seen."""
    if name not in claims:
        return None
    value = claims[name]
    # claim: C-141
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.strip()) <= len(value) <= 100:
        raise _wrong(name)
    return value


def _wrong(claim: str) -> HostRefused:
    return HostRefused(HostRefusal.TOKEN_CLAIM, field=claim)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
