"""Operator's actions on inbox rows: list, read, retry, drop."""

from slackapp.crypto import records
from slackapp.errors import CommandError
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import open_or_reread, refuse_on_key_error
from slackapp.model import Actor, AuditEntry, AuditEvent, AuditRecord, QueueState
from slackapp.store import inbox, queue
from slackapp.store.queue import QueueEntry


def list_rows(
    app: App, tenant_id: str | None, state: QueueState | None, limit: int
) -> tuple[list[QueueEntry], dict[QueueState, int]]:
    """Lists rows, the oldest first, and counts by state what is not done.

    None for any tenant, and for every state but `DONE`.
    """
    rows = queue.list_entries(app.db, inbox.QUEUE, tenant_id, state, limit=limit)
    return rows, {each: count for each, (count, _) in queue.count_by_state(app.db, inbox.QUEUE).items()}


def find_rows(app: App, event_id: str, tenant_id: str | None) -> list[QueueEntry]:
    """Finds the rows of that event id: of each tenant that has had such an event, or of that one."""
    found = queue.find(app.db, inbox.QUEUE, event_id)
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
    sealed = inbox.body_of(app.db, entry.tenant, entry.event_id)
    if sealed is None:
        return ""
    read = _note(app, entry, AuditEvent.EVENT_READ, actor)
    app.vault.append_committed(read)
    with refuse_on_key_error(app, read):
        context = records.event_body_context(entry.tenant, entry.event_id)
        return open_or_reread(
            app, context, sealed, lambda: inbox.body_of(app.db, entry.tenant, entry.event_id)
        ).decode()


def retry(app: App, entry: QueueEntry, actor: Actor) -> bool:
    """Runs the row again, though Slack may have acted on it: so the operator must say so. False where it needs none."""
    with app.db.transaction():
        done = queue.retry(app.db, inbox.QUEUE, (entry.tenant, entry.event_id), app.clock())
        if done:
            app.vault.append(_note(app, entry, AuditEvent.EVENT_RETRIED, actor))
    app.wake_worker()
    return done


def drop(app: App, entry: QueueEntry, actor: Actor) -> bool:
    """Ends the row and erases what is in it. False where it needs no operator."""
    with app.db.transaction():
        done = queue.drop(app.db, inbox.QUEUE, (entry.tenant, entry.event_id), app.clock())
        if done:
            app.vault.append(_note(app, entry, AuditEvent.EVENT_DROPPED, actor))
    return done


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
