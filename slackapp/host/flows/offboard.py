"""Offboarding of a member who has left, and its way back.

From that commit on nothing is opened for the member: sessions, tickets and attempts end, and no token of the host that
names it counts. Its personal connections end, at Slack and here. What it answered for asks for another owner, and is
suspended when nobody comes forward.
"""

from collections.abc import Sequence

from slackapp.flows.app import App
from slackapp.host.flows import change_connection
from slackapp.host.flows.connect import leave_tenant
from slackapp.host.model import ConnectionKind, ConnectionStatus, HostRole, MemberStatus
from slackapp.host.rows import ConnectionKey, HostAuditEvent, HostAuditRecord, HostEventKind, Member, StatusReason
from slackapp.host.store import approvals, connections, events, members, organizations, sessions
from slackapp.host.store.personal import personal_connections as personal
from slackapp.model import Actor, AuditEntry

OWNER_DAYS = 14
"""Days for which a connection waits for an owner."""


def run(app: App, organization_id: str, member_id: str, actor: Actor, now: int) -> Sequence[str] | None:
    """Offboards a member, known or not; returns the ids of the connections that wait for another owner.

    None for an organization that is not there. Idempotent. Raises StoreError.
    """
    left = []
    with app.db.transaction():
        if organizations.find(app.db, organization_id) is None:
            return None
        member = _member(app, organization_id, member_id, now)
        # claim: C-156
        is_new = _is_there(member) and members.set_status(app.db, member, MemberStatus.OFFBOARDED, now)
        members.blank(app.db, organization_id, member_id)
        # claim: C-156
        sessions.end_of_member(app.db, organization_id, member_id)
        # claim: C-297
        approvals.end_of_member(app.db, organization_id, member_id, now)
        for key in connections.list_attempts_of(app.db, organization_id, member_id):
            # claim: C-156
            change_connection.end_attempt(app.db, key, now)
        for key, tenant in personal.list_of_member(app.db, organization_id, member_id):
            # claim: C-350
            change_connection.revoke(app.db, key, StatusReason.OFFBOARDED, now)
            # claim: C-350
            left.append(leave_tenant.begin(app, tenant, ConnectionKind.PERSONAL, key.id, actor=actor, now=now))
        waiting = connections.note_owner_missing(app.db, organization_id, member_id, now)
        if is_new:
            for connection_id in waiting:
                key = ConnectionKey(organization_id, connection_id, ConnectionStatus.ACTIVE)
                events.add(app.db, key, HostEventKind.OWNER_MISSING, None, now=now)
            entry = _entry(HostAuditEvent.MEMBER_OFFBOARDED, member_id, actor, now)
            app.vault.append(entry._replace(count=len(waiting)))
    for each in left:
        leave_tenant.finish(app, each, actor)
    return waiting


def reinstate(app: App, organization_id: str, member_id: str, actor: Actor, now: int) -> bool:
    """Lets a member be one again, who answers again for what it answered for; False where it had not left.

    Raises StoreError.
    """
    with app.db.transaction():
        member = members.find(app.db, organization_id, member_id)
        if member is None or _is_there(member):
            return False
        members.set_status(app.db, member, MemberStatus.ACTIVE, now)
        for connection_id in connections.note_owner_back(app.db, organization_id, member_id):
            key = ConnectionKey(organization_id, connection_id, ConnectionStatus.SUSPENDED)
            change_connection.resume(app.db, key, StatusReason.OWNER, now)
        app.vault.append(_entry(HostAuditEvent.MEMBER_REINSTATED, member_id, actor, now))
    return True


def _is_there(member: Member) -> bool:
    return member.status == MemberStatus.ACTIVE


def _member(app: App, organization_id: str, member_id: str, now: int) -> Member:
    """Finds the member; adds one that no token has named yet, so that none that is under way will count."""
    found = members.find(app.db, organization_id, member_id)
    if found is None:
        found = Member(
            organization_id, member_id, name="", role=HostRole.AUDITOR, issued_at=0, status=MemberStatus.ACTIVE
        )
        members.note(app.db, found, now)
    return found


def _entry(event: HostAuditEvent, member_id: str, actor: Actor, now: int) -> AuditEntry:
    return AuditEntry(at=now, event=event, actor=actor, record_kind=HostAuditRecord.MEMBER, record_id=member_id)
