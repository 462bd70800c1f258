"""Revokes what Slack has granted and will not be kept: no live token is left that nobody holds."""

from collections.abc import Mapping
from typing import Any

from slackapp.checks import code_grant
from slackapp.errors import StoreError
from slackapp.flows.app import App
from slackapp.flows.install import drop_dead_pair
from slackapp.model import Holder, Secret, TokenStatus
from slackapp.store import tokens


def run(app: App, data: Mapping[str, Any]) -> int:
    """Revokes them, however malformed the answer is; returns how many Slack did not take.

    But where the bot, or that user, has a live token here and the app's tokens do not rotate, Slack answered with the
    very token that is in use: revoking it would break what works.
    """
    rotates, left = code_grant.has_refresh_token(data), 0
    for holder, token in code_grant.tokens_to_revoke(data):
        # claim: C-14
        if not rotates and _is_in_use(app, data, holder, token):
            continue
        # claim: C-13
        left += not drop_dead_pair.revoke(app, token)
    return left


def _is_in_use(app: App, data: Mapping[str, Any], holder: Holder | None, token: Secret) -> bool:
    try:
        # A connection may hold the very token that Slack has given to that user before.
        # claim: C-14
        same = tokens.find_by_fingerprint(app.db, app.keyring.fingerprint(token))
        if any(found.status != TokenStatus.DEAD for found in same):
            return True
        tenants = code_grant.claimed_tenants(data)
        if not tenants:
            return tokens.has_long_lived(app.db)  # whose it is cannot be read: it may be any of these
        stored = [token for tenant in tenants for token in tokens.list_by_tenant(app.db, tenant)]
    except StoreError:
        return True  # not knowing is no reason to break what may be in use
    return any(token.status != TokenStatus.DEAD and holder in (token.holder, None) for token in stored)
