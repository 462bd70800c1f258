"""Suspension of a tenant whose key provider refuses, and its end; no other tenant is touched.

Nothing is deleted: its records stay sealed, and without the key they are only noise.
"""

import zlib

from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.model import SCHEDULER, Actor, AuditEntry, AuditEvent, InstallationStatus, Tenant, TenantChange
from slackapp.store import installations

_MAX_SECONDS = 20
"""Seconds for which the scheduler asks providers in one go."""


def suspend(app: App, tenant: Tenant, actor: Actor) -> None:
    """Marks the tenant, once."""
    with app.db.transaction():
        if tenant_data.set_status(app, tenant, InstallationStatus.ACTIVE, InstallationStatus.SUSPENDED):
            app.vault.append(AuditEntry(at=app.clock(), event=AuditEvent.TENANT_SUSPENDED, actor=actor, tenant=tenant))
            notes.count_tenant_change(app, tenant, TenantChange.SUSPENDED)
    app.keyring.evict(tenant)
    app.installation_cache.evict(tenant)


def restore_all(app: App) -> int:
    """Asks the provider of each suspended tenant, and restores those whose keys it gives; returns how many.

    Providers that hang do not keep the scheduler from its other tasks: it goes on next time, and begins elsewhere.
    """
    restored, begun = 0, app.clock.steady()
    suspended = installations.list_by_status(app.db, InstallationStatus.SUSPENDED)
    start = zlib.crc32(f"{app.process_id} {begun // 60}".encode()) % len(suspended) if suspended else 0
    for tenant in suspended[start:] + suspended[:start]:
        if app.clock.steady() - begun > _MAX_SECONDS:
            break
        found = installations.find(app.db, tenant)
        # claim: C-81
        if found is None or found.status_reason:
            continue  # not for its key: nothing but a new install helps
        app.keyring.evict(tenant)
        try:
            app.keyring.open_tenant_keys(tenant)
        except (KeyRevokedError, KeyUnavailableError, DecryptError):
            continue
        with app.db.transaction():
            if tenant_data.set_status(app, tenant, InstallationStatus.SUSPENDED, InstallationStatus.ACTIVE):
                app.vault.append(
                    AuditEntry(at=app.clock(), event=AuditEvent.TENANT_RESTORED, actor=SCHEDULER, tenant=tenant)
                )
                restored += 1
    return restored
