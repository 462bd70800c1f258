"""`POST /slack/events`, `/slack/commands` and `/slack/interactivity`, once the signature is verified."""

from slackapp.checks.form_body import is_ssl_check, parse_form
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.events import receive_event, receive_interaction
from slackapp.model import Actor
from slackapp.web.request import FORM, JSON, Request
from slackapp.web.response import Response, json_response, text

SIGNATURE = "x-slack-signature"


def receive(app: App, request: Request, caller: Actor, now: int) -> Response:
    """An event of the Events API: an empty 200 acknowledges."""
    media_type = request.media_type
    if media_type == FORM and is_ssl_check(parse_form(request.raw_body)):
        return text(200, "")
    if media_type != JSON:
        raise Refused(Refusal.MEDIA_TYPE)
    challenge, tenant = receive_event.run(app, request.raw_body, caller, now)
    return text(200, challenge or "", tenant=tenant)


def command(app: App, request: Request, caller: Actor, now: int) -> Response:
    """A slash command: the body is empty, or what only the user is told at once."""
    form = _form(request)
    if is_ssl_check(form):
        return text(200, "")
    said, tenant = receive_interaction.receive_command(app, form, request.header_bytes(SIGNATURE), caller, now=now)
    return text(200, said or "", tenant=tenant)


def interact(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Receives a button, a modal, a shortcut: an empty 200 acknowledges. A menu: the options that it offers."""
    form = _form(request)
    if is_ssl_check(form):
        return text(200, "")
    options, tenant = receive_interaction.receive_interaction(
        app, form, request.header_bytes(SIGNATURE), caller, now=now
    )
    if options is not None:
        return json_response(200, options, tenant=tenant)
    return text(200, "", tenant=tenant)


def _form(request: Request) -> dict[str, str]:
    if request.media_type != FORM:
        raise Refused(Refusal.MEDIA_TYPE)
    return parse_form(request.raw_body)
