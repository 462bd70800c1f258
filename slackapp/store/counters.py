"""Counters over all processes and restarts: `sql/core/counters.sql`."""

from collections.abc import Iterable
from typing import NamedTuple

from slackapp.store.engine.database import Database


class CounterDelta(NamedTuple):
    """Amount to add to one series; beyond `max_series` of a metric, what is new goes to `overflow_labels`."""

    name: str
    labels: str
    overflow_labels: str
    max_series: int
    amount: int


def add(db: Database, counts: Iterable[CounterDelta]) -> None:
    """Adds amounts, inside a transaction."""
    for count in counts:
        db.execute("add_to_counter", count._asdict())


def list_all(db: Database) -> dict[tuple[str, str], int]:
    """Lists all counters by name and labels."""
    return {(row["name"], row["labels"]): row["value"] for row in db.many("list_counters", {})}
