"""Signature of what is sent to the host, as Standard Webhooks has it.

Stops:   a stranger who finds the host's address and tells it of connections; an old event that is sent once more.
How:     HMAC-SHA256 over id, time of this attempt, and the very bytes of the body, by a secret that the host has, too;
         while the secret changes, one signature by each.
Does not stop: a host that does not verify, or takes an event that it has had; whoever has the secret.
Read:    github.com/standard-webhooks/standard-webhooks, spec 1.0.0; RFC 2104
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

ID_HEADER, TIME_HEADER, SIGNATURE_HEADER = "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"


def signed_headers(event_id: str, now: int, body: bytes, secrets: Iterable[bytes]) -> Mapping[str, str]:
    """Makes the headers that go with a body: `now` in Unix seconds, a signature for each secret."""
    # claim: C-277
    signed = b".".join((event_id.encode(), str(now).encode(), body))
    signatures = (base64.b64encode(hmac.digest(each, signed, hashlib.sha256)).decode() for each in secrets)
    return {
        ID_HEADER: event_id,
        TIME_HEADER: str(now),
        SIGNATURE_HEADER: " ".join(f"v1,{signature}" for signature in signatures),
    }
