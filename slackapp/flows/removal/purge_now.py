"""Purge at an operator's wish: erased at once, Slack not told; and a look at what is left."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slackapp.flows import named_tenants
from slackapp.flows.app import App
from slackapp.flows.removal import purge_tenant
from slackapp.model import Actor, AuditDetail, Installation, Tenant
from slackapp.store import inbox


@dataclass(frozen=True)
class PurgeResult:
    """Remains, by place, of tenants that are not installed; and which purges are pending, and why."""

    left: Mapping[str, int]
    pending: Mapping[Tenant, str]


def run(app: App, claimed_id: str, actor: Actor, confirm: Callable[[Installation], None]) -> PurgeResult:
    """Erases the tenant that an id names, once that is confirmed, and looks. Raises CommandError, StoreError.

    Once it is erased, the worker completes what is pending. `confirm` raises where nothing is to be done.
    """
    installation = named_tenants.require_installation(app, claimed_id)
    confirm(installation)
    tenant = installation.tenant
    with app.db.transaction():
        job_id = purge_tenant.erase(app, tenant, reason=AuditDetail.OPERATOR, actor=actor, now=app.clock())
    purge_tenant.evict(app, tenant)
    purge_tenant.complete_now(app, tenant, job_id, actor)
    return verify(app)


def verify(app: App) -> PurgeResult:
    """Looks for what must not be there. Raises StoreError."""
    return PurgeResult(purge_tenant.verify(app), inbox.pending_purges(app.db))
