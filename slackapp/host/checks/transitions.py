"""Statuses of a connection that may follow one another: one table, from which every change is made.

Stops:   a connection that was given up, revoked or is still unconfirmed from serving again by any other way than a new
         grant; and a change by whoever looked before somebody else's.
How:     a change names its target. Here stands from which statuses that may be, and the statement asks for the very
         one that was seen, so that of two changes one finds the other's. A trigger of the table has the same pairs.
Does not stop: an active connection whose token is dead before anybody has noticed.
"""

from collections.abc import Mapping

from slackapp.host.model import ConnectionStatus

_PENDING, _QUARANTINED = ConnectionStatus.PENDING, ConnectionStatus.QUARANTINED
_ACTIVE, _SUSPENDED = ConnectionStatus.ACTIVE, ConnectionStatus.SUSPENDED
_NEEDS_RECONNECT, _REVOKED = ConnectionStatus.NEEDS_RECONNECT, ConnectionStatus.REVOKED

NEXT: Mapping[ConnectionStatus, frozenset[ConnectionStatus]] = {
    _PENDING: frozenset({_QUARANTINED, _ACTIVE, ConnectionStatus.FAILED}),
    _QUARANTINED: frozenset({_ACTIVE, ConnectionStatus.FAILED}),
    _ACTIVE: frozenset({_NEEDS_RECONNECT, _SUSPENDED, _REVOKED}),
    _NEEDS_RECONNECT: frozenset({_ACTIVE, _REVOKED}),
    _SUSPENDED: frozenset({_ACTIVE, _NEEDS_RECONNECT, _REVOKED}),
    _REVOKED: frozenset({_ACTIVE}),  # by a new grant
    ConnectionStatus.FAILED: frozenset(),
}
"""By status: those that may follow it."""

HELD = frozenset({_ACTIVE, _NEEDS_RECONNECT, _SUSPENDED})
"""Statuses in which an organization holds a tenant, and nobody else may."""
UNDER_WAY = frozenset({_PENDING, _QUARANTINED})
"""Statuses of an attempt whose end is open."""


def require_change(before: ConnectionStatus, after: ConnectionStatus) -> None:
    """Requires that one may follow the other. Raises ValueError: a bug, for no request decides on both."""
    # claim: C-150
    if after not in NEXT[before]:
        raise ValueError(f"a connection that is {before} does not become {after}")
