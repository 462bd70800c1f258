"""Members of organizations: `sql/host/members.sql`."""

from slackapp.host.model import HostRole, MemberStatus
from slackapp.host.rows import KnownCaller, Member
from slackapp.host.store import sessions
from slackapp.store.columns import by_word
from slackapp.store.engine.database import Database, Row

_ROLES, _STATUSES = by_word(HostRole), by_word(MemberStatus)


def find(db: Database, organization_id: str, member_id: str) -> Member | None:
    """Finds a member, also one who has left."""
    row = db.one("find_member", _key(organization_id, member_id))
    return _member(row, organization_id) if row is not None else None


def list_all(db: Database, organization_id: str) -> list[Member]:
    """Lists an organization's members, also those who have left."""
    rows = db.many("list_members", {"organization_id": organization_id})
    return [_member(row, organization_id) for row in rows]


def find_caller(db: Database, organization_id: str, member_id: str) -> KnownCaller | None:
    """Finds an organization, its member of that id, and its switch; None where there is no such organization."""
    row = db.one("find_caller", _key(organization_id, member_id))
    if row is None:
        return None
    member = _member(row, organization_id) if row["member_id"] is not None else None
    is_disabled = bool(row["is_disabled"])
    return KnownCaller(row["organization_name"], row["named_at"], row["removed_at"], member, is_disabled=is_disabled)


def note(db: Database, member: Member, now: int) -> bool:
    """Adds the member that a host token names, or its newer name and role; False where it is older.

    The status stays as it is. What was opened in another role ends.
    """
    said = {"name": member.name, "role": str(member.role), "issued_at": member.issued_at, "now": now}
    is_newest = db.execute("note_member", {**_key(member.organization_id, member.member_id), **said}) == 1
    if is_newest:
        # claim: C-155
        sessions.end_of_other_roles(db, member)
    return is_newest


def note_again(db: Database, member: Member, now: int) -> bool:
    """Notes that the host has said the same anew; False where another role is known by now."""
    said = {"role": str(member.role), "issued_at": member.issued_at, "now": now}
    return db.execute("note_member_again", {**_key(member.organization_id, member.member_id), **said}) == 1


def set_status(db: Database, member: Member, status: MemberStatus, now: int) -> bool:
    """Moves to another status; False where it was not in the one that was seen."""
    change = {"member_status": str(status), "expected_status": str(member.status), "now": now}
    return db.execute("set_member_status", {**_key(member.organization_id, member.member_id), **change}) == 1


def blank(db: Database, organization_id: str, member_id: str) -> None:
    """Erases a member's name."""
    db.execute("blank_member", _key(organization_id, member_id))


def delete_all(db: Database, organization_id: str) -> None:
    """Deletes all members, with their connections, sessions, tickets and approvals."""
    db.execute("delete_members", {"organization_id": organization_id})


def _member(row: Row, organization_id: str) -> Member:
    return Member(
        organization_id=organization_id,
        member_id=row["member_id"],
        name=row["name"],
        role=_ROLES[row["role"]],
        issued_at=row["issued_at"],
        status=_STATUSES[row["status"]],
    )


def _key(organization_id: str, member_id: str) -> dict[str, str]:
    return {"organization_id": organization_id, "member_id": member_id}
