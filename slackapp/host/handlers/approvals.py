"""`/api/v2/slack/approvals`: members ask to connect, and an owner or admin decides."""

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, make_cursor, read_position
from slackapp.host.flows.connect import approve_connect
from slackapp.host.forms import optional_time, time_of
from slackapp.host.rows import Approval, ApprovalStatus

_LIST = "approvals"


def ask(app: App, call: HostCall, now: int) -> Answer:
    """Asks for an approval; who has asked and has no answer yet is shown that one."""
    return _describe(approve_connect.ask(app, call.caller, call.body["reason"], now))


def list_all(app: App, call: HostCall, now: int) -> Answer:
    """Lists the organization's approvals, the oldest first; a member is shown its own."""
    at, _, approval_id = (read_position(app, call, _LIST) or "0 ").partition(" ")
    most = call.parameters["limit"]
    found = approve_connect.page(app, call.caller, (int(at), approval_id), most)
    cursor = None
    if len(found) == most:
        cursor = make_cursor(app, call, _LIST, f"{found[-1].created_at} {found[-1].id}")
    return {"approvals": [_describe(each) for each in found], "cursor": cursor}


def decide(app: App, call: HostCall, now: int) -> Answer:
    """Approves or denies."""
    decision, words = ApprovalStatus(call.body["decision"]), call.body.get("note", "")
    return _describe(approve_connect.decide(app, call.caller, call.id, decision, words=words, now=now))


def _describe(approval: Approval) -> Answer:
    return {
        "id": approval.id,
        "memberId": approval.member_id,
        "reason": approval.reason,
        "status": approval.status,
        "note": approval.note,
        "decidedBy": approval.decided_by or None,
        "createdAt": time_of(approval.created_at),
        "decidedAt": optional_time(approval.decided_at),
        "expiresAt": time_of(approval.expires_at),
        "usedAt": optional_time(approval.used_at),
    }
