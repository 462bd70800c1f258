"""Stores an installation that a Bolt app hands over, or that is taken over from another store: in one transaction.

Bolt saves in two cases that mean different things. After an install everything is new, and what is not there is gone.
After a refresh of its own it saves a copy of what it had found, with the same time of installation: then only tokens
that are in it count. Such a copy may lack the token of the user who installed, because Bolt blanks it while it serves
somebody else; that must not erase it.

Both may come late. A copy whose pair ends before the one that is here holds an older one; a copy of an install that the
same user has repeated since is of no use at all. Neither replaces anything.
"""

import json
from collections.abc import Mapping
from typing import Any

from slackapp.checks.token_refusals import FOREIGN_TOKEN
from slackapp.crypto import records
from slackapp.errors import StoreBusyError
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import MAX_TRIES, KeysChangedError, confirm_keys
from slackapp.model import (
    BOT,
    Actor,
    AuditDetail,
    AuditEntry,
    AuditEvent,
    AuditResult,
    ExternalInstallation,
    GrantedToken,
    Holder,
    Installation,
    InstallationStatus,
    Sealed,
    Token,
    TokenStatus,
)
from slackapp.store import installations, installers, tokens
from slackapp.store.installers import Installer
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.seal_pair import seal_pair, seal_webhook

_MICROSECOND = 1e-6
_SAVE_DELAY = 60
"""Seconds within which an install is saved: one that says that it is older, and is not the last, comes late."""


def run(app: App, external: ExternalInstallation, actor: Actor, read_at: int | None = None) -> None:
    """Saves an installation that a Bolt app or another store gives, sealed.

    `read_at` is when what expires in so many seconds was counted; now, where it is not given. Raises StoreError; then
    nothing was stored. Raises ValueError for details that are no JSON, or too large.
    """
    for _ in range(MAX_TRIES):
        keys, now = app.keyring.open_tenant_keys(external.tenant), app.clock()
        try:
            with app.db.transaction():
                confirm_keys(app, external.tenant, keys, now)
                _write(app, external, keys, actor, now=now if read_at is None else read_at)
            return
        except KeysChangedError:
            app.keyring.evict(external.tenant)
        except tenant_data.RemainsError:
            tenant_data.erase_rest(app, external.tenant, now)
    raise StoreBusyError("the tenant kept changing")


def _write(app: App, external: ExternalInstallation, keys: TenantKeys, actor: Actor, now: int) -> None:
    before = installations.find(app.db, external.tenant)
    if before is None:
        # claim: C-121
        tenant_data.erase_remains(app, external.tenant, now)
    known = installers.find(app.db, external.tenant, external.holder)
    # claim: C-106
    if known is not None and _is_outdated(external, known, app.clock()):
        entry = AuditEntry(
            at=now, event=AuditEvent.PAIR_OUTDATED, actor=actor, tenant=external.tenant, holder=external.holder
        )
        app.vault.append(entry._replace(result=AuditResult.IGNORED))
        return
    is_copy = before is not None and _is_copy(external, before, known)
    after = _installation(app, external, before, is_copy, now=now)
    # A grant of a user's token alone says nothing about the bot: its webhook stays, as it does in a copy.
    installations.save(app.db, after, None, keep_webhook=is_copy or external.bot is None)
    generation = known.generation if is_copy and known is not None else after.generation
    if external.holder != BOT:
        installers.save(
            app.db, external.tenant, _installer(keys, external, external.holder, generation, details=external.details)
        )
    if external.bot is not None:
        bot_known = installers.find(app.db, external.tenant, BOT) if is_copy else None
        bot_generation = bot_known.generation if bot_known is not None else after.generation
        bot = _installer(keys, external, BOT, bot_generation, details=external.bot_details)
        # A copy of what one user installed may hold the bot that another one brought since.
        bot = bot._replace(installed_at=bot_known.installed_at) if bot_known is not None else bot
        installers.save(app.db, external.tenant, bot)
        _save_token(app, external, keys, BOT, granted=external.bot, is_copy=is_copy, now=now)
    if external.user is not None:
        _save_token(app, external, keys, external.holder, granted=external.user, is_copy=is_copy, now=now)
    elif external.holder != BOT and not is_copy:
        tokens.delete(app.db, external.tenant, external.holder)
    first_or_again = AuditEvent.REINSTALLED if before is not None else AuditEvent.INSTALLED
    app.vault.append(
        AuditEntry(
            at=now,
            event=AuditEvent.PAIR_SAVED if is_copy else first_or_again,
            actor=actor,
            tenant=external.tenant,
            holder=external.holder,
            generation=after.generation,
            detail=AuditDetail.WITHOUT_BOT if external.bot is None else None,
        )
    )


def _is_copy(external: ExternalInstallation, before: Installation, known: Installer | None) -> bool:
    """The time that a Bolt app is given comes back, rounded to microseconds."""
    if known is None and external.holder != BOT:
        return False
    as_given = known.installed_at if known is not None else before.installed_at
    return abs(as_given - external.installed_at) < _MICROSECOND


def _is_outdated(external: ExternalInstallation, known: Installer, now: int) -> bool:
    """Tells whether the install is older; a clock that was set back must not keep a new one out."""
    return external.installed_at < known.installed_at - _MICROSECOND and external.installed_at < now - _SAVE_DELAY


def _save_token(
    app: App,
    external: ExternalInstallation,
    keys: TenantKeys,
    holder: Holder,
    granted: GrantedToken,
    is_copy: bool,
    now: int,
) -> None:
    old = tokens.find(app.db, external.tenant, holder)
    # claim: C-81
    if is_copy and old is not None and old.reason == FOREIGN_TOKEN:
        return  # what has come of it since is another tenant's, too
    # claim: C-106
    if is_copy and old is not None and old.expires_at is not None and not _is_later(granted, old.expires_at, now):
        _keep_stored_pair(app, keys, old, granted, now=now)
        return
    generation = (old.generation if old is not None else 0) + 1
    pair = seal_pair(keys, external.tenant, holder, granted, generation=generation, now=now)
    if is_copy and old is not None and old.status != TokenStatus.DEAD:
        tokens.replace_pair(app.db, old, pair, now)  # the time of the user's grant stays
    else:
        tokens.save(app.db, external.tenant, holder, generation=generation, pair=pair, now=now)


def _is_later(granted: GrantedToken, ends: int, now: int) -> bool:
    """Pairs live equally long. What a Bolt app got without its refresh token is a part of what is here."""
    return granted.expires_in is not None and now + granted.expires_in > ends


def _keep_stored_pair(app: App, keys: TenantKeys, old: Token, granted: GrantedToken, now: int) -> None:
    """The pair that is here stays, with the lease of whoever refreshes it. One of the same second takes its place."""
    if granted.expires_in is None or now + granted.expires_in != old.expires_at:
        return
    pair = seal_pair(keys, old.tenant, old.holder, granted, generation=old.generation, now=now)
    tokens.reseal(app.db, old, pair.access, pair.refresh)
    tokens.set_fingerprints(app.db, old, pair.fingerprints)
    tokens.set_scopes(app.db, old, granted.scopes)


def _installation(
    app: App, external: ExternalInstallation, before: Installation | None, is_copy: bool, now: int
) -> Installation:
    # Without a bot, what is known of the bot stays.
    known = before if external.bot is None else None
    generation = before.generation if before is not None else 0
    is_workspace = not external.tenant.is_enterprise
    status = _status(external, before, is_copy)
    return Installation(
        tenant=external.tenant,
        app_id=external.app_id or app.settings.app_id,
        enterprise_id=external.enterprise_id,
        enterprise_name=external.enterprise_name,
        team_id=external.team_id if is_workspace else "",
        team_name=external.team_name if is_workspace else "",
        bot_user_id=known.bot_user_id if known else external.bot_user_id,
        installer_id=before.installer_id
        if before is not None and (is_copy or external.holder == BOT)
        else external.holder.id,
        scopes_asked=before.scopes_asked if before is not None else (),
        scopes_granted=known.scopes_granted if known else (external.bot.scopes if external.bot is not None else ()),
        status=status,
        status_reason=before.status_reason if before is not None and before.status == status else "",
        generation=generation if is_copy else generation + 1,
        installed_at=before.installed_at
        if is_copy and before is not None
        else int(min(external.installed_at or now, now)),
    )


def _status(external: ExternalInstallation, before: Installation | None, is_copy: bool) -> InstallationStatus:
    """A refresh ends no suspicion and stops no removal; an install does, but without a bot it brings none back."""
    if before is None:
        return InstallationStatus.ACTIVE
    if before.status == InstallationStatus.SUSPENDED and before.status_reason:  # the bot's token was another tenant's
        return InstallationStatus.ACTIVE if external.bot is not None and not is_copy else before.status
    if (
        before.status in (InstallationStatus.SUSPECT, InstallationStatus.SUSPENDED, InstallationStatus.PURGING)
        and not is_copy
    ):
        return InstallationStatus.ACTIVE
    return (
        InstallationStatus.ACTIVE
        if before.status == InstallationStatus.NEEDS_REINSTALL and external.bot is not None
        else before.status
    )


def _installer(
    keys: TenantKeys, external: ExternalInstallation, holder: Holder, generation: int, details: Mapping[str, Any]
) -> Installer:
    webhook = None
    if external.webhook is not None and holder != BOT:
        context = records.installer_webhook_context(external.tenant, holder, generation)
        webhook = seal_webhook(keys, context, external.webhook)
    return Installer(
        holder,
        generation,
        external.installed_at,
        _seal_details(keys, external, holder, generation, details=details),
        webhook=webhook,
    )


def _seal_details(
    keys: TenantKeys, external: ExternalInstallation, holder: Holder, generation: int, details: Mapping[str, Any]
) -> Sealed:
    try:
        text = json.dumps(details, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("custom_values must be of types that JSON can say") from None
    return keys.seal(records.installer_details_context(external.tenant, holder, generation), text.encode())
