"""Audit rows, written by flows in the transaction of what they tell of."""

from slackapp.flows.app import App
from slackapp.model import Origin, Tenant
from slackapp.store import audit


def note(app: App, event: str, tenant: Tenant, origin: Origin, result: str, detail: str, now: int) -> None:
    """Adds a row inside the open transaction."""
    entry = audit.Entry(now, event, origin.actor, tenant, origin.request_id, result, detail)
    audit.append(app.db, entry, app.keyring.audit_mac)


def note_alone(app: App, event: str, tenant: Tenant, origin: Origin, result: str, detail: str, now: int) -> None:
    """Adds a row in a transaction of its own."""
    with app.db.transaction():
        note(app, event, tenant, origin, result, detail, now)


def count_change(app: App, tenant: Tenant, change: str) -> None:
    """Counts what happened to a tenant, whose id does not become a label."""
    app.metrics.count("slackapp_tenant_changes_total", {"tenant": app.keyring.label(tenant), "change": change})
