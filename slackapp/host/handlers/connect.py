"""`/api/v2/slack/auth/callback`, `/settings/session` and `/settings/connect`: a browser that connects."""

from slackapp.checks import scope_reasons
from slackapp.checks.query import read_query
from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.flows.install import finish_install
from slackapp.flows.install.finish_install import Callback
from slackapp.host.callers import read_form
from slackapp.host.checks.form_token import make_form_token
from slackapp.host.checks.page_origin import require_origin
from slackapp.host.errors import HostRefusal, HostRefused, RefusedRedirect
from slackapp.host.flows.connect import begin_connect, confirm_connect, finish_connect, may_connect, open_session
from slackapp.host.flows.connect.begin_connect import ConnectRequest
from slackapp.host.flows.connect.finish_connect import CONNECT_PATH
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.handlers import connect_pages
from slackapp.host.handlers.connect_pages import BEGIN, CONFIRM
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.pages.parts import SETTINGS_PATH, WORKSPACES_PATH
from slackapp.host.rows import Connection
from slackapp.host.store import connections, organizations, purposes
from slackapp.model import Actor
from slackapp.web.components import Frame
from slackapp.web.request import Request, address_prefix, network_prefix
from slackapp.web.response import Response, redirect


def finish(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Arrows 5 to 14 of connecting: 302 to the host."""
    # claim: C-72
    app.rate_limiter.require(f"callback {address_prefix(request.address)}", now)
    query = read_query(request.raw_query, finish_install.PARAMETERS)
    brought = Callback(query, request.header("cookie"), network_prefix(request.address))
    landing = finish_connect.run(app, brought, caller, now)
    return redirect(302, landing.location, (("Set-Cookie", landing.cookie),) if landing.cookie else ())


def open_page(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Takes the ticket that the host's own page sends: a cookie, and 303 to our pages."""
    # claim: C-72
    app.rate_limiter.require(f"session {address_prefix(request.address)}", now)
    # claim: C-145
    require_origin(request.header("origin"), app.settings.host_url)
    cookie = open_session.run(app, read_form(request).get("ticket", ""), now)
    # A browser brings no cookie with a form of another site: what waits in it is seen one address further.
    return redirect(303, app.settings.public_url + SETTINGS_PATH, (("Set-Cookie", cookie),))


def open_next(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Leads to what waits in this browser, or else to the workspaces."""
    waits = finish_connect.quarantine_of(app, request.header("cookie")) is not None
    return redirect(303, app.settings.public_url + (CONNECT_PATH if waits else WORKSPACES_PATH))


def show(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows what waits in this browser for its member, or where one begins."""
    waiting = confirm_connect.show(app, request.header("cookie"), caller, now)
    frame, token = Frame(app.settings.name), make_form_token(caller.secret)
    if waiting is not None:
        asked = app.settings.bot_scopes
        scopes = [scope_reasons.describe(each, app.behaviour, app.scope_reasons) for each in asked]
        return connect_pages.confirm(frame, waiting, scopes, token)
    organization = organizations.find(app.db, caller.organization)
    name = (organization.name if organization is not None else "") or caller.organization
    try:
        may_connect.find_approval(
            app, caller.organization, caller.id or "", caller.role, kind=ConnectionKind.WORKSPACE, now=now
        )
    except HostRefused as refused:
        return connect_pages.may_not_begin(frame, name, refused.refusal is HostRefusal.APPROVAL)
    if (lost := _find_lost(app, caller)) is not None:
        return connect_pages.begin_again(frame, lost, token)
    return connect_pages.begin(frame, name, purposes.list_all(app.db, caller.organization), token)


def _find_lost(app: App, caller: PageMember) -> Connection | None:
    """Finds the connection that must be connected again before another one can be: there is no room for both."""
    organization = organizations.find(app.db, caller.organization)
    limit = organization.workspace_limit if organization is not None else None
    if connections.count_held(app.db, caller.organization) < (limit or app.settings.host_workspaces):
        return None
    known = connections.page(app.db, caller.organization, ConnectionKind.WORKSPACE)
    return next((each for each in known if each.status == ConnectionStatus.NEEDS_RECONNECT), None)


def receive_form(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes a form of that page: confirms, or begins."""
    form, frame = read_form(request), Frame(app.settings.name)
    if form.get("step") == BEGIN:
        asked = ConnectRequest(
            metadata=None,
            purpose=form.get("purpose") or None,
            kind=None,
            reconnect=form.get("reconnect") or None,
            session=caller.digest,
            network=network_prefix(request.address),
            address=request.address,
        )
        return connect_pages.redirect_page(frame, begin_connect.run(app, caller, asked, now).authorize_url)
    if form.get("step") != CONFIRM:
        raise HostRefused(HostRefusal.CONNECT_FIELD, field="step", actor=caller)
    location = confirm_connect.run(app, request.header("cookie"), caller, leaves=form.get("leaves", ""), now=now)
    if location is None:
        return connect_pages.nothing_waits(frame, app.settings.host_url + app.settings.host_return_path)
    return connect_pages.redirect_page(frame, location)


def callback_refusal(refused: Refused, frame: Frame) -> Response:
    """A refusal of the callback: to the host, or a page where a reload may help."""
    if isinstance(refused, RefusedRedirect):
        return redirect(302, refused.location)
    return connect_pages.refused(frame, refused)


def form_refusal(refused: Refused, frame: Frame) -> Response:
    """A refusal of a form, which ends here: a page that leads on, or says what to do."""
    if isinstance(refused, RefusedRedirect):
        return connect_pages.redirect_page(frame, refused.location, refused.refusal.status)
    return connect_pages.refused(frame, refused)
