"""What a refusal looks like: the same bytes for every input of its class, and nothing of the input in them."""

from slackapp.errors import Refusal, Refused
from slackapp.web import pages
from slackapp.web.response import Response, html, json_answer

_ADVICE = {
    Refusal.STATE_MISSING: "An install must begin here. If you came from Slack's own pages, please begin again.",
    Refusal.STATE_MALFORMED: "Please begin again; if you copied an address, use the button instead.",
    Refusal.STATE_FORGED: "Please begin again, and finish in the same browser.",
    Refusal.BROWSER: "Please allow cookies for this site, begin again, and finish in the same browser.",
    Refusal.STATE_EXPIRED: "An install must be finished within ten minutes. Please begin again.",
    Refusal.STATE_USED: "If you reloaded the page, the app may be installed already. Otherwise please begin again.",
    Refusal.CODE_MISSING: "Please begin again.",
    Refusal.SLACK_ERROR: "Nothing was stored. Please begin again; if it keeps failing, ask whoever runs this service.",
    Refusal.EXCHANGE: "Nothing was stored. Please begin again.",
    Refusal.GRANT_FOREIGN: "Nothing was stored. Whoever runs this service must look at its settings.",
    Refusal.GRANT_MALFORMED: "Nothing was stored. Please begin again; if it keeps failing, tell whoever runs this.",
    Refusal.SLACK_UNREACHABLE: "Nothing was stored. Please begin again in a minute.",
    Refusal.TEAM_HINT: "Leave the workspace out; Slack will let you choose.",
}


def refusal_response(refused: Refused, as_page: bool) -> Response:
    """A page for a person, with the next step; JSON for a program."""
    answer = refused.refusal.value
    headers: tuple[tuple[str, str], ...] = ()
    if refused.retry_after is not None:
        headers += (("Retry-After", str(refused.retry_after)),)
    if refused.allow:
        headers += (("Allow", refused.allow),)
    if refused.refusal is Refusal.OPERATOR:
        headers += (("WWW-Authenticate", "Bearer"),)
    if as_page:
        advice = _ADVICE.get(refused.refusal, "")
        return html(answer.status, pages.refused(answer.sentence, advice, offer_install=bool(advice)), headers)
    return json_answer(answer.status, {"error": answer.code}, headers)
