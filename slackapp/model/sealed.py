"""Sealed records: their contexts, and the data keys that seal them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from slackapp.model.enums import KeyPurpose, KeyState
from slackapp.model.identity import Tenant

LOCAL_PROVIDER = "local"
"""The key provider that holds the master keys of the private file."""


@dataclass(frozen=True)
class Sealed:
    """Ciphertext as it lies in the database. The only form in which `store` sees a token."""

    blob: bytes = field(repr=False)


@dataclass(frozen=True)
class ConnectionPurpose:
    """Purpose of the data key that one connection has for itself: deleting it ends that connection's tokens alone.

    As text, which the wrapped key is bound to, it begins as no other purpose does.
    """

    connection_id: str

    def __str__(self) -> str:
        return f"{KeyPurpose.CONNECTION}:{self.connection_id}"


DataKeyPurpose = KeyPurpose | ConnectionPurpose
"""A closed form: a purpose of the tenant's or the service's, or one connection's own."""


@dataclass(frozen=True)
class RecordContext:
    """Context that a sealed record is bound to; it opens nowhere else."""

    tenant: Tenant
    purpose: DataKeyPurpose
    user_id: str  # "" for what is the bot's, a connection's or the tenant's own
    kind: StrEnum  # `RecordKind`, or a circle's own
    row: str
    generation: int


@dataclass(frozen=True)
class NewKey:
    """A data key that was just made, as it is to be stored: wrapped."""

    key_id: int
    purpose: DataKeyPurpose
    provider: str
    master_version: int
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True)
class DataKey:
    """A row of `data_keys`: the key only in its wrapped form."""

    key_id: int
    tenant: Tenant
    purpose: DataKeyPurpose
    provider: str
    master_version: int
    wrapped: bytes = field(repr=False)
    state: KeyState
    created_at: int


Mac = Callable[[bytes], bytes]
