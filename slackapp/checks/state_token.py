"""The OAuth state is one that we issued, to this browser, for this provider, not too long ago.

    state = b64url( 1 | key id 4 | issued 4 | expires 4 | random 32 ) "." b64url( HMAC-SHA-256 )

Stops:   login CSRF: a callback that was not begun here, or was begun in another browser (RFC 6749 section 10.12); a
         state that a clock which went wrong has made good for longer than its time.
How:     the MAC covers purpose, provider, payload and a digest of the browser's cookie. The database holds only a hash
         of the random part, so that a stolen database yields no usable state.
Does not stop: a second use; `consume_state` in sql/core/oauth_states.sql does.
Read:    RFC 9700 section 2.1; docs.slack.dev/authentication/installing-with-oauth
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Callable
from typing import NamedTuple

from slackapp.errors import Refusal, Refused
from slackapp.model import SLACK_PROVIDER, StateBinding

RANDOM_BYTES = 32
MAX_AHEAD = 60
"""Seconds that the clock of another process, or ours before it was set, may have been ahead of ours."""
_FORMAT_VERSION = 1
_PAYLOAD = struct.Struct(f">BIII{RANDOM_BYTES}s")
# 45 bytes are 60 characters of base64 exactly; 32 bytes are 43 without the padding.
_FORM = re.compile(r"([A-Za-z0-9_-]{60})\.([A-Za-z0-9_-]{43})")
_LABEL = b"oauth-state-v1"


class ClaimedState(NamedTuple):
    """A state whose form is right and whose content is still only claimed."""

    payload: bytes
    mac: bytes
    key_id: int
    issued_at: int
    expires_at: int
    random: bytes


class IssuedState(NamedTuple):
    """A new state, as the browser carries it, with what its row holds."""

    text: str
    id_hash: bytes
    binding: StateBinding
    expires_at: int


class VerifiedState(NamedTuple):
    """A state that we issued for this binding and that has not expired. `id_hash` finds its row."""

    id_hash: bytes
    binding: StateBinding


def issue_state(
    binding: StateBinding, *, key_id: int, key: bytes, random: bytes, now: int, expires_at: int
) -> IssuedState:
    """A new state; safe in a URL and in a cookie as it is."""
    payload = _PAYLOAD.pack(_FORMAT_VERSION, key_id, now, expires_at, random)
    text = f"{_b64(payload)}.{_b64(_mac(key, binding, payload))}"
    return IssuedState(text, state_hash(random), binding, expires_at)


def parse_state(claimed_state: str) -> ClaimedState:
    """Takes a state apart without believing it. Raises Refused when its form is wrong."""
    match = _FORM.fullmatch(claimed_state)
    # claim: C-01
    if match is None:
        raise Refused(Refusal.STATE_MALFORMED)
    payload, mac = _unb64(match[1]), _unb64(match[2])
    # The last character of 43 has two spare bits: only the canonical spelling counts, so that each state has one.
    # claim: C-01
    if f"{_b64(payload)}.{_b64(mac)}" != claimed_state:
        raise Refused(Refusal.STATE_MALFORMED)
    version, key_id, issued_at, expires_at, random = _PAYLOAD.unpack(payload)
    # claim: C-01
    if version != _FORMAT_VERSION:
        raise Refused(Refusal.STATE_MALFORMED)
    return ClaimedState(payload, mac, key_id, issued_at, expires_at=expires_at, random=random)


def verify_state(
    claimed: ClaimedState, binding: StateBinding, find_key: Callable[[int], bytes | None], now: int
) -> VerifiedState:
    """Checks MAC, then age. Valid while `issued_at - 60 <= now <= expires_at`. Raises Refused."""
    key = find_key(claimed.key_id)
    # claim: C-01
    if key is None:
        raise Refused(Refusal.STATE_FORGED)
    # claim: C-01
    if not hmac.compare_digest(_mac(key, binding, claimed.payload), claimed.mac):
        raise Refused(Refusal.STATE_FORGED)
    # claim: C-02
    if now > claimed.expires_at:
        raise Refused(Refusal.STATE_EXPIRED)
    # claim: C-83
    if claimed.issued_at > now + MAX_AHEAD:
        raise Refused(Refusal.STATE_AHEAD)
    return VerifiedState(state_hash(claimed.random), binding)


def state_hash(random: bytes) -> bytes:
    """Hashes the random part of a state, by which the database finds it."""
    return hashlib.sha256(random).digest()


def network_hash(key: bytes, network: str) -> bytes:
    """Hashes a network under a key, without which the few addresses that there are could be tried out."""
    return hmac.digest(key, b"oauth-network-v1" + network.encode(), "sha256")[:16]


def _mac(key: bytes, binding: StateBinding, payload: bytes) -> bytes:
    # Slack's is not named, as in every state that was issued before there was another provider. Each field has its
    # length before it, so that what names one never reads as what does not.
    provider = (binding.provider.encode(),) if binding.provider != SLACK_PROVIDER else ()
    fields = (
        _LABEL,
        # claim: C-05
        binding.purpose.encode(),
        # claim: C-05
        *provider,
        payload,
        # claim: C-04
        binding.browser_digest,
    )
    return hmac.digest(key, b"".join(struct.pack(">H", len(field)) + field for field in fields), "sha256")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
