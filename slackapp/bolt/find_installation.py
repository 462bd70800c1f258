"""Hands an installation with its tokens out of the vault, to the Bolt app that asks for it.

The one place where an opened token, or a webhook, leaves. As everywhere, the audit rows are committed before anything
is opened; and each call opens anew, so that a caller who changes what it was given changes nothing here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.bolt import lease_refresh
from slackapp.bolt.lease_refresh import LeaseHolder
from slackapp.checks.capabilities import BOLT
from slackapp.crypto import records
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.flows.tokens import use_token
from slackapp.model import (
    BOT,
    Actor,
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
    TokenPart,
)
from slackapp.store import installations, installers
from slackapp.store.installers import Installer
from slackapp.vault.secret_reads import RecordRead, SecretRead, TokenRead, TokenReplacedError, refusal_of

_SERVED = frozenset({InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL})
_GONE = (Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED)
_PURPOSE = "hand_out"
_TRIES = 3
"""How often a token is looked up again that was replaced before it could be opened."""


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
    return _find(app, installation, Installer(BOT, 0, float(installation.installed_at)), lease_holder, actor=actor)


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
    return _find(app, installation, who, lease_holder, actor=actor) if who is not None else None


def _find(
    app: App, installation: Installation, who: Installer, lease_holder: LeaseHolder | None, actor: Actor
) -> FoundInstallation | None:
    """Finds it once more where a token is replaced between the look-up and its opening."""
    for _ in range(_TRIES):
        try:
            return _open_all(app, installation, who, lease_holder, actor=actor)
        except TokenReplacedError:
            continue
        except Refused as refused:
            if refused.refusal in _GONE:
                return None
            raise
    raise TokenReplacedError


def _open_all(
    app: App, installation: Installation, who: Installer, lease_holder: LeaseHolder | None, actor: Actor
) -> FoundInstallation | None:
    tenant = installation.tenant
    stored = {
        holder: _stored(app, tenant, holder, lease_holder, actor=actor) for holder in dict.fromkeys((BOT, who.holder))
    }
    if who.holder == BOT and stored[BOT] is None:
        return None
    bot_row = installers.find(app.db, tenant, BOT)
    who = bot_row if who.holder == BOT and bot_row is not None else who
    reads = {
        (holder, part): read
        for holder, found in stored.items()
        if found is not None
        for part, read in _token_reads(*found, actor).items()
    }
    records_read = {
        "details": _details_of(app, tenant, who, actor),
        "bot_details": _details_of(app, tenant, bot_row, actor),
        "webhook": _webhook_of(app, tenant, who, actor),
    }
    if not reads and not any(records_read.values()):
        refusal = refusal_of(installations.find(app.db, tenant), _SERVED)
        if refusal is not None:
            raise Refused(refusal)
    opened = _read_all(app, {**reads, **{name: read for name, read in records_read.items() if read is not None}})
    plain = {
        holder: _plain(found[0], opened[holder, TokenPart.ACCESS], opened.get((holder, TokenPart.REFRESH)), found[1])
        for holder, found in stored.items()
        if found is not None
    }
    managed = lease_holder is None
    return FoundInstallation(
        installation=installation,
        holder=who.holder,
        installed_at=who.installed_at,
        bot=plain.get(BOT),
        user=plain.get(who.holder) if who.holder != BOT else None,
        details=_fields(opened.get("details"), managed),
        bot_details=_fields(opened.get("bot_details"), managed),
        webhook=_fields(opened.get("webhook"), managed=False),
    )


def _read_all(app: App, reads: Mapping[Any, SecretRead]) -> dict[Any, Secret]:
    """Opens all of them with one commit; by the same keys."""
    if not reads:
        return {}
    first = next(iter(reads.values()))
    with refuse_on_key_error(app, lambda: first.entry(app.clock())):
        return dict(zip(reads, app.vault.read_secrets(list(reads.values())), strict=True))


def _token_reads(token: Token, with_refresh: bool, actor: Actor) -> dict[TokenPart, TokenRead]:
    parts = (TokenPart.ACCESS, TokenPart.REFRESH) if with_refresh and token.refresh is not None else (TokenPart.ACCESS,)
    return {
        part: TokenRead(
            token=token,
            part=part,
            capability=BOLT,
            method=None,
            purpose=_PURPOSE,
            actor=actor,
            statuses=_SERVED,
        )
        for part in parts
    }


def _plain(token: Token, access: Secret, refresh: Secret | None, with_refresh: bool) -> PlainToken:
    return PlainToken(access, refresh, token.expires_at if with_refresh else None, token.scopes)


def _stored(
    app: App, tenant: Tenant, holder: Holder, lease_holder: LeaseHolder | None, actor: Actor
) -> tuple[Token, bool] | None:
    """The sealed token, and whether with its refresh token; None where there is none, or only a new install helps."""
    if lease_holder is not None:
        return lease_refresh.run(app, tenant, holder, lease_holder)
    try:
        use = use_token.TokenUse(
            tenant=tenant,
            holder=holder,
            capability=BOLT,
            method=None,
            purpose=_PURPOSE,
            actor=actor,
            statuses=_SERVED,
        )
        return use_token.find_usable(app, use), False
    except Refused as refused:
        if refused.refusal in _GONE:
            return None
        raise


def _details_of(app: App, tenant: Tenant, who: Installer | None, actor: Actor) -> RecordRead | None:
    if who is None or who.details is None:
        return None

    def current() -> Sealed | None:
        found = installers.find(app.db, tenant, who.holder)
        return found.details if found is not None and found.generation == who.generation else None

    context = records.installer_details_context(tenant, who.holder, who.generation)
    return _record_read(AuditEvent.DETAILS_READ, context, who.details, reread=current, actor=actor)


def _webhook_of(app: App, tenant: Tenant, who: Installer, actor: Actor) -> RecordRead | None:
    """Finds the webhook of this user's install; where our own service took that install, the tenant's."""

    def users_webhook() -> Sealed | None:
        found = installers.find(app.db, tenant, who.holder)
        return found.webhook if found is not None and found.generation == who.generation else None

    if who.webhook is not None:
        context = records.installer_webhook_context(tenant, who.holder, who.generation)
        return _record_read(AuditEvent.WEBHOOK_READ, context, who.webhook, reread=users_webhook, actor=actor)
    stored = installations.find_webhook(app.db, tenant)
    if stored is None or stored[1] != who.generation:
        return None
    webhook, generation = stored

    def tenants() -> Sealed | None:
        found = installations.find_webhook(app.db, tenant)
        return found[0] if found is not None and found[1] == generation else None

    context = records.webhook_context(tenant, generation)
    return _record_read(AuditEvent.WEBHOOK_READ, context, webhook, reread=tenants, actor=actor)


def _record_read(
    event: AuditEvent, context: RecordContext, stored: Sealed, *, reread: Callable[[], Sealed | None], actor: Actor
) -> RecordRead:
    return RecordRead(
        context=context,
        stored=stored,
        reread=reread,
        event=event,
        capability=BOLT,
        purpose=_PURPOSE,
        actor=actor,
        statuses=_SERVED,
    )


def _fields(opened: Secret | None, managed: bool) -> dict[str, Any]:
    found = dict(json.loads(opened.reveal())) if opened is not None else {}
    if managed:
        found.pop("odd", None)  # it may hold a refresh token
    return found
