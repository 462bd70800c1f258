"""What was counted outlives the process: added to the database every few seconds, where all processes add up.

A process that is killed loses what it had counted since the last time. Whoever reads the metrics is shown what is in
the database, so that no number goes down when that happens.
"""

from functools import partial

from slackapp.errors import StoreError
from slackapp.runtime.log import JsonLog
from slackapp.runtime.metrics import Counters
from slackapp.store import counters
from slackapp.store.engine.sqlite import Database

EVERY = 5
"""Seconds."""


def run(db: Database, metrics: Counters, log: JsonLog) -> None:
    """Adds what is new, in one transaction, where anything is. What fails waits for the next time."""
    try:
        with metrics.unmoved() as counts:
            if counts:
                db.together(partial(counters.add, db, counts))
                metrics.moved(counts)
    except StoreError as error:
        log.error("counters_wait", {"why": str(error)})


def totals(db: Database, metrics: Counters, log: JsonLog) -> dict[tuple[str, str], int]:
    """Over all processes, by name and labels; with what could not be added. Raises StoreError."""
    run(db, metrics, log)
    with metrics.unmoved() as counts:
        found = counters.every(db)
        for count in counts:
            key = count.name, count.labels
            found[key] = found.get(key, 0) + count.value
    return found
