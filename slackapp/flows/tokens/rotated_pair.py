"""Replacement of a stored token by a rotated pair: read, sealed, and stored over exactly its origin."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slackapp.checks.scopes import Scopes, drift, same_scopes
from slackapp.errors import Refusal, Refused, StoreBusyError
from slackapp.flows.app import App, TokenProvider
from slackapp.flows.audit import notes
from slackapp.flows.keys.tenant_keys import MAX_TRIES, KeysChangedError, confirm_keys
from slackapp.flows.tokens import brake, needs_reinstall
from slackapp.flows.tokens.slack_provider import provider_of
from slackapp.model import BOT, Actor, AuditEntry, AuditEvent, GrantedToken, Token
from slackapp.store import installations, tokens
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.seal_pair import seal_pair


def read(app: App, provider: TokenProvider, token: Token, data: Mapping[str, Any], *, actor: Actor) -> GrantedToken:
    """Reads a provider's answer to a refresh or an exchange of this token.

    Raises Refused: GRANT_FOREIGN for another owner's pair, and then the token is never used again; GRANT_MALFORMED.
    """
    if provider.names_other_owner(token, data):
        # claim: C-81
        needs_reinstall.suspend_foreign(app, token, actor)
        raise Refused(Refusal.GRANT_FOREIGN)
    return provider.read_pair(app, token, data)


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
                    _note_scopes(app, token, granted, actor, now=now)
                    brake.note_served(app, token, actor, now)
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
    note_drift(app, token, granted.scopes, actor, now=now)


def token_drift(app: App, token: Token, has: Scopes) -> tuple[Scopes, Scopes]:
    """Computes missing and surplus scopes, against what is asked of such a holder."""
    return drift(provider_of(app, token).scopes_asked(app, token.holder), has)


def note_drift(app: App, token: Token, has: Scopes, actor: Actor, now: int) -> None:
    """Notes, inside a transaction, that the token's scopes have changed."""
    missing, surplus = token_drift(app, token, has)
    entry = AuditEntry(at=now, event=AuditEvent.SCOPES_CHANGED, actor=actor, tenant=token.tenant, holder=token.holder)
    app.vault.append(entry)
    notes.append_scopes(app, entry, missing, surplus)
    for data in app.tenant_data:
        follow = partial(data.scopes_changed, app.db, token)
        # claim: C-369
        follow(has, bool(missing or surplus), now)
