"""Records that wait before a tenant is anybody's: a connection's metadata, and a grant that is not confirmed yet.

Both are sealed under the service's own key for that, each bound to its connection: moved to another one's row, neither
opens. A grant holds tokens; it is opened once its row of the audit is on the disk, as a token is.
"""

import json
from collections.abc import Mapping
from typing import Any

from slackapp.errors import DecryptError
from slackapp.flows.app import App
from slackapp.host.model import PendingRecord
from slackapp.host.rows import Connection, HostAuditEvent, Quarantine
from slackapp.model import (
    NO_TENANT,
    Actor,
    AuditEntry,
    Grant,
    GrantedToken,
    KeyPurpose,
    RecordContext,
    Sealed,
    Secret,
    Tenant,
    TenantKind,
    Webhook,
)

LIMITS: Mapping[str, int] = {PendingRecord.METADATA: 2048, PendingRecord.GRANT: 96 * 1024}
"""Bytes of plaintext."""


def seal_metadata(app: App, connection_id: str, metadata: bytes) -> Sealed:
    """Seals a connection's metadata, in their canonical form."""
    return app.keyring.seal(_context(PendingRecord.METADATA, connection_id), metadata)


def open_metadata(app: App, connection: Connection) -> bytes:
    """Opens a connection's metadata. Raises DecryptError, also where there are none."""
    if connection.oauth_metadata is None:
        raise DecryptError
    return app.keyring.open(_context(PendingRecord.METADATA, connection.id), connection.oauth_metadata)


def seal_grant(app: App, connection_id: str, grant: Grant, now: int) -> Sealed:
    """Seals what Slack has just granted."""
    text = json.dumps({"granted_at": now, **_grant_fields(grant)}, separators=(",", ":"))
    return app.keyring.seal(_context(PendingRecord.GRANT, connection_id), text.encode())


def open_grant(app: App, quarantine: Quarantine, actor: Actor, now: int) -> Grant:
    """Opens a grant that waits, after its row of the audit; its tokens have lived since. Raises DecryptError."""
    entry = AuditEntry(at=now, event=HostAuditEvent.GRANT_READ, actor=actor, connection=quarantine.connection_id)
    # claim: C-158
    app.vault.append_committed(entry)
    opened = app.keyring.open(_context(PendingRecord.GRANT, quarantine.connection_id), quarantine.grant)
    fields = json.loads(opened)
    return _grant(fields, max(0, now - fields["granted_at"]))


def _context(kind: PendingRecord, connection_id: str) -> RecordContext:
    # claim: C-158
    return RecordContext(NO_TENANT, KeyPurpose.PENDING, "", kind=kind, row=connection_id, generation=0)


def _grant_fields(grant: Grant) -> dict[str, Any]:
    tenant = [str(grant.tenant.kind), grant.tenant.id]
    fields = {**grant._asdict(), "tenant": tenant, "bot": _token_fields(grant.bot), "user": _token_fields(grant.user)}
    return {**fields, "webhook": _revealed(grant.webhook) if grant.webhook is not None else None}


def _token_fields(token: GrantedToken | None) -> dict[str, Any] | None:
    return _revealed(token) if token is not None else None


def _revealed(noun: GrantedToken | Webhook) -> dict[str, Any]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in noun._asdict().items()}


def _grant(fields: Mapping[str, Any], lived: int) -> Grant:
    plain = {name: value for name, value in fields.items() if name != "granted_at"}
    kind, tenant_id = fields["tenant"]
    webhook = fields["webhook"]
    parts = {
        "tenant": Tenant(TenantKind(kind), tenant_id),
        "bot": _token(fields["bot"], lived),
        "user": _token(fields["user"], lived),
        "webhook": Webhook(**{**webhook, "url": Secret(webhook["url"])}) if webhook is not None else None,
    }
    return Grant(**{**plain, **parts})


def _token(fields: Mapping[str, Any] | None, lived: int) -> GrantedToken | None:
    if fields is None:
        return None
    expires_in = fields["expires_in"]
    return GrantedToken(
        access=Secret(fields["access"]),
        refresh=Secret(fields["refresh"]) if fields["refresh"] is not None else None,
        expires_in=max(1, expires_in - lived) if expires_in is not None else None,
        scopes=tuple(fields["scopes"]),
    )
