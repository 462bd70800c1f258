"""Kinds of sealed records: what each is bound to, which of the tenant's keys opens it, and its size limit.

The names are constants of the format. They never follow a renamed table or column: a record would not open any more.
"""

from slackapp.crypto.envelope import BODY_LIMIT, TOKEN_LIMIT
from slackapp.model import RecordContext, Tenant

DETAILS_LIMIT = 64 * 1024
"""Bytes."""

LIMITS = {
    "bot_access": TOKEN_LIMIT,
    "user_access": TOKEN_LIMIT,
    "bot_refresh": TOKEN_LIMIT,
    "user_refresh": TOKEN_LIMIT,
    "webhook": 2 * TOKEN_LIMIT - 1024,
    "event_body": BODY_LIMIT,
    "installer": DETAILS_LIMIT,
    "installer_webhook": 2 * TOKEN_LIMIT - 1024,
}
"""Bytes of plaintext."""


def access_token_context(tenant: Tenant, user_id: str, generation: int) -> RecordContext:
    """Context of an access token; `user_id` is "" for the bot's."""
    if user_id:
        return RecordContext(tenant, "user", user_id, "user_access", user_id, generation)
    return RecordContext(tenant, "bot", "", "bot_access", "bot", generation)


def refresh_token_context(tenant: Tenant, user_id: str, generation: int) -> RecordContext:
    """Context of a refresh token."""
    if user_id:
        return RecordContext(tenant, "refresh", user_id, "user_refresh", user_id, generation)
    return RecordContext(tenant, "refresh", "", "bot_refresh", "bot", generation)


def webhook_context(tenant: Tenant, generation: int) -> RecordContext:
    """Context of an installation's incoming webhook."""
    return RecordContext(tenant, "data", "", "webhook", "webhook", generation)


def installer_details_context(tenant: Tenant, user_id: str, generation: int) -> RecordContext:
    """Context of what a Bolt app gave about a user who installed, or about the bot (`user_id` "")."""
    return RecordContext(tenant, "data", user_id, "installer", user_id or "bot", generation)


def installer_webhook_context(tenant: Tenant, user_id: str, generation: int) -> RecordContext:
    """Context of the incoming webhook that a Bolt app was given when this user installed."""
    return RecordContext(tenant, "data", user_id, "installer_webhook", user_id, generation)


def event_body_context(tenant: Tenant, event_id: str) -> RecordContext:
    """Context of an event's body in the inbox."""
    return RecordContext(tenant, "data", "", "event_body", event_id, 0)
