"""Ends one holder's tokens, and leaves all others of its tenant as they are.

That it was decided is committed first: from then on nothing opens the token but what ends it. Then Slack is told, once
or by and by, and the token goes with the keys that its holder has for itself. A job of the inbox erases what they have
left in logs, and in the key backup.
"""

from collections.abc import Callable

from slackapp.checks.capabilities import REMOVE
from slackapp.checks.slack_errors import classify_error
from slackapp.errors import (
    CommandError,
    DecryptError,
    KeyRevokedError,
    KeyUnavailableError,
    Refused,
    SlackCallError,
    SlackErrorKind,
    StoreBusyError,
    StoreError,
)
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.backup import key_backup
from slackapp.flows.keys import reencrypt_tenant
from slackapp.flows.removal import purge_tenant
from slackapp.flows.tokens import use_token
from slackapp.model import (
    BOT,
    LOCAL_PROVIDER,
    SCHEDULER,
    Actor,
    AuditDetail,
    AuditEntry,
    AuditEvent,
    Holder,
    HolderKind,
    InstallationStatus,
    QueueState,
    Tenant,
    Token,
    TokenFreeze,
    TokenStatus,
)
from slackapp.store import data_keys, inbox, installations, installers, queue, tokens
from slackapp.store.queue import Run

GIVE_UP_AFTER = 3600
"""Seconds for which Slack is told again, each minute; then the token goes all the same."""
_BATCH = 20
_WAITING_KINDS = frozenset({SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED, SlackErrorKind.UNCERTAIN})


def begin(app: App, tenant: Tenant, holder: Holder, now: int) -> bool:
    """Decides on it, inside a transaction: nothing else opens the token any more. False where there is none."""
    # 1. from now on only what ends it opens it
    return any(
        tokens.set_freeze(app.db, tenant, holder, TokenFreeze.ENDING, expected=seen, now=now)
        for seen in (TokenFreeze.NONE, TokenFreeze.FROZEN)
    )


def begin_install(app: App, tenant: Tenant, now: int) -> tuple[Holder, ...]:
    """Decides on all that the install has brought, inside a transaction, and leaves the connections; returns whose.

    Its webhooks, and what is known of whoever installed, go at once.
    """
    stored = tokens.list_by_tenant(app.db, tenant)
    holders = tuple(each.holder for each in stored if each.holder.kind != HolderKind.CONNECTION)
    for holder in holders:
        begin(app, tenant, holder, now)
    installers.delete(app.db, tenant, BOT)
    installers.delete_users(app.db, tenant)
    installations.delete_webhook(app.db, tenant)
    return holders


def finish(app: App, tenant: Tenant, holder: Holder, actor: Actor) -> bool | None:
    """Tells Slack, and erases the token with its keys; tells whether Slack knows, None where it is told later."""
    token, decided_at = tokens.find(app.db, tenant, holder), tokens.find_end(app.db, tenant, holder)
    if token is None or decided_at is None:
        return True
    # 2. tell Slack, unless somebody else has the very same token
    is_told = True if _is_shared(app, token) else _revoke(app, token, actor)
    if is_told is None and app.clock() - decided_at < GIVE_UP_AFTER:
        return None
    # 3. the token goes, with the keys of its holder alone
    with app.db.transaction():
        found = tokens.find_generation(app.db, token)
        is_ending = found is not None and tokens.find_end(app.db, tenant, holder) is not None
        purged = is_ending and erase(app, token, actor)
    (purge_tenant.evict if purged else _evict)(app, tenant)
    return bool(is_told)


def erase(app: App, token: Token, actor: Actor) -> bool:
    """Erases a token with its holder's keys, inside a transaction; True where the tenant has gone with its last."""
    now = app.clock()
    tokens.delete(app.db, token.tenant, token.holder)
    # claim: C-342
    data_keys.delete_of_holder(app.db, token.tenant, token.holder)
    if token.holder == BOT:
        reason = "bot removed"
        for status in (InstallationStatus.ACTIVE, InstallationStatus.SUSPECT):
            tenant_data.set_status(app, token.tenant, status, InstallationStatus.NEEDS_REINSTALL, reason=reason)
    tenant_data.note_end(app, token, None)
    entry = AuditEntry(at=now, event=AuditEvent.TOKENS_ERASED, actor=actor, tenant=token.tenant, holder=token.holder)
    app.vault.append(entry)
    if not tokens.count(app.db, token.tenant):
        purge_tenant.erase(app, token.tenant, reason=AuditDetail.TOKENS_REVOKED, actor=actor, now=now)
        return True
    add_traces(app, token.tenant, now, inbox.TRACES if token.holder.kind == HolderKind.CONNECTION else inbox.RESEAL)
    return False


def add_traces(app: App, tenant: Tenant, now: int, job: str = inbox.TRACES) -> None:
    """Adds the job that erases what deleted keys have left, inside the transaction that deletes them."""
    inbox.add_job(app.db, f"traces-{app.entropy(12).hex()}", job, tenant, now=now)


def reseal(app: App, row: Run, now: int) -> None:
    """Seals anew what the tenant has left, in the worker: so the keys of what has gone go, too. Raises StoreError."""
    # 4. new keys for what stays, where a tenant's own keys have sealed what went
    if installations.find(app.db, row.tenant) is not None:
        provider = next((key.provider for key in data_keys.active(app.db, row.tenant)), LOCAL_PROVIDER)
        try:
            reencrypt_tenant.run(app, row.tenant, provider, row.actor)
        except (KeyRevokedError, KeyUnavailableError, DecryptError, CommandError):
            queue.postpone(app.db, row, "the keys do not open", now=now, wait=GIVE_UP_AFTER)
            return
    complete(app, row, now)


def complete(app: App, row: Run, now: int) -> None:
    """Erases what deleted keys have left in logs and in the key backup, in the worker. Raises StoreError."""
    # 5. logs and working copies; then the key backup, without those keys
    try:
        with app.key_backup_file.locked(0.0):
            held = app.db.erase_residue()
            still, wait = key_backup.remove_tenants(app, {row.tenant}, now, at_once=False)
    except StoreError as error:
        queue.postpone(app.db, row, str(error), now=now, wait=purge_tenant.RETRY_AFTER)
        if isinstance(error, StoreBusyError):
            return
        raise
    if held or still:
        queue.postpone(app.db, row, "traces are left", now=now, wait=wait or purge_tenant.RETRY_AFTER)
        return
    with app.db.transaction():
        queue.finish(app.db, row, QueueState.DONE, "complete", now=now)


def resume_all(app: App, stopping: Callable[[], bool]) -> None:
    """Goes on with what was begun and is not over. Raises StoreError."""
    last: Token | None = None
    while batch := tokens.list_ending(app.db, last, _BATCH):
        last = batch[-1]
        for token in batch:
            if stopping():
                return
            # claim: C-344
            finish(app, token.tenant, token.holder, SCHEDULER)


def _is_shared(app: App, token: Token) -> bool:
    """Tells whether another holder has the same token. A pair that rotates is nobody else's."""
    if token.refresh is not None:
        return False
    fingerprint = tokens.find_fingerprint(app.db, token)
    same = tokens.find_by_fingerprint(app.db, fingerprint) if fingerprint is not None else []
    return any(each.holder != token.holder and each.status != TokenStatus.DEAD for each in same)


def _revoke(app: App, token: Token, actor: Actor) -> bool | None:
    """Tells Slack: True where it is over there, False where Slack refuses, None where it may be told again."""
    if token.status == TokenStatus.DEAD:
        return True
    use = use_token.TokenUse(
        tenant=token.tenant,
        holder=token.holder,
        capability=REMOVE,
        method="auth.revoke",
        purpose="uninstall",
        actor=actor,
        statuses=frozenset(InstallationStatus),
        ignore_pause=True,
    )
    try:
        use_token.call(app, use, {})
    except SlackCallError as error:
        if classify_error(error.code) is SlackErrorKind.DEAD:
            return True
        return None if error.kind in _WAITING_KINDS else False
    except (Refused, StoreError):
        return None
    return True


def _evict(app: App, tenant: Tenant) -> None:
    app.keyring.evict(tenant)
    app.wake_worker()
