"""Suspension of a tenant whose key provider refuses, and its end; no other tenant is touched.

Nothing is deleted: its records stay sealed, and without the key they are only noise.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError, Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.model import Actor, Tenant
from slackapp.store import installations

_RETRY_AFTER = 30
_MAX_SECONDS = 20
"""Seconds that the upkeep asks providers in one go."""


@contextmanager
def refuse_on_key_error(app: App, tenant: Tenant, actor: Actor, detail: str) -> Iterator[None]:
    """Turns key errors into refusals, around the use of a tenant's keys, outside any transaction.

    `detail` goes into the audit row of a value that does not open.
    """
    try:
        yield
    except KeyRevokedError:
        suspend(app, tenant, actor)
        raise Refused(Refusal.KEY_REVOKED, tenant=tenant) from None
    except KeyUnavailableError:
        raise Refused(Refusal.KEY_UNAVAILABLE, retry_after=_RETRY_AFTER, tenant=tenant) from None
    except DecryptError:
        audit_log.append_committed(app, "token.unavailable", tenant, actor, "failed", detail, app.clock())
        app.metrics.count("slackapp_token_unavailable_total", {})
        # claim: C-35
        raise Refused(Refusal.TOKEN_UNAVAILABLE, tenant=tenant) from None


def suspend(app: App, tenant: Tenant, actor: Actor) -> None:
    """Marks the tenant, once."""
    with app.db.transaction():
        if installations.set_status(app.db, tenant, "active", "suspended"):
            audit_log.append(app, "tenant.suspended", tenant, actor, "ok", "", app.clock())
            audit_log.count_tenant_change(app, tenant, "suspended")
    app.keyring.evict(tenant)


def restore_all(app: App) -> int:
    """Upkeep: asks the provider of each suspended tenant, and serves those again whose keys it gives; how many.

    Providers that hang do not keep the upkeep from its other errands: it goes on next time, and begins elsewhere.
    """
    restored, begun = 0, app.clock.steady()
    suspended = installations.list_by_status(app.db, "suspended")
    start = zlib.crc32(f"{app.process_id} {begun // 60}".encode()) % len(suspended) if suspended else 0
    for tenant in suspended[start:] + suspended[:start]:
        if app.clock.steady() - begun > _MAX_SECONDS:
            break
        found = installations.find(app.db, tenant)
        # claim: C-81
        if found is None or found.status_reason:
            continue  # not for its key: nothing but a new install is the mend
        app.keyring.evict(tenant)
        try:
            app.keyring.open_tenant_keys(tenant)
        except (KeyRevokedError, KeyUnavailableError, DecryptError):
            continue
        with app.db.transaction():
            if installations.set_status(app.db, tenant, "suspended", "active"):
                audit_log.append(app, "tenant.restored", tenant, Actor("worker", ""), "ok", "", app.clock())
                restored += 1
    return restored
