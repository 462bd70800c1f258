"""Hands an installation with its tokens out of the vault, to the Bolt app that asks for it.

The one place where an opened token, or a webhook, leaves. All of it is looked up in the transaction that writes the
rows of the audit; as everywhere, these are committed before anything is opened. And each call opens anew, so that a
caller who changes what it was given changes nothing here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slackapp.bolt import delete_installation, lease_refresh
from slackapp.bolt.lease_refresh import LeaseHolder
from slackapp.checks.capabilities import BOLT
from slackapp.crypto import records
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.flows.tokens import refresh_token, use_token
from slackapp.model import (
    BOT,
    SLACK_PROVIDER,
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
    TokenStatus,
)
from slackapp.store import installations, installers, tokens
from slackapp.store.engine.database import Database
from slackapp.store.installers import Installed, Installer
from slackapp.vault.secret_reads import RecordRead, SecretRead, TokenRead, TokenReplacedError, refusal_of

_SERVED = frozenset({InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL})
_GONE = (Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED)
_PURPOSE = "hand_out"
_TRIES = 3
"""How often a token is looked up again that was replaced before it could be opened."""
_Stored = tuple[Token, bool]
"""The sealed token, and whether with its refresh token."""


class PlainToken(NamedTuple):
    """A token in clear. `refresh` and `expires_at` (Unix seconds) are None where somebody else refreshes it."""

    access: Secret
    refresh: Secret | None
    expires_at: int | None
    scopes: tuple[str, ...]


class FoundInstallation(NamedTuple):
    """Installation as a Bolt app gets it: of one user, or of the bot alone."""

    installation: Installation
    holder: Holder
    installed_at: float
    bot: PlainToken | None
    user: PlainToken | None
    details: Mapping[str, Any]
    bot_details: Mapping[str, Any]
    webhook: Mapping[str, str]


class InstallationIds(NamedTuple):
    """Ids that name an installation, as a Bolt app has them; either of the first two may be "".

    Without a team, or where the event says that the install is enterprise-wide, they name the enterprise; else the
    team, and then the enterprise must be the stored one. A workspace that was stored without one is found with any: it
    joined one since, and its own id is as unique as before.
    """

    enterprise_id: str
    team_id: str
    is_enterprise_install: bool

    @property
    def tenant(self) -> Tenant:
        """Tenant that they name, installed or not."""
        if self.is_enterprise_install or not self.team_id:
            return Tenant(TenantKind.ENTERPRISE, self.enterprise_id)
        return Tenant(TenantKind.WORKSPACE, self.team_id)

    def find(self, db: Database) -> Installation | None:
        """Finds the installation that they name."""
        found = installations.find(db, self.tenant)
        return found if found is not None and self.name(found) else None

    def name(self, found: Installation) -> bool:
        """Tells whether they name what their tenant has installed."""
        return found.enterprise_id in ("", self.enterprise_id)


def find_bot(
    app: App, ids: InstallationIds, lease_holder: LeaseHolder | None, actor: Actor
) -> FoundInstallation | None:
    """The bot alone; None where there is no token of it. Raises Refused, StoreError.

    Without a `lease_holder` refreshing stays in the vault; otherwise it is who refreshes.
    """
    return _find(_Look(app, ids, BOT, lease_holder, actor=actor))


def find_user(
    app: App, ids: InstallationIds, user_id: str | None, lease_holder: LeaseHolder | None, actor: Actor
) -> FoundInstallation | None:
    """Finds what this user installed, or whoever did last, with the latest bot token.

    None where that user installed nothing, or the tenant is being removed. Raises Refused, StoreError.
    """
    if user_id is None:
        return _find(_Look(app, ids, None, lease_holder, actor=actor))
    installation = ids.find(app.db) if lease_holder is not None else None
    if installation is not None and lease_holder is not None:
        lease_refresh.release_other_lease(app, installation.tenant, user_id, lease_holder)
    return _find(_Look(app, ids, Holder.user(user_id), lease_holder, actor=actor)) if user_id else None


@dataclass
class _Look:
    """Look at what is stored, in the transaction of the rows that tell of it; run again, it looks again.

    `asked` is the bot, a user, or None for whoever installed last. `settled` are tokens that were refreshed, or whose
    refresh was left to somebody; `unsettled` are holders whose token is to be, outside the transaction.
    """

    app: App
    ids: InstallationIds
    asked: Holder | None
    lease_holder: LeaseHolder | None
    actor: Actor
    settled: dict[Holder, _Stored | None] = field(default_factory=dict)
    is_resolved: bool = False
    """Whether Slack was asked about a suspicion: nobody may have, since the event that brought it."""
    installation: Installation | None = None
    who: Installer | None = None
    stored: dict[Holder, _Stored | None] = field(default_factory=dict)
    unsettled: list[Holder] = field(default_factory=list)
    reads: dict[Any, SecretRead] = field(default_factory=dict)

    def run(self) -> list[SecretRead]:
        """Finds what is to be read; nothing, where nothing is there, or something must be done before."""
        self.installation, self.who, self.stored, self.unsettled, self.reads = None, None, {}, [], {}
        found = installers.find_installed(self.app.db, self.ids.tenant)
        if found is None or not self.ids.name(found.installation):
            return []
        self.installation = found.installation
        who = self.who = None if self.must_resolve else self._find_who(found)
        # Asked here, so that whom nothing is served of costs no row, and nobody else's work; the row judges again.
        if who is None or refusal_of(found.installation, _SERVED) is not None:
            return []
        self.stored[BOT] = self._stored(BOT, found.token)
        if who.holder != BOT:
            token = tokens.find(self.app.db, self.ids.tenant, who.holder)
            self.stored[who.holder] = self._stored(who.holder, token)
        if not self.unsettled and (who.holder != BOT or self.stored[BOT] is not None):
            self.reads = self._reads(found, who)
        return list(self.reads.values())

    @property
    def must_resolve(self) -> bool:
        """Tells whether Slack is to be asked first about whom it has reported."""
        is_suspect = self.installation is not None and self.installation.status == InstallationStatus.SUSPECT
        return is_suspect and not self.is_resolved

    def _find_who(self, found: Installed) -> Installer | None:
        if self.asked is None:
            return installers.latest(self.app.db, self.ids.tenant)
        if self.asked == BOT:
            return found.installer or Installer(BOT, 0, float(found.installation.installed_at))
        return installers.find(self.app.db, self.ids.tenant, self.asked)

    def _stored(self, holder: Holder, token: Token | None) -> _Stored | None:
        if holder in self.settled:
            return self.settled[holder]
        if token is None or token.status == TokenStatus.DEAD:
            return None
        if not self._is_settled(token):
            self.unsettled.append(holder)
        return token, self.lease_holder is not None

    def _is_settled(self, token: Token) -> bool:
        """Tells whether the token is given as it is: nobody refreshes it yet, and it is not over."""
        now = self.app.clock()
        if self.lease_holder is not None:
            return lease_refresh.is_left_alone(token, self.lease_holder, now)
        is_over = token.expires_at is not None and token.expires_at <= now
        return token.provider == SLACK_PROVIDER and not is_over and not refresh_token.is_due(token, now)

    def _reads(self, found: Installed, who: Installer) -> dict[Any, SecretRead]:
        tenant = self.ids.tenant
        reads: dict[Any, SecretRead | None] = {
            (holder, part): read
            for holder, stored in self.stored.items()
            if stored is not None
            for part, read in _token_reads(*stored, self.actor).items()
        }
        if who.holder != BOT:  # a bot alone is given no webhook, and its details are those of the bot
            reads["details"] = _details_of(self.app, tenant, who, self.actor)
        reads["bot_details"] = _details_of(self.app, tenant, found.installer, self.actor)
        if who.holder != BOT:
            reads["webhook"] = _webhook_of(self.app, found, who, self.actor)
        return {name: read for name, read in reads.items() if read is not None}


def _find(look: _Look) -> FoundInstallation | None:
    """Finds it once more where a token is replaced between its refresh and its opening."""
    if not _is_known(look.app, look.ids):
        return None
    for _ in range(_TRIES):
        try:
            return _open_all(look)
        except TokenReplacedError:
            look.settled.clear()
        except Refused as refused:
            if refused.refusal in _GONE:
                return None
            raise
    raise TokenReplacedError


def _is_known(app: App, ids: InstallationIds) -> bool:
    """Tells whether it may be installed: who asks for one that is not waits for nobody who writes."""
    if app.installation_cache.find(ids.tenant) is not None:
        return True
    found = ids.find(app.db)
    if found is not None:
        app.installation_cache.put(found)
    return found is not None


def _open_all(look: _Look) -> FoundInstallation | None:
    opened = _read_all(look)
    while look.installation is not None and (look.must_resolve or look.unsettled):
        if look.must_resolve:
            delete_installation.resolve_pending(look.app, look.installation.tenant, look.actor)
            look.is_resolved = True
        for holder in look.unsettled:
            look.settled[holder] = _settle(look, look.installation.tenant, holder)
        opened = _read_all(look)
    installation, who = look.installation, look.who
    if installation is None or who is None:
        return None
    refusal = refusal_of(installation, _SERVED)
    if refusal is not None:
        raise Refused(refusal, tenant=installation.tenant)
    if who.holder == BOT and look.stored[BOT] is None:
        return None
    plain = {
        holder: _plain(found[0], opened[holder, TokenPart.ACCESS], opened.get((holder, TokenPart.REFRESH)), found[1])
        for holder, found in look.stored.items()
        if found is not None
    }
    managed = look.lease_holder is None
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


def _read_all(look: _Look) -> dict[Any, Secret]:
    """Looks all of it up and opens it with one commit; by the same keys."""
    with refuse_on_key_error(look.app, lambda: next(iter(look.reads.values())).entry(look.app.clock())):
        opened = look.app.vault.read_secrets(look.run)
    return dict(zip(look.reads, opened, strict=True))


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


def _settle(look: _Look, tenant: Tenant, holder: Holder) -> _Stored | None:
    """Refreshes a token that is due, or lends its lease; None where only a new install helps."""
    if look.lease_holder is not None:
        return lease_refresh.run(look.app, tenant, holder, look.lease_holder)
    try:
        use = use_token.TokenUse(
            tenant=tenant,
            holder=holder,
            capability=BOLT,
            method=None,
            purpose=_PURPOSE,
            actor=look.actor,
            statuses=_SERVED,
        )
        return use_token.find_usable(look.app, use), False
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


def _webhook_of(app: App, found: Installed, who: Installer, actor: Actor) -> RecordRead | None:
    """Finds the webhook of this user's install; where our own service took that install, the tenant's."""
    tenant, webhook, generation = found.installation.tenant, found.webhook, found.webhook_generation

    def users_webhook() -> Sealed | None:
        found = installers.find(app.db, tenant, who.holder)
        return found.webhook if found is not None and found.generation == who.generation else None

    if who.webhook is not None:
        context = records.installer_webhook_context(tenant, who.holder, who.generation)
        return _record_read(AuditEvent.WEBHOOK_READ, context, who.webhook, reread=users_webhook, actor=actor)
    if webhook is None or generation != who.generation:
        return None

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
