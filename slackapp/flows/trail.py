"""Audit rows, written by flows in the transaction of what they tell of."""

from slackapp.model import Origin, Tenant
from slackapp.ports import App
from slackapp.store import audit


def note(app: App, event: str, tenant: Tenant, origin: Origin, result: str, detail: str, now: int) -> None:
    """Adds a row inside the open transaction."""
    entry = audit.Entry(now, event, origin.actor, tenant, origin.request_id, result, detail)
    audit.append(app.db, entry, app.keyring.audit_mac)


def note_alone(app: App, event: str, tenant: Tenant, origin: Origin, result: str, detail: str, now: int) -> None:
    """Adds a row in a transaction of its own."""
    with app.db.transaction():
        note(app, event, tenant, origin, result, detail, now)
