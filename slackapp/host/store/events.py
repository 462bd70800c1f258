"""Events that the host is told of: `sql/host/events.sql`. Each is added with what it tells of."""

from slackapp.host.rows import ConnectionKey, HostEvent, HostEventKind, StatusReason
from slackapp.store.columns import by_word, read_columns
from slackapp.store.engine.database import Database

BATCH_ROWS = 500
"""How many are deleted in one transaction."""
KEEP_SECONDS = 30 * 86_400
"""Seconds for which the host may read one."""
_TYPES = by_word(HostEventKind)


def add(db: Database, key: ConnectionKey, event_type: HostEventKind, detail: StatusReason | None, now: int) -> None:
    """Adds an event of a connection, inside the transaction that changes it."""
    what = {"organization_id": key.organization_id, "connection_id": key.id, "type": str(event_type)}
    db.execute("add_host_event", {**what, "detail": str(detail or ""), "now": now})


def page(db: Database, organization_id: str | None, after: int, most: int = 200) -> list[HostEvent]:
    """Lists events behind that number, in the order of commits: an organization's, or everybody's for None."""
    asked: dict[str, object] = {"after_number": after, "most": most}
    if organization_id is None:
        rows = db.many("list_host_events", asked)
    else:
        rows = db.many("list_host_events_of", {**asked, "organization_id": organization_id})
    return [HostEvent(**{**read_columns(row), "type": _TYPES[row["type"]]}) for row in rows]


def erase(db: Database, organization_id: str) -> None:
    """Erases all of an organization's."""
    db.execute("erase_host_events", {"organization_id": organization_id})


def sweep(db: Database, before: int) -> int:
    """Deletes events from before then, at most `BATCH_ROWS`; how many."""
    return db.execute("sweep_host_events", {"before": before, "most": BATCH_ROWS})
