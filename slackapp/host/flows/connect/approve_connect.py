"""Approvals: a member asks to connect, and an owner or admin of the organization decides on that, once.

What is approved serves one connect of that very member within a week: it is found when that begins, and used up in the
transaction that makes it active (`may_connect.py`).
"""

from collections.abc import Sequence

from slackapp.flows.app import App
from slackapp.host.checks.roles import HostAction, is_allowed
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.host.rows import Approval, ApprovalStatus, HostAuditEvent, HostAuditRecord
from slackapp.host.store import approvals
from slackapp.model import Actor, AuditEntry

_EVENTS = {
    ApprovalStatus.REQUESTED: HostAuditEvent.APPROVAL_REQUESTED,
    ApprovalStatus.APPROVED: HostAuditEvent.APPROVAL_GRANTED,
    ApprovalStatus.DENIED: HostAuditEvent.APPROVAL_DENIED,
    ApprovalStatus.USED: HostAuditEvent.APPROVAL_USED,
}
_RETRY_AFTER = 1


def ask(app: App, caller: HostCaller, reason: str, now: int) -> Approval:
    """Asks for an approval; who has asked already, and has no answer yet, is shown that one. Raises HostRefused."""
    # claim: C-201
    if caller.id is None or not app.settings.host_approval:
        raise HostRefused(HostRefusal.ROLE, actor=caller)
    with app.db.transaction():
        waiting = approvals.find_open(app.db, caller.organization, caller.id, now)
        # claim: C-201
        if waiting is not None:
            return waiting
        approval_id = app.entropy(12).hex()
        approvals.add(app.db, approval_id, caller.organization, caller.id, reason=reason, now=now)
        note(app, approval_id, ApprovalStatus.REQUESTED, caller, now=now)
        return _require(app, caller, approval_id)


def page(app: App, caller: HostCaller, after: tuple[int, str], most: int) -> Sequence[Approval]:
    """Lists approvals, the oldest first: those of all for whoever may see what all do, and else the caller's own."""
    # claim: C-203
    member_id = None if is_allowed(caller.role, HostAction.REPORT) else caller.id
    return approvals.page(app.db, caller.organization, after, most=most, member_id=member_id)


def decide(
    app: App, caller: HostCaller, approval_id: str, decision: ApprovalStatus, *, words: str, now: int
) -> Approval:
    """Approves or denies, with a note; nobody does that for themselves. Raises HostRefused."""
    with app.db.transaction():
        found = _require(app, caller, approval_id)
        # claim: C-202
        if found.member_id == caller.id:
            raise HostRefused(HostRefusal.OWN_APPROVAL, actor=caller)
        # claim: C-202
        if not approvals.decide(app.db, found, decision, by=caller.id or "", note=words, now=now):
            raise HostRefused(HostRefusal.CHANGED, retry_after=_RETRY_AFTER)
        note(app, approval_id, decision, caller, now=now)
        return _require(app, caller, approval_id)


def note(app: App, approval_id: str, status: ApprovalStatus, actor: Actor, now: int) -> None:
    """Notes in the audit what has become of an approval, inside the transaction that does it."""
    entry = AuditEntry(at=now, event=_EVENTS[status], actor=actor)
    # claim: C-204
    app.vault.append(entry._replace(record_kind=HostAuditRecord.APPROVAL, record_id=approval_id))


def _require(app: App, caller: HostCaller, approval_id: str) -> Approval:
    found = approvals.find(app.db, caller.organization, approval_id)
    # claim: C-182
    if found is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return found
