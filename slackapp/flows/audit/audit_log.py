"""Audit rows, written by flows in the transaction of what they tell of."""

from collections.abc import Sequence

from slackapp.flows.app import App
from slackapp.model import Actor, ActorKind, Tenant, TenantChange
from slackapp.store import audit
from slackapp.store.queue import UnclearRow


def append(app: App, event: str, tenant: Tenant, actor: Actor, result: str, detail: str, now: int) -> None:
    """Adds a row inside the open transaction."""
    entry = audit.AuditEntry(now, event, actor.name, tenant, actor.request_id or "", result, detail)
    audit.append(app.db, entry, app.keyring.audit_mac)


def append_committed(app: App, event: str, tenant: Tenant, actor: Actor, result: str, detail: str, now: int) -> None:
    """Adds a row in a transaction of its own."""
    with app.db.transaction():
        append(app, event, tenant, actor, result, detail, now)


def append_unclear(app: App, rows: Sequence[UnclearRow], now: int) -> None:
    """Adds one audit row, inside the transaction, for each inbox row whose call to Slack may have been made."""
    for row in rows:
        worker = Actor(ActorKind.WORKER, row.event_id)
        append(app, "event.unclear", row.tenant, worker, "unclear", f"event={row.event_id}", now)


def count_tenant_change(app: App, tenant: Tenant, change: TenantChange) -> None:
    """Counts what happened to a tenant, whose id does not become a label."""
    app.metrics.count("slackapp_tenant_changes_total", {"tenant": app.keyring.label(tenant), "change": change})
