"""Kinds of sealed records: what each is bound to, which of the tenant's keys opens it, and its size limit.

The names are constants of the format. They never follow a renamed table or column: a record would not open any more.
"""

from slackapp.crypto.envelope import BODY_LIMIT, TOKEN_LIMIT
from slackapp.model import ConnectionPurpose, Holder, HolderKind, KeyPurpose, RecordContext, RecordKind, Tenant

DETAILS_LIMIT = 64 * 1024
"""Bytes."""

LIMITS: dict[str, int] = {
    RecordKind.BOT_ACCESS: TOKEN_LIMIT,
    RecordKind.USER_ACCESS: TOKEN_LIMIT,
    RecordKind.BOT_REFRESH: TOKEN_LIMIT,
    RecordKind.USER_REFRESH: TOKEN_LIMIT,
    RecordKind.CONNECTION_ACCESS: TOKEN_LIMIT,
    RecordKind.CONNECTION_REFRESH: TOKEN_LIMIT,
    RecordKind.WEBHOOK: 2 * TOKEN_LIMIT - 1024,
    RecordKind.EVENT_BODY: BODY_LIMIT,
    RecordKind.INSTALLER: DETAILS_LIMIT,
    RecordKind.INSTALLER_WEBHOOK: 2 * TOKEN_LIMIT - 1024,
}
"""Bytes of plaintext."""


_TOKENS = {
    HolderKind.BOT: (KeyPurpose.BOT, RecordKind.BOT_ACCESS, RecordKind.BOT_REFRESH),
    HolderKind.USER: (KeyPurpose.USER, RecordKind.USER_ACCESS, RecordKind.USER_REFRESH),
    HolderKind.CONNECTION: (KeyPurpose.CONNECTION, RecordKind.CONNECTION_ACCESS, RecordKind.CONNECTION_REFRESH),
}


def access_token_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of an access token."""
    purpose, kind, _ = _TOKENS[holder.kind]
    return _token_context(tenant, holder, generation, purpose=purpose, kind=kind)


def refresh_token_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of a refresh token."""
    return _token_context(tenant, holder, generation, purpose=KeyPurpose.REFRESH, kind=_TOKENS[holder.kind][2])


def _token_context(
    tenant: Tenant, holder: Holder, generation: int, purpose: KeyPurpose, kind: RecordKind
) -> RecordContext:
    # A connection's tokens are both under its own key. Its id is no user's, which the kind tells, too.
    # claim: C-109
    if holder.kind == HolderKind.CONNECTION:
        return RecordContext(tenant, ConnectionPurpose(holder.id), "", kind=kind, row=holder.id, generation=generation)
    return RecordContext(tenant, purpose, holder.id, kind=kind, row=holder.id or "bot", generation=generation)


def webhook_context(tenant: Tenant, generation: int) -> RecordContext:
    """Context of an installation's incoming webhook."""
    return RecordContext(tenant, KeyPurpose.DATA, "", RecordKind.WEBHOOK, row="webhook", generation=generation)


def installer_details_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of what a Bolt app gave about a user who installed, or about the bot."""
    return RecordContext(
        tenant, KeyPurpose.DATA, holder.id, RecordKind.INSTALLER, row=holder.id or "bot", generation=generation
    )


def installer_webhook_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of the incoming webhook that a Bolt app was given when this user installed."""
    return RecordContext(
        tenant, KeyPurpose.DATA, holder.id, RecordKind.INSTALLER_WEBHOOK, row=holder.id, generation=generation
    )


def event_body_context(tenant: Tenant, event_id: str) -> RecordContext:
    """Context of an event's body in the inbox."""
    return RecordContext(tenant, KeyPurpose.DATA, "", RecordKind.EVENT_BODY, row=event_id, generation=0)
