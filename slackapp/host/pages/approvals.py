"""Page of approvals: who has asked to connect and why, what was answered, and two buttons for whoever may."""

from collections.abc import Sequence

from slackapp.host.flows.connect.finish_connect import CONNECT_PATH
from slackapp.host.pages import parts
from slackapp.host.pages.parts import APPROVALS_PATH, chip, facts, say_time
from slackapp.host.pages.workspaces import Reader
from slackapp.host.rows import Approval, ApprovalStatus
from slackapp.web.components import Field, Tone, button, buttons, document, escape, hidden, link_button, text_field

ASK, APPROVE, DENY = "ask", "approve", "deny"
"""What a form is for."""
_WORDS = {
    ApprovalStatus.REQUESTED: (Tone.WARNING, "Waits for an answer"),
    ApprovalStatus.APPROVED: (Tone.GOOD, "Approved"),
    ApprovalStatus.DENIED: (Tone.BAD, "Denied"),
    ApprovalStatus.USED: (Tone.PLAIN, "Used"),
}


def show(reader: Reader, listed: Sequence[Approval], may_decide: bool) -> str:
    """Shows all of them, people by their names; whoever may not connect by role is offered to ask."""
    cards = "".join(f"<section>{_card(reader, each, may_decide)}</section>" for each in reversed(listed))
    none = f"<section>{parts.empty('Nobody has asked to connect a workspace.')}</section>"
    asked = "" if reader.may_connect or not reader.may_use else _ask(reader)
    return document(reader.frame, "Approvals", asked + (cards or none))


def _ask(reader: Reader) -> str:
    field = text_field(Field("reason", "What do you want to connect, and why?"))
    asked = parts.form(APPROVALS_PATH, reader.token, field, ASK, label="Ask for approval")
    return f"<section><h2>Ask to connect a workspace</h2><p>An owner or admin answers.</p>{asked}</section>"


def _card(reader: Reader, approval: Approval, may_decide: bool) -> str:
    is_over = reader.now > approval.expires_at and approval.status != ApprovalStatus.USED
    tone, word = (Tone.PLAIN, "Over") if is_over else _WORDS[approval.status]
    is_open = approval.status == ApprovalStatus.REQUESTED and not is_over
    known = [
        ("Asked", say_time(approval.created_at, reader.now)),
        ("Answered by", escape(reader.name_of(approval.decided_by))),
        ("Note", escape(approval.note)),
        ("Ends", "" if is_over else say_time(approval.expires_at, reader.now)),
    ]
    is_own, onward = approval.member_id == reader.member, ""
    if is_own and approval.status == ApprovalStatus.APPROVED and not is_over:
        onward = f"<p>{link_button(CONNECT_PATH, 'Connect Slack')}</p>"
    who = reader.name_of(approval.member_id)
    return (
        f'<div class="head"><h2>{escape(who)}</h2>{chip(tone, word)}</div>'
        f"<p>{escape(approval.reason)}</p>{facts(known)}{onward}"
        f"{_decide(reader, approval, who) if is_open and may_decide and not is_own else ''}"
    )


def _decide(reader: Reader, approval: Approval, who: str) -> str:
    """Makes one form with a note and both answers."""
    field = f"note-{approval.id}"
    approve = button("Approve", None, "step", APPROVE, about=f"what {who} asked")
    deny = button("Deny", Tone.PLAIN, "step", DENY, about=f"what {who} asked")
    return (
        f'<form method="post" action="{APPROVALS_PATH}">{hidden("form_token", reader.token)}'
        f'{hidden("approval", approval.id)}<div class="field"><label for="{field}">Note to {escape(who)}</label>'
        f'<input id="{field}" name="note" maxlength="200" autocomplete="off"></div>'
        f"{buttons(approve, deny)}</form>"
    )
