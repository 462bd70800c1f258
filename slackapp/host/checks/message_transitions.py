"""Statuses of a message that may follow one another: one table, from which every change is made.

Stops:   a message that is sent twice, or after it was canceled; and a change by whoever looked before somebody else's.
How:     a change names its target. Here stands from which statuses that may be, and the statement asks for the very
         one that was seen. A trigger of the table has the same pairs. What is sent, failed or canceled stays so.
Does not stop: Slack, which may have shown what is unclear here.
"""

from collections.abc import Mapping

from slackapp.host.model import MessageStatus

_SCHEDULED, _QUEUED, _SENDING = MessageStatus.SCHEDULED, MessageStatus.QUEUED, MessageStatus.SENDING
_SENT, _FAILED, _PARKED = MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.PARKED
_UNCLEAR, _CANCELED = MessageStatus.UNCLEAR, MessageStatus.CANCELED

NEXT: Mapping[MessageStatus, frozenset[MessageStatus]] = {
    _SCHEDULED: frozenset({_QUEUED, _PARKED, _FAILED, _CANCELED, _UNCLEAR}),
    _QUEUED: frozenset({_SENDING, _PARKED, _FAILED, _CANCELED, _UNCLEAR}),
    _SENDING: frozenset({_QUEUED, _SENT, _FAILED, _PARKED, _UNCLEAR}),
    _PARKED: frozenset({_QUEUED, _FAILED, _CANCELED, _UNCLEAR}),
    _UNCLEAR: frozenset({_QUEUED, _SENT, _FAILED}),  # settled, by its metadata or by a person
    _SENT: frozenset(),
    _FAILED: frozenset(),
    _CANCELED: frozenset(),
}
"""By status: those that may follow it."""

WAITING = frozenset({_SCHEDULED, _QUEUED, _PARKED})
"""Statuses in which nothing was begun at Slack, and it can be taken back."""
ENDED = frozenset({_SENT, _FAILED, _CANCELED})


def require_change(before: MessageStatus, after: MessageStatus) -> None:
    """Requires that one may follow the other. Raises ValueError: a bug, for no request decides on both."""
    # claim: C-247
    if after not in NEXT[before]:
        raise ValueError(f"a message that is {before} does not become {after}")
