"""Persistence of counters: every few seconds they are added to the database, where all processes add up.

A process that is killed loses what it had counted since the last time. Whoever reads the metrics is shown what is in
the database, so that no number goes down when that happens.
"""

from functools import partial

from slackapp.errors import StoreError
from slackapp.runtime.log import JsonLog
from slackapp.runtime.metrics import Metrics
from slackapp.store import counters
from slackapp.store.engine.sqlite import Database

INTERVAL = 5
"""Seconds."""


def persist(db: Database, metrics: Metrics, log: JsonLog) -> None:
    """Adds what is new, in one transaction, where anything is. What fails waits for the next time."""
    try:
        with metrics.unpersisted_counts() as counts:
            if counts:
                db.commit_in_group(partial(counters.add, db, counts))
                metrics.mark_persisted(counts)
    except StoreError as error:
        log.error("counters_wait", {"why": str(error)})


def totals(db: Database, metrics: Metrics, log: JsonLog) -> dict[tuple[str, str], int]:
    """Sums the counters over all processes, by name and labels; with what could not be added. Raises StoreError."""
    persist(db, metrics, log)
    with metrics.unpersisted_counts() as counts:
        found = counters.list_all(db)
        for count in counts:
            key = count.name, count.labels
            found[key] = found.get(key, 0) + count.value
    return found
