"""Wishes of members to connect, and the answers: `sql/host/approvals.sql`."""

from slackapp.host.rows import Approval, ApprovalStatus
from slackapp.store.columns import by_word, read_columns
from slackapp.store.engine.database import Database, Row

LIFETIME = 7 * 86_400
"""Seconds for which a wish waits, and for which it may be used once it was approved."""
_STATUSES = by_word(ApprovalStatus)


def add(db: Database, approval_id: str, organization_id: str, member_id: str, *, reason: str, now: int) -> None:
    """Adds a wish."""
    whose = {"approval_id": approval_id, "organization_id": organization_id, "member_id": member_id}
    db.execute("add_approval", {**whose, "text": reason, "now": now, "expires_at": now + LIFETIME})


def find(db: Database, organization_id: str, approval_id: str) -> Approval | None:
    """Finds a wish of that organization."""
    row = db.one("find_approval", {"organization_id": organization_id, "approval_id": approval_id})
    return _approval(row) if row is not None else None


def page(
    db: Database,
    organization_id: str,
    after: tuple[int, str] = (0, ""),
    *,
    most: int = 200,
    member_id: str | None = None,
) -> list[Approval]:
    """Lists an organization's wishes, or a member's alone, the oldest first, behind that time and id."""
    asked = {"organization_id": organization_id, "after_at": after[0], "after": after[1], "most": most}
    if member_id is None:
        return list(map(_approval, db.many("list_approvals", asked)))
    return list(map(_approval, db.many("list_approvals_of_member", {**asked, "member_id": member_id})))


def find_open(db: Database, organization_id: str, member_id: str, now: int) -> Approval | None:
    """Finds a member's wish that nobody has answered yet."""
    asked = {"organization_id": organization_id, "member_id": member_id, "now": now}
    row = db.one("find_open_approval", asked)
    return _approval(row) if row is not None else None


def find_granted(db: Database, organization_id: str, member_id: str, now: int) -> str | None:
    """Finds the id of a member's wish that was approved and may still be used."""
    asked = {"organization_id": organization_id, "member_id": member_id, "now": now}
    row = db.one("find_granted_approval", asked)
    return str(row["id"]) if row is not None else None


def decide(db: Database, approval: Approval, decision: ApprovalStatus, *, by: str, note: str, now: int) -> bool:
    """Answers a wish; False where it was answered, is over, or is that member's own."""
    place = {"organization_id": approval.organization_id, "approval_id": approval.id}
    said = {"decision": str(decision), "text": note, "decided_by": by, "now": now, "expires_at": now + LIFETIME}
    return db.execute("decide_approval", {**place, **said}) == 1


def use(db: Database, organization_id: str, approval_id: str, member_id: str, now: int) -> bool:
    """Uses an approved wish up: of many callers at once, one gets True."""
    place = {"organization_id": organization_id, "approval_id": approval_id, "member_id": member_id}
    return db.execute("use_approval", {**place, "now": now}) == 1


def end_of_member(db: Database, organization_id: str, member_id: str, now: int) -> None:
    """Ends what a member wishes, and what it was allowed and has not used."""
    db.execute("end_approvals_of_member", {"organization_id": organization_id, "member_id": member_id, "now": now})


def sweep(db: Database, before: int) -> None:
    """Deletes wishes that were over before then."""
    db.execute("sweep_approvals", {"before": before})


def _approval(row: Row) -> Approval:
    return Approval(**{**read_columns(row), "status": _STATUSES[row["status"]]})
