"""Replacement of a stored token by a rotated pair: verified, sealed, stored over exactly its origin."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slackapp.checks import code_grant
from slackapp.checks.scopes import Scopes, drift, same_scopes
from slackapp.checks.token_owner import may_name_user
from slackapp.errors import Refusal, Refused, StoreBusyError
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.keys.tenant_keys import MAX_TRIES, KeysChangedError, confirm_keys
from slackapp.flows.tokens import brake
from slackapp.model import BOT, Actor, AuditEntry, AuditEvent, GrantedToken, HolderKind, Token
from slackapp.store import installations, tokens
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.seal_pair import seal_pair


def verify(app: App, token: Token, data: Mapping[str, Any]) -> GrantedToken:
    """Slack's answer to a refresh or an exchange of this token. Raises Refused: GRANT_FOREIGN, GRANT_MALFORMED.

    It stands at the top level whether the token is the bot's or a user's, so the type must be looked at
    (docs.slack.dev/authentication/using-token-rotation).
    """
    # claim: C-45
    if data.get("app_id", app.settings.app_id) != app.settings.app_id or not _same_tenant(data, token):
        raise Refused(Refusal.GRANT_FOREIGN)
    granted = code_grant.read_token_pair(data, token.holder.kind)
    # claim: C-45
    if granted is None or granted.refresh is None:
        raise Refused(Refusal.GRANT_MALFORMED)
    # Where nothing of it has changed, they stay in the order in which whoever saved the token had them.
    is_known = not granted.scopes or same_scopes(granted.scopes, token.scopes)
    return replace(granted, scopes=token.scopes) if is_known else granted


def _same_tenant(data: Mapping[str, Any], token: Token) -> bool:
    """The ids may be left out; those that are there must be this tenant's and this user's."""
    is_enterprise_install, holder = data.get("is_enterprise_install"), token.holder
    party = data.get("enterprise" if token.tenant.is_enterprise else "team")
    return (
        (is_enterprise_install is None or is_enterprise_install is token.tenant.is_enterprise)
        and (not isinstance(party, dict) or party.get("id") == token.tenant.id)
        and (holder.kind != HolderKind.USER or data.get("user_id") is None or may_name_user(holder.id, data))
    )


def store(app: App, token: Token, granted: GrantedToken, keys: TenantKeys, event: AuditEvent, actor: Actor) -> bool:
    """Replaces the token that the new pair came from; False, and nothing stored, when that one is gone.

    Nobody else has this pair, and Slack will not give it again: while the database is busy, it is tried further. `keys`
    were prepared before Slack was asked; others are asked for only where the tenant has got others since.
    """
    why = ""
    for _ in range(MAX_TRIES):
        now = app.clock()
        # claim: C-44
        if keys.minted:
            return False  # purged meanwhile: a late answer must not bring the tenant back
        try:
            with app.db.transaction():
                confirm_keys(app, token.tenant, keys, now)
                pair = seal_pair(keys, token.tenant, token.holder, granted, generation=token.generation + 1, now=now)
                replaced = tokens.replace_pair(app.db, token, pair, now)
                if replaced:
                    app.vault.append(
                        AuditEntry(
                            at=now,
                            event=event,
                            actor=actor,
                            tenant=token.tenant,
                            holder=token.holder,
                            generation=token.generation + 1,
                        )
                    )
                    _note_scopes(app, token, granted, actor, now)
                    brake.note_served(app, token.tenant, actor, now)
                return replaced
        except KeysChangedError:
            app.keyring.evict(token.tenant)
            keys = app.keyring.open_holder_keys(token.tenant, token.holder)
            why = "the tenant's keys kept changing"
        except StoreBusyError as error:
            why = str(error)
    raise StoreBusyError(why)


def _note_scopes(app: App, token: Token, granted: GrantedToken, actor: Actor, now: int) -> None:
    """A refresh may bring other scopes than the token had."""
    if same_scopes(granted.scopes, token.scopes):
        return
    if token.holder == BOT:
        installations.set_granted_scopes(app.db, token.tenant, granted.scopes)
    note_drift(app, token, granted.scopes, actor, now)


def token_drift(app: App, token: Token, has: Scopes) -> tuple[Scopes, Scopes]:
    """Computes missing and surplus scopes, against what is asked of the bot or of users."""
    return drift(app.settings.bot_scopes if token.holder == BOT else app.settings.user_scopes, has)


def note_drift(app: App, token: Token, has: Scopes, actor: Actor, now: int) -> None:
    """Notes, inside a transaction, that the token's scopes have changed."""
    missing, surplus = token_drift(app, token, has)
    entry = AuditEntry(at=now, event=AuditEvent.SCOPES_CHANGED, actor=actor, tenant=token.tenant, holder=token.holder)
    app.vault.append(entry)
    notes.append_scopes(app, entry, missing, surplus)
