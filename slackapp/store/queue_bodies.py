"""Bodies in any queue: erased by a purge, sealed anew under new keys, counted. The rest of a row: `store/queue.py`."""

from collections.abc import Iterator

from slackapp.model import Sealed, Tenant
from slackapp.store.columns import count_rows, read_portions, read_tenant, tenant_columns
from slackapp.store.engine.database import Database
from slackapp.store.queue import Queue


def erase_running(db: Database, queue: Queue, tenant: Tenant, now: int) -> int:
    """Ends the rows of a tenant that somebody runs just now, and erases their bodies; returns how many."""
    return db.execute(f"{queue.table}.erase_running", {**tenant_columns(tenant), "now": now})


def erase_portion(db: Database, queue: Queue, tenant: Tenant, *, limit: int, now: int) -> int:
    """Erases bodies of a tenant's rows and ends what is open, so many at most; returns how many."""
    return db.execute(f"{queue.table}.erase_portion", {**tenant_columns(tenant), "most": limit, "now": now})


def list_bodies(db: Database, queue: Queue, tenant: Tenant, portion: int) -> Iterator[tuple[str, Sealed]]:
    """Yields event id and sealed body of the tenant's rows that have one, so many of them read at a time."""
    rows = read_portions(db, f"{queue.table}.list_bodies", tenant_columns(tenant), "event_id", portion=portion)
    return ((row["event_id"], Sealed(row["body"])) for row in rows)


def reseal_body(db: Database, queue: Queue, tenant: Tenant, event_id: str, *, body: Sealed) -> None:
    """Replaces a body by the same one under another data key."""
    key = {**tenant_columns(tenant), "event_id": event_id}
    db.execute(f"{queue.table}.reseal_body", {**key, "body": body.blob})


def tenants_with_bodies(db: Database, queue: Queue) -> frozenset[Tenant]:
    """Lists the tenants whose rows have a body."""
    return frozenset(read_tenant(row) for row in db.many(f"{queue.table}.tenants_with_bodies", {}))


def count_bodies(db: Database, queue: Queue, tenant: Tenant) -> int:
    """Counts the tenant's rows that have a body."""
    return count_rows(db, f"{queue.table}.count_bodies", tenant_columns(tenant))
