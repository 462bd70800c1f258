"""Reconciles what is stored with what Slack says: each token, each connection, each enterprise's workspaces.

Slack is asked about each token by the core's own check, which also does what its answer means: a dead token is given
up, and its connection must be connected anew. What is told beyond that is a difference between our own tables, which a
repair ends, or something that only a person can mend. Nobody is asked about what is frozen.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slackapp.checks.capabilities import Capability
from slackapp.errors import Refused, SlackCallError
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token, validate_tenant
from slackapp.host.flows import change_connection
from slackapp.host.model import ConnectionStatus, DifferenceKind
from slackapp.host.rows import Connection, HostAuditEvent, StatusReason
from slackapp.host.store import connections
from slackapp.host.store.reviews import shadow_installations
from slackapp.host.store.reviews.shadow_installations import ShadowInstallation
from slackapp.model import BOT, Actor, AuditEntry, Installation, InstallationStatus, Tenant, TenantKind, TokenHealth
from slackapp.store import installations

RECONCILE = Capability("reconcile", frozenset({"auth.teams.list"}))
"""What is asked of Slack here, besides the core's own check."""
PACE = 0.1
"""Seconds between two tenants."""
_TEAM_PAGES = 50
_STOPPED = frozenset({InstallationStatus.NEEDS_REINSTALL, InstallationStatus.SUSPENDED})


class Difference(NamedTuple):
    """Difference: of which tenant and organization, what, and whether it was ended just now."""

    tenant: Tenant
    kind: DifferenceKind
    detail: str
    organization_id: str = ""
    connection_id: str = ""
    is_repaired: bool = False


def run(
    app: App, only: Tenant | None, after: str, actor: Actor, *, is_repair: bool
) -> Iterator[tuple[Tenant, list[Difference]]]:
    """Goes through one tenant, or all behind that id in the order of ids; gives each with what differs.

    Raises StoreError.
    """
    known = {each.tenant for each in installations.list_all(app.db)} | connections.list_tenants(app.db)
    for tenant in sorted(known, key=lambda each: each.id) if only is None else [only]:
        if tenant.id > after:
            connection = connections.find_held(app.db, tenant)
            whose = (connection.organization_id, connection.id) if connection is not None else ("", "")
            found = list(_look(app, tenant, actor, is_repair=is_repair))
            yield tenant, [each._replace(organization_id=whose[0], connection_id=whose[1]) for each in found]
            app.wait(PACE)


def _look(app: App, tenant: Tenant, actor: Actor, *, is_repair: bool) -> Iterator[Difference]:
    """Compares one tenant, and repairs what can be."""
    checks = validate_tenant.run(app, tenant, actor)
    connection, installation = connections.find_held(app.db, tenant), installations.find(app.db, tenant)
    for checked in checks:
        if checked.health is not TokenHealth.OK:
            yield Difference(tenant, DifferenceKind.UNUSABLE, checked.result)
        elif checked.missing:
            yield Difference(tenant, DifferenceKind.SCOPES, " ".join(checked.missing))
    # claim: C-390
    if connection is None and installation is not None and _is_shadow(app, installation):
        yield Difference(tenant, DifferenceKind.SHADOW, str(installation.status))
    if connection is not None and installation is None:
        is_repaired = is_repair and _end(app, connection, actor)
        yield Difference(tenant, DifferenceKind.UNBACKED, str(connection.status), is_repaired=is_repaired)
    if connection is not None and installation is not None and _is_ahead(connection, installation):
        is_repaired = is_repair and _follow(app, connection, actor)
        yield Difference(tenant, DifferenceKind.STATUS, str(installation.status), is_repaired=is_repaired)
    is_fine = bool(checks) and all(checked.health is TokenHealth.OK for checked in checks)
    # claim: C-391
    if tenant.is_enterprise and is_fine and (wrong := _teams(app, tenant, connection, actor)):
        yield Difference(tenant, DifferenceKind.TEAMS, wrong)


def page_shadow(app: App, after: str, most: int) -> Sequence[ShadowInstallation]:
    """Lists installations that no organization holds, behind the tenant with that id."""
    return shadow_installations.page(app.db, after, most)


def _is_shadow(app: App, installation: Installation) -> bool:
    """Tells whether no organization holds it, nor the enterprise over it."""
    over = Tenant(TenantKind.ENTERPRISE, installation.enterprise_id or "")
    return not installation.enterprise_id or connections.find_held(app.db, over) is None


def _is_ahead(connection: Connection, installation: Installation) -> bool:
    return connection.status == ConnectionStatus.ACTIVE and installation.status in _STOPPED


def _end(app: App, connection: Connection, actor: Actor) -> bool:
    """Revokes what has no installation any more; False where that changed meanwhile."""
    with app.db.transaction():
        found = connections.find(app.db, connection.organization_id, connection.id)
        # claim: C-392
        if found is None or found.tenant is None or installations.find(app.db, found.tenant) is not None:
            return False
        is_over = change_connection.revoke(app.db, found.key, StatusReason.UNINSTALLED, app.clock())
        if is_over:
            _note(app, found, actor)
    return is_over


def _follow(app: App, connection: Connection, actor: Actor) -> bool:
    """Has the connection follow its installation, as if that had changed just now; False where it has meanwhile."""
    with app.db.transaction():
        found = connections.find(app.db, connection.organization_id, connection.id)
        tenant = found.tenant if found is not None else None
        installation = installations.find(app.db, tenant) if tenant is not None else None
        # claim: C-392
        if found is None or tenant is None or installation is None or not _is_ahead(found, installation):
            return False
        for data in app.tenant_data:
            data.status_changed(app.db, tenant, installation.status, app.clock())
        _note(app, found, actor)
    return True


def _note(app: App, connection: Connection, actor: Actor) -> None:
    entry = AuditEntry(
        at=app.clock(), event=HostAuditEvent.INTEGRATION_RECONCILED, actor=actor, connection=connection.id
    )
    app.vault.append(entry._replace(tenant=connection.tenant or entry.tenant))


def _teams(app: App, tenant: Tenant, connection: Connection | None, actor: Actor) -> str:
    """Asks Slack in which workspaces an enterprise has the app; says what is wrong with that, or ""."""
    try:
        teams = _list_teams(app, tenant, actor)
    except (Refused, SlackCallError):
        return "could not be asked"
    if not teams:
        return "no workspace"
    wanted = connection.default_channel_team_id if connection is not None else ""
    return "not in the workspace of the default channel" if wanted and wanted not in teams else ""


def _list_teams(app: App, tenant: Tenant, actor: Actor) -> set[str]:
    use = use_token.TokenUse(
        tenant=tenant, holder=BOT, capability=RECONCILE, method="auth.teams.list", purpose="reconcile", actor=actor
    )
    found, cursor = set[str](), ""
    for _ in range(_TEAM_PAGES):
        data = use_token.call(app, use, {"limit": 1000, **({"cursor": cursor} if cursor else {})}).data
        teams, more = data.get("teams"), data.get("response_metadata")
        found |= {str(each.get("id")) for each in teams if isinstance(each, dict)} if isinstance(teams, list) else set()
        cursor = str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
        if not cursor:
            break
    return found
