"""Data in a queue's rows, as a circle registers them: one call for each queue that it has."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from slackapp.crypto import records
from slackapp.flows.app import PORTION_ROWS, SealedRecord, TenantData
from slackapp.flows.tenant_data import export_fields
from slackapp.model import Sealed, Tenant, UnclearRow
from slackapp.store import queue
from slackapp.store.engine.database import Database
from slackapp.store.queue import Queue


def queue_data(of: Queue, name: str) -> TenantData:
    """Makes the data of a queue, whose bodies are sealed as those of events are. `name` says what the bodies are."""
    return TenantData(
        name=name,
        tables=(of.table,),
        erase=partial(_erase_running, of),
        erase_portion=partial(_erase_portion, of),
        count=lambda db, tenant: queue.count_bodies(db, of, tenant),
        list_tenants=lambda db: queue.tenants_with_bodies(db, of),
        export=partial(_export, of),
        sealed_records=partial(_sealed_records, of),
        restored=partial(_mark_restored, of),
    )


def _erase_running(of: Queue, db: Database, tenant: Tenant, now: int) -> int:
    # Whoever runs one finds at its end that it is not theirs any more: none of its effects is kept.
    # claim: C-56
    return queue.erase_running(db, of, tenant, now)


def _erase_portion(of: Queue, db: Database, tenant: Tenant, now: int) -> int:
    # claim: C-56
    return queue.erase_portion(db, of, tenant, limit=PORTION_ROWS, now=now)


def _export(of: Queue, db: Database, tenant: Tenant) -> Iterator[Mapping[str, object]]:
    return map(export_fields, queue.entries_of(db, of, tenant, PORTION_ROWS))


def _sealed_records(of: Queue, db: Database, tenant: Tenant) -> Iterator[SealedRecord]:
    for event_id, body in queue.list_bodies(db, of, tenant, PORTION_ROWS):
        put_back = partial(_reseal, of, db, tenant, event_id)
        yield SealedRecord(records.event_body_context(tenant, event_id), body, put_back)


def _reseal(of: Queue, db: Database, tenant: Tenant, event_id: str, body: Sealed) -> None:
    queue.reseal_body(db, of, tenant, event_id, body=body)


def _mark_restored(of: Queue, db: Database, now: int) -> Sequence[UnclearRow]:
    # claim: C-93
    return queue.mark_restored(db, of, now)
