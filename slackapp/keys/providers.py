"""Who wraps the data keys.

A provider holds (or reaches) a master key and never gives it out. `local` holds master keys from a private file.
"""

from typing import Protocol

from slackapp.crypto import envelope
from slackapp.errors import ConfigError, DecryptError
from slackapp.model import Tenant
from slackapp.ports import Entropy


class KeyProvider(Protocol):
    """Wraps and unwraps data keys."""

    provider_id: str

    def wrap(self, app_id: str, tenant: Tenant, purpose: str, key_id: int, data_key: bytes) -> tuple[int, bytes]:
        """Version of the master key, and the wrapped key."""

    def unwrap(self, app_id: str, tenant: Tenant, purpose: str, key_id: int, version: int, wrapped: bytes) -> bytes:
        """The data key. Raises DecryptError."""


class LocalProvider:
    """Master keys from a file on this machine; `primary` is the version that new data keys are wrapped with."""

    provider_id = "local"

    def __init__(self, master_keys: dict[int, bytes], primary: int, entropy: Entropy) -> None:
        if primary not in master_keys:
            raise ConfigError(f"SLACKAPP_MASTER_KEY_FILE: master key {primary} is missing; this database needs it")
        self._keys = master_keys
        self._primary = primary
        self._entropy = entropy

    def wrap(self, app_id: str, tenant: Tenant, purpose: str, key_id: int, data_key: bytes) -> tuple[int, bytes]:
        """Wraps under the primary master key."""
        context = envelope.wrap_context(app_id, tenant, purpose, key_id, self.provider_id, self._primary)
        random = self._entropy(envelope.RANDOM_BYTES)
        return self._primary, envelope.seal(self._keys[self._primary], self._primary, context, data_key, random)

    def unwrap(self, app_id: str, tenant: Tenant, purpose: str, key_id: int, version: int, wrapped: bytes) -> bytes:
        """Unwraps with the master key of that version. Raises DecryptError."""
        if version not in self._keys:
            raise DecryptError
        context = envelope.wrap_context(app_id, tenant, purpose, key_id, self.provider_id, version)
        return envelope.open_sealed(self._keys[version], version, context, wrapped, envelope.KEY_BYTES)
