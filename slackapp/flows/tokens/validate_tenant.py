"""Asks Slack about every token of a tenant: does it work, whose is it, what may it do.

Finds tokens that died while nobody used them, scopes that were taken away or were never granted, and workspaces that
joined an enterprise meanwhile (docs.slack.dev/reference/methods/auth.test, docs.slack.dev/apis/web-api).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from slackapp.checks import token_owner, token_refusals
from slackapp.checks.capabilities import VALIDATE
from slackapp.checks.scopes import same_scopes
from slackapp.checks.slack_ids import is_enterprise
from slackapp.errors import Refused, SlackCallError, SlackErrorKind
from slackapp.flows import named_tenants
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.tokens import bot_identity, needs_reinstall, rotated_pair, use_token
from slackapp.model import (
    BOT,
    SCHEDULER,
    Actor,
    AuditEntry,
    AuditEvent,
    AuditRecord,
    Holder,
    Installation,
    InstallationStatus,
    SlackResponse,
    Tenant,
    TenantChange,
    Token,
    TokenHealth,
    TokenStatus,
)
from slackapp.store import installations, tokens

INTERVAL = 86_400
"""Seconds between two checks of a tenant."""
_BATCH = 50
_CHECKED = frozenset({InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL})
_FOREIGN = (TokenHealth.FOREIGN, "Slack names another tenant")


class TokenCheck(NamedTuple):
    """Result of a check of one token.

    Where it is dead, nothing but a new install helps, at `install_url`. `missing` are scopes that the app asks for and
    the token has not, `surplus` those that it has and the app does not ask for.
    """

    tenant: Tenant
    name: str
    holder: Holder
    health: TokenHealth
    why: str = ""
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    install_url: str | None = None

    @property
    def result(self) -> str:
        """Health, and why, on one line."""
        return f"{self.health}: {self.why}" if self.why else str(self.health)

    @property
    def is_fine(self) -> bool:
        """Tells whether nobody needs to do anything about it."""
        return self.health == TokenHealth.OK and not self.missing


def run_due(app: App, stopping: Callable[[], bool]) -> int:
    """Checks the tenants that were not checked for a day, some at a time; returns how many. Raises StoreError."""
    for number in range(_BATCH):
        now = app.clock()
        # One by one: who is stopped, or fails, leaves the others to be checked today all the same.
        found = installations.claim_checks(app.db, now - INTERVAL, 1, now) if not stopping() else []
        if not found:
            return number
        run(app, found[0], SCHEDULER)
    return _BATCH


def run_paused(app: App, stopping: Callable[[], bool]) -> int:
    """Checks the tenants with a token whose pause is over, some at a time; returns how many. Raises StoreError.

    Of each tenant those tokens alone: one that pauses must not have a thousand others asked about every minute.
    """
    now = app.clock()
    found = tokens.list_pause_ended(app.db, now, now + token_refusals.MAX_PAUSE, _BATCH)
    for number, tenant in enumerate(found):
        if stopping():
            return number
        installation = installations.find(app.db, tenant)
        for token in tokens.list_by_tenant(app.db, tenant):
            is_over = token.refused_since is not None and not token_refusals.pause_seconds_left(token, now)
            if installation is not None and is_over:
                _count(app, tenant, _check(app, installation, token, SCHEDULER))
    return len(found)


def run_all(app: App, claimed_id: str | None, actor: Actor) -> tuple[int, Iterator[TokenCheck]]:
    """Checks the tokens of the tenant that an id names, or of all; returns how many tenants, and each result.

    Raises CommandError, StoreError.
    """
    tenants = named_tenants.chosen_tenants(app, claimed_id)
    return len(tenants), (checked for tenant in tenants for checked in run(app, tenant, actor))


def run(app: App, tenant: Tenant, actor: Actor) -> list[TokenCheck]:
    """Checks the tenant's tokens, one result each; none for a tenant that is not there. Raises StoreError."""
    installation = installations.find(app.db, tenant)
    if installation is None:
        return []
    found = [_check(app, installation, token, actor) for token in tokens.list_by_tenant(app.db, tenant)]
    if installation.status == InstallationStatus.NEEDS_REINSTALL and all(checked.holder != BOT for checked in found):
        found.insert(0, _dead(app, installation, BOT, "known"))  # an event told of its end, and erased it
    if found and all(checked.health in (TokenHealth.OK, TokenHealth.DEAD) for checked in found):
        now = app.clock()
        installations.note_validated(app.db, installation, now)
        for data in app.tenant_data:
            # claim: C-368
            data.validated(app.db, tenant, now)
    for checked in found:
        _count(app, tenant, checked)
    return found


def _count(app: App, tenant: Tenant, checked: TokenCheck) -> None:
    app.metrics.count("slackapp_token_checks_total", {"result": checked.health})
    for kind, scopes in (("missing", checked.missing), ("surplus", checked.surplus)):
        if scopes:
            app.metrics.count("slackapp_scope_drift_total", {"kind": kind})
            notes.count_tenant_change(app, tenant, TenantChange.SCOPE_DRIFT)


def _check(app: App, installation: Installation, token: Token, actor: Actor) -> TokenCheck:
    tenant, holder = token.tenant, token.holder
    if token.reason == token_refusals.FOREIGN_TOKEN:
        return TokenCheck(tenant, installation.name, holder, *_FOREIGN)
    if token.status == TokenStatus.DEAD or (
        installation.status == InstallationStatus.NEEDS_REINSTALL and holder == BOT
    ):
        return _dead(app, installation, holder, (installation.status_reason if holder == BOT else "") or "known")
    use = use_token.TokenUse(
        tenant=tenant,
        holder=holder,
        capability=VALIDATE,
        method=token_owner.AUTH_TEST,
        purpose="check",
        actor=actor,
        statuses=_CHECKED,
        ignore_pause=True,
    )
    try:
        answer = use_token.call(app, use, {})
    except SlackCallError as error:
        if error.kind is SlackErrorKind.DEAD:
            return _dead(app, installation, holder, error.code)
        return TokenCheck(tenant, installation.name, holder, *_health(error))
    except Refused as refused:
        if refused.install_url is not None:
            return _dead(app, installation, holder, refused.refusal.code)
        return TokenCheck(tenant, installation.name, holder, TokenHealth.UNKNOWN, why=refused.refusal.code)
    if not token_owner.names_tenant(tenant, answer.data):
        return TokenCheck(tenant, installation.name, holder, TokenHealth.UNKNOWN, why="Slack names no tenant")
    _note_enterprise(app, installation, answer.data, actor)
    if holder == BOT:
        bot_identity.save_bot_id(app, installation, answer.data)
    missing, surplus = _note_scopes(app, installation, token, answer, actor=actor)
    return TokenCheck(tenant, installation.name, holder, TokenHealth.OK, missing=missing, surplus=surplus)


def _health(error: SlackCallError) -> tuple[TokenHealth, str]:
    if error.code == token_refusals.FOREIGN_TOKEN:
        return _FOREIGN
    return TokenHealth.PAUSED if error.kind is SlackErrorKind.UNCERTAIN else TokenHealth.UNKNOWN, error.code


def _dead(app: App, installation: Installation, holder: Holder, why: str) -> TokenCheck:
    url = needs_reinstall.install_url(app, installation.tenant)
    return TokenCheck(installation.tenant, installation.name, holder, TokenHealth.DEAD, why=why, install_url=url)


def _note_enterprise(app: App, installation: Installation, data: Mapping[str, Any], actor: Actor) -> None:
    tenant, enterprise_id = installation.tenant, data.get("enterprise_id")
    if tenant.is_enterprise or not is_enterprise(enterprise_id) or enterprise_id == installation.enterprise_id:
        return
    with app.db.transaction():
        current = installations.find(app.db, tenant)
        if current is not None and current.enterprise_id != enterprise_id:  # another token may have told it already
            installations.join_enterprise(app.db, tenant, str(enterprise_id))
            app.vault.append(
                AuditEntry(
                    at=app.clock(),
                    event=AuditEvent.TENANT_JOINED_ORG,
                    actor=actor,
                    tenant=tenant,
                    record_kind=AuditRecord.ENTERPRISE,
                    record_id=str(enterprise_id),
                )
            )


def _note_scopes(
    app: App, installation: Installation, token: Token, answer: SlackResponse, actor: Actor
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Missing and surplus ones; what Slack says now is stored, and a change is noted."""
    if answer.scopes is None:
        return (), ()
    if not _is_known(installation, token, answer.scopes):
        _store_scopes(app, installation, token, answer.scopes, actor=actor)
    return rotated_pair.token_drift(app, token, answer.scopes)


def _is_known(installation: Installation, token: Token, scopes: tuple[str, ...]) -> bool:
    """The bot's stand with the installation, too."""
    of_bot = token.holder != BOT or same_scopes(installation.scopes_granted, scopes)
    return same_scopes(token.scopes, scopes) and of_bot


def _store_scopes(app: App, before: Installation, token: Token, scopes: tuple[str, ...], actor: Actor) -> None:
    tenant = token.tenant
    with app.db.transaction():
        installation, current = installations.find(app.db, tenant), tokens.find(app.db, tenant, token.holder)
        if installation is None or current is None or installation.generation != before.generation:
            return  # erased, or installed again, since Slack was asked
        if _is_known(installation, current, scopes):
            return  # somebody else has just noted it
        tokens.set_scopes(app.db, current, scopes)
        if token.holder == BOT:
            installations.set_granted_scopes(app.db, tenant, scopes)
        rotated_pair.note_drift(app, current, scopes, actor, now=app.clock())
