"""`POST /slack/events`."""

from slackapp.checks.form_body import is_ssl_check, parse_form
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.events import receive_event
from slackapp.model import Actor
from slackapp.web.request import FORM, JSON, Request
from slackapp.web.response import Response, text


def receive(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Receives an event of the Events API. The signature has been verified; an empty 200 acknowledges."""
    if request.media_type == FORM and is_ssl_check(parse_form(request.raw_body)):
        return text(200, "")
    if request.media_type != JSON:
        raise Refused(Refusal.MEDIA_TYPE)
    challenge, tenant = receive_event.run(app, request.raw_body, caller, now)
    return text(200, challenge, tenant=tenant)
