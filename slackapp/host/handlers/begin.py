"""`/api/v2/slack/auth` and `/sessions`: a connect that is begun by API, and the ticket by which it is confirmed."""

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall
from slackapp.host.flows.connect import begin_connect, open_session
from slackapp.host.flows.connect.begin_connect import ConnectRequest
from slackapp.host.flows.note_caller import note_member
from slackapp.host.forms import time_of
from slackapp.host.model import HostRole, MemberStatus
from slackapp.host.rows import Login, Member
from slackapp.host.store.sessions import TICKET_SECONDS


def connect(app: App, call: HostCall, now: int) -> Answer:
    """Begins: the browser is sent to the address, which is Slack's own."""
    given = call.body
    asked = ConnectRequest(
        metadata=given.get("metadata"),
        purpose=given.get("purpose"),
        kind=given.get("kind"),
        reconnect=given.get("reconnect"),
        session=None,
        network=None,  # a host has one address for all of its organizations, of which each has a limit
        address=call.address,
    )
    begun = begin_connect.run(app, call.caller, asked, now)
    return {"connectionId": begun.connection_id, "authUrl": begun.authorize_url, "state": begun.state}


def issue_ticket(app: App, call: HostCall, now: int) -> Answer:
    """Issues a ticket for the member who is logged in at the host."""
    caller, given = call.caller, call.body
    role = HostRole(given["role"])
    said = Member(
        organization_id=caller.organization,
        member_id=given["memberId"],
        name=given.get("name", ""),
        role=role,
        issued_at=caller.issued_at,  # the host's clock is one, and may be ahead of ours
        status=MemberStatus.ACTIVE,
    )
    note_member(app, said, caller, now)
    ticket = open_session.issue_ticket(app, Login(caller.organization, said.member_id, role, caller.key_id), now)
    return {"ticket": ticket, "expiresAt": time_of(now + TICKET_SECONDS)}
