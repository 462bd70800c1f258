"""Answers in a review: a member who may decide keeps a connection or ends it, with a note.

To end it is to disconnect it, in the same transaction. Also a review that is closed takes an answer about what nobody
has answered: what was suspended for that goes on, or ends.
"""

from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.checks import review_decisions
from slackapp.host.checks.roles import HostAction, is_allowed
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_connection
from slackapp.host.flows.connect import disconnect
from slackapp.host.flows.reviews import open_review
from slackapp.host.model import HostCaller, MemberStatus, ReviewDecision
from slackapp.host.rows import Connection, HostAuditEvent, Member, StatusReason
from slackapp.host.store import connections, members
from slackapp.host.store.reviews import reviews
from slackapp.host.store.reviews.reviews import Review, ReviewChange, ReviewItem

_EVENTS = {
    ReviewDecision.ATTESTED: HostAuditEvent.REVIEW_ATTESTED,
    ReviewDecision.REVOKED: HostAuditEvent.REVIEW_REVOKED,
}


class DecisionInput(NamedTuple):
    """Answer of a member: about which connection, what, and in what words."""

    connection_id: str
    decision: ReviewDecision
    note: str
    member_id: str


class ReviewResult(NamedTuple):
    """Item as it is then; of a connection that was ended, whether Slack knows, and else None."""

    item: ReviewItem
    is_revoked_at_slack: bool | None


def run(app: App, caller: HostCaller, review_id: str, answer: DecisionInput, *, now: int) -> ReviewResult:
    """Stores an answer, and does what it says. Raises HostRefused."""
    ending = None
    with app.db.transaction():
        review = open_review.require(app, caller.organization, review_id)
        item = reviews.find_item(app.db, review.id, answer.connection_id)
        connection = connections.find(app.db, caller.organization, answer.connection_id)
        if item is None or connection is None:
            raise HostRefused(HostRefusal.NOT_THERE)
        review_decisions.require_answer(item.decision, answer.decision)
        _require_member(app, caller, connection, answer)
        # claim: C-380
        decided = ReviewChange(answer.decision, by=answer.member_id, note=answer.note, at=now)
        reviews.decide(app.db, item, decided)
        event = _EVENTS[answer.decision]
        open_review.note(app, review, event, caller, now=now, connection=connection.id)
        if answer.decision == ReviewDecision.ATTESTED:
            _keep(app, connection, now)
        else:
            # claim: C-383
            ending = disconnect.begin(app, caller, connection, now)
    is_told = disconnect.finish(app, ending, caller) if ending is not None else None
    return ReviewResult(_require_item(app, review, connection), is_told)


def _keep(app: App, connection: Connection, now: int) -> None:
    """Ends what waited for this answer, also of an earlier review."""
    # claim: C-384
    connections.note_attested(app.db, connection.key)
    # claim: C-384
    change_connection.resume(app.db, connection.key, StatusReason.REVIEW, now)


def _require_member(app: App, caller: HostCaller, connection: Connection, answer: DecisionInput) -> None:
    """Requires that the word is a member's who may give it. Raises HostRefused."""
    said = members.find(app.db, caller.organization, answer.member_id)
    # claim: C-381
    if said is None or not _may_decide(said):
        raise HostRefused(HostRefusal.ROLE, actor=caller)
    others = filter(_may_decide, members.list_all(app.db, caller.organization))
    is_only = all(each.member_id == answer.member_id for each in others)
    review_decisions.require_other(connection, answer.member_id, answer.decision, is_only=is_only)


def _may_decide(member: Member) -> bool:
    return member.status == MemberStatus.ACTIVE and is_allowed(member.role, HostAction.DECIDE)


def _require_item(app: App, review: Review, connection: Connection) -> ReviewItem:
    found = reviews.find_item(app.db, review.id, connection.id)
    if found is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return found
