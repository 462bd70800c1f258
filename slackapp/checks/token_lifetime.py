"""Time at which a rotating token is refreshed: early enough to try again, and spread over tenants.

Stops:   a token that expires while Slack is away for an hour; the refreshes of all tenants that were installed in one
         hour falling on one minute.
How:     due when less than min(2 h, a quarter of its life) is left, and up to a twelfth of that earlier. How much
         earlier follows from whose token it is: nobody has to remember it, and every process finds the same.
Does not stop: a Slack that is away for longer than what is left.
Read:    docs.slack.dev/authentication/using-token-rotation
"""

import zlib

from slackapp.model import Holder, Tenant

REFRESH_MARGIN = 7200
"""Seconds."""
_JITTER_DIVISOR = 12


def refresh_time(tenant: Tenant, holder: Holder, generation: int, issued_at: int, expires_at: int | None) -> int | None:
    """Unix seconds; None for a token that does not expire."""
    if expires_at is None:
        return None
    margin = min(REFRESH_MARGIN, max(0, expires_at - issued_at) // 4)
    whose = f"{tenant.kind} {tenant.id} {holder.id} {generation}".encode()
    jitter = zlib.crc32(whose) % (margin // _JITTER_DIVISOR + 1)  # at most ten minutes
    return expires_at - margin + 1 - jitter
