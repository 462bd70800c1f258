"""What was counted, over all processes and restarts: `sql/core/counters.sql`."""

from collections.abc import Iterable
from dataclasses import dataclass

from slackapp.store.engine.sqlite import Database


@dataclass(frozen=True)
class Count:
    """What is to be added to one series. A metric has `most` of them; what is new then goes to the labels of `rest`."""

    name: str
    labels: str
    rest: str
    most: int
    value: int


def add(db: Database, counts: Iterable[Count]) -> None:
    """Inside a transaction."""
    for count in counts:
        db.execute(
            "add_to_counter",
            {
                "name": count.name,
                "labels": count.labels,
                "rest": count.rest,
                "most": count.most,
                "value": count.value,
            },
        )


def every(db: Database) -> dict[tuple[str, str], int]:
    """By name and labels."""
    return {(row["name"], row["labels"]): row["value"] for row in db.many("list_counters", {})}
