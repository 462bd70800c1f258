"""Rows of the inventory: what organizations hold and have held, with which credentials. Times are Unix seconds."""

from typing import NamedTuple

from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.model import HolderKind, Tenant

Position = tuple[str, int, str]
"""Where a list goes on: behind that kind, time and id."""
BEGIN: Position = ("", 0, "")


class InventoryEntry(NamedTuple):
    """Entry of the inventory: a connection, with its owner, purpose, token and key.

    What ends with the grant is None, or empty, once it is revoked: scopes, channels, names, and all of the token.
    """

    organization_id: str
    id: str
    kind: ConnectionKind
    status: ConnectionStatus
    status_reason: str
    user_id: str
    owner_id: str
    owner_name: str | None
    owner_missing_at: int | None
    purpose_id: str
    purpose: str | None
    tenant: Tenant
    team_name: str
    scopes: tuple[str, ...]
    default_channel_id: str
    allowed_channels: tuple[str, ...]
    max_age: int | None
    created_at: int
    installed_at: int
    last_used_at: int | None
    last_validated_at: int | None
    revoked_at: int | None
    app_id: str | None
    granted_at: int | None
    issued_at: int | None
    expires_at: int | None
    reason: str | None
    refused_at: int | None
    token_status: str | None
    rotates: bool
    key_id: int | None
    master_version: int | None

    @property
    def position(self) -> Position:
        """Position in the list."""
        return str(self.kind), self.created_at, self.id

    @property
    def position_text(self) -> str:
        """Position as a text, which `read_position` reads."""
        return " ".join(map(str, self.position))

    @property
    def ends_at(self) -> int | None:
        """Time at which it is too old; None where no age is set, or it has ended."""
        return self.installed_at + self.max_age if self.max_age is not None and self.revoked_at is None else None


class Credential(NamedTuple):
    """Credential of a connection: a stored token, with its key; `rotates`: beside it stands a refresh token."""

    holder_kind: HolderKind
    holder_id: str
    generation: int
    rotates: bool
    scopes: tuple[str, ...]
    granted_at: int
    issued_at: int
    expires_at: int | None
    status: str
    key_id: int | None
    master_version: int | None


class WebhookCredential(NamedTuple):
    """WebhookCredential of an installation: since when it is there, and its key."""

    installed_at: int
    key_id: int | None
    master_version: int | None


def read_position(claimed: str) -> Position:
    """Reads a position; the begin for whatever is none."""
    kind, _, rest = claimed.partition(" ")
    at, _, connection_id = rest.partition(" ")
    return (kind, int(at), connection_id) if at.isascii() and at.isdecimal() and len(at) < 16 else BEGIN
