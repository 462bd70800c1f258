"""Seals what a grant brings: each value under its own key, bound to its tenant, holder, kind and generation."""

import json

from slackapp.checks import token_lifetime
from slackapp.crypto import records
from slackapp.model import GrantedToken, Holder, RecordContext, Sealed, Tenant, Webhook
from slackapp.store.tokens import Fingerprints, SealedPair
from slackapp.vault.keyring import TenantKeys


def seal_webhook(keys: TenantKeys, context: RecordContext, hook: Webhook) -> Sealed:
    """An incoming webhook, bound to its place."""
    fields = {
        "url": hook.url.reveal(),
        "channel": hook.channel,
        "channel_id": hook.channel_id,
        "configuration_url": hook.configuration_url,
    }
    return keys.seal(context, json.dumps(fields).encode())


def seal_pair(
    keys: TenantKeys, tenant: Tenant, holder: Holder, granted: GrantedToken, *, generation: int, now: int
) -> SealedPair:
    """Access and refresh token, each under its own key and bound to its place; expiry counted from `now`."""
    refresh = None
    if granted.refresh is not None:
        refresh = keys.seal(
            records.refresh_token_context(tenant, holder, generation), granted.refresh.reveal().encode()
        )
    expires_at = now + granted.expires_in if granted.expires_in is not None else None
    return SealedPair(
        access=keys.seal(records.access_token_context(tenant, holder, generation), granted.access.reveal().encode()),
        refresh=refresh,
        expires_at=expires_at,
        due_at=token_lifetime.refresh_time(tenant, holder, generation, now, expires_at=expires_at),
        scopes=granted.scopes,
        fingerprints=Fingerprints(
            keys.fingerprint(granted.access),
            keys.fingerprint(granted.refresh) if granted.refresh is not None else None,
        ),
    )
