"""Deliveries of events to the host: `sql/host/deliveries.sql`. A delivery is the event's own row."""

from slackapp.host.rows import DeliveryStatus, EventDelivery, HostEvent, HostEventKind
from slackapp.store.columns import by_word, read_columns
from slackapp.store.engine.database import Database

BATCH_ROWS = 500
LEASE = 60
"""Seconds for which a process has an event for itself: longer than an attempt can take."""
MAX_WAIT = 2 * 86_400
"""Seconds, beyond which no event is made to wait: what waits longer was postponed by a clock that was ahead."""
_TYPES, _STATUSES = by_word(HostEventKind), by_word(DeliveryStatus)


def is_any_waiting(db: Database, before: int) -> bool:
    """Tells whether an event from before then waits, its time come or not."""
    return db.one("is_delivery_waiting", {"before": before}) is not None


def list_due(db: Database, *, now: int, steady: int, most: int) -> list[int]:
    """Lists the numbers of events whose turn it is: of each connection the oldest that waits."""
    times = {"now": now, "latest": now + MAX_WAIT, "steady": steady, "lease": LEASE}
    return [row["number"] for row in db.many("due_deliveries", {**times, "most": most})]


def claim(db: Database, number: int, owner: str, steady: int) -> tuple[HostEvent, int] | None:
    """Claims an event, and counts the attempt that this is; None where another process was quicker."""
    row = db.one("claim_delivery", {"number": number, "owner": owner, "steady": steady, "lease": LEASE})
    if row is None:
        return None
    fields = {**read_columns(row), "type": _TYPES[row["type"]]}
    return HostEvent(**{name: fields[name] for name in HostEvent._fields}), row["attempts"]


def end(db: Database, number: int, owner: str, *, status: DeliveryStatus, answer_status: int) -> bool:
    """Ends a delivery; False for who had not claimed it, or not any more. `answer_status` is of HTTP; 0: none came."""
    what = {"state": str(status), "answer_status": answer_status}
    return db.execute("end_delivery", {"number": number, "owner": owner, **what}) == 1


def postpone(db: Database, number: int, owner: str, *, until: int, answer_status: int) -> bool:
    """Lets it wait until a time in Unix seconds; False as for `end`."""
    what = {"next_at": until, "answer_status": answer_status}
    return db.execute("postpone_delivery", {"number": number, "owner": owner, **what}) == 1


def drop_waiting(db: Database, before: int) -> int:
    """Ends what nobody can send, of events from before then, at most `BATCH_ROWS`; how many."""
    return db.execute("drop_waiting_deliveries", {"before": before, "most": BATCH_ROWS})


def page(
    db: Database, status: DeliveryStatus | None, organization_id: str, *, after: int = 0, most: int
) -> list[EventDelivery]:
    """Lists deliveries behind that number; None and "" for any."""
    asked = {"state": str(status or ""), "organization_id": organization_id}
    rows = db.many("list_deliveries", {**asked, "after_number": after, "most": most})
    closed = ({"type": _TYPES[row["type"]], "state": _STATUSES[row["state"]]} for row in rows)
    return [EventDelivery(**{**read_columns(row), **words}) for row, words in zip(rows, closed, strict=True)]


def retry(db: Database, number: int, steady: int) -> bool:
    """Sends an event once more; False where there is none, or where it is being sent just now."""
    return db.execute("retry_delivery", {"number": number, "steady": steady, "lease": LEASE}) == 1


def retry_given_up(db: Database) -> int:
    """Sends once more whatever was given up; how many."""
    return db.execute("retry_given_up", {})
