"""An answer in a review is a named person's word, said once, and not about what is one's own.

Stops:   a connection that is kept by whoever has it for themselves while somebody else could look at it; an answer that
         is changed after somebody relied on it; an answer about what nobody asked.
How:     one table, decision to decisions that may follow: what was said stays said, and what nobody said until the end
         may be said later. Who keeps a personal connection of their own needs to be the only owner or admin there is;
         to give it up is everybody's own right.
Does not stop: two people who keep each other's; a person who keeps what they have not looked at.
Read:    NIST SP 800-53 Rev. 5, AC-2 j, AC-6(7) (reviews of accounts and privileges), AC-5 (separation of duties)
"""

from collections.abc import Mapping

from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import ConnectionKind, ReviewDecision
from slackapp.host.rows import Connection

_OPEN, _UNATTESTED = ReviewDecision.OPEN, ReviewDecision.UNATTESTED
ANSWERS = frozenset({ReviewDecision.ATTESTED, ReviewDecision.REVOKED})
"""What a person may say."""
MAY_FOLLOW: Mapping[ReviewDecision, frozenset[ReviewDecision]] = {
    _OPEN: ANSWERS,
    _UNATTESTED: ANSWERS,
    ReviewDecision.ATTESTED: frozenset(),
    ReviewDecision.REVOKED: frozenset(),
    ReviewDecision.ENDED: frozenset(),
}
"""By decision: those that may follow it."""


def require_answer(before: ReviewDecision, decision: ReviewDecision) -> None:
    """Requires that it may be said now. Raises HostRefused."""
    # claim: C-380
    if decision not in MAY_FOLLOW[before]:
        raise HostRefused(HostRefusal.REVIEW_ANSWERED, field="connectionId")


def require_other(connection: Connection, member_id: str, decision: ReviewDecision, *, is_only: bool) -> None:
    """Requires that nobody keeps what is their own; `is_only`: nobody else could say it. Raises HostRefused."""
    is_own = connection.kind == ConnectionKind.PERSONAL and connection.user_id == member_id
    # claim: C-381
    if is_own and decision == ReviewDecision.ATTESTED and not is_only:
        raise HostRefused(HostRefusal.OWN_REVIEW)
