"""Tokens that will never work again: nothing is called with one any more, until a new install.

The answer to whoever asks for the token from then on carries the link for that.
"""

from slackapp.checks.token_refusals import FOREIGN_TOKEN
from slackapp.errors import Refusal, Refused
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.model import (
    BOT,
    INSTALL_PATH,
    STATUSES_IN_USE,
    Actor,
    AuditEvent,
    AuditResult,
    InstallationStatus,
    Tenant,
    TenantChange,
    Token,
)
from slackapp.store import tokens


def mark_dead(app: App, token: Token, reason: str, actor: Actor) -> None:
    """Marks the token dead, inside a transaction, and the installation with it where it is the bot's.

    `reason` is Slack's code, or ours.
    """
    if not tokens.mark_dead(app.db, token, reason):
        return
    if token.holder == BOT:
        tenant_data.set_status(
            app, token.tenant, InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL, reason=reason
        )
    tenant_data.note_end(app, token, reason)
    app.vault.append(notes.token_entry(AuditEvent.TOKEN_DEAD, token, actor, app.clock(), result=reason))
    notes.count_tenant_change(app, token.tenant, TenantChange.TOKEN_DEAD)


def suspend_foreign(app: App, token: Token, actor: Actor) -> None:
    """Slack says that the token is another tenant's: it is never used again, whatever the brake says.

    Where it is the bot's, the tenant is suspended until somebody installs again. Raises StoreError.
    """
    with app.db.transaction():
        # claim: C-81
        if not tokens.mark_dead(app.db, token, FOREIGN_TOKEN):
            return
        for status in STATUSES_IN_USE if token.holder == BOT else ():
            # claim: C-81
            tenant_data.set_status(app, token.tenant, status, InstallationStatus.SUSPENDED, reason=FOREIGN_TOKEN)
        tenant_data.note_end(app, token, FOREIGN_TOKEN)
        entry = notes.token_entry(AuditEvent.TOKEN_FOREIGN, token, actor, app.clock(), result=AuditResult.FAILED)
        app.vault.append(entry)
        notes.count_tenant_change(app, token.tenant, TenantChange.SUSPENDED)
    app.log.error("token_of_another_tenant", {"action": "uninstall the tenant, and let it install again"})


def refusal(app: App, tenant: Tenant) -> Refused:
    """Makes the refusal that carries the install link."""
    return Refused(Refusal.NEEDS_REINSTALL, install_url=install_url(app, tenant))


def install_url(app: App, tenant: Tenant) -> str:
    """Builds the address for a new install, with the workspace as a hint."""
    hint = "" if tenant.is_enterprise else f"?team={tenant.id}"
    return f"{app.settings.public_url}{INSTALL_PATH}{hint}"
