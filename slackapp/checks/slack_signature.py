"""The request was signed by Slack, recently.

Stops:   requests from anyone who does not know the signing secret, and captured requests sent again after 5 minutes.
How:     HMAC-SHA-256 over `v0:timestamp:body`, on the raw bytes, before anything of them is parsed.
Does not stop: a captured request sent again within 5 minutes; the inbox's unique event id does.
Read:    docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hmac
import re

from slackapp.errors import Refusal, Refused
from slackapp.model import Secret

TOLERANCE = 300
"""Seconds that a timestamp may differ from our clock, either way."""

# Bytes and fullmatch: no white space, sign, underscore, non-ASCII digit or upper case gets through, and a header that
# was sent twice (a server joins the two with a comma) does not match either.
_TIMESTAMP = re.compile(rb"[0-9]{10}")
_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")


def verify_signature(
    raw_body: bytes, claimed_timestamp: bytes, claimed_signature: bytes, secrets: tuple[Secret, ...], now: int
) -> int:
    """Verifies the signature; returns the position in `secrets` of the one that matched.

    Raises Refused, never anything else.
    """
    # claim: C-15
    if not _TIMESTAMP.fullmatch(claimed_timestamp) or not _SIGNATURE.fullmatch(claimed_signature):
        raise Refused(Refusal.UNSIGNED)
    # claim: C-16
    if abs(now - int(claimed_timestamp)) > TOLERANCE:
        raise Refused(Refusal.SIGNATURE_STALE)
    base = b"v0:" + claimed_timestamp + b":" + raw_body
    # Every secret is tried, without an early exit: the time taken does not tell which one is in use.
    matched = [hmac.compare_digest(_sign(secret, base), claimed_signature) for secret in secrets]
    # claim: C-15
    if not any(matched):
        raise Refused(Refusal.SIGNATURE_WRONG)
    return matched.index(True)


def _sign(secret: Secret, base: bytes) -> bytes:
    return b"v0=" + hmac.digest(secret.reveal().encode(), base, "sha256").hex().encode()
