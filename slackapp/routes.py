"""The whole HTTP surface, on one screen.

Paths are compared as raw bytes, without decoding: a path that is spelled in another way is another path. Nothing lives
under the callback's path, because Slack also redirects to what lies below a registered address.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from slackapp import callers
from slackapp.flows.app import App
from slackapp.handlers.operator import health, uninstall
from slackapp.handlers.pages import site
from slackapp.handlers.slack import events, install
from slackapp.model import (
    CALLBACK_PATH,
    COMMANDS_PATH,
    EVENTS_PATH,
    INSTALL_PATH,
    INSTALLED_PATH,
    INTERACTIVITY_PATH,
    Actor,
)
from slackapp.web.request import Request
from slackapp.web.response import Response

ANYONE, SLACK, OPERATOR = callers.anyone, callers.slack, callers.operator


class AnswerKind(StrEnum):
    """Kind of what a route answers, refusals included: HTML, or what a program reads."""

    PAGE = "page"
    DATA = "data"


PAGE, DATA = AnswerKind


@dataclass(frozen=True)
class Route:
    """Address, its handler, and who may call it.

    `head` says whether HEAD is answered like GET; `probe` lifts the rule on Host for loopback.
    """

    method: str
    path: str
    handler: Callable[[App, Request, Actor, int], Response]
    caller: Callable[[App, Request, int], Actor]
    answers: AnswerKind
    head: bool = False
    probe: bool = False


ROUTES = (
    #     method  path                     handler             who may call  refusals as
    Route("GET", "/", site.landing, ANYONE, PAGE, head=True),
    Route("GET", INSTALL_PATH, install.begin, ANYONE, PAGE),
    Route("GET", CALLBACK_PATH, install.finish, ANYONE, PAGE),
    Route("GET", INSTALLED_PATH, install.installed, ANYONE, PAGE, head=True),
    Route("POST", EVENTS_PATH, events.receive, SLACK, DATA),
    Route("POST", COMMANDS_PATH, events.command, SLACK, DATA),
    Route("POST", INTERACTIVITY_PATH, events.interact, SLACK, DATA),
    Route("POST", "/slack/uninstall", uninstall.remove, OPERATOR, DATA),
    Route("GET", "/privacy", site.privacy, ANYONE, PAGE, head=True),
    Route("GET", "/support", site.support, ANYONE, PAGE, head=True),
    Route("GET", "/favicon.ico", site.icon, ANYONE, DATA, head=True),
    Route("GET", "/healthz", health.healthz, ANYONE, DATA, head=True, probe=True),
    Route("GET", "/readyz", health.readyz, ANYONE, DATA, head=True, probe=True),
    Route("GET", "/metrics", health.metrics, OPERATOR, DATA),
)

BY_PATH = {route.path: route for route in ROUTES}
"""One route per path."""
