"""Reviews of an organization, and what was said of each connection: `sql/host/reviews.sql`."""

from collections import Counter
from typing import NamedTuple

from slackapp.host.model import ReviewDecision
from slackapp.store.columns import by_word, read_columns
from slackapp.store.engine.database import Database, Row

_DECISIONS = by_word(ReviewDecision)


class Review(NamedTuple):
    """A row of `reviews`. `opened_by` and `closed_by` are members, or "" for whoever is none."""

    id: str
    organization_id: str
    opened_by: str
    opened_at: int
    due_at: int
    remind_at: int | None
    closed_by: str
    closed_at: int | None


class ReviewItem(NamedTuple):
    """A row of `review_items`: what was said of a connection."""

    review_id: str
    connection_id: str
    decision: ReviewDecision
    note: str
    decided_by: str
    decided_at: int | None


class ReviewChange(NamedTuple):
    """Decision as it is stored: what, by which member or "", in what words, when."""

    decision: ReviewDecision
    by: str
    note: str
    at: int


def add(db: Database, review: Review) -> int:
    """Adds a review of all that its organization holds at that moment; how much that is."""
    fields = {"opened_by": review.opened_by, "due_at": review.due_at, "remind_at": review.remind_at}
    db.execute("add_review", {**_key(review), **fields, "now": review.opened_at})
    return db.execute("add_review_items", _key(review))


def find(db: Database, organization_id: str, review_id: str) -> Review | None:
    """Finds a review of that organization."""
    row = db.one("find_review", {"organization_id": organization_id, "review_id": review_id})
    return _review(row) if row is not None else None


def find_open(db: Database, organization_id: str) -> Review | None:
    """Finds the one that is open."""
    row = db.one("find_open_review", {"organization_id": organization_id})
    return _review(row) if row is not None else None


def page(db: Database, organization_id: str, before: tuple[int, str], most: int) -> list[Review]:
    """Lists reviews, the newest first, behind that time and id."""
    asked = {"organization_id": organization_id, "before_at": before[0], "before_id": before[1], "most": most}
    return list(map(_review, db.many("list_reviews", asked)))


def list_reminders(db: Database, now: int) -> list[Review]:
    """Lists those of which the host is to be reminded, at most 100."""
    return list(map(_review, db.many("list_reminders", {"now": now})))


def list_overdue(db: Database, now: int) -> list[Review]:
    """Lists those that are open and over, at most 100."""
    return list(map(_review, db.many("list_overdue_reviews", {"now": now})))


def set_reminder(db: Database, review: Review, remind_at: int | None) -> bool:
    """Notes when the host is reminded next; False where that was changed, or it is closed."""
    return db.execute("set_reminder", {**_key(review), "remind_at": remind_at, "expected_at": review.remind_at}) == 1


def close(db: Database, review: Review, closed_by: str, now: int) -> bool:
    """Closes it; False where that was done."""
    return db.execute("close_review", {**_key(review), "closed_by": closed_by, "now": now}) == 1


def count_decisions(db: Database, review_id: str) -> Counter[ReviewDecision]:
    """Counts its items by decision."""
    rows = db.many("count_decisions", {"review_id": review_id})
    return Counter({_DECISIONS[row["decision"]]: row["found"] for row in rows})


def find_item(db: Database, review_id: str, connection_id: str) -> ReviewItem | None:
    """Finds what was said of a connection."""
    row = db.one("find_review_item", {"review_id": review_id, "connection_id": connection_id})
    return _item(row) if row is not None else None


def page_items(db: Database, review_id: str, after: str = "", most: int = 200) -> list[ReviewItem]:
    """Lists its items, behind that connection."""
    asked = {"review_id": review_id, "after": after, "most": most}
    return list(map(_item, db.many("list_review_items", asked)))


def list_open_items(db: Database, review_id: str) -> list[ReviewItem]:
    """Lists the items of which nothing was said."""
    return list(map(_item, db.many("list_open_items", {"review_id": review_id})))


def decide(db: Database, item: ReviewItem, decided: ReviewChange) -> bool:
    """Stores a decision; False where the item is not as it was seen."""
    which = {"review_id": item.review_id, "connection_id": item.connection_id, "expected": str(item.decision)}
    said = {"decision": str(decided.decision), "text": decided.note, "decided_by": decided.by, "now": decided.at}
    return db.execute("decide_review_item", {**which, **said}) == 1


def end_items(db: Database, connection_id: str, now: int) -> None:
    """Ends what is open about a connection that is over."""
    db.execute("end_review_items", {"connection_id": connection_id, "now": now})


def erase(db: Database, organization_id: str) -> None:
    """Erases all of an organization's."""
    db.execute("erase_reviews", {"organization_id": organization_id})


def _key(review: Review) -> dict[str, str]:
    return {"organization_id": review.organization_id, "review_id": review.id}


def _review(row: Row) -> Review:
    return Review(**read_columns(row))


def _item(row: Row) -> ReviewItem:
    return ReviewItem(**{**read_columns(row), "decision": _DECISIONS[row["decision"]]})
