"""Pages of connecting, without script; every value is escaped. Forms are ours and go to ourselves."""

from collections.abc import Iterable

from slackapp.errors import Refused
from slackapp.host.checks import form_token
from slackapp.host.flows.connect.confirm_connect import WaitingConnection
from slackapp.host.rows import Purpose
from slackapp.web.pages import escape, page_with_footer
from slackapp.web.refusals import refusal_headers
from slackapp.web.response import SECURITY_HEADERS, Headers, Response, html

CONNECT_PATH, SESSION_PATH = "/settings/connect", "/settings/session"
CONFIRM, BEGIN = "confirm", "begin"
"""What a form of the page is for."""
_POLICY = dict(SECURITY_HEADERS)["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
_FORM_HEADERS: Headers = (("Content-Security-Policy", _POLICY), ("Referrer-Policy", "same-origin"))
"""Forms go to ourselves alone, and say by `Origin` that they are ours: that needs another policy on referrers."""


def confirm(waiting: WaitingConnection, token: str) -> Response:
    """The page that names what is connected, with one button."""
    purpose = f"<p>It is for: <strong>{escape(waiting.purpose)}</strong>.</p>" if waiting.purpose else ""
    workspace, organization = escape(waiting.workspace), escape(waiting.organization)
    return _form_page(
        f"Connect {waiting.workspace}?",
        f"<p>The workspace <strong>{workspace}</strong> will belong to <strong>{organization}</strong> here, whose "
        f"people can then use it through this app.</p>{purpose}<p>Nothing is connected before you press the button. If "
        "you did not begin this, close the page: it is given back to Slack by itself.</p>"
        f"{_form(CONFIRM, token, '', f'Connect {waiting.workspace}')}",
    )


def begin(organization: str, purposes: Iterable[Purpose], token: str) -> Response:
    """The page on which a connect is begun."""
    options = "".join(f'<option value="{escape(each.purpose_id)}">{escape(each.text)}</option>' for each in purposes)
    choice = f'<p><label>What for? <select name="purpose">{options}</select></label></p>' if options else ""
    return _form_page(
        "Connect Slack",
        f"<p>Connect a Slack workspace to <strong>{escape(organization)}</strong>. Slack shows you what the app asks "
        "for; an admin of the workspace must approve.</p>"
        f"{_form(BEGIN, token, choice, 'Connect Slack')}",
    )


def nothing_waits(host_address: str) -> Response:
    """The page after a confirmation that is over: reloaded, or gone back to."""
    return _form_page(
        "Nothing to confirm",
        "<p>No connect waits in this browser: it was finished already, or has expired. Nothing was changed now.</p>"
        f'<p><a class="button" href="{escape(host_address)}" rel="noreferrer">Go on</a></p>',
    )


def redirect_page(address: str, status: int = 200) -> Response:
    """Leads on to another site: a form that ended in a redirect there would be held back by `form-action`."""
    page = page_with_footer(
        "One moment",
        f'<p>You are taken on.</p><p><a class="button" href="{escape(address)}" rel="noreferrer">Go on</a></p>',
        f'<meta http-equiv="refresh" content="0; url={escape(address)}">',
    )
    return html(status, page)


def refused(refusal: Refused) -> Response:
    """The page of a refusal, with the next step."""
    page = page_with_footer(
        "That did not work",
        f"<p>{escape(refusal.refusal.sentence)}</p>"
        "<p>Go back to the product that led you here, and begin again there.</p>",
    )
    return html(refusal.refusal.status, page, refusal_headers(refusal), refusal.tenant)


def _form_page(title: str, body: str) -> Response:
    return html(200, page_with_footer(title, body), _FORM_HEADERS)


def _form(purpose: str, token: str, inside: str, button: str) -> str:
    return (
        f'<form method="post" action="{CONNECT_PATH}">'
        f'<input type="hidden" name="{form_token.FIELD}" value="{escape(token)}">'
        f'<input type="hidden" name="step" value="{purpose}">{inside}'
        f'<p><button class="button" type="submit">{escape(button)}</button></p></form>'
    )
