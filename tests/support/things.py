"""Routes with ids in their paths, as a circle may have them: each shows what it was given."""

import json

from slackapp.callers import anyone, operator
from slackapp.flows.app import App
from slackapp.model import Actor, Settings
from slackapp.routes import DATA, ROUTES, Route
from slackapp.web.request import Request
from slackapp.web.response import Response, json_response
from slackapp.wsgi import Wsgi


def show(app: App, request: Request, caller: Actor, now: int) -> Response:
    """What of the target reaches a handler, and as whom it was called."""
    return json_response(200, {"at": request.template, "by": caller.name, **request.path_values})


def show_all(app: App, request: Request, caller: Actor, now: int) -> Response:
    """The path that wins over that of an id."""
    return json_response(200, {"at": request.template})


THINGS = (
    Route("GET", "/things/{id}", show, anyone, answers=DATA, head=True),
    Route("DELETE", "/things/{id}", show, operator, answers=DATA),
    Route("GET", "/things/all", show_all, anyone, answers=DATA),
    Route("POST", "/things/{id}/parts/{part}", show, anyone, answers=DATA),
)


def is_on(settings: Settings) -> bool:
    """Whether things are served: a word in the name of the app stands for a setting of their own."""
    return "things" in settings.name


def with_things(app: App) -> Wsgi:
    """The application with these routes beside its own."""
    return Wsgi(app, [*ROUTES, *THINGS])


def given(body: bytes) -> dict[str, str]:
    """What the handler has shown."""
    found: dict[str, str] = json.loads(body)
    return found
