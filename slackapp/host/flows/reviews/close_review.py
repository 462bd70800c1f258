"""Closes a review, by a person or when its date is over: what nobody has answered for is suspended.

What does not serve just now, and so cannot be suspended, is marked: it waits for an answer once it would serve again.
"""

from dataclasses import replace

from slackapp.flows.app import App
from slackapp.host.checks.transitions import HELD
from slackapp.host.flows import change_connection
from slackapp.host.flows.reviews import open_review
from slackapp.host.model import ConnectionStatus, ReviewDecision
from slackapp.host.rows import HostAuditEvent, StatusReason
from slackapp.host.store import connections
from slackapp.host.store.reviews import reviews
from slackapp.host.store.reviews.reviews import Review, ReviewChange, ReviewItem
from slackapp.model import SCHEDULER, Actor, AuditEntry


def run(app: App, organization_id: str, review_id: str, actor: Actor, *, now: int) -> Review:
    """Closes a review, and returns it; one that is closed stays as it is. Raises HostRefused, StoreError."""
    with app.db.transaction():
        review = open_review.require(app, organization_id, review_id)
        if reviews.close(app.db, review, open_review.member_of(actor), now):
            unattested = sum(
                _lapse(app, review, item, actor, now=now) for item in reviews.list_open_items(app.db, review.id)
            )
            open_review.note(app, review, HostAuditEvent.REVIEW_CLOSED, actor, now=now, count=unattested)
        return open_review.require(app, organization_id, review_id)


def close_overdue(app: App, now: int) -> None:
    """Closes every review whose date is over. Raises StoreError."""
    for review in reviews.list_overdue(app.db, now):
        # claim: C-387
        run(app, review.organization_id, review.id, replace(SCHEDULER, organization=review.organization_id), now=now)


def _lapse(app: App, review: Review, item: ReviewItem, actor: Actor, *, now: int) -> bool:
    """Notes that nobody has answered, and suspends what serves; False for what has ended meanwhile."""
    found = connections.find(app.db, review.organization_id, item.connection_id)
    if found is None or found.status not in HELD:
        reviews.decide(app.db, item, ReviewChange(ReviewDecision.ENDED, by="", note="", at=now))
        return False
    # claim: C-387
    reviews.decide(app.db, item, ReviewChange(ReviewDecision.UNATTESTED, by="", note="", at=now))
    # claim: C-388
    connections.note_unattested(app.db, found.key, now)
    if found.status == ConnectionStatus.ACTIVE:
        # claim: C-387
        change_connection.set_status(app.db, found.key, ConnectionStatus.SUSPENDED, StatusReason.REVIEW, now=now)
        entry = AuditEntry(at=now, event=HostAuditEvent.INTEGRATION_SUSPENDED, actor=actor, connection=found.id)
        app.vault.append(entry._replace(detail=StatusReason.REVIEW))
    return True
