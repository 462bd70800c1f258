"""Notes that several rooms write alike: calls that are unclear, scopes that drifted, and what a tenant went through."""

from collections.abc import Iterable, Sequence

from slackapp.flows.app import App
from slackapp.model import (
    Actor,
    AuditEntry,
    AuditEvent,
    AuditRecord,
    AuditResult,
    Tenant,
    TenantChange,
    Token,
    UnclearRow,
)
from slackapp.store.queue import worker_actor


def token_entry(event: AuditEvent, token: Token, actor: Actor, now: int, *, result: str = AuditResult.OK) -> AuditEntry:
    """Makes the audit row of what became of a token, in its generation."""
    return AuditEntry(
        at=now,
        event=event,
        actor=actor,
        tenant=token.tenant,
        holder=token.holder,
        generation=token.generation,
        result=result,
    )


def append_unclear(app: App, rows: Sequence[UnclearRow], now: int) -> None:
    """Adds one audit row, inside the transaction, for each row whose call to Slack may have been made."""
    for row in rows:
        app.vault.append(
            AuditEntry(
                at=now,
                event=AuditEvent.EVENT_UNCLEAR,
                actor=worker_actor(row.event_id, row.trace_id),
                tenant=row.tenant,
                record_kind=AuditRecord.EVENT,
                record_id=row.event_id,
                result=AuditResult.UNCLEAR,
            )
        )


def append_scopes(app: App, of: AuditEntry, missing: Iterable[str], surplus: Iterable[str]) -> None:
    """Adds one audit row, inside the transaction, for each scope that a token lacks or has besides.

    `of` tells whose token, and when.
    """
    for event, scopes in ((AuditEvent.SCOPE_MISSING, missing), (AuditEvent.SCOPE_SURPLUS, surplus)):
        for scope in scopes:
            app.vault.append(of._replace(event=event, record_kind=AuditRecord.SCOPE, record_id=scope))


def count_tenant_change(app: App, tenant: Tenant, change: TenantChange) -> None:
    """Counts what happened to a tenant, whose id does not become a label."""
    app.metrics.count("slackapp_tenant_changes_total", {"tenant": app.keyring.label(tenant), "change": change})
