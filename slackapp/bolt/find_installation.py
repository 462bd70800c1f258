"""Hands an installation with its tokens out of the vault, to the Bolt app that asks for it.

The one place where an opened token, or a webhook, leaves. As everywhere, the audit rows are committed before anything
is opened; and each call opens anew, so that a caller who changes what it was given changes nothing here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slackapp.bolt import lease_refresh
from slackapp.bolt.lease_refresh import LeaseHolder
from slackapp.checks.capabilities import BOLT
from slackapp.crypto import envelope, records
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.keys import tenant_keys
from slackapp.flows.keys.tenant_keys import open_or_reread, refuse_on_key_error
from slackapp.flows.tokens import use_token
from slackapp.model import (
    BOT,
    Actor,
    AuditEntry,
    AuditEvent,
    Holder,
    Installation,
    InstallationStatus,
    RecordContext,
    Sealed,
    Secret,
    Tenant,
    TenantKind,
    Token,
)
from slackapp.store import installations, installers
from slackapp.store.installers import Installer

_SERVED = frozenset({InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL})
_PURPOSE = "hand_out"


@dataclass(frozen=True)
class PlainToken:
    """A token in clear. `refresh` and `expires_at` (Unix seconds) are None where somebody else refreshes it."""

    access: Secret
    refresh: Secret | None
    expires_at: int | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class FoundInstallation:
    """Installation as a Bolt app gets it: of one user, or of the bot alone."""

    installation: Installation
    holder: Holder
    installed_at: float
    bot: PlainToken | None
    user: PlainToken | None
    details: Mapping[str, Any]
    bot_details: Mapping[str, Any]
    webhook: Mapping[str, str]


@dataclass(frozen=True)
class _SealedField:
    """A sealed record that is no token, and how to read it again where it was sealed anew since."""

    event: AuditEvent
    context: RecordContext
    sealed: Sealed
    reread: Callable[[], Sealed | None]


def find_by_ids(app: App, enterprise_id: str, team_id: str, is_enterprise_install: bool) -> Installation | None:
    """The installation that two ids name, either of which may be "".

    Without a team, or where the event says that the install is enterprise-wide, the enterprise's; else the team's, and
    then the enterprise must be the stored one. A workspace that was stored without one is found with any: it joined one
    since, and its own id is as unique as before.
    """
    if is_enterprise_install or not team_id:
        return installations.find(app.db, Tenant(TenantKind.ENTERPRISE, enterprise_id)) if enterprise_id else None
    found = installations.find(app.db, Tenant(TenantKind.WORKSPACE, team_id))
    return found if found is not None and found.enterprise_id in ("", enterprise_id) else None


def find_bot(
    app: App, installation: Installation, lease_holder: LeaseHolder | None, actor: Actor
) -> FoundInstallation | None:
    """The bot alone; None where there is no token of it. Raises Refused, StoreError.

    Without a `lease_holder` refreshing stays in the vault; otherwise it is who refreshes.
    """
    return _find(app, installation, Installer(BOT, 0, float(installation.installed_at)), lease_holder, actor)


def find_user(
    app: App, installation: Installation, user_id: str | None, lease_holder: LeaseHolder | None, actor: Actor
) -> FoundInstallation | None:
    """Finds what this user installed, or whoever did last, with the latest bot token.

    None where that user installed nothing, or the tenant is being removed. Raises Refused, StoreError.
    """
    if lease_holder is not None and user_id is not None:
        lease_refresh.release_other_lease(app, installation.tenant, user_id, lease_holder)
    if user_id is None:
        who = installers.latest(app.db, installation.tenant)
    else:
        who = installers.find(app.db, installation.tenant, Holder.user(user_id)) if user_id else None
    return _find(app, installation, who, lease_holder, actor) if who is not None else None


def _find(
    app: App, installation: Installation, who: Installer, lease_holder: LeaseHolder | None, actor: Actor
) -> FoundInstallation | None:
    tenant = installation.tenant
    stored = {holder: _stored(app, tenant, holder, lease_holder, actor) for holder in dict.fromkeys((BOT, who.holder))}
    if who.holder == BOT and stored[BOT] is None:
        return None
    bot_row = installers.find(app.db, tenant, BOT)
    who = bot_row if who.holder == BOT and bot_row is not None else who
    details, bot_details = _details_of(app, tenant, who), _details_of(app, tenant, bot_row)
    webhook = _webhook_of(app, tenant, who)
    others = [record for record in (details, bot_details, webhook) if record is not None]
    if not _note(app, tenant, [found[0] for found in stored.values() if found is not None], others, actor):
        return None
    with refuse_on_key_error(app, _entry(app, tenant, actor)):
        opened = {holder: _open(app, *found) if found is not None else None for holder, found in stored.items()}
        return FoundInstallation(
            installation=installation,
            holder=who.holder,
            installed_at=who.installed_at,
            bot=opened[BOT],
            user=opened[who.holder] if who.holder != BOT else None,
            details=_open_details(app, details, lease_holder is None),
            bot_details=_open_details(app, bot_details, lease_holder is None),
            webhook=_open_fields(app, webhook),
        )


def _stored(
    app: App, tenant: Tenant, holder: Holder, lease_holder: LeaseHolder | None, actor: Actor
) -> tuple[Token, bool] | None:
    """The sealed token, and whether with its refresh token; None where there is none, or only a new install helps."""
    if lease_holder is not None:
        return lease_refresh.run(app, tenant, holder, lease_holder)
    try:
        return use_token.find_usable(
            app, use_token.TokenUse(tenant, holder, _PURPOSE, BOLT, statuses=_SERVED), actor
        ), False
    except Refused as refused:
        if refused.refusal in (Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED):
            return None
        raise


def _note(app: App, tenant: Tenant, stored: Sequence[Token], others: Sequence[_SealedField], actor: Actor) -> bool:
    """Appends the audit row; False for a tenant that is gone by now, or is being removed."""
    entry = _entry(app, tenant, actor)
    with app.db.transaction():
        # Once more, under the lock: who has been erased or is suspect by now is not served any more.
        now = installations.find(app.db, tenant)
        if now is None or now.status == InstallationStatus.PURGING:
            return False
        if now.status not in _SERVED:
            raise Refused(use_token.refusal_of(now.status, now.status_reason) or Refusal.TOKEN_UNAVAILABLE)
        for token in stored:
            # claim: C-25
            app.vault.append(
                replace(
                    entry,
                    holder=token.holder,
                    record_kind=records.access_token_context(tenant, token.holder, token.generation).kind,
                    generation=token.generation,
                    key_id=envelope.claimed_key_id(token.access.blob),
                )
            )
        for record in others:
            user_id = record.context.user_id
            # claim: C-25
            app.vault.append(
                replace(
                    entry,
                    event=record.event,
                    holder=Holder.user(user_id) if user_id else BOT,
                    record_kind=record.context.kind,
                    generation=record.context.generation,
                )
            )
        return True


def _entry(app: App, tenant: Tenant, actor: Actor) -> AuditEntry:
    return AuditEntry(at=app.clock(), event=AuditEvent.TOKEN_READ, actor=actor, tenant=tenant, purpose=_PURPOSE)


def _open(app: App, token: Token, with_refresh: bool) -> PlainToken:
    access = tenant_keys.open_access_token(app, token)
    refresh = tenant_keys.open_refresh_token(app, token) if token.refresh is not None and with_refresh else None
    return PlainToken(access, refresh, token.expires_at if with_refresh else None, token.scopes)


def _details_of(app: App, tenant: Tenant, who: Installer | None) -> _SealedField | None:
    if who is None or who.details is None:
        return None

    def current() -> Sealed | None:
        found = installers.find(app.db, tenant, who.holder)
        return found.details if found is not None and found.generation == who.generation else None

    return _SealedField(
        AuditEvent.DETAILS_READ,
        records.installer_details_context(tenant, who.holder, who.generation),
        who.details,
        current,
    )


def _webhook_of(app: App, tenant: Tenant, who: Installer) -> _SealedField | None:
    """Opens the webhook of this user's install; where our own service took that install, the tenant's."""

    def users_webhook() -> Sealed | None:
        found = installers.find(app.db, tenant, who.holder)
        return found.webhook if found is not None and found.generation == who.generation else None

    if who.webhook is not None:
        context = records.installer_webhook_context(tenant, who.holder, who.generation)
        return _SealedField(AuditEvent.WEBHOOK_READ, context, who.webhook, users_webhook)
    stored = installations.find_webhook(app.db, tenant)
    if stored is None or stored[1] != who.generation:
        return None
    webhook, generation = stored

    def tenants() -> Sealed | None:
        found = installations.find_webhook(app.db, tenant)
        return found[0] if found is not None and found[1] == generation else None

    return _SealedField(AuditEvent.WEBHOOK_READ, records.webhook_context(tenant, generation), webhook, tenants)


def _open_details(app: App, record: _SealedField | None, managed: bool) -> Mapping[str, Any]:
    found = _open_fields(app, record)
    if managed:
        found.pop("odd", None)  # it may hold a refresh token
    return found


def _open_fields(app: App, record: _SealedField | None) -> dict[str, Any]:
    if record is None:
        return {}
    return dict(json.loads(open_or_reread(app, record.context, record.sealed, record.reread)))
