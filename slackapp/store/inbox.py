"""Inbox: rows to be done once: `sql/core/inbox.sql`."""

from dataclasses import dataclass

from slackapp.model import InboxKind, InboxRow, InboxState, Sealed, Tenant
from slackapp.store.columns import (
    by_word,
    count_rows,
    field_columns,
    read_sealed,
    read_tenant,
    row_fields,
    tenant_columns,
)
from slackapp.store.engine.database import Database, Row

INSTALLED = "slackapp.installed"
UNINSTALL = "slackapp.uninstall"
PURGE = "slackapp.purge"
BATCH_ROWS = 1000
"""How many rows are swept at once."""
LEASE = 120
"""Seconds that a row is its worker's; a behaviour that takes longer may run twice."""
MAX_WAIT = 7200
"""Seconds, more than any row is postponed: by our own pauses a quarter of an hour, by Slack an hour at most."""
_KINDS, _STATES = by_word(InboxKind), by_word(InboxState)
RowId = tuple[Tenant, str]
"""Whose the row is, and its event id."""


@dataclass(frozen=True)
class IncomingEvent:
    """An event of a tenant, before it is kept."""

    event_id: str
    tenant: Tenant
    type: str
    event_time: int


def add_event(db: Database, arrival: IncomingEvent, body: Sealed, key_id: int, now: int) -> bool:
    """Adds an event, its body sealed under that data key.

    False for a repeat, for a tenant that is not there, and when the key is not there any more.
    """
    return db.execute("add_event", {**field_columns(arrival), "body": body.blob, "key_id": key_id, "now": now}) == 1


def add_lifecycle_event(
    db: Database, arrival: IncomingEvent, named: str, state: InboxState, result: str, now: int
) -> None:
    """Adds an uninstall or a revocation: `READY` for the worker, or `DONE` in the transaction of its effect."""
    effect = {"named": named, "state": state, "result": result}
    db.execute("add_lifecycle_event", {**field_columns(arrival), **effect, "now": now})


def add_job(db: Database, job_id: str, job_type: str, tenant: Tenant, now: int, next_at: int) -> None:
    """Adds a job of our own, not before `next_at`."""
    db.execute("add_job", {**_key(tenant, job_id), "type": job_type, "now": now, "next_at": next_at})


def is_known(db: Database, tenant: Tenant, event_id: str) -> bool:
    """Tells whether the event came before."""
    return db.one("is_known", _key(tenant, event_id)) is not None


def list_due(db: Database, after: Tenant, busy_tenant: Tenant, now: int, steady: int, limit: int) -> list[RowId]:
    """Lists rows that are due, of the tenants behind `after` in turn, and none of `full`.

    Of each tenant, what was due first comes first. `now` is in Unix seconds, `steady` in those of the clock that leases
    go by.
    """
    tenants = {
        "after_kind": str(after.kind), "after_id": after.id,
        "full_kind": str(busy_tenant.kind), "full_id": busy_tenant.id,
    }  # fmt: skip
    times = {"now": now, "latest": now + MAX_WAIT, "steady": steady, "lease": LEASE}
    return [_row_id(row) for row in db.many("due_rows", {**tenants, **times, "most": limit})]


def claim(db: Database, row_id: RowId, owner: str, steady: int) -> InboxRow | None:
    """Claims that row for as long as a lease runs; None where another has it by now.

    To be called inside a transaction, and `steady` read in it: whoever reads the clock before waits for another one's
    transaction, and takes the lease that was written there meanwhile for one of an earlier boot.
    """
    row = db.one("claim", {**_key(*row_id), "owner": owner, "steady": steady, "lease": LEASE})
    return _row(row) if row is not None else None


def claim_by_id(db: Database, row_id: RowId, owner: str, steady: int) -> InboxRow | None:
    """Claims a row that nobody has claimed yet, in the same way."""
    row = db.one("claim_by_id", {**_key(*row_id), "owner": owner, "steady": steady, "lease": LEASE})
    return _row(row) if row is not None else None


def claim_revocation(db: Database, tenant: Tenant, owner: str, now: int, steady: int) -> InboxRow | None:
    """Claims the tenant's next uninstall or revocation that is due, without a worker."""
    names = tenant_columns(tenant)
    row = db.one("claim_revocation", {**names, "owner": owner, "now": now, "steady": steady, "lease": LEASE})
    return _row(row) if row is not None else None


def mark_calling(db: Database, row: InboxRow, steady: int) -> bool:
    """Notes the intent to call Slack, before the call; False when the row is not ours any more.

    The lease begins anew. To be called inside a transaction, and `steady` read in it, as for a claim.
    """
    return db.execute("mark_calling", {**_owned_key(row), "steady": steady, "lease": LEASE}) == 1


def mark_not_called(db: Database, row: InboxRow) -> None:
    """Clears the intent, after Slack said plainly that it did nothing."""
    db.execute("mark_not_called", _owned_key(row))


def finish(db: Database, row: InboxRow, state: InboxState, result: str, now: int) -> bool:
    """Ends a row: `done`, `dead` or `unclear`; False when it is not ours any more."""
    return db.execute("finish", {**_owned_key(row), "state": state, "result": result, "now": now}) == 1


def postpone(db: Database, row: InboxRow, result: str, next_at: int, refund_attempt: bool) -> None:
    """Puts a row back for later; `refund_attempt` does not count the attempt, because nothing was attempted."""
    db.execute("postpone", {**_owned_key(row), "result": result, "next_at": next_at, "forgiven": int(refund_attempt)})


@dataclass(frozen=True)
class UnclearRow:
    """A row whose process ended in the middle of a call to Slack: nobody knows whether Slack did it."""

    tenant: Tenant
    event_id: str
    type: str


def mark_unclear(db: Database, now: int, steady: int) -> list[UnclearRow]:
    """Marks rows whose owner died in the middle of a call; which they are. As `claim`: in a transaction."""
    return [_unclear(row) for row in db.many("mark_unclear", {"now": now, "steady": steady, "lease": LEASE})]


def mark_restored(db: Database, now: int) -> list[UnclearRow]:
    """Marks open rows of a restored copy as unclear, but for removals; returns their ids."""
    return [_unclear(row) for row in db.many("mark_restored", {"now": now})]


def release_leases(db: Database, process_id: str, now: int) -> list[UnclearRow]:
    """Releases the leases of an ending process; its rows in a call become unclear, and are returned."""
    db.execute("release_running", {"process": process_id})
    return [_unclear(row) for row in db.many("interrupt_calling", {"process": process_id, "now": now})]


@dataclass(frozen=True)
class InboxEntry:
    """A row as the operator sees it: all but what is in it. Times are Unix seconds."""

    event_id: str
    kind: InboxKind
    tenant: Tenant
    type: str
    state: InboxState
    attempts: int
    event_time: int
    received_at: int
    next_at: int
    finished_at: int | None
    result: str
    has_body: bool


def list_entries(db: Database, tenant_id: str | None, state: InboxState | None, limit: int) -> list[InboxEntry]:
    """Lists rows, the oldest first; None for any tenant, and for every state but `DONE`."""
    parameters = {"tenant_id": tenant_id or "", "state": state or "", "most": limit}
    return [_entry(row) for row in db.many("inbox_page", parameters)]


def find(db: Database, event_id: str) -> list[InboxEntry]:
    """The rows of that event id: one per tenant that has had such an event."""
    return [_entry(row) for row in db.many("inbox_rows", {"event_id": event_id})]


def count_by_state(db: Database) -> dict[InboxState, tuple[int, int]]:
    """Counts rows by state, and says when the oldest of each came; without those that are done."""
    return {_STATES[row["state"]]: (row["found"], row["oldest"]) for row in db.many("inbox_states", {})}


def retry(db: Database, tenant: Tenant, event_id: str, now: int) -> bool:
    """Lets a row that is dead or unclear run again; False for any other."""
    return db.execute("retry_row", {**_key(tenant, event_id), "now": now}) == 1


def drop(db: Database, tenant: Tenant, event_id: str, now: int) -> bool:
    """Ends a row that is dead or unclear, and erases its body; False for any other."""
    return db.execute("drop_row", {**_key(tenant, event_id), "now": now}) == 1


def erase_bodies(db: Database, tenant: Tenant, now: int) -> int:
    """Erases the bodies of a tenant's rows and ends what is open."""
    return db.execute("erase_bodies", {**tenant_columns(tenant), "now": now})


def bodies(db: Database, tenant: Tenant) -> list[tuple[str, Sealed]]:
    """Event id and sealed body of the tenant's rows that have one."""
    rows = db.many("list_bodies", tenant_columns(tenant))
    return [(row["event_id"], Sealed(row["body"])) for row in rows]


def body_of(db: Database, tenant: Tenant, event_id: str) -> Sealed | None:
    """The sealed body of a row as it lies there now."""
    row = db.one("find_body", _key(tenant, event_id))
    return Sealed(row["body"]) if row is not None else None


def reseal_body(db: Database, tenant: Tenant, event_id: str, body: Sealed) -> None:
    """Replaces a body by the same one under another data key."""
    db.execute("reseal_body", {**_key(tenant, event_id), "body": body.blob})


def pending_purges(db: Database) -> dict[Tenant, str]:
    """Tenants whose purge is not finished, and why not."""
    return {read_tenant(row): row["result"] or "under way" for row in db.many("open_jobs", {"type": PURGE})}


def pending_removals(db: Database) -> dict[Tenant, int]:
    """Tenants whose removal was decided and is not finished, and when it was decided last."""
    rows = [*db.many("open_jobs", {"type": UNINSTALL}), *db.many("open_jobs", {"type": PURGE})]
    decided = sorted(rows, key=lambda row: row["received_at"])
    return {read_tenant(row): row["received_at"] for row in decided}


def pending_purge_ids(db: Database) -> list[RowId]:
    """The purges that are not finished, the oldest first."""
    return [_row_id(row) for row in db.many("open_jobs", {"type": PURGE})]


def pending_purges_of(db: Database, tenant: Tenant) -> list[str]:
    """The ids of a tenant's purges that are not finished."""
    return [event_id for whose, event_id in pending_purge_ids(db) if whose == tenant]


def tenants_with_bodies(db: Database) -> frozenset[Tenant]:
    """Lists the tenants whose rows have a body."""
    return frozenset(read_tenant(row) for row in db.many("tenants_with_bodies", {}))


def is_open(db: Database, tenant: Tenant, event_id: str) -> bool:
    """Tells whether the row is there and not done."""
    return db.one("is_open", _key(tenant, event_id)) is not None


def count_bodies(db: Database, tenant: Tenant) -> int:
    """Counts the tenant's rows that have a body."""
    return count_rows(db, "count_bodies", tenant_columns(tenant))


def count_pending_purges(db: Database) -> int:
    """Purges that are not finished."""
    return oldest_pending_purge(db)[0]


def oldest_pending_purge(db: Database) -> tuple[int, int]:
    """Counts pending purges, with the time at which the oldest began; 0 where there is none."""
    row = db.one("oldest_open_job", {"type": PURGE})
    return (row["found"], row["oldest"] or 0) if row is not None else (0, 0)


def sweep(db: Database, before: int) -> int:
    """Deletes finished rows that no repeat can come for any more, at most 1,000 at once; how many."""
    return db.execute("sweep_inbox", {"before": before})


def _key(tenant: Tenant, event_id: str) -> dict[str, object]:
    return {**tenant_columns(tenant), "event_id": event_id}


def _owned_key(row: InboxRow) -> dict[str, object]:
    return {**_key(row.tenant, row.event_id), "owner": row.lease_owner}


def _row_id(row: Row) -> RowId:
    return read_tenant(row), row["event_id"]


def _unclear(row: Row) -> UnclearRow:
    return UnclearRow(**row_fields(row))


def _entry(row: Row) -> InboxEntry:
    closed = {"kind": _KINDS[row["kind"]], "state": _STATES[row["state"]], "has_body": bool(row["has_body"])}
    return InboxEntry(**row_fields(row) | closed)


def _row(row: Row) -> InboxRow:
    fields = row_fields(row)
    fields["kind"], fields["body"] = _KINDS[fields["kind"]], read_sealed(fields["body"])
    return InboxRow(**fields)
