"""Removes a tenant on our side's wish: tells Slack, then erases, whether or not Slack could be told.

That it was decided is committed first. A process that is killed in the middle leaves a job behind, and the worker
finishes it; a re-install that comes in between wins.
"""

from dataclasses import dataclass

from slackapp.errors import Refused, SlackCallError, StoreError
from slackapp.flows import purge_tenant, trail, use_token
from slackapp.model import InboxRow, Installation, Origin, Tenant
from slackapp.ports import App
from slackapp.store import inbox, installations, tokens

_JOB_AFTER = 60
"""Seconds after which the worker takes over an uninstall that was begun."""


@dataclass(frozen=True)
class Outcome:
    """What was done. `slack` is `uninstalled`, `revoked`, `nothing to tell` or `not told: …`."""

    tenant_id: str
    found: bool
    slack: str
    erased: bool


def run(app: App, claimed_id: str, origin: Origin, now: int) -> Outcome:
    """Removes the team or org with that id; for an unknown one, says that there is nothing. Idempotent."""
    # 1. find the tenant
    found = installations.find_tenants(app.db, claimed_id)
    if not found:
        return Outcome(claimed_id, found=False, slack="nothing to tell", erased=True)
    # 2. from now on nothing else uses its tokens
    with app.db.transaction():
        installation = installations.find(app.db, found[0])
        if installation is not None:
            installations.set_status(app.db, installation.tenant, installation.status, "purging")
            job_id = f"uninstall-{app.entropy(16).hex()}"
            inbox.add_job(app.db, job_id, inbox.UNINSTALL, installation.tenant, now, now + _JOB_AFTER)
            trail.note(app, "uninstall.begun", installation.tenant, origin, "ok", "", now)
    if installation is None:
        return Outcome(claimed_id, found=False, slack="nothing to tell", erased=True)
    return _finish(app, installation, origin)


def resume(app: App, row: InboxRow, now: int) -> None:
    """The job: what a killed process had begun."""
    installation = installations.find(app.db, row.tenant)
    if installation is not None and installation.status == "purging":
        _finish(app, installation, Origin("worker", row.event_id))
    inbox.finish(app.db, row.event_id, row.lease_owner, "done", "resumed", now)


def _finish(app: App, installation: Installation, origin: Origin) -> Outcome:
    tenant = installation.tenant
    # 3. tell Slack
    slack = _tell_slack(app, tenant, origin)
    # 4. erase, unless somebody installed again meanwhile
    now = app.clock()
    with app.db.transaction():
        current = installations.find(app.db, tenant)
        erase = current is None or (current.status == "purging" and current.generation == installation.generation)
        if erase and current is not None:
            purge_tenant.erase(app, tenant, "uninstall", origin, now)
            trail.note(app, "uninstalled", tenant, origin, "ok", f"slack={slack}", now)
    if erase:
        purge_tenant.erased(app, tenant)
        app.metrics.count("slackapp_uninstalls_total", {"by": origin.actor})
    return Outcome(tenant.id, found=True, slack=slack, erased=erase)


def _tell_slack(app: App, tenant: Tenant, origin: Origin) -> str:
    users = [token.user_id for token in tokens.of_tenant(app.db, tenant)]
    if not users:
        return "nothing to tell"
    try:
        use = _use(tenant, users[0])
        use_token.run(app, use, "apps.uninstall", app.slack.uninstall, origin, lambda: None)
        return "uninstalled"
    except (SlackCallError, Refused, StoreError) as error:
        reason = _reason(error)
    # Not every kind of token may uninstall: then each is revoked (docs.slack.dev/reference/methods/apps.uninstall).
    failures = [reason for user_id in users if (reason := _revoke(app, tenant, user_id, origin))]
    return f"not told: {failures[0]}" if failures else "revoked"


def _revoke(app: App, tenant: Tenant, user_id: str, origin: Origin) -> str:
    try:
        use_token.call(app, _use(tenant, user_id), "auth.revoke", {}, origin, lambda: None)
    except (SlackCallError, Refused, StoreError) as error:
        return _reason(error)
    return ""


def _use(tenant: Tenant, user_id: str) -> use_token.Use:
    return use_token.Use(tenant, user_id, "uninstall", frozenset({"purging"}))


def _reason(error: SlackCallError | Refused | StoreError) -> str:
    if isinstance(error, SlackCallError):
        return error.code
    return error.refusal.value.code if isinstance(error, Refused) else "the database failed"
