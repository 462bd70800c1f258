"""Deletes what a Bolt app says was revoked: the bot, one user, all users, or everything.

What is named goes at once, in one transaction, and nothing that could open it stays. When the last of a tenant goes,
the whole tenant does, with its keys. An event of Slack's that comes with its time is judged by that, as in our own
service, and what time does not decide Slack is asked about at once: a Bolt app has no worker.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks import event_envelope, tenant_of
from slackapp.errors import Refusal, Refused
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.removal import judge_revocation, purge_tenant
from slackapp.flows.upkeep import sweep
from slackapp.model import BOT, Actor, AuditDetail, AuditEntry, AuditEvent, Holder, InstallationStatus, Tenant
from slackapp.store import inbox, installations, installers, queue, tokens
from slackapp.store.inbox import IncomingEvent


def handle_lifecycle_event(app: App, body: Mapping[str, Any], actor: Actor) -> None:
    """Acts on the verified body of `app_uninstalled` or `tokens_revoked`, whole, before it is acknowledged.

    Raises Refused(EVENT) for a body of another form, Refused(TOKEN_UNAVAILABLE) where Slack must say it again, because
    it could not be asked just now, and StoreError.
    """
    read, tenant, now = event_envelope.read_envelope(body), tenant_of.tenant_of_lifecycle(body), app.clock()
    if tenant is None:
        raise Refused(Refusal.EVENT)
    arrival = IncomingEvent(read.event_id, tenant, read.type, read.event_time, trace_id=actor.request_id or "")
    judge_revocation.receive(app, arrival, read.event, actor, now=now)
    resolve_pending(app, tenant, actor)
    sweep.run(app, now)  # here, because a Bolt app has no scheduler of ours
    if queue.is_open(app.db, inbox.QUEUE, tenant, read.event_id):
        raise Refused(Refusal.TOKEN_UNAVAILABLE)


def resolve_pending(app: App, tenant: Tenant, actor: Actor) -> None:
    """Asks Slack about what is open for this tenant, and completes what was erased. Raises StoreError."""
    while True:
        now = app.clock()
        with app.db.transaction():
            owner = f"{app.process_id}:{actor.request_id}"
            row = inbox.claim_revocation(app.db, tenant, owner=owner, now=now, steady=app.clock.steady())
        if row is None:
            break
        judge_revocation.ask_slack(app, row, now)
    _complete(app, tenant, None, actor)


def delete_bot(app: App, tenant: Tenant, actor: Actor) -> None:
    """Deletes the bot's token and webhooks; users stay. Raises StoreError."""
    with app.db.transaction():
        tokens.delete(app.db, tenant, BOT)
        installers.delete(app.db, tenant, BOT)
        installers.delete_webhooks(app.db, tenant)
        installations.delete_webhook(app.db, tenant)
        tenant_data.set_status(
            app, tenant, InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL, reason="bot deleted"
        )
        job_id = _note(app, tenant, BOT, actor)
    _complete(app, tenant, job_id, actor)


def delete_users(app: App, tenant: Tenant, user_id: str | None, actor: Actor) -> None:
    """Deletes one user's tokens, or (None) all users'; the bot stays. Raises StoreError."""
    with app.db.transaction():
        if user_id is None:
            tokens.delete_users(app.db, tenant)
            installers.delete_users(app.db, tenant)
        elif user_id:
            tokens.delete(app.db, tenant, Holder.user(user_id))
            installers.delete(app.db, tenant, Holder.user(user_id))
        job_id = _note(app, tenant, Holder.user(user_id) if user_id else None, actor)
    _complete(app, tenant, job_id, actor)


def delete_tenant(app: App, tenant: Tenant, actor: Actor) -> None:
    """Deletes the tenant, its keys first. Raises StoreError."""
    with app.db.transaction():
        job_id = purge_tenant.erase(app, tenant, reason=AuditDetail.DELETED, actor=actor, now=app.clock())
    _complete(app, tenant, job_id, actor)


def _note(app: App, tenant: Tenant, holder: Holder | None, actor: Actor) -> str | None:
    """Appends the audit row, inside the transaction. When nothing is left the tenant goes; then, the job's id."""
    app.vault.append(
        AuditEntry(
            at=app.clock(),
            event=AuditEvent.TOKENS_ERASED,
            actor=actor,
            tenant=tenant,
            holder=holder,
            detail=AuditDetail.ALL_USERS if holder is None else None,
        )
    )
    if tokens.count(app.db, tenant) or installers.list_by_tenant(app.db, tenant):
        return None
    return purge_tenant.erase(app, tenant, reason=AuditDetail.NOTHING_LEFT, actor=actor, now=app.clock())


def _complete(app: App, tenant: Tenant, job_id: str | None, actor: Actor) -> None:
    """A purge, and earlier ones that somebody's reading of the log had kept from their end."""
    if job_id is not None:
        purge_tenant.evict(app, tenant)
    for waiting in inbox.pending_purges_of(app.db, tenant):
        purge_tenant.complete_now(app, tenant, waiting, actor)
