"""Freezes a tenant, or everything: from that commit on no stored token opens, and nothing is lost.

What asks Slack or runs for the tenant waits: refreshes, checks, rows of the inbox, which lose no attempt. A new grant
is stored, and waits with the rest. What removes the tenant goes on, and so do new data keys and the trial of a backup,
which give a token to nobody. A call whose audit row was committed before the freeze may still be made.
"""

from slackapp.flows.app import App
from slackapp.model import NO_TENANT, Actor, AuditEntry, AuditEvent, AuditResult, Tenant
from slackapp.store import freezes
from slackapp.store.freezes import EVERYTHING, Freeze

__all__ = ["EVERYTHING", "end", "list_remaining", "run"]


def run(app: App, tenant: Tenant, actor: Actor, now: int) -> bool:
    """Freezes a tenant, installed or not, or everything for `NO_TENANT`; False where that is so. Raises StoreError."""
    with app.db.transaction():
        is_new = freezes.add(app.db, tenant, actor, now)
        if is_new:
            entry = AuditEntry(at=now, event=AuditEvent.FREEZE_ON, actor=actor, tenant=tenant, result=AuditResult.ON)
            app.vault.append(entry)
    return is_new


def end(app: App, tenant: Tenant, actor: Actor, now: int) -> bool:
    """Ends that freeze, and no other; False where there is none. Raises StoreError."""
    with app.db.transaction():
        is_over = freezes.delete(app.db, tenant)
        if is_over:
            entry = AuditEntry(at=now, event=AuditEvent.FREEZE_OFF, actor=actor, tenant=tenant, result=AuditResult.OK)
            app.vault.append(entry)
    return is_over


def list_remaining(app: App, tenant: Tenant) -> list[Freeze]:
    """Lists the freezes that still keep the tenant's tokens closed, or anybody's for `NO_TENANT`."""
    held = freezes.list_all(app.db)
    return [freeze for freeze in held if freeze.is_of_everything or tenant in (NO_TENANT, freeze.tenant)]
