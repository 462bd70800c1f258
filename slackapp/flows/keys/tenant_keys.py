"""Use of a tenant's keys by a flow: confirmed before it writes, opening what they sealed, refusing where they fail.

Keys are opened before a transaction begins, because whoever holds the master key may be far away. In between, another
process may have purged the tenant or given it new keys; what is sealed under a key that is gone would never open. Or
the master key was rotated, and the old one retired: what it wraps would be lost with it.

Whoever opens a token does so by `read_token`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError, Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.keys.suspend_tenant import suspend
from slackapp.model import (
    LOCAL_PROVIDER,
    AuditEntry,
    AuditEvent,
    AuditResult,
    Secret,
    Tenant,
)
from slackapp.store import data_keys, meta
from slackapp.store.queue import Run
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.secret_reads import Lease, TokenRead

MAX_TRIES = 3
_RETRY_AFTER = 30


class KeysChangedError(Exception):
    """Changed keys: prepare anew and try again."""


def confirm_keys(app: App, tenant: Tenant, keys: TenantKeys, now: int) -> None:
    """Confirms, inside the transaction, that the prepared keys are the stored ones, or stores them now.

    Raises KeysChangedError.
    """
    if data_keys.active_ids(app.db, tenant, keys.connection_id) != (frozenset() if keys.minted else keys.key_ids):
        raise KeysChangedError
    primary = meta.primary_master_key(app.db) if keys.minted else None
    for key in keys.minted:
        # Only the primary: whichever else wrapped it may be out of the file by now.
        # claim: C-92
        if key.provider == LOCAL_PROVIDER and key.master_version != primary:
            raise KeysChangedError
        if not data_keys.add(app.db, tenant, key, now):
            raise KeysChangedError


def read_token(app: App, read: TokenRead, *, run: Run | None = None, lease: Lease | None = None) -> Secret:
    """Opens a token by the vault, with its key's errors turned into refusals; see `Vault.read_token` for the rest."""
    with refuse_on_key_error(app, lambda: app.vault.make_entry(read)):
        return app.vault.read_token(read, run=run, lease=lease)


@contextmanager
def refuse_on_key_error(app: App, describe_use: Callable[[], AuditEntry]) -> Iterator[None]:
    """Turns key errors into refusals, around the use of a tenant's keys, outside any transaction.

    `describe_use` tells whose keys, who uses them and for what: so does the audit row of a value that does not open.
    """
    try:
        yield
    except KeyRevokedError:
        use = describe_use()
        suspend(app, use.tenant, use.actor)
        raise Refused(Refusal.KEY_REVOKED, tenant=use.tenant) from None
    except KeyUnavailableError:
        raise Refused(Refusal.KEY_UNAVAILABLE, retry_after=_RETRY_AFTER, tenant=describe_use().tenant) from None
    except DecryptError:
        use = describe_use()
        app.vault.append_committed(
            use._replace(event=AuditEvent.TOKEN_UNAVAILABLE, at=app.clock(), result=AuditResult.FAILED, detail=None)
        )
        app.metrics.count("slackapp_token_unavailable_total", {})
        # claim: C-35
        raise Refused(Refusal.TOKEN_UNAVAILABLE, tenant=use.tenant) from None
