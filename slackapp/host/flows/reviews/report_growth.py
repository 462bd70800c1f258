"""Growth: how many connections were opened and have ended, month by month, and how many were held at its end.

A connection counts from when it was first begun, if it ever served; one that was brought back has not ended.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.store.reviews import growth

MONTHS = 12


class MonthCount(NamedTuple):
    """Count of a month, such as `2027-01`. `held` is of its end."""

    month: str
    opened: int
    ended: int
    held: int


def run(app: App, organization_id: str | None, now: int, months: int = MONTHS) -> Sequence[MonthCount]:
    """Counts the last so many months, with this one, of an organization or, for None, of all."""
    lives = growth.list_lives(app.db, organization_id)
    opened = Counter(_month(each.created_at) for each in lives)
    ended = Counter(_month(each.revoked_at) for each in lives if each.revoked_at is not None)
    found, held = [], 0
    first, last = min(opened, default=_month(now)), _month(now)
    for month in range(first, last + 1):
        held += opened[month] - ended[month]
        found.append(MonthCount(f"{month // 12}-{month % 12 + 1:02}", opened[month], ended[month], held))
    return found[-months:]


def _month(at: int) -> int:
    """Counts months from the year 0 on."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.year * 12 + moment.month - 1
