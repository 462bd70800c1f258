"""Uninstall at an operator's or admin's wish: tells Slack, then erases, whether or not Slack could be told.

That it was decided is committed first. A process that is killed in the middle leaves a job behind, and the worker
finishes it; a re-install that comes in between wins.
"""

from typing import NamedTuple

from slackapp.checks.capabilities import REMOVE
from slackapp.checks.slack_errors import classify_error
from slackapp.errors import Refused, SlackCallError, SlackErrorKind, StoreError
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.removal import purge_tenant
from slackapp.flows.tokens import use_token
from slackapp.model import (
    Actor,
    ActorKind,
    AuditDetail,
    AuditEntry,
    AuditEvent,
    AuditResult,
    Holder,
    Installation,
    InstallationStatus,
    QueueState,
    Tenant,
    TokenStatus,
)
from slackapp.store import inbox, installations, queue, tokens
from slackapp.store.queue import Run

_COMPLETED_BY_WORKER = frozenset({ActorKind.SLACK, ActorKind.WORKER})
"""What customers do over and over is completed for many of them at once; an operator waits for it."""
_REMOVED_IN = frozenset({InstallationStatus.PURGING})
_JOB_AFTER = 60
"""Seconds after which the worker takes over an uninstall that was begun."""


class UninstallResult(NamedTuple):
    """Result of an uninstall. `slack` is `uninstalled`, `revoked`, `nothing to tell` or `not told: …`.

    `erased` is false only where somebody installed again meanwhile. While the purge is `pending`, all rows are gone and
    a log or the key backup is not rewritten yet; the worker goes on with it.
    """

    found: bool
    slack: str
    erased: bool
    pending: bool


def run(app: App, tenant: Tenant, actor: Actor, now: int) -> UninstallResult:
    """Removes a workspace or an enterprise; for one that is not there, says that there is nothing. Idempotent."""
    with app.db.transaction():
        installation = begin(app, tenant, actor, now)
    return finish(app, tenant, installation, actor)


def begin(app: App, tenant: Tenant, actor: Actor, now: int) -> Installation | None:
    """Decides on it, inside a transaction, and leaves a job for the case that nobody finishes it."""
    # 1. find the tenant
    # 2. from now on nothing else uses its tokens
    installation = installations.find(app.db, tenant)
    if installation is not None:
        tenant_data.set_status(app, tenant, installation.status, InstallationStatus.PURGING)
        job_id = f"uninstall-{app.entropy(12).hex()}"
        inbox.add_job(app.db, job_id, inbox.UNINSTALL, tenant, now=now, next_at=now + _JOB_AFTER)
        app.vault.append(AuditEntry(at=now, event=AuditEvent.UNINSTALL_BEGUN, actor=actor, tenant=tenant))
    return installation


def finish(app: App, tenant: Tenant, installation: Installation | None, actor: Actor) -> UninstallResult:
    """Finishes what was begun; `installation` is what was found then."""
    return _finish(app, installation, actor) if installation is not None else _not_installed(app, tenant, actor)


def _not_installed(app: App, tenant: Tenant, actor: Actor) -> UninstallResult:
    """Makes the result where no tenant is there; but an earlier purge of it may be pending still."""
    jobs = inbox.pending_purges_of(app.db, tenant)
    complete = [purge_tenant.complete_now(app, tenant, job_id, actor) for job_id in jobs]
    return UninstallResult(found=False, slack="nothing to tell", erased=True, pending=not all(complete))


def resume(app: App, row: Run, now: int) -> None:
    """Resumes the job that a killed process had begun."""
    installation = installations.find(app.db, row.tenant)
    if installation is not None and installation.status == InstallationStatus.PURGING:
        _finish(app, installation, row.actor)
    queue.finish(app.db, row, QueueState.DONE, "resumed", now=now)


def _finish(app: App, installation: Installation, actor: Actor) -> UninstallResult:
    tenant = installation.tenant
    # 3. tell Slack
    told, why = _tell_slack(app, tenant, actor)
    slack = f"not told: {why}" if why else _WORDS[told]
    # 4. erase, unless somebody installed again meanwhile
    now = app.clock()
    with app.db.transaction():
        current = installations.find(app.db, tenant)
        if current is None:
            return UninstallResult(found=True, slack=slack, erased=True, pending=False)
        # claim: C-64
        if current.status != InstallationStatus.PURGING or current.generation != installation.generation:
            return UninstallResult(found=True, slack=slack, erased=False, pending=False)
        job_id = purge_tenant.erase(app, tenant, reason=AuditDetail.UNINSTALL, actor=actor, now=now)
        app.vault.append(
            AuditEntry(
                at=now,
                event=AuditEvent.UNINSTALLED,
                actor=actor,
                tenant=tenant,
                result=why or AuditResult.OK,
                detail=told,
            )
        )
    purge_tenant.evict(app, tenant)
    app.metrics.count("slackapp_uninstalls_total", {"by": actor.name})
    # 5. complete the purge, or leave that to the worker
    complete = actor.kind not in _COMPLETED_BY_WORKER and purge_tenant.complete_now(app, tenant, job_id, actor)
    return UninstallResult(found=True, slack=slack, erased=True, pending=not complete)


_WORDS = {
    AuditDetail.NOTHING_TO_REVOKE: "nothing to tell",
    AuditDetail.ACCEPTED: "uninstalled",
    AuditDetail.REVOKED: "revoked",
}


def _tell_slack(app: App, tenant: Tenant, actor: Actor) -> tuple[AuditDetail, str]:
    """Tells Slack, by the first token that may; how, and the code of what went wrong or ""."""
    holders = [token.holder for token in tokens.list_by_tenant(app.db, tenant) if token.status != TokenStatus.DEAD]
    if not holders:
        return AuditDetail.NOTHING_TO_REVOKE, ""
    for holder in holders:
        try:
            use_token.run(app, _use(tenant, holder, "apps.uninstall", actor), app.slack.uninstall)
            return AuditDetail.ACCEPTED, ""
        except (SlackCallError, Refused, StoreError):
            continue  # not every kind of token may uninstall (docs.slack.dev/reference/methods/apps.uninstall)
    failures = [reason for holder in holders if (reason := _revoke(app, tenant, holder, actor))]
    return AuditDetail.NOT_ACCEPTED if failures else AuditDetail.REVOKED, failures[0] if failures else ""


def _revoke(app: App, tenant: Tenant, holder: Holder, actor: Actor) -> str | None:
    """Revokes the token; why it could not be, or None when it was, or was dead already."""
    try:
        use_token.call(app, _use(tenant, holder, "auth.revoke", actor), {})
    except SlackCallError as error:
        return None if classify_error(error.code) is SlackErrorKind.DEAD else error.code
    except Refused as refused:
        return refused.refusal.code
    except StoreError:
        return "store_failed"
    return None


def _use(tenant: Tenant, holder: Holder, method: str, actor: Actor) -> use_token.TokenUse:
    return use_token.TokenUse(
        tenant=tenant,
        holder=holder,
        capability=REMOVE,
        method=method,
        purpose="uninstall",
        actor=actor,
        statuses=_REMOVED_IN,
        ignore_pause=True,
    )
