"""Readings that the vault is asked for: of a token, of another record, of all that a tenant has.

Each says whose secret it is, by which capability, for which method and purpose, and who asks; and makes the row of the
audit that tells of it.
"""

from collections.abc import Callable
from typing import NamedTuple

from slackapp.checks.capabilities import Capability
from slackapp.crypto import envelope, records
from slackapp.errors import DecryptError, Refusal, Refused
from slackapp.model import (
    BOT,
    Actor,
    AuditEntry,
    AuditEvent,
    Holder,
    Installation,
    InstallationStatus,
    RecordContext,
    Sealed,
    Tenant,
    Token,
    TokenPart,
)
from slackapp.store import tokens
from slackapp.store.engine.database import Database
from slackapp.vault.keyring import Keyring

_RETRY_REPLACED = 1
"""Seconds after which to look again for what has come in the place of a token."""


class TokenRead(NamedTuple):
    """Reading of an access or a refresh token, in the generation that was looked up.

    `method` is what is called with it, None where nothing is. `statuses` are those of an installation in which this is
    allowed.
    """

    token: Token
    part: TokenPart
    capability: Capability
    method: str | None
    purpose: str
    actor: Actor
    statuses: frozenset[InstallationStatus]
    channel: str = ""

    @property
    def tenant(self) -> Tenant:
        """Tenant whose token it is."""
        return self.token.tenant

    @property
    def context(self) -> RecordContext:
        """Place that the token is bound to."""
        token = self.token
        is_refresh = self.part == TokenPart.REFRESH
        context = records.refresh_token_context if is_refresh else records.access_token_context
        return context(token.tenant, token.holder, token.generation)

    def entry(self, now: int) -> AuditEntry:
        """Makes the row of the audit."""
        sealed = _part_of(self.token, self.part)
        return AuditEntry(
            at=now,
            event=AuditEvent.TOKEN_READ,
            actor=self.actor,
            tenant=self.token.tenant,
            holder=self.token.holder,
            record_kind=self.context.kind,
            generation=self.token.generation,
            key_id=envelope.claimed_key_id(sealed.blob) if sealed is not None else None,
            capability=self.capability.name,
            method=self.method or "",
            channel=self.channel,
            purpose=self.purpose,
        )

    def sealed(self) -> Sealed:
        """Returns it as it was looked up. Raises DecryptError where there is no refresh token."""
        sealed = _part_of(self.token, self.part)
        if sealed is None:
            raise DecryptError
        return sealed

    def find_again(self, db: Database) -> Sealed | None:
        """Reads it as it lies there now; None where that generation is gone."""
        found = tokens.find_generation(db, self.token)
        return _part_of(found, self.part) if found is not None else None


class RecordRead(NamedTuple):
    """Reading of a sealed record that is no token and goes out with one, such as a webhook.

    `reread` reads the record as it lies there now.
    """

    context: RecordContext
    stored: Sealed
    reread: Callable[[], Sealed | None]
    event: AuditEvent
    capability: Capability
    purpose: str
    actor: Actor
    statuses: frozenset[InstallationStatus]
    method: None = None
    token: None = None

    @property
    def tenant(self) -> Tenant:
        """Tenant whose record it is."""
        return self.context.tenant

    def entry(self, now: int) -> AuditEntry:
        """Makes the row of the audit."""
        return AuditEntry(
            at=now,
            event=self.event,
            actor=self.actor,
            tenant=self.context.tenant,
            holder=Holder.user(self.context.user_id) if self.context.user_id else BOT,
            record_kind=self.context.kind,
            generation=self.context.generation,
            key_id=envelope.claimed_key_id(self.stored.blob),
            capability=self.capability.name,
            purpose=self.purpose,
        )

    def sealed(self) -> Sealed:
        """Returns it as it was looked up."""
        return self.stored

    def find_again(self, db: Database) -> Sealed | None:
        """Reads it as it lies there now."""
        return self.reread()


def _part_of(token: Token, part: TokenPart) -> Sealed | None:
    return token.refresh if part == TokenPart.REFRESH else token.access


SecretRead = TokenRead | RecordRead


class TenantRead(NamedTuple):
    """Reading of all that a tenant has, which is given to nobody; one row tells of it.

    `count` is the number of its secrets, where it is known.
    """

    tenant: Tenant
    capability: Capability
    purpose: str
    actor: Actor
    count: int | None = None  # type: ignore[assignment]  # in the place of tuple.count

    def entry(self, now: int) -> AuditEntry:
        """Makes the row of the audit."""
        return AuditEntry(
            at=now,
            event=AuditEvent.TOKEN_READ,
            actor=self.actor,
            tenant=self.tenant,
            count=self.count,
            capability=self.capability.name,
            purpose=self.purpose,
        )


class TenantOpening(NamedTuple):
    """Opening of one tenant's records after the row that tells of it; only the vault makes one."""

    tenant: Tenant
    keyring: Keyring

    def open(self, context: RecordContext, sealed: Sealed) -> bytes:
        """Opens one of them. Raises DecryptError, also for another tenant's, and what the keys' provider raises."""
        if context.tenant != self.tenant:
            raise DecryptError
        return self.keyring.open(context, sealed)


class Lease(NamedTuple):
    """Lease on a token that is taken with its reading: by whom, and for how many seconds."""

    owner: str
    seconds: int


class LeaseTakenError(Exception):
    """Taken lease: another one refreshes this token, or it is another generation by now."""


class TokenReplacedError(Refused):
    """Refusal of a generation that is gone: another one is there, or the token is dead or erased."""

    def __init__(self) -> None:
        super().__init__(Refusal.TOKEN_UNAVAILABLE, retry_after=_RETRY_REPLACED)


def refusal_of(installation: Installation | None, statuses: frozenset[InstallationStatus]) -> Refusal | None:
    """Finds why nothing of an installation is used in its status; None where that is allowed."""
    if installation is None:
        return Refusal.NOT_INSTALLED
    if installation.status in statuses:
        return None
    if installation.status == InstallationStatus.SUSPENDED and not installation.status_reason:
        return Refusal.KEY_REVOKED
    passes = installation.status in (InstallationStatus.SUSPENDED, InstallationStatus.SUSPECT)
    return Refusal.TOKEN_UNAVAILABLE if passes else Refusal.NEEDS_REINSTALL
