"""Operator's actions on rows of the inbox and of every other queue: list, read, retry, drop."""

from functools import partial

from slackapp.crypto import records
from slackapp.errors import CommandError
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.model import Actor, AuditEntry, AuditEvent, AuditRecord, QueueEntry, QueueState
from slackapp.store import queue
from slackapp.store.queue import Queue


def list_rows(
    app: App, tenant_id: str | None, state: QueueState | None, limit: int
) -> tuple[list[QueueEntry], dict[QueueState, int]]:
    """Lists rows, the oldest first, and counts by state what is not done.

    None for any tenant, and for every state but `DONE`.
    """
    rows = [row for each in app.queues for row in queue.list_entries(app.db, each, tenant_id, state, limit=limit)]
    counts = {each: count for each, (count, _) in queue.count_all(app.db, app.queues).items()}
    return sorted(rows, key=lambda row: row.received_at)[:limit], counts


def find_rows(app: App, event_id: str, tenant_id: str | None) -> list[QueueEntry]:
    """Finds the rows of that event id: of each tenant that has had such an event, or of that one."""
    found = (entry for each in app.queues for entry in queue.find(app.db, each, event_id))
    return [entry for entry in found if not tenant_id or tenant_id == entry.tenant.id]


def require_row(app: App, event_id: str, tenant_id: str | None) -> QueueEntry:
    """Finds the one row that is meant: an event id is unique per tenant only. Raises CommandError."""
    found = find_rows(app, event_id, tenant_id)
    if not found:
        raise CommandError(f"{event_id}: there is no such row; `slackapp inbox list --wide` shows ids in full")
    if len(found) > 1:
        tenants = ", ".join(entry.tenant.id for entry in found)
        raise CommandError(f"{event_id}: {tenants} have such a row each; say which with --tenant")
    return found[0]


def read_body(app: App, entry: QueueEntry, actor: Actor) -> str:
    """Reads the body as Slack sent it, which is the customer's content: noted before it is opened.

    "" where there is none. Raises Refused for a body that does not open.
    """
    find = partial(queue.body_of, app.db, _queue_of(app, entry), entry.tenant, entry.event_id)
    sealed = find()
    if sealed is None:
        return ""
    read = _note(app, entry, AuditEvent.EVENT_READ, actor)
    app.vault.append_committed(read)
    with refuse_on_key_error(app, lambda: read):
        context = records.event_body_context(entry.tenant, entry.event_id)
        return app.keyring.open_data(context, sealed, find).decode()


def retry(app: App, entry: QueueEntry, actor: Actor) -> bool:
    """Runs the row again, though Slack may have acted on it: so the operator must say so. False where it needs none."""
    with app.db.transaction():
        done = queue.retry(app.db, _queue_of(app, entry), (entry.tenant, entry.event_id), app.clock())
        if done:
            app.vault.append(_note(app, entry, AuditEvent.EVENT_RETRIED, actor))
    app.wake_worker()
    return done


def drop(app: App, entry: QueueEntry, actor: Actor) -> bool:
    """Ends the row and erases what is in it. False where it needs no operator."""
    with app.db.transaction():
        done = queue.drop(app.db, _queue_of(app, entry), (entry.tenant, entry.event_id), app.clock())
        if done:
            app.vault.append(_note(app, entry, AuditEvent.EVENT_DROPPED, actor))
    return done


def _queue_of(app: App, entry: QueueEntry) -> Queue:
    return next(each for each in app.queues if each.table == entry.queue)


def _note(app: App, entry: QueueEntry, event: AuditEvent, actor: Actor) -> AuditEntry:
    """Makes the entry of what was done to a row, and in which state it was."""
    return AuditEntry(
        at=app.clock(),
        event=event,
        actor=actor,
        tenant=entry.tenant,
        record_kind=AuditRecord.EVENT,
        record_id=entry.event_id,
        detail=entry.state,
    )
