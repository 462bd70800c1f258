"""Permission to connect: asked when it is begun, and again in the transaction that makes it active."""

from slackapp.flows.app import App
from slackapp.host.checks.roles import HostAction, is_allowed
from slackapp.host.checks.transitions import HELD
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import switch_host
from slackapp.host.flows.connect import approve_connect
from slackapp.host.memory import host_memory
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostRole, MemberStatus
from slackapp.host.rows import ApprovalStatus, Connection
from slackapp.host.store import approvals, connections, members, organizations
from slackapp.host.store.personal import personal_connections as personal
from slackapp.model import Actor


def require(
    app: App, organization_id: str, member_id: str, reconnects: str, *, kind: ConnectionKind
) -> Connection | None:
    """Raises HostRefused unless that organization may connect now, by that member. Inside the transaction that counts.

    `reconnects` is the id of the connection that is to be brought back, or ""; returns that connection.
    """
    found = organizations.find_permission(app.db, organization_id, member_id)
    # claim: C-161
    if found is None or found.removed_at is not None:
        raise HostRefused(HostRefusal.DISABLED)
    # claim: C-161
    if not switch_host.is_enabled(app, organization_id, found.is_disabled):
        raise HostRefused(HostRefusal.DISABLED)
    # claim: C-161
    if found.member_status != MemberStatus.ACTIVE:
        raise HostRefused(HostRefusal.ROLE)
    # claim: C-161
    if found.data_region and found.data_region != app.settings.data_region:
        raise HostRefused(HostRefusal.REGION)
    before = connections.find(app.db, organization_id, reconnects) if reconnects else None
    # claim: C-161
    if reconnects and not is_brought_back(before, member_id, kind):
        raise HostRefused(HostRefusal.CONNECT_FIELD, field="reconnect")
    # What is held, and brought back, needs no more room than it has.
    if before is not None and before.status in HELD:
        return before
    # Of their own each member may have as many as the organization may have workspaces.
    held = found.held
    if kind is ConnectionKind.PERSONAL:
        held = personal.count_held(app.db, organization_id, member_id)
    limit = found.workspace_limit or app.settings.host_workspaces
    # claim: C-161
    if held >= limit:
        raise HostRefused(HostRefusal.EXISTS if limit == 1 else HostRefusal.LIMIT)
    return before


def is_brought_back(before: Connection | None, member_id: str, kind: ConnectionKind) -> bool:
    """Tells whether a new grant may bring it back; a personal one by the same member alone."""
    return (
        before is not None
        and before.deleted_at is None
        and before.installed_at is not None  # an attempt that came to nothing was never anybody's
        and before.kind == kind
        and (kind is ConnectionKind.WORKSPACE or before.user_id == member_id)
        and before.status in HELD | {ConnectionStatus.REVOKED}
    )


def is_key_live(app: App, host_key_id: str) -> bool:
    """Tells whether the host key under which something was opened still signs."""
    return host_memory(app).keys.find(host_key_id) is not None


def require_role(app: App, attempt: Connection, now: int) -> None:
    """Raises HostRefused unless the member who began may connect as it is now; an approval is not used up."""
    member = members.find(app.db, attempt.organization_id, attempt.user_id)
    role = member.role if member is not None else None
    find_approval(app, attempt.organization_id, attempt.user_id, role, kind=attempt.kind, now=now)


def find_approval(
    app: App, organization_id: str, member_id: str, role: HostRole | None, *, kind: ConnectionKind, now: int
) -> str:
    """Finds the approval by which a member may connect who else may not; "" for whoever needs none.

    Raises HostRefused.
    """
    if is_approved(app, role, kind):
        return ""
    # claim: C-162
    if role is not HostRole.MEMBER or not app.settings.host_approval:
        raise HostRefused(HostRefusal.ROLE)
    found = approvals.find_granted(app.db, organization_id, member_id, now)
    # claim: C-162
    if found is None:
        raise HostRefused(HostRefusal.APPROVAL)
    return found


def is_approved(app: App, role: HostRole | None, kind: ConnectionKind) -> bool:
    """Tells whether that role needs no approval. Of a personal connection a member gives nothing but their own."""
    if kind is ConnectionKind.PERSONAL and role is HostRole.MEMBER:
        return not app.settings.host_approval
    return is_allowed(role, HostAction.CONNECT)


def use_approval(app: App, attempt: Connection, role: HostRole, actor: Actor, *, now: int) -> None:
    """Uses up the approval that it was begun with, in the transaction that makes it active. Raises HostRefused."""
    if is_approved(app, role, attempt.kind):
        return
    used = bool(attempt.approval_id) and app.settings.host_approval
    # claim: C-162
    if not used or not approvals.use(app.db, attempt.organization_id, attempt.approval_id, attempt.user_id, now=now):
        raise HostRefused(HostRefusal.APPROVAL)
    approve_connect.note(app, attempt.approval_id, ApprovalStatus.USED, actor, now=now)
