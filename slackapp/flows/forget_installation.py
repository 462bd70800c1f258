"""Forgets what a Bolt app says was revoked: the bot, one person, all persons, or everything.

What is named goes at once, in one transaction, and nothing that could open it stays. When the last of a tenant goes,
the whole tenant does, with its keys.
"""

from slackapp.flows import purge_tenant, trail
from slackapp.model import Origin, Tenant
from slackapp.ports import App
from slackapp.store import inbox, installations, installers, tokens


def bot(app: App, tenant: Tenant, origin: Origin) -> None:
    """The bot's token and webhooks; persons stay. Raises StoreError."""
    with app.db.transaction():
        tokens.delete(app.db, tenant, "")
        installers.delete(app.db, tenant, "")
        installers.delete_webhooks(app.db, tenant)
        installations.delete_webhook(app.db, tenant)
        installations.set_status(app.db, tenant, "active", "needs_reinstall", "bot deleted")
        job_id = _note(app, tenant, "bot", origin)
    _complete(app, tenant, job_id, origin)


def persons(app: App, tenant: Tenant, user_id: str | None, origin: Origin) -> None:
    """One person, or (None) all of them; the bot stays. Raises StoreError."""
    with app.db.transaction():
        if user_id is None:
            tokens.delete_users(app.db, tenant)
            installers.delete_people(app.db, tenant)
        elif user_id:
            tokens.delete(app.db, tenant, user_id)
            installers.delete(app.db, tenant, user_id)
        job_id = _note(app, tenant, f"user={'all' if user_id is None else user_id}", origin)
    _complete(app, tenant, job_id, origin)


def everything(app: App, tenant: Tenant, origin: Origin) -> None:
    """The tenant, its keys first. Raises StoreError."""
    with app.db.transaction():
        job_id = purge_tenant.erase(app, tenant, "deleted", origin, app.clock())
    _complete(app, tenant, job_id, origin)


def _note(app: App, tenant: Tenant, what: str, origin: Origin) -> str:
    """Inside the transaction. When nothing is left the tenant goes; then, the job's id."""
    trail.note(app, "tokens.erased", tenant, origin, "ok", what, app.clock())
    if tokens.count(app.db, tenant) or installers.of_tenant(app.db, tenant):
        return ""
    return purge_tenant.erase(app, tenant, "nothing left", origin, app.clock())


def _complete(app: App, tenant: Tenant, job_id: str, origin: Origin) -> None:
    """A purge, and earlier ones that somebody's reading of the log had kept from their end."""
    if job_id:
        purge_tenant.erased(app, tenant)
    for waiting in inbox.open_purges_of(app.db, tenant):
        purge_tenant.complete_now(app, tenant, waiting, origin)
