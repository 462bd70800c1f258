"""Reading of a review: what was said of each connection, beside what the connection is now."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import ReviewDecision
from slackapp.host.rows import Connection
from slackapp.host.store import connections
from slackapp.host.store.reviews import reviews
from slackapp.host.store.reviews.reviews import Review, ReviewItem


class ReviewedConnection(NamedTuple):
    """Connection as it is, with what was said of it."""

    item: ReviewItem
    connection: Connection


def page(app: App, review: Review, after: str, most: int) -> Sequence[ReviewedConnection]:
    """Lists the connections of a review, behind that one."""
    return [find(app, review.organization_id, item) for item in reviews.page_items(app.db, review.id, after, most)]


def list_all(app: App, review: Review) -> Iterator[ReviewedConnection]:
    """Lists all connections of a review."""
    after = ""
    while found := page(app, review, after, 200):
        yield from found
        after = found[-1].connection.id


def find(app: App, organization_id: str, item: ReviewItem) -> ReviewedConnection:
    """Finds the connection that an item is about. Raises HostRefused where it is deleted with its organization."""
    connection = connections.find(app.db, organization_id, item.connection_id)
    if connection is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return ReviewedConnection(item, connection)


def require(app: App, review: Review, connection_id: str) -> ReviewedConnection:
    """Finds a connection of a review. Raises HostRefused."""
    item = reviews.find_item(app.db, review.id, connection_id)
    if item is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return find(app, review.organization_id, item)


def count(app: App, review: Review) -> Counter[ReviewDecision]:
    """Counts the connections of a review by what was said."""
    return reviews.count_decisions(app.db, review.id)
