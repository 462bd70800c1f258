"""That the keys which a flow has prepared are still the tenant's keys when it comes to write.

Keys are opened before a transaction begins, because whoever holds the master key may be far away. In between, another
process may have purged the tenant or given it new keys; what is sealed under a key that is gone would never open.
"""

from slackapp.model import Tenant
from slackapp.ports import App, TenantKeys
from slackapp.store import data_keys

TRIES = 3


class KeysChangedError(Exception):
    """The keys are others by now: prepare anew and try again."""


def settle(app: App, tenant: Tenant, keys: TenantKeys, now: int) -> None:
    """Inside the transaction: the prepared keys are the stored ones, or are stored now. Raises KeysChangedError."""
    stored = frozenset(key.key_id for key in data_keys.active(app.db, tenant))
    if stored != (frozenset() if keys.minted else keys.key_ids):
        raise KeysChangedError
    for key in keys.minted:
        if not data_keys.add(app.db, tenant, key, now):
            raise KeysChangedError
