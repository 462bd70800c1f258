"""Response to a refusal: the same for every input of its class, with nothing of it inside.

A page says the id that we gave to the request.
"""

from slackapp.errors import Refusal, Refused
from slackapp.web import pages
from slackapp.web.components import NO_FRAME, Frame
from slackapp.web.response import Headers, Response, html, json_response

_ADVICE = {
    "state_missing": "An install must begin here. If you came from Slack's own pages, please begin again.",
    "state_refused": "Please begin again with the button, and finish in the same browser.",
    "browser_unknown": "Please allow cookies for this site, begin again, and finish in the same browser.",
    "state_expired": "An install must be finished within a few minutes. Please begin again.",
    "state_used": "If you reloaded the page, the app may be installed already. Otherwise please begin again.",
    "code_missing": "Please begin again.",
    "slack_error": "Nothing was stored. Please begin again; if it keeps failing, ask whoever runs this service.",
    "exchange_refused": "Nothing was stored. Please begin again.",
    "grant_foreign": "Nothing was stored. Whoever runs this service must look at its settings.",
    "grant_malformed": "Nothing was stored. Please begin again; if it keeps failing, tell whoever runs this service.",
    "team_not_allowed": "Nothing was stored. Whoever runs this service decides which workspaces it is for.",
    "installer_not_admin": "Nothing was stored. Please ask an admin to install the app.",
    "installer_unknown": "Nothing was stored. Please begin again, and let the app see who is in your workspace.",
    "slack_unreachable": "Nothing was stored. Please begin again in a minute.",
    "not_stored": "Nothing was stored, and this install link is spent. Please begin again in a minute.",
    "busy": "Please reload this page in a moment, or begin again.",
    "too_many_requests": "Wait a minute, then begin again.",
    "key_revoked": "Nothing was stored. Whoever holds the key for your workspace must give it back first.",
    "key_unavailable": "Nothing was stored. Please begin again in a minute.",
    "bad_team": "Leave the workspace out; Slack will let you choose.",
}
"""By the code of a refusal: refusals that share a code have the same page."""


def refusal_page(refused: Refused, frame: Frame) -> Response:
    """A page for a person, with the next step, and the reference that whoever runs this finds in the log."""
    answer = refused.refusal
    advice = _ADVICE.get(answer.code, "You can begin an install here.")
    return html(answer.status, pages.refused(frame, answer.sentence, advice), refusal_headers(refused), refused.tenant)


def refusal_data(refused: Refused, frame: Frame = NO_FRAME) -> Response:
    """JSON for a program: the code."""
    body = {"error": refused.refusal.code}
    if refused.install_url is not None:
        body["install_url"] = refused.install_url
    return json_response(refused.refusal.status, body, refusal_headers(refused), refused.tenant)


def refusal_headers(refused: Refused) -> Headers:
    """Says when to come again, what may be asked, and how callers are known (RFC 9110 sections 10.2 and 11.6.1)."""
    scheme = "Bearer" if refused.refusal is Refusal.OPERATOR else None
    told = {"Retry-After": refused.retry_after, "Allow": refused.allow, "WWW-Authenticate": scheme}
    return tuple((name, str(value)) for name, value in told.items() if value is not None)
