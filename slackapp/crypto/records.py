"""Kinds of sealed records: what each is bound to, which of the tenant's keys opens it, and its size limit.

The names are constants of the format. They never follow a renamed table or column: a record would not open any more.
"""

from slackapp.crypto.envelope import BODY_LIMIT, TOKEN_LIMIT
from slackapp.model import BOT, Holder, KeyPurpose, RecordContext, RecordKind, Tenant

DETAILS_LIMIT = 64 * 1024
"""Bytes."""

LIMITS = {
    RecordKind.BOT_ACCESS: TOKEN_LIMIT,
    RecordKind.USER_ACCESS: TOKEN_LIMIT,
    RecordKind.BOT_REFRESH: TOKEN_LIMIT,
    RecordKind.USER_REFRESH: TOKEN_LIMIT,
    RecordKind.WEBHOOK: 2 * TOKEN_LIMIT - 1024,
    RecordKind.EVENT_BODY: BODY_LIMIT,
    RecordKind.INSTALLER: DETAILS_LIMIT,
    RecordKind.INSTALLER_WEBHOOK: 2 * TOKEN_LIMIT - 1024,
}
"""Bytes of plaintext."""


def access_token_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of an access token."""
    if holder == BOT:
        return RecordContext(tenant, KeyPurpose.BOT, "", RecordKind.BOT_ACCESS, "bot", generation)
    return RecordContext(tenant, KeyPurpose.USER, holder.id, RecordKind.USER_ACCESS, holder.id, generation)


def refresh_token_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of a refresh token."""
    if holder == BOT:
        return RecordContext(tenant, KeyPurpose.REFRESH, "", RecordKind.BOT_REFRESH, "bot", generation)
    return RecordContext(tenant, KeyPurpose.REFRESH, holder.id, RecordKind.USER_REFRESH, holder.id, generation)


def webhook_context(tenant: Tenant, generation: int) -> RecordContext:
    """Context of an installation's incoming webhook."""
    return RecordContext(tenant, KeyPurpose.DATA, "", RecordKind.WEBHOOK, "webhook", generation)


def installer_details_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of what a Bolt app gave about a user who installed, or about the bot."""
    return RecordContext(tenant, KeyPurpose.DATA, holder.id, RecordKind.INSTALLER, holder.id or "bot", generation)


def installer_webhook_context(tenant: Tenant, holder: Holder, generation: int) -> RecordContext:
    """Context of the incoming webhook that a Bolt app was given when this user installed."""
    return RecordContext(tenant, KeyPurpose.DATA, holder.id, RecordKind.INSTALLER_WEBHOOK, holder.id, generation)


def event_body_context(tenant: Tenant, event_id: str) -> RecordContext:
    """Context of an event's body in the inbox."""
    return RecordContext(tenant, KeyPurpose.DATA, "", RecordKind.EVENT_BODY, event_id, 0)
