"""Sealed records: their contexts, and the data keys that seal them."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from slackapp.model.enums import KeyPurpose, KeyState
from slackapp.model.identity import Tenant

LOCAL_PROVIDER = "local"
"""The key provider that holds the master keys of the private file."""


class Sealed(NamedTuple):
    """Ciphertext as it lies in the database. The only form in which `store` sees a token."""

    blob: bytes

    def __repr__(self) -> str:
        return "Sealed()"


class ConnectionPurpose(NamedTuple):
    """Purpose of the data key that one connection has for itself: deleting it ends that connection's tokens alone.

    As text, which the wrapped key is bound to, it begins as no other purpose does.
    """

    connection_id: str

    def __str__(self) -> str:
        return f"{KeyPurpose.CONNECTION}:{self.connection_id}"


DataKeyPurpose = KeyPurpose | ConnectionPurpose
"""A closed form: a purpose of the tenant's or the service's, or one connection's own."""


class RecordContext(NamedTuple):
    """Context that a sealed record is bound to; it opens nowhere else."""

    tenant: Tenant
    purpose: DataKeyPurpose
    user_id: str  # "" for what is the bot's, a connection's or the tenant's own
    kind: StrEnum  # `RecordKind`, or a circle's own
    row: str
    generation: int


class NewKey(NamedTuple):
    """A data key that was just made, as it is to be stored: wrapped."""

    key_id: int
    purpose: DataKeyPurpose
    provider: str
    master_version: int
    wrapped: bytes

    def __repr__(self) -> str:
        return f"NewKey({self.key_id}, {self.purpose})"


class DataKey(NamedTuple):
    """A row of `data_keys`: the key only in its wrapped form."""

    key_id: int
    tenant: Tenant
    purpose: DataKeyPurpose
    provider: str
    master_version: int
    wrapped: bytes
    state: KeyState
    created_at: int

    def __repr__(self) -> str:
        return f"DataKey({self.key_id}, {self.tenant}, {self.purpose}, {self.state})"


Mac = Callable[[bytes], bytes]
