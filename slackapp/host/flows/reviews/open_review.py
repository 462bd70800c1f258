"""Reviews: opened for all that an organization holds at that moment, with a date until which each has its answer.

The host is told of it seven days before that, and one day before, while something has no answer.
"""

from collections.abc import Sequence

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import ConnectionStatus, HostCaller, ReviewDecision
from slackapp.host.rows import ConnectionKey, HostAuditEvent, HostAuditRecord, HostEventKind
from slackapp.host.store import events, organizations
from slackapp.host.store.reviews import reviews
from slackapp.host.store.reviews.reviews import Review
from slackapp.model import Actor, ActorKind, AuditEntry

DAY = 86_400
REMIND_DAYS = (7, 1)
"""Days before the date on which the host is told."""
LONGEST_DAYS = 366
NEWEST = (1 << 62, "")
"""Where a list of reviews begins."""


def run(app: App, caller: HostCaller, days: int, now: int) -> Review:
    """Opens a review that is due in so many days, 1 to 366; one at a time. Raises HostRefused."""
    if days > LONGEST_DAYS:
        raise HostRefused(HostRefusal.FIELD, field="dueInDays")
    due_at = now + days * DAY
    with app.db.transaction():
        organization = organizations.find(app.db, caller.organization)
        if organization is None or organization.removed_at is not None:
            raise HostRefused(HostRefusal.ORGANIZATION_REMOVED)
        # claim: C-382
        if reviews.find_open(app.db, caller.organization) is not None:
            raise HostRefused(HostRefusal.REVIEW_OPEN)
        opened = Review(
            id=app.entropy(12).hex(),
            organization_id=caller.organization,
            opened_by=member_of(caller),
            opened_at=now,
            due_at=due_at,
            remind_at=_next_reminder(due_at, now),
            closed_by="",
            closed_at=None,
        )
        number = reviews.add(app.db, opened)
        note(app, opened, HostAuditEvent.REVIEW_OPENED, caller, now=now, count=number)
    return opened


def require(app: App, organization_id: str, review_id: str) -> Review:
    """Finds a review of that organization. Raises HostRefused."""
    found = reviews.find(app.db, organization_id, review_id)
    # claim: C-182
    if found is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return found


def page(app: App, organization_id: str, before: tuple[int, str], most: int) -> Sequence[Review]:
    """Lists reviews, the newest first."""
    return reviews.page(app.db, organization_id, before, most)


def note_due(app: App, now: int) -> None:
    """Tells hosts of reviews whose date comes near, once for each of the days. Raises StoreError."""
    for review in reviews.list_reminders(app.db, now):
        with app.db.transaction():
            # claim: C-386
            is_next = reviews.set_reminder(app.db, review, _next_reminder(review.due_at, now + 1))
            if is_next and reviews.count_decisions(app.db, review.id)[ReviewDecision.OPEN]:
                # claim: C-386
                events.add(app.db, _in_place(review), HostEventKind.REVIEW_DUE, None, now=now)


def _in_place(review: Review) -> ConnectionKey:
    """Makes the key of its events, which are told in their order, as those of a connection are."""
    return ConnectionKey(review.organization_id, review.id, ConnectionStatus.ACTIVE)


def _next_reminder(due_at: int, now: int) -> int | None:
    """Finds when the host is told next."""
    return next((at for days in REMIND_DAYS if (at := due_at - days * DAY) >= now), None)


def member_of(actor: Actor) -> str:
    """Finds the member who acts, or "" for whoever is none."""
    return (actor.id or "") if actor.kind == ActorKind.MEMBER else ""


def note(
    app: App,
    review: Review,
    event: HostAuditEvent,
    actor: Actor,
    *,
    now: int,
    count: int | None = None,
    connection: str = "",
) -> None:
    """Notes a step of a review in the audit, inside the transaction that makes it."""
    entry = AuditEntry(at=now, event=event, actor=actor, record_kind=HostAuditRecord.REVIEW, record_id=review.id)
    # claim: C-385
    app.vault.append(entry._replace(count=count, connection=connection))
