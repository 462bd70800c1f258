"""`GET /slack/install`."""

from slackapp.checks.query import read_query
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.install import begin_install
from slackapp.model import Origin
from slackapp.web.request import Request, neighbourhood, network
from slackapp.web.response import Response, redirect


def begin(app: App, request: Request, caller: Origin, now: int) -> Response:
    """Arrows 1 to 4 of the install: a cookie, and 302 to Slack."""
    wait = app.rate_gate.admit(f"install {neighbourhood(request.address)}", now)
    # claim: C-72
    if wait:
        raise Refused(Refusal.RATE, retry_after=wait)
    query = read_query(request.raw_query, frozenset({"team"}))
    departure = begin_install.run(app, request.header("cookie"), query.get("team"), network(request.address), now)
    return redirect(302, departure.location, (("Set-Cookie", departure.cookie),))
