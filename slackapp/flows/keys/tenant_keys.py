"""Confirmation, inside the transaction, that prepared keys are still the tenant's keys.

Keys are opened before a transaction begins, because whoever holds the master key may be far away. In between, another
process may have purged the tenant or given it new keys; what is sealed under a key that is gone would never open. Or
the master key was rotated, and the old one retired: what it wraps would be lost with it.
"""

from collections.abc import Callable

from slackapp.errors import DecryptError
from slackapp.flows.app import App
from slackapp.model import LOCAL_PROVIDER, RecordContext, Sealed, Tenant
from slackapp.store import data_keys, meta
from slackapp.vault.keyring import TenantKeys

MAX_TRIES = 3


class KeysChangedError(Exception):
    """The keys are others by now: prepare anew and try again."""


def confirm_keys(app: App, tenant: Tenant, keys: TenantKeys, now: int) -> None:
    """Confirms, inside the transaction, that the prepared keys are the stored ones, or stores them now.

    Raises KeysChangedError.
    """
    stored = frozenset(key.key_id for key in data_keys.active(app.db, tenant))
    if stored != (frozenset() if keys.minted else keys.key_ids):
        raise KeysChangedError
    primary = meta.primary_master_key(app.db)
    for key in keys.minted:
        # Only the primary: whichever else wrapped it may be out of the file by now.
        # claim: C-92
        if key.provider == LOCAL_PROVIDER and key.master_version != primary:
            raise KeysChangedError
        if not data_keys.add(app.db, tenant, key, now):
            raise KeysChangedError


def open_or_reread(app: App, context: RecordContext, sealed: Sealed, reread: Callable[[], Sealed | None]) -> bytes:
    """Opens a record that was just read, and reads it once more where it was sealed anew meanwhile.

    Raises DecryptError for a record that does not open.
    """
    try:
        return app.keyring.open(context, sealed)
    except DecryptError:
        current = reread()
        if current is None or current == sealed:
            raise
    return app.keyring.open(context, current)
