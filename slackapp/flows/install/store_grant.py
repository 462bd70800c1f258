"""Stores a grant: everything of it in one transaction, sealed before it gets to the database.

A re-install replaces: the tokens that work go on working until this commit, and the generation of each grows by one, so
that a refresh of the old token that is still under way finds nothing to write to.
"""

from collections.abc import Callable, Iterator, Mapping

from slackapp.checks.scopes import drift
from slackapp.crypto import records
from slackapp.errors import Refusal, Refused, StoreBusyError
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.install import granted_installation
from slackapp.flows.keys.tenant_keys import MAX_TRIES, KeysChangedError, confirm_keys
from slackapp.model import (
    BOT,
    Actor,
    AuditDetail,
    AuditEntry,
    AuditEvent,
    Grant,
    GrantedToken,
    Holder,
    Installation,
    InstallationStatus,
    InstallOutcome,
    Sealed,
    StateOutcome,
    TenantChange,
    Token,
    TokenFreeze,
)
from slackapp.store import inbox, installations, installers, oauth_states, tokens
from slackapp.store.installers import Installer
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.seal_pair import seal_pair, seal_webhook

_RETRY_AFTER = 5
StoredTokens = Mapping[Holder, Token | None]
"""What was stored for each holder before the decision that it is to be replaced."""


def granted_tokens(grant: Grant) -> Iterator[tuple[Holder, GrantedToken]]:
    """Holder and token of each that the grant brings."""
    for holder, granted in ((BOT, grant.bot), (grant.user_holder, grant.user)):
        if granted is not None:
            yield holder, granted


def read_stored(app: App, grant: Grant) -> StoredTokens:
    """Reads the stored tokens that the grant would replace. Raises StoreError."""
    return {holder: tokens.find(app.db, grant.tenant, holder) for holder, _ in granted_tokens(grant)}


def run(
    app: App,
    grant: Grant,
    stored_before: StoredTokens,
    state_hash: bytes,
    actor: Actor,
    now: int,
    also: Callable[[], None] = lambda: None,
) -> bool:
    """Stores the grant, and does `also`; False, and nothing stored, where what it would replace changed.

    Raises StoreError: the same.
    """
    for _ in range(MAX_TRIES):
        # Keys are opened before the transaction: whoever holds the master key may be far away.
        keys = app.keyring.open_tenant_keys(grant.tenant)
        own = app.keyring.open_holder_keys(grant.tenant, grant.user_holder) if grant.connection_id else keys
        try:
            # claim: C-55
            with app.db.transaction():
                # claim: C-87
                stored = read_stored(app, grant)
                if not _is_unchanged(stored, stored_before):
                    return False
                first = _write(app, grant, keys, stored, own=own, actor=actor, now=now)
                oauth_states.set_outcome(app.db, state_hash, StateOutcome.INSTALLED, grant.tenant)
                also()
        except KeysChangedError:
            app.keyring.evict(grant.tenant)
            continue
        except tenant_data.RemainsError:
            tenant_data.erase_rest(app, grant.tenant, now)
            continue
        if not grant.connection_id:
            outcome = InstallOutcome.INSTALLED if first else InstallOutcome.REINSTALLED
            app.metrics.count("slackapp_installs_total", {"result": outcome})
            notes.count_tenant_change(app, grant.tenant, TenantChange.INSTALLED if first else TenantChange.REINSTALLED)
        app.wake_worker()
        return True
    raise StoreBusyError("the tenant kept changing")


def _is_unchanged(stored: StoredTokens, stored_before: StoredTokens) -> bool:
    return all(_version(stored_before[holder]) == _version(stored[holder]) for holder in stored)


def _version(token: Token | None) -> tuple[int, int] | None:
    return (token.generation, token.granted_at) if token is not None else None


def _write(
    app: App, grant: Grant, keys: TenantKeys, stored: StoredTokens, *, own: TenantKeys, actor: Actor, now: int
) -> bool:
    """Writes all of it; True for a first install. `own` are the keys of a connection, where it holds the token."""
    before = installations.find(app.db, grant.tenant)
    # One user's grant does not call back what is being removed for everybody.
    # claim: C-345
    if grant.connection_id and _is_ending(app, grant, before):
        raise Refused(Refusal.BUSY, retry_after=_RETRY_AFTER, tenant=grant.tenant)
    if before is None:
        # claim: C-121
        tenant_data.erase_remains(app, grant.tenant, now)
    confirm_keys(app, grant.tenant, keys, now)
    if own is not keys:
        confirm_keys(app, grant.tenant, own, now)
    after = granted_installation.make(app, grant, before, now)
    installations.save(app.db, after, _webhook(grant, keys, after.generation), keep_webhook=grant.bot is None)
    if not grant.connection_id:
        installers.save(app.db, grant.tenant, Installer(Holder.user(grant.installer_id), after.generation, now))
    for holder, granted in granted_tokens(grant):
        old = stored[holder]
        generation = (old.generation if old is not None else 0) + 1
        pair = seal_pair(own, grant.tenant, holder, granted, generation=generation, now=now)
        tokens.save(app.db, grant.tenant, holder, generation=generation, pair=pair, now=now)
    _note(app, grant, before, after, actor=actor)
    if grant.bot is not None and stored[BOT] is None:  # the first bot there; who has none cannot be greeted by it
        job_id = f"installed-{app.entropy(12).hex()}"
        inbox.add_job(app.db, job_id, inbox.INSTALLED, grant.tenant, now=now)
    return before is None


def _is_ending(app: App, grant: Grant, before: Installation | None) -> bool:
    """Tells whether Slack is being told to end the tenant, or the connection's earlier token there."""
    ends = tokens.find_freeze(app.db, grant.tenant, grant.user_holder) is TokenFreeze.ENDING
    return ends or (before is not None and before.status == InstallationStatus.PURGING)


def _note(app: App, grant: Grant, before: Installation | None, after: Installation, actor: Actor) -> None:
    entry = AuditEntry(
        at=after.installed_at,
        event=AuditEvent.REINSTALLED if before is not None else AuditEvent.INSTALLED,
        actor=actor,
        tenant=grant.tenant,
        holder=grant.user_holder,
        generation=after.generation,
        detail=AuditDetail.WITHOUT_BOT if grant.bot is None else None,
    )
    app.vault.append(entry)
    if grant.bot is not None:
        missing, _ = drift(app.settings.bot_scopes, grant.bot.scopes)
        notes.append_scopes(app, entry._replace(holder=BOT), missing, ())


def _webhook(grant: Grant, keys: TenantKeys, generation: int) -> Sealed | None:
    if grant.webhook is None:
        return None
    return seal_webhook(keys, records.webhook_context(grant.tenant, generation), grant.webhook)
