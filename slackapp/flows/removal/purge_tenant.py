"""Erases a tenant: keys first, then everything that they could have opened; then makes sure that nothing is left.

The first part is one transaction of the caller, so that it happens together with its cause: keys, status, and what is
little. What a transaction cannot do is a job in the inbox, noted in the same transaction, repeated until it is done,
and only then called done: erasing in portions what is much, emptying logs, waiting for working copies, rewriting the
key backup. Audit rows stay; they hold ids only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from slackapp.errors import StoreBusyError, StoreError
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.backup import key_backup
from slackapp.model import (
    Actor,
    AuditDetail,
    AuditEntry,
    AuditEvent,
    AuditRecord,
    QueueState,
    Tenant,
    TenantChange,
)
from slackapp.store import inbox, installations, queue
from slackapp.store.engine.database import Residue
from slackapp.store.queue import Run

RETRY_AFTER = 10
"""Seconds after which a purge that was not complete is tried again."""
_BUSY_AFTER = 1
"""The same while another purge is being completed."""
_LOCK_TIMEOUT = 2.0
"""Seconds that an operator's purge waits for that."""
_BATCH = 500
"""Purges that are completed at once."""

Reasons = Mapping[Run, tuple[str, int]]
"""By purge: why it is not complete, and the seconds after which it may be."""


def erase(app: App, tenant: Tenant, reason: AuditDetail, actor: Actor, now: int) -> str:
    """Erases a tenant's keys, tokens and status, inside the caller's transaction; returns the job's id."""
    # 1. the data keys, without which nothing else can be opened, and what is little
    erased = tenant_data.erase(app, tenant, now)
    # 2. note what is left to do
    job_id = f"purge-{app.entropy(12).hex()}"
    inbox.add_job(app.db, job_id, inbox.PURGE, tenant, now=now)
    begun = AuditEvent.PURGE_BEGUN
    app.vault.append(AuditEntry(at=now, event=begun, actor=actor, tenant=tenant, count=erased, detail=reason))
    return job_id


def evict(app: App, tenant: Tenant) -> None:
    """Evicts the tenant from memory after that transaction, and wakes the worker."""
    app.keyring.evict(tenant)
    app.installation_cache.evict(tenant)
    app.hand_off.drop(tenant)
    app.metrics.count("slackapp_purges_total", {"result": "begun"})
    notes.count_tenant_change(app, tenant, TenantChange.ERASED)
    app.wake_worker()


def complete_now(app: App, tenant: Tenant, job_id: str, actor: Actor) -> bool:
    """Completes the job at once instead of waiting for the worker; tells whether the purge is complete."""
    with app.db.transaction():
        owner = f"{app.process_id}:{actor.request_id}"
        row = queue.claim(app.db, inbox.QUEUE, (tenant, job_id), owner=owner, steady=app.clock.steady())
    if row is not None:
        try:
            _complete(app, row, app.clock(), at_once=True)
        except StoreError as error:
            app.log.error("purge_waits", {"why": str(error)})
    return not queue.is_open(app.db, inbox.QUEUE, tenant, job_id)


def complete(app: App, row: Run, now: int) -> None:
    """Completes the job, in the worker. Raises StoreError."""
    _complete(app, row, now, at_once=False)


def _complete(app: App, row: Run, now: int, at_once: bool) -> None:
    """Completes the job and all that wait: what it takes is the same for one and for many.

    Puts back for some seconds what cannot be completed yet.
    """
    rows = [row]
    try:
        # 3. the rest, in portions
        tenant_data.erase_rest(app, row.tenant, now)
        with app.key_backup_file.locked(_LOCK_TIMEOUT if at_once else 0.0):
            rows += _claim_others(app, row)
            _erase_little(app, rows, now)
            reasons = _erase_traces(app, rows, now, at_once)
    except StoreError as error:
        busy = isinstance(error, StoreBusyError) and not at_once
        _postpone(app, {one: (str(error), _BUSY_AFTER if busy else RETRY_AFTER) for one in rows}, now)
        if busy:
            return  # whoever is at it takes this one, too, next time
        raise
    if reasons:
        _postpone(app, reasons, now)
    with app.db.transaction():
        whole = [one for one in rows if one not in reasons]
        # claim: C-57
        done = [one for one in whole if queue.finish(app.db, one, QueueState.DONE, "complete", now=now)]
        for one in done:
            app.vault.append(
                AuditEntry(
                    at=now,
                    event=AuditEvent.PURGE_COMPLETE,
                    actor=one.actor,
                    tenant=one.tenant,
                    record_kind=AuditRecord.EVENT,
                    record_id=one.event_id,
                    count=0,
                )
            )
    for _ in done:
        app.metrics.count("slackapp_purges_total", {"result": "complete"})


def _claim_others(app: App, row: Run) -> list[Run]:
    """Claims the other purges that wait, also those that wait for a time."""
    with app.db.transaction():
        waiting = [row_id for row_id in inbox.pending_purge_ids(app.db) if row_id != (row.tenant, row.event_id)]
        mine: dict[str, Any] = {"owner": row.lease_owner, "steady": app.clock.steady()}
        taken = [queue.claim(app.db, inbox.QUEUE, row_id, **mine) for row_id in waiting[:_BATCH]]
    return [one for one in taken if one is not None]


def _erase_little(app: App, rows: Sequence[Run], now: int) -> None:
    """Erases a portion of each: most tenants have no more. What is more goes when its own job is run."""
    for row in rows:
        if tenant_data.count(app, row.tenant):
            tenant_data.erase_portion(app, row.tenant, now)


def _postpone(app: App, reasons: Reasons, now: int) -> None:
    with app.db.transaction():
        for row, (why, wait) in reasons.items():
            queue.postpone(app.db, row, why, now=now, wait=wait)


def _erase_traces(app: App, rows: Sequence[Run], now: int, at_once: bool) -> Reasons:
    """Erases the traces; returns which purges are not complete, why, and in how many seconds they may be."""
    # 4. erase what is left in logs and working copies
    held = app.db.erase_residue()
    # claim: C-57
    if held:
        return dict.fromkeys(rows, (" and ".join(sorted(held)), RETRY_AFTER))
    # 5. rewrite the key backup, without the tenant's keys
    # claim: C-57
    still, wait = key_backup.remove_tenants(app, {row.tenant for row in rows}, now, at_once)
    # 6. count what is left
    in_backup = key_backup.count_keys(app, {row.tenant for row in rows})
    reasons = {row: ("the key backup was just written", wait) for row in rows if row.tenant in still}
    for row in rows:
        left = tenant_data.count(app, row.tenant) + in_backup[row.tenant]
        if left and row not in reasons and not _is_reinstalled(app, row):
            reasons[row] = (f"left={left}", RETRY_AFTER)
    return reasons


def count_remaining(app: App, tenant: Tenant) -> int:
    """Rows, and keys in the key backup, that still hold anything of the tenant but ids."""
    return tenant_data.count(app, tenant) + key_backup.count_keys(app, {tenant})[tenant]


def verify(app: App) -> dict[str, int]:
    """Looks for what must not be there: by place, how many records belong to no installed tenant."""
    tenants = {installation.tenant for installation in installations.list_all(app.db)}
    stray = {f"{name} without a tenant": found for name, found in tenant_data.count_stray(app).items()}
    in_backup = key_backup.tenants_in_backup(app) - tenants
    held = app.db.erase_residue()
    traces = {residue.place: int(residue in held) for residue in Residue}
    traces[Residue.COPIES.place] += app.key_backup_file.has_partial_write
    return stray | {"tenants in the key backup that are not installed": len(in_backup)} | traces


def _is_reinstalled(app: App, row: Run) -> bool:
    """Tells whether the tenant was installed again since: what is there then is new, under new keys.

    What was there before went in the transaction that made the job: no time of a clock is asked.
    """
    return installations.find(app.db, row.tenant) is not None
