"""`GET /slack/install`."""

from slackapp.checks.query import read_query
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.install import begin_install
from slackapp.model import Actor
from slackapp.web.request import Request, address_prefix, network_prefix
from slackapp.web.response import Response, redirect


def begin(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Arrows 1 to 4 of the install: a cookie, and 302 to Slack."""
    wait = app.rate_limiter.admit(f"install {address_prefix(request.address)}", now)
    # claim: C-72
    if wait:
        raise Refused(Refusal.RATE, retry_after=wait)
    query = read_query(request.raw_query, frozenset({"team"}))
    redirect_to_slack = begin_install.run(
        app, request.header("cookie"), query.get("team"), network_prefix(request.address), now
    )
    return redirect(302, redirect_to_slack.location, (("Set-Cookie", redirect_to_slack.cookie),))
