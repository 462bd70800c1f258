"""What an operator can do with rows of the inbox that need a person: look, let them run again, or drop them."""

from slackapp.crypto import records
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.flows.keys.suspend_tenant import guard
from slackapp.flows.keys.tenant_keys import open_current
from slackapp.model import Origin
from slackapp.store import inbox
from slackapp.store.inbox import Entry


def read_body(app: App, entry: Entry, origin: Origin) -> str:
    """The body as Slack sent it, which is the customer's content: noted before it is opened. "" where there is none.

    Raises Refused for a body that does not open.
    """
    sealed = inbox.body_of(app.db, entry.tenant, entry.event_id)
    if sealed is None:
        return ""
    audit_log.note_alone(app, "event.read", entry.tenant, origin, "ok", f"event={entry.event_id}", app.clock())
    with guard(app, entry.tenant, origin, f"event={entry.event_id}"):
        context = records.body_of(entry.tenant, entry.event_id)
        return open_current(app, context, sealed, lambda: inbox.body_of(app.db, entry.tenant, entry.event_id)).decode()


def retry(app: App, entry: Entry, origin: Origin) -> bool:
    """Runs the row again, though Slack may have acted on it: so a person must say so. False where it needs none."""
    with app.db.transaction():
        done = inbox.retry(app.db, entry.tenant, entry.event_id, app.clock())
        if done:
            _note(app, entry, "event.retried", origin)
    app.wake_worker()
    return done


def drop(app: App, entry: Entry, origin: Origin) -> bool:
    """Ends the row and erases what is in it. False where it needs no person."""
    with app.db.transaction():
        done = inbox.drop(app.db, entry.tenant, entry.event_id, app.clock())
        if done:
            _note(app, entry, "event.dropped", origin)
    return done


def _note(app: App, entry: Entry, event: str, origin: Origin) -> None:
    detail = f"event={entry.event_id} was={entry.state}"
    audit_log.note(app, event, entry.tenant, origin, "ok", detail, app.clock())
