"""Seeds an organization with a connection in every state, for whoever looks at the pages on his own machine.

All of it is made up: no token stands behind any of them, so a test of one is refused, and nothing is audited.
"""

from typing import NamedTuple

from slackapp.errors import UsageError
from slackapp.flows.app import App
from slackapp.host.flows import change_connection
from slackapp.host.flows.connect.begin_connect import MAX_ATTEMPTS
from slackapp.host.model import ConnectionKind, ConnectionStatus, ConnectionWay, HostRole, MemberStatus
from slackapp.host.rows import (
    Connection,
    ConnectionSettings,
    HeldWorkspace,
    Member,
    NewConnection,
    Purpose,
    StatusReason,
)
from slackapp.host.store import connections, members, organizations, purposes
from slackapp.model import Actor, Tenant, TenantKind

OWNER, MEMBER = "owner", "member"
_MADE_UP_KEY = "seed"
_HOUR, _DAY = 3600, 86_400
_PENDING_SECONDS = 600


class Seed(NamedTuple):
    """Connection to be made up: its workspace's name, and the status and reason in which it ends."""

    name: str
    status: ConnectionStatus
    reason: StatusReason | None = None
    channel: str = ""
    scopes: tuple[str, ...] | None = None
    days: int = 20


_ACTIVE, _SUSPENDED, _FAILED = ConnectionStatus.ACTIVE, ConnectionStatus.SUSPENDED, ConnectionStatus.FAILED
SEEDS = (
    Seed("Harbour Logistics", _ACTIVE, channel="C0SEEDGEN1"),
    Seed("Maple Clinic", _ACTIVE, days=9),
    Seed("Old Mill Bakery", _ACTIVE, scopes=("chat:write",), channel="C0SEEDGEN2", days=29),
    Seed("Blue Door Studio", ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD),
    Seed("Quarry Street School", _SUSPENDED, StatusReason.OWNER),
    Seed("North Shore Rowing", _SUSPENDED, StatusReason.AGE, days=28),
    Seed("Little Garden", _SUSPENDED, StatusReason.REVIEW),
    Seed("Lantern Books", _SUSPENDED, StatusReason.KEY, days=3),
    Seed("Copper Kettle", _SUSPENDED, StatusReason.FREEZE, days=5),
    Seed("", ConnectionStatus.REVOKED, StatusReason.UNINSTALLED, days=16),
    Seed("", ConnectionStatus.QUARANTINED, days=0),
    Seed("", ConnectionStatus.PENDING, days=0),
    Seed("", _FAILED, StatusReason.ACCESS_DENIED, days=16),
    Seed("", _FAILED, StatusReason.ACCESS_DENIED, days=9),
    Seed("", _FAILED, StatusReason.INSTALLER_NOT_ADMIN, days=9),
    Seed("", _FAILED, StatusReason.NOT_CONFIRMED, days=2),
)


def run(app: App, organization_id: str, actor: Actor, now: int) -> int:
    """Makes it up; how many connections. Raises UsageError where it is there, or Slack is no local one."""
    if not app.settings.slack.is_local:
        raise UsageError("seed: only beside a local Slack; what is made up has no place among customers")
    with app.db.transaction():
        if organizations.find(app.db, organization_id) is not None:
            raise UsageError("--organization: is there already; name another one")
        organizations.note(app.db, organization_id, organization_id.title(), issued_at=now, now=now)
        for member_id, role in ((OWNER, HostRole.OWNER), (MEMBER, HostRole.MEMBER)):
            named = {"organization_id": organization_id, "member_id": member_id, "name": member_id.title()}
            said = Member(**named, role=role, issued_at=now, status=MemberStatus.ACTIVE)
            members.note(app.db, said, now)
        purposes.save(app.db, organization_id, Purpose("alerts", "Alerts of deployments"), now)
        purposes.save(app.db, organization_id, Purpose("billing", "Reminders of bills"), now)
        for number, seed in enumerate(SEEDS):
            _make(app, organization_id, number, seed, actor=actor, now=now)
    return len(SEEDS)


def _make(app: App, organization_id: str, number: int, seed: Seed, *, actor: Actor, now: int) -> None:
    db, began = app.db, now - seed.days * _DAY - number * _HOUR if seed.days else now - number
    new = NewConnection(
        id=app.entropy(12).hex(),
        organization_id=organization_id,
        user_id=OWNER,
        kind=ConnectionKind.WORKSPACE,
        way=ConnectionWay.PAGE,
        host_key_id=_MADE_UP_KEY,
        purpose_id=("alerts", "billing")[number % 2],
        state_hash=app.entropy(32),
        expires_at=now + _PENDING_SECONDS,
    )
    connections.add(db, new, began, most=MAX_ATTEMPTS)
    if seed.status is ConnectionStatus.PENDING:
        return
    attempt = _read(app, new)
    tenant = Tenant(TenantKind.WORKSPACE, f"T0SEED{app.entropy(4).hex().upper()}")
    if seed.status is ConnectionStatus.QUARANTINED:
        connections.quarantine(db, attempt.key, tenant, "", now=began)
        return
    if seed.status is ConnectionStatus.FAILED:
        change_connection.fail(db, attempt.key, StatusReason(seed.reason or ""), began + 45)
        return
    scopes = app.settings.bot_scopes if seed.scopes is None else seed.scopes
    domain = seed.name.lower().replace(" ", "-")
    held = HeldWorkspace(
        tenant=tenant,
        enterprise_id="",
        team_name=seed.name,
        team_domain=domain,
        bot_user_id=f"U0SEED{number:04}",
        scopes=scopes,
        installer_id="U0SEEDUSER",
    )
    change_connection.activate(db, attempt, held, actor, now=began + 20 + 17 * number)
    active = _read(app, new)
    settings = ConnectionSettings(OWNER, new.purpose_id, seed.channel)
    connections.save_settings(db, active.key, settings, None, now=began)
    connections.note_used(db, active.key, now - 60 * number - 120)
    if seed.status is ConnectionStatus.REVOKED:
        change_connection.revoke(db, active.key, StatusReason(seed.reason or ""), now)
    elif seed.status is not ConnectionStatus.ACTIVE:
        change_connection.set_status(db, active.key, seed.status, seed.reason, now=now)


def _read(app: App, new: NewConnection) -> Connection:
    found = connections.find(app.db, new.organization_id, new.id)
    if found is None:
        raise LookupError("a connection that was just made")
    return found
