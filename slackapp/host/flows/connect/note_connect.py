"""Notes how connects go: in the audit, in the day's numbers of the organization, and among the metrics.

What is written stands in the transaction of the caller. Metrics of a process come to the database by themselves.
"""

from slackapp.flows.app import App
from slackapp.host.rows import Connection, ConnectionKey, HostAuditEvent, NewConnection, StatusReason, UsageAction
from slackapp.host.store import organizations
from slackapp.model import Actor, AuditEntry, AuditResult, Tenant

_FLOWS, _SECONDS = "slackapp_oauth_flows_total", "slackapp_oauth_flow_seconds"


def count(app: App, result: str, reason: str = "") -> None:
    """Counts a connect that was begun, completed, or failed for that reason."""
    app.metrics.count(_FLOWS, {"result": result, "reason": reason})


def note_begun(app: App, new: NewConnection, actor: Actor, now: int) -> None:
    """Notes a connect that begins; whoever calls counts it once that is committed, since this may run twice."""
    entry = AuditEntry(at=now, event=HostAuditEvent.OAUTH_INITIATED, actor=actor, connection=new.id)
    app.vault.append(entry._replace(purpose=new.purpose_id))
    organizations.add_usage(app.db, new.organization_id, UsageAction.CONNECT_BEGUN, now)


def note_completed(
    app: App, attempt: Connection, connection_id: str, tenant: Tenant, *, actor: Actor, now: int
) -> None:
    """Notes a connect that has come to its end, and how long it took from its begin."""
    entry = AuditEntry(at=now, event=HostAuditEvent.OAUTH_COMPLETED, actor=actor, tenant=tenant)
    entry = entry._replace(connection=connection_id, purpose=attempt.purpose_id)
    app.vault.append(entry)
    if connection_id == attempt.id:
        app.vault.append(entry._replace(event=HostAuditEvent.INTEGRATION_CREATED))
    organizations.add_usage(app.db, attempt.organization_id, UsageAction.CONNECT_COMPLETED, now)
    count(app, "completed")
    app.metrics.observe(_SECONDS, max(0, now - attempt.created_at))


def note_failed(app: App, key: ConnectionKey, reason: StatusReason, actor: Actor, *, now: int) -> None:
    """Notes a connect that has come to nothing, and why."""
    entry = AuditEntry(at=now, event=HostAuditEvent.OAUTH_FAILED, actor=actor, connection=key.id)
    app.vault.append(entry._replace(result=AuditResult.FAILED, detail=reason))
    organizations.add_usage(app.db, key.organization_id, UsageAction.CONNECT_FAILED, now)
    count(app, "failed", reason)
