"""Providers that wrap data keys.

A provider holds (or reaches) a master key and never gives it out. `local` holds master keys from a private file;
`command` asks a program of the operator's, behind which any key service can stand.

Every provider wraps a data key together with its context: app, tenant, purpose, the key's id. It fails with one of
three: KeyRevokedError (for good, until the key's owner gives it back), KeyUnavailableError (a repeat may work),
DecryptError (the wrapped key is not what was wrapped here).
"""

import hmac
from typing import NamedTuple, Protocol

from slackapp.crypto import envelope
from slackapp.errors import ConfigError, DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.model import LOCAL_PROVIDER, NO_TENANT, Entropy, ProviderHealth, Tenant


class KeyContext(NamedTuple):
    """Context that a wrapped data key is bound to."""

    app_id: str
    tenant: Tenant
    purpose: str
    key_id: int


class KeyProvider(Protocol):
    """Provider that wraps and unwraps data keys. Safe for several threads."""

    @property
    def provider_id(self) -> str:
        """The name that stands in each wrapped key's row."""

    def wrap(self, context: KeyContext, data_key: bytes) -> tuple[int, bytes]:
        """Version of the master key, and the wrapped key of at most 4,096 bytes."""

    def unwrap(self, context: KeyContext, version: int, wrapped: bytes) -> bytes:
        """The data key, 32 bytes."""


def check_health(provider: KeyProvider, app_id: str, entropy: Entropy) -> ProviderHealth:
    """Wraps and unwraps a key that is then thrown away: `ok`, `revoked`, `unavailable` or `mismatch`."""
    context, key = KeyContext(app_id, NO_TENANT, "health", 0), entropy(envelope.KEY_BYTES)
    try:
        version, wrapped = provider.wrap(context, key)
        same = hmac.compare_digest(provider.unwrap(context, version, wrapped), key)
        return ProviderHealth.OK if same else ProviderHealth.MISMATCH
    except KeyRevokedError:
        return ProviderHealth.REVOKED
    except KeyUnavailableError:
        return ProviderHealth.UNAVAILABLE
    except DecryptError:
        return ProviderHealth.MISMATCH


class LocalProvider:
    """Master keys from a file on this machine; `primary` is the version that new data keys are wrapped with."""

    provider_id = LOCAL_PROVIDER

    def __init__(self, master_keys: dict[int, bytes], primary: int, entropy: Entropy) -> None:
        self._entropy = entropy
        self._keys: dict[int, bytes] = {}
        self._primary = 0
        self.replace(master_keys, primary)

    @property
    def versions(self) -> frozenset[int]:
        """The versions that it can unwrap with."""
        return frozenset(self._keys)

    def replace(self, master_keys: dict[int, bytes], primary: int) -> None:
        """Replaces the keys by what the file holds now.

        Raises ConfigError, and keeps what it had, without the primary.
        """
        if primary not in master_keys:
            raise ConfigError(f"SLACKAPP_MASTER_KEY_FILE: master key {primary} is missing; this database needs it")
        # Whole objects are exchanged: a thread that reads meanwhile sees the old pair or the new one.
        self._keys, self._primary = dict(master_keys), primary

    def check_value(self, version: int, app_id: str, database_id: str) -> str:
        """Shows whether a master key belongs to a database, and is of no use to anyone else."""
        return envelope.check_value(self._keys[version], app_id, database_id).hex()

    def wrap(self, context: KeyContext, data_key: bytes) -> tuple[int, bytes]:
        """Wraps under the primary master key."""
        version = self._primary
        random = self._entropy(envelope.RANDOM_BYTES)
        return version, envelope.seal(
            self._keys[version], version, _wrap_context(context, version), data_key, random=random
        )

    def unwrap(self, context: KeyContext, version: int, wrapped: bytes) -> bytes:
        """Unwraps with the master key of that version."""
        key = self._keys.get(version)
        if key is None:
            raise DecryptError
        return envelope.open_sealed(key, version, _wrap_context(context, version), wrapped, limit=envelope.KEY_BYTES)


def _wrap_context(context: KeyContext, version: int) -> bytes:
    return envelope.wrap_context(
        context.app_id, context.tenant, context.purpose, context.key_id, provider=LOCAL_PROVIDER, master_version=version
    )
