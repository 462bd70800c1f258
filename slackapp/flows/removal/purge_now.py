"""Purge at an operator's wish: erased at once, Slack not told; and a look at what is left."""

from collections.abc import Mapping
from dataclasses import dataclass

from slackapp.flows.app import App
from slackapp.flows.removal import purge_tenant
from slackapp.model import Actor, AuditDetail, Tenant
from slackapp.store import inbox


@dataclass(frozen=True)
class PurgeResult:
    """Remains, by place, of tenants that are not installed; and which purges are pending, and why."""

    left: Mapping[str, int]
    pending: Mapping[Tenant, str]


def run(app: App, tenant: Tenant, actor: Actor) -> PurgeResult:
    """Erases a tenant, and looks. Raises StoreError; once it is erased, the worker completes what is pending."""
    with app.db.transaction():
        job_id = purge_tenant.erase(app, tenant, reason=AuditDetail.OPERATOR, actor=actor, now=app.clock())
    purge_tenant.evict(app, tenant)
    purge_tenant.complete_now(app, tenant, job_id, actor)
    return verify(app)


def verify(app: App) -> PurgeResult:
    """Looks for what must not be there. Raises StoreError."""
    return PurgeResult(purge_tenant.verify(app), inbox.pending_purges(app.db))
