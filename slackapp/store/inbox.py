"""Inbox: what came from Slack or from ourselves: `sql/core/inbox.sql`. How its rows are run: `store/queue.py`."""

from typing import NamedTuple

from slackapp.crypto import envelope
from slackapp.model import Installation, QueueState, Sealed, Tenant
from slackapp.store.columns import field_columns, read_tenant, tenant_columns
from slackapp.store.engine.database import Database
from slackapp.store.queue import LEASE, Queue, RowId, Run, claim, read_row_id

QUEUE = Queue("inbox")
INSTALLED = "slackapp.installed"
UNINSTALL = "slackapp.uninstall"
PURGE = "slackapp.purge"
TRACES = "slackapp.traces"
RESEAL = "slackapp.reseal"
_REMOVALS = frozenset({UNINSTALL, PURGE, TRACES, RESEAL})


class IncomingEvent(NamedTuple):
    """An event of a tenant, before it is kept. `trace_id` is the id of the request that brought it."""

    event_id: str
    tenant: Tenant
    type: str
    event_time: int
    trace_id: str = ""


def add_event(db: Database, arrival: IncomingEvent, body: Sealed, *, key_id: int, now: int) -> bool:
    """Adds an event, its body sealed under that data key.

    False for a repeat, for a tenant that is not there, and when the key is not there any more.
    """
    return db.execute("add_event", {**field_columns(arrival), "body": body.blob, "key_id": key_id, "now": now}) == 1


def claim_event(
    db: Database, arrival: IncomingEvent, body: Sealed, installation: Installation, *, run: Run, steady: int
) -> bool:
    """Adds an event that is claimed for this run at once, where the installation and the key are still so.

    False else, and for a repeat; `add_event` says which.
    """
    parameters = {
        **field_columns(arrival),
        "body": body.blob,
        "generation": installation.generation,
        "seen_installed_at": installation.installed_at,
        "bot_id": installation.bot_id,
        "enterprise_id": installation.enterprise_id,
        "scopes_granted": ",".join(installation.scopes_granted),
        "key_id": envelope.key_id_of(body.blob),
        "owner": run.lease_owner,
        "now": run.received_at,
        "steady": steady,
        "lease": LEASE,
    }
    return db.execute("add_claimed_event", parameters) == 1


def add_lifecycle_event(
    db: Database, arrival: IncomingEvent, named: str, *, state: QueueState, result: str, now: int
) -> None:
    """Adds an uninstall or a revocation: `READY` for the worker, or `DONE` in the transaction of its effect."""
    effect = {"named": named, "state": state, "result": result}
    db.execute("add_lifecycle_event", {**field_columns(arrival), **effect, "now": now})


def add_job(
    db: Database, job_id: str, job_type: str, tenant: Tenant, *, now: int, next_at: int = 0, trace_id: str = ""
) -> bool:
    """Adds a job of our own, to run at `next_at`; False where a job or an event has its id.

    `next_at` lies at most `QUEUE.max_wait` seconds ahead, or ValueError: what waits for longer counts as postponed by a
    clock that was ahead, and would run at once.
    """
    if next_at > now + QUEUE.max_wait:
        raise ValueError(f"a job waits for {QUEUE.max_wait} seconds at most")
    times = {"now": now, "next_at": max(now, next_at)}
    job = {"type": job_type, "removes": int(job_type in _REMOVALS), "trace_id": trace_id}
    return db.execute("add_job", {**_key(tenant, job_id), **job, **times}) == 1


def claim_revocation(db: Database, tenant: Tenant, *, owner: str, now: int, steady: int) -> Run | None:
    """Claims the tenant's next uninstall or revocation that is due, without a worker; inside a transaction."""
    times = {"now": now, "steady": steady, "lease": LEASE}
    row = db.one("next_revocation", {**tenant_columns(tenant), **times})
    return claim(db, QUEUE, (tenant, row["event_id"]), owner=owner, steady=steady) if row is not None else None


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
    return [read_row_id(row) for row in db.many("open_jobs", {"type": PURGE})]


def pending_purges_of(db: Database, tenant: Tenant) -> list[str]:
    """The ids of a tenant's purges that are not finished."""
    return [event_id for whose, event_id in pending_purge_ids(db) if whose == tenant]


def count_pending_purges(db: Database) -> int:
    """Purges that are not finished."""
    return oldest_pending_purge(db)[0]


def oldest_pending_purge(db: Database) -> tuple[int, int]:
    """Counts pending purges, with the time at which the oldest began; 0 where there is none."""
    row = db.one("oldest_open_job", {"type": PURGE})
    return (row["found"], row["oldest"] or 0) if row is not None else (0, 0)


def _key(tenant: Tenant, event_id: str) -> dict[str, object]:
    return {**tenant_columns(tenant), "event_id": event_id}
