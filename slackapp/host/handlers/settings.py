"""`/settings/integrations` and `/settings/connects`: what a customer's people see, and do, about their workspaces.

What is done goes through the handlers of the API, which ask and refuse the same.
"""

from collections.abc import Iterable

from slackapp.checks import scope_reasons
from slackapp.checks.query import read_query
from slackapp.checks.scopes import drift
from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.host.call import HostCall
from slackapp.host.callers import read_form
from slackapp.host.channel_list import ChannelList
from slackapp.host.checks.fields import has_form
from slackapp.host.checks.form_token import make_form_token
from slackapp.host.checks.roles import HostAction, is_allowed, require_role
from slackapp.host.errors import HostRefusal, HostRefused, RefusedRedirect
from slackapp.host.flows import choose_connection, freeze_organization, list_channels, switch_host
from slackapp.host.flows.connect import approve_connect, report_connects
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.flows.events import note_channel
from slackapp.host.flows.personal import reveal_token
from slackapp.host.flows.reviews import report_growth
from slackapp.host.forms import CHANNEL_ID, TEAM_ID, TEXT
from slackapp.host.handlers import connect, connect_pages, integrations
from slackapp.host.model import ConnectionKind
from slackapp.host.pages import approvals, connects, freeze, workspaces
from slackapp.host.pages.parts import (
    ANALYTICS_PATH,
    APPROVALS_PATH,
    CONNECTS_PATH,
    FOOT,
    INVENTORY_PATH,
    MESSAGES_PATH,
    REVIEWS_PATH,
    TOKEN_USE_PATH,
    WORKSPACES_PATH,
)
from slackapp.host.pages.states import state_of
from slackapp.host.pages.workspaces import ChannelView, Reader, ShownWorkspace
from slackapp.host.rows import ApprovalStatus, Connection, StatusReason
from slackapp.host.store import connections, members, organizations, purposes
from slackapp.model import BOT
from slackapp.store import tokens
from slackapp.web.components import Frame, Link, Tone, document, escape, link_button, notice
from slackapp.web.refusals import refusal_headers
from slackapp.web.request import Request
from slackapp.web.response import Response, html, redirect

_DECISIONS = {approvals.APPROVE: ApprovalStatus.APPROVED, approvals.DENY: ApprovalStatus.DENIED}
_PAGE = 50
"""Channels of one page."""


def show_all(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows all workspaces of the member's organization, and what is under way."""
    require_role(caller, HostAction.READ)
    organization = caller.organization
    held = filter(choose_connection.is_shown, connections.page(app.db, organization, ConnectionKind.WORKSPACE))
    under_way = connections.list_attempts(app.db, organization, ConnectionKind.WORKSPACE)
    shown = [describe_workspace(app, each) for each in (*held, *under_way)]
    reader = make_reader(app, caller, WORKSPACES_PATH, now)
    known = purposes.list_all(app.db, organization)
    is_frozen, may_govern = freeze_organization.is_frozen(app, organization), is_allowed(caller.role, HostAction.GOVERN)
    above = freeze.freeze_notice(may_govern) if is_frozen else ""
    below = freeze.place(is_frozen, may_govern)
    return answer(workspaces.show_all(reader, shown, known, _stops(app, organization), around=(above, below)))


def show(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows one workspace."""
    require_role(caller, HostAction.READ)
    return _show(app, caller, _find(app, request, caller), now=now)


def receive_form(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes a form about one workspace: tests it, sets its channel or who answers for it, or ends it."""
    form, found = read_form(request), _find(app, request, caller)
    purpose = form.get("step", "")
    if purpose == workspaces.TEST:
        # claim: C-235
        require_role(caller, HostAction.USE)
        # claim: C-237
        switch_host.require_enabled(app, caller)
        integrations.test(app, _call(caller, found, request), now)
        told = "Slack has answered: the token works."
        return _show(app, caller, _find(app, request, caller), told, now=now)
    # claim: C-235
    require_role(caller, HostAction.MANAGE)
    if purpose == workspaces.DISCONNECT:
        name = describe_workspace(app, found).name
        is_told = bool(integrations.delete(app, _call(caller, found, request), now)["revokedAtSlack"])
        return answer(workspaces.show_end(make_reader(app, caller, "", now), name, is_told))
    # claim: C-237
    switch_host.require_enabled(app, caller)
    channel = form.get("channel", "")
    # claim: C-236
    if purpose not in (workspaces.TAKE_OVER, workspaces.CHANNEL):
        raise HostRefused(HostRefusal.FIELD, field="step", actor=caller)
    # claim: C-236
    if purpose == workspaces.CHANNEL and not has_form(CHANNEL_ID, channel):
        raise HostRefused(HostRefusal.CHANNEL, field="channel", actor=caller)
    body = {"ownerId": caller.id} if purpose == workspaces.TAKE_OVER else {"defaultChannel": channel}
    integrations.change(app, _call(caller, found, request)._replace(body=body), now)
    return redirect(303, f"{app.settings.public_url}{WORKSPACES_PATH}/{found.id}")


def show_channels(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows the channels that may be chosen; with a search, those that have it in their name."""
    # claim: C-235
    require_role(caller, HostAction.USE)
    # claim: C-237
    switch_host.require_enabled(app, caller)
    found = choose_connection.require_active(app, caller, request.path_values["id"])
    query = read_query(request.raw_query, frozenset({"search", "teamId", "cursor"}))
    team_id = query.get("teamId", "")
    # claim: C-236
    if team_id and not has_form(TEAM_ID, team_id):
        raise HostRefused(HostRefusal.FIELD, field="teamId", actor=caller)
    must_choose = found.tenant is not None and found.tenant.is_enterprise and not team_id
    told = ChannelList((), (), now, {}) if must_choose else list_channels.run(app, found, team_id, caller)
    search = query.get("search", "")[:80]
    wanted = search.casefold().strip().removeprefix("#")
    listed = [each for each in told.channels if wanted in each.name.casefold()]
    start = _start(query.get("cursor", ""))
    cursor = str(start + _PAGE) if start + _PAGE < len(listed) else None
    view = ChannelView(
        channels=listed[start : start + _PAGE],
        search=search,
        cursor=cursor,
        incomplete=told.incomplete,
        team_id=team_id,
        at=told.at,
    )
    return answer(workspaces.show_channels(make_reader(app, caller, "", now), describe_workspace(app, found), view))


def ask_to_disconnect(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Asks once whether it shall end."""
    # claim: C-235
    require_role(caller, HostAction.MANAGE)
    shown = describe_workspace(app, _find(app, request, caller))
    return answer(workspaces.ask_to_disconnect(make_reader(app, caller, "", now), shown))


def show_connects(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows how connecting goes."""
    # claim: C-235
    require_role(caller, HostAction.REPORT)
    report = report_connects.run(app, caller.organization, now)
    months = report_growth.run(app, caller.organization, now)
    return answer(connects.show(make_reader(app, caller, CONNECTS_PATH, now).frame, report, months))


def show_approvals(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows who has asked to connect."""
    require_role(caller, HostAction.READ)
    listed = approve_connect.page(app, caller, (0, ""), most=200)
    people = (who for each in listed for who in (each.member_id, each.decided_by))
    reader = make_reader(app, caller, APPROVALS_PATH, now, people=people)
    return answer(approvals.show(reader, listed, may_decide=is_allowed(caller.role, HostAction.DECIDE)))


def receive_approval(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes a wish to connect, or the answer to one."""
    form = read_form(request)
    purpose, words = form.get("step", ""), form.get("note", "")
    if purpose == approvals.ASK:
        # claim: C-235
        require_role(caller, HostAction.ASK)
        # claim: C-237
        switch_host.require_enabled(app, caller)
        # claim: C-236
        if not has_form(TEXT, form.get("reason", "")):
            raise HostRefused(HostRefusal.FIELD, field="reason", actor=caller)
        approve_connect.ask(app, caller, form["reason"], now)
    else:
        # claim: C-235
        require_role(caller, HostAction.DECIDE)
        decision = _DECISIONS.get(purpose)
        # claim: C-236
        if decision is None or (words and not has_form(TEXT, words)):
            raise HostRefused(HostRefusal.FIELD, field="step", actor=caller)
        approve_connect.decide(app, caller, form.get("approval", ""), decision, words=words, now=now)
    return redirect(303, app.settings.public_url + APPROVALS_PATH)


def page_refusal(refused: Refused, frame: Frame) -> Response:
    """A refusal of these pages, with the way back to them; who has no session goes back to the host."""
    if isinstance(refused, RefusedRedirect) or refused.refusal.status == 401:
        return connect.form_refusal(refused, frame)
    told = notice(Tone.BAD, f"<p>{escape(refused.refusal.sentence)}</p>", is_alert=True)
    back = f"<p>{link_button(WORKSPACES_PATH, 'All workspaces')}</p>"
    page = document(frame._replace(foot=FOOT), "That did not work", told + back)
    return html(refused.refusal.status, page, refusal_headers(refused), refused.tenant)


def _show(app: App, caller: PageMember, found: Connection, told: str = "", *, now: int) -> Response:
    known = [scope_reasons.describe(each, app.behaviour, app.scope_reasons) for each in found.scopes]
    reader = make_reader(app, caller, "", now)
    token = tokens.find(app.db, found.tenant, BOT) if found.tenant and found.token_vault_key else None
    shown = describe_workspace(app, found)._replace(channel=list_channels.name_of_default(app, found), token=token)
    return answer(workspaces.show_one(reader, shown, known, told))


def make_reader(app: App, caller: PageMember, here: str, now: int, *, people: Iterable[str] = ()) -> Reader:
    """Makes what the pages need to know of whoever reads them, and the names of the people on them."""
    links = [
        Link(WORKSPACES_PATH, "Workspaces", here == WORKSPACES_PATH),
        Link(MESSAGES_PATH, "Messages", here == MESSAGES_PATH),
    ]
    if is_allowed(caller.role, HostAction.REPORT):
        links.append(Link(ANALYTICS_PATH, "Analytics", here == ANALYTICS_PATH))
        links.append(Link(CONNECTS_PATH, "Connecting", here == CONNECTS_PATH))
        links.append(Link(REVIEWS_PATH, "Reviews", here == REVIEWS_PATH))
        links.append(Link(INVENTORY_PATH, "Access", here in (INVENTORY_PATH, TOKEN_USE_PATH)))
    if app.settings.host_approval:
        links.append(Link(APPROVALS_PATH, "Approvals", here == APPROVALS_PATH))
    links.append(Link(app.settings.host_url, "Back to the product"))
    organization = organizations.find(app.db, caller.organization)
    limit = (organization.workspace_limit if organization is not None else None) or app.settings.host_workspaces
    return Reader(
        member=caller.id or "",
        room=limit - connections.count_held(app.db, caller.organization),
        frame=Frame(app.settings.name, menu=links, foot=FOOT, is_wide=True),
        organization=(organization.name if organization is not None else "") or caller.organization,
        may_connect=is_allowed(caller.role, HostAction.CONNECT),
        may_manage=is_allowed(caller.role, HostAction.MANAGE),
        may_use=is_allowed(caller.role, HostAction.USE),
        token=make_form_token(caller.secret),
        now=now,
        people=find_names(app, caller.organization, people),
    )


def find_names(app: App, organization_id: str, people: Iterable[str]) -> dict[str, str]:
    """Finds the names of people by their ids; whoever has none is left out."""
    found = {each: members.find(app.db, organization_id, each) for each in set(people) if each}
    return {member_id: member.name for member_id, member in found.items() if member is not None and member.name}


def describe_workspace(app: App, connection: Connection) -> ShownWorkspace:
    """Puts names in the place of ids."""
    purpose = purposes.find(app.db, connection.organization_id, connection.purpose_id)
    owner = members.find(app.db, connection.organization_id, connection.owner_id)
    is_unowned = connection.owner_missing_at is not None or connection.status_reason == StatusReason.OWNER
    missing = drift(app.settings.bot_scopes, connection.scopes)[0] if connection.token_vault_key is not None else ()
    return ShownWorkspace(
        connection=connection,
        state=state_of(connection, tuple(missing)),
        purpose=purpose.text if purpose is not None else "",
        owner="Nobody" if is_unowned else (owner.name if owner is not None else "") or connection.owner_id,
        channel="",
        missing_scopes=tuple(missing),
        unavailable=tuple(note_channel.find_unavailable(app.db, connection)),
    )


def _stops(app: App, organization_id: str) -> list[str]:
    """Sentences on what stops all workspaces at once."""
    told = []
    if not switch_host.is_enabled(app, organization_id):
        told.append("Slack is switched off here for now: nothing can be connected, tested or sent. You can disconnect.")
    if reveal_token.is_on(app, organization_id):
        told.append("The product that led you here may have your organization's tokens, and use them by itself.")
    return told


def _find(app: App, request: Request, caller: PageMember) -> Connection:
    return choose_connection.require(app, caller, request.path_values["id"])


def _call(caller: PageMember, connection: Connection, request: Request) -> HostCall:
    return HostCall(caller, "", request.address, parameters={"connectionId": connection.id}, body={})


def read_number(claimed: str, otherwise: int) -> int:
    """Reads the number behind which a list goes on; `otherwise` for whatever is none."""
    return int(claimed) if claimed.isascii() and claimed.isdecimal() and len(claimed) < 19 else otherwise


def _start(claimed: str) -> int:
    """Reads where a list goes on; at its beginning for whatever is no number."""
    return int(claimed) if claimed.isascii() and claimed.isdecimal() and len(claimed) <= 6 else 0


def answer(page: str) -> Response:
    """Answers a page with forms."""
    return html(200, page, connect_pages.FORM_HEADERS)
