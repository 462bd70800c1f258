"""Pages of connecting, without script; every value is escaped. Forms are ours and go to ourselves."""

from collections.abc import Iterable

from slackapp.checks.scope_reasons import DescribedScope
from slackapp.errors import Refused
from slackapp.host.checks import form_token
from slackapp.host.flows.connect.confirm_connect import WaitingConnection
from slackapp.host.flows.connect.finish_connect import CONNECT_PATH
from slackapp.host.pages import parts
from slackapp.host.pages.parts import APPROVALS_PATH, FOOT, WORKSPACES_PATH
from slackapp.host.rows import Connection, Purpose
from slackapp.web.components import (
    Field,
    Frame,
    Tone,
    button,
    buttons,
    choice_field,
    document,
    escape,
    hidden,
    link_button,
    notice,
    steps,
)
from slackapp.web.refusals import refusal_headers
from slackapp.web.response import SECURITY_HEADERS, Headers, Response, html

CONFIRM, BEGIN = "confirm", "begin"
"""What a form of the page is for."""
_STEPS = (
    "Slack shows you what the app asks for, and you choose the workspace.",
    "An admin of that workspace approves.",
    "You come back, and the workspace can be used.",
)
_POLICY = dict(SECURITY_HEADERS)["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
FORM_HEADERS: Headers = (("Content-Security-Policy", _POLICY), ("Referrer-Policy", "same-origin"))
"""Forms go to ourselves alone, and say by `Origin` that they are ours: that needs another policy on referrers."""


def confirm(frame: Frame, waiting: WaitingConnection, scopes: Iterable[DescribedScope], token: str) -> Response:
    """The page that names what is connected, and what the app asks for, with one button."""
    asked = "".join(map(parts.scope, scopes))
    purpose = _row("For", waiting.purpose) if waiting.purpose else ""
    replaces, named = "", ""
    if waiting.leaves:
        left = f"<p>It replaces <strong>{escape(waiting.leaves_name)}</strong>: that workspace is removed, and "
        replaces = notice(Tone.WARNING, f"{left}everything of it is erased here.</p>")
        named = hidden("leaves", waiting.leaves)
    return _form_page(
        frame,
        f"Connect {waiting.workspace}?",
        f"<dl>{_row('Slack workspace', waiting.workspace)}{_row('Will belong to', waiting.organization)}{purpose}</dl>"
        f"{replaces}<p>People of {escape(waiting.organization)} can then use the workspace through this app. Nothing "
        f"is connected before you press the button.</p><h2>What the app asks for</h2><ul>{asked}</ul>"
        f"{_form(CONFIRM, token, named, f'Connect {waiting.workspace}')}"
        '<p class="note">You did not begin this? Close the page: it is given back to Slack by itself.</p>',
    )


def begin_again(frame: Frame, lost: Connection, token: str) -> Response:
    """The page on which the one connection of an organization is brought back."""
    name = lost.team_name or lost.team_id
    inner = hidden("reconnect", lost.id)
    return _form_page(
        frame,
        f"Reconnect {name}",
        f"<p>Slack takes the app's token for <strong>{escape(name)}</strong> no more. Connect the workspace again: its "
        "settings stay as they are.</p>"
        f"{_form(BEGIN, token, inner, f'Reconnect {name}')}",
    )


def begin(frame: Frame, organization: str, purposes: Iterable[Purpose], token: str) -> Response:
    """The page on which a connect is begun."""
    options = [(each.purpose_id, each.text) for each in purposes]
    field = Field("purpose", "What is it for?", "Your organization sees this beside the workspace.")
    return _form_page(
        frame,
        "Connect Slack",
        f"<p>Connect a Slack workspace to <strong>{escape(organization)}</strong>.</p>"
        f"{steps(*_STEPS)}"
        f"{_form(BEGIN, token, choice_field(field, options) if options else '', 'Connect Slack')}",
    )


def may_not_begin(frame: Frame, organization: str, is_asked: bool) -> Response:
    """The page for whoever may not begin a connect; where they may ask to, it says where."""
    first = "Whoever else wants to asks them first. " if is_asked else ""
    way = link_button(APPROVALS_PATH, "Approvals") if is_asked else ""
    return _form_page(
        frame,
        "Connect Slack",
        f"<p>An owner or admin of <strong>{escape(organization)}</strong> connects a Slack workspace. {first}</p>"
        f"{buttons(way, link_button(WORKSPACES_PATH, 'All workspaces', Tone.PLAIN))}",
    )


def nothing_waits(frame: Frame, host_address: str) -> Response:
    """The page after a confirmation that is over: reloaded, or gone back to."""
    return _form_page(
        frame,
        "Nothing to confirm",
        "<p>No connect waits in this browser: it was finished already, or has expired. Nothing was changed now.</p>"
        f"<p>{link_button(host_address, 'Go on')}</p>",
    )


def redirect_page(frame: Frame, address: str, status: int = 200) -> Response:
    """Leads on to another site: a form that ended in a redirect there would be held back by `form-action`."""
    leading = frame._replace(
        head=f'<meta http-equiv="refresh" content="0; url={escape(address)}">', foot=FOOT, request_id=""
    )
    return html(
        status, document(leading, "One moment", f"<p>You are taken on.</p><p>{link_button(address, 'Go on')}</p>")
    )


def refused(frame: Frame, refusal: Refused) -> Response:
    """The page of a refusal, with the next step."""
    told = notice(Tone.BAD, f"<p>{escape(refusal.refusal.sentence)}</p>", is_alert=True)
    advice = "<p>Go back to the product that led you here, and begin again there.</p>"
    page = document(frame._replace(foot=FOOT), "That did not work", told + advice)
    return html(refusal.refusal.status, page, refusal_headers(refusal), refusal.tenant)


def _form_page(frame: Frame, title: str, inner: str) -> Response:
    return html(200, document(frame._replace(foot=FOOT), title, inner), FORM_HEADERS)


def _row(term: str, told: str) -> str:
    return f"<dt>{escape(term)}</dt><dd><strong>{escape(told)}</strong></dd>"


def _form(purpose: str, token: str, inner: str, label: str) -> str:
    return (
        f'<form method="post" action="{CONNECT_PATH}">{hidden(form_token.FIELD, token)}{hidden("step", purpose)}'
        f"{inner}<p>{button(label)}</p></form>"
    )
