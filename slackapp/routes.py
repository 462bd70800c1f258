"""The whole HTTP surface, on one screen.

Paths are compared as raw bytes, without decoding: a path that is spelled in another way is another path. Nothing lives
under the callback's path, because Slack also redirects to what lies below a registered address.
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from slackapp.callers import anyone, operator, operator_or_anyone, slack
from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.handlers.operator import health, uninstall
from slackapp.handlers.pages import site
from slackapp.handlers.slack import events, install
from slackapp.host.answers import refusal_api
from slackapp.host.callers import page_form, page_member
from slackapp.host.handlers import connect, governance, settings
from slackapp.host.handlers.access import pages as access
from slackapp.host.handlers.messaging import analytics, message_pages
from slackapp.host.openapi import SERVED, is_host_on
from slackapp.model import (
    CALLBACK_PATH,
    COMMANDS_PATH,
    EVENTS_PATH,
    HOST_CALLBACK_PATH,
    INSTALL_PATH,
    INSTALLED_PATH,
    INTERACTIVITY_PATH,
    Actor,
    Settings,
)
from slackapp.web.components import Frame
from slackapp.web.refusals import refusal_data, refusal_page
from slackapp.web.request import Request
from slackapp.web.response import Response
from slackapp.web.router import Router

PAGE, DATA, SETTINGS = refusal_page, refusal_data, settings.page_refusal
"""Forms of what a route answers, each with what makes a refusal in it: HTML for a person, JSON for a program."""

C = TypeVar("C", bound=Actor)


class Route(NamedTuple, Generic[C]):
    """Method and path, the handler, and who may call it: what `caller` proves is what the handler is given.

    `{name}` in a path is one segment, which the handler finds in `request.path_values`. `head` says whether HEAD is
    answered like GET; `probe` lifts the rule on Host for loopback.
    """

    method: str
    path: str
    handler: Callable[[App, Request, C, int], Response]
    caller: Callable[[App, Request, int], C]
    answers: Callable[[Refused, Frame], Response]
    head: bool = False
    probe: bool = False


AnyRoute = Route[Any]

CORE = (
    #     method  path                     handler             who may call  refusals as
    Route("GET", "/", site.landing, anyone, answers=PAGE, head=True),
    Route("GET", INSTALL_PATH, install.begin, anyone, answers=PAGE),
    Route("GET", CALLBACK_PATH, install.finish, anyone, answers=PAGE),
    Route("GET", INSTALLED_PATH, install.installed, anyone, answers=PAGE, head=True),
    Route("POST", EVENTS_PATH, events.receive, slack, answers=DATA),
    Route("POST", COMMANDS_PATH, events.command, slack, answers=DATA),
    Route("POST", INTERACTIVITY_PATH, events.interact, slack, answers=DATA),
    Route("GET", "/privacy", site.privacy, anyone, answers=PAGE, head=True),
    Route("GET", "/support", site.support, anyone, answers=PAGE, head=True),
    Route("GET", "/favicon.ico", site.icon, anyone, answers=DATA, head=True),
)
OPERATOR = (
    Route("POST", "/slack/uninstall", uninstall.remove, operator, answers=DATA),
    Route("GET", "/healthz", health.healthz, anyone, answers=DATA, head=True, probe=True),
    Route("GET", "/readyz", health.readyz, operator_or_anyone, answers=DATA, head=True, probe=True),
    Route("GET", "/metrics", health.metrics, operator, answers=DATA),
)
HOST: tuple[AnyRoute, ...] = tuple(Route(*each, answers=refusal_api) for each in SERVED)
CONNECT: tuple[AnyRoute, ...] = (
    Route("GET", HOST_CALLBACK_PATH, connect.finish, anyone, answers=connect.callback_refusal),
    Route("POST", "/settings/session", connect.open_page, anyone, answers=connect.form_refusal),
    Route("GET", "/settings", connect.open_next, page_member, answers=connect.form_refusal),
    Route("GET", "/settings/connect", connect.show, page_member, answers=connect.form_refusal),
    Route("POST", "/settings/connect", connect.receive_form, page_form, answers=connect.form_refusal),
    Route("GET", "/settings/integrations", settings.show_all, page_member, answers=SETTINGS),
    Route("GET", "/settings/integrations/{id}", settings.show, page_member, answers=SETTINGS),
    Route("POST", "/settings/integrations/{id}", settings.receive_form, page_form, answers=SETTINGS),
    Route("GET", "/settings/integrations/{id}/channels", settings.show_channels, page_member, answers=SETTINGS),
    Route("GET", "/settings/integrations/{id}/disconnect", settings.ask_to_disconnect, page_member, answers=SETTINGS),
    Route("GET", "/settings/approvals", settings.show_approvals, page_member, answers=SETTINGS),
    Route("POST", "/settings/approvals", settings.receive_approval, page_form, answers=SETTINGS),
    Route("GET", "/settings/messages", message_pages.show_history, page_member, answers=SETTINGS),
    Route("GET", "/settings/messages.csv", message_pages.show_file, page_member, answers=SETTINGS),
    Route("GET", "/settings/analytics", analytics.show_page, page_member, answers=SETTINGS),
    Route("GET", "/settings/analytics.csv", analytics.show_file, page_member, answers=SETTINGS),
    Route("GET", "/settings/messages/{id}", message_pages.show_one, page_member, answers=SETTINGS),
    Route("POST", "/settings/messages/{id}", message_pages.change_one, page_form, answers=SETTINGS),
    Route("GET", "/settings/compose", message_pages.show_compose, page_member, answers=SETTINGS),
    Route("POST", "/settings/compose", message_pages.send, page_form, answers=SETTINGS),
    Route("GET", "/settings/templates", message_pages.show_templates, page_member, answers=SETTINGS),
    Route("POST", "/settings/templates", message_pages.change_template, page_form, answers=SETTINGS),
    Route("GET", "/settings/inventory", access.show_inventory, page_member, answers=SETTINGS),
    Route("GET", "/settings/inventory.csv", access.show_inventory_file, page_member, answers=SETTINGS),
    Route("GET", "/settings/token-use", access.show_uses, page_member, answers=SETTINGS),
    Route("GET", "/settings/token-use.csv", access.show_uses_file, page_member, answers=SETTINGS),
    Route("GET", "/settings/reviews", governance.show_reviews, page_member, answers=SETTINGS),
    Route("POST", "/settings/reviews", governance.open_one, page_form, answers=SETTINGS),
    Route("GET", "/settings/reviews/{id}", governance.show_review, page_member, answers=SETTINGS),
    Route("POST", "/settings/reviews/{id}", governance.answer_one, page_form, answers=SETTINGS),
    Route("GET", "/settings/freeze", governance.ask_to_freeze, page_member, answers=SETTINGS),
    Route("POST", "/settings/freeze", governance.receive_freeze, page_form, answers=SETTINGS),
    Route("GET", "/settings/connects", settings.show_connects, page_member, answers=SETTINGS),
)
ROUTES: tuple[AnyRoute, ...] = (*CORE, *OPERATOR, *HOST, *CONNECT)
SWITCHES: tuple[tuple[tuple[AnyRoute, ...], Callable[[Settings], bool]], ...] = (((*HOST, *CONNECT), is_host_on),)
"""Tables that are off by default, each with what in the settings switches it on. Off, its paths are not there: 404."""


def served_routes(settings: Settings) -> list[AnyRoute]:
    """Lists the routes that are served with these settings."""
    off = {route for table, is_on in SWITCHES if not is_on(settings) for route in table}
    return [route for route in ROUTES if route not in off]


def served_answers(settings: Settings) -> list[tuple[str, Callable[[Refused, Frame], Response]]]:
    """Lists beginnings of a target with the form of a refusal that comes before a route is found."""
    return [("/api/", refusal_api)] if is_host_on(settings) else []


def by_path(routes: Iterable[AnyRoute]) -> dict[str, dict[str, AnyRoute]]:
    """Sorts routes by path, and then by method. Raises ValueError for two with the same path and method."""
    found: dict[str, dict[str, AnyRoute]] = {}
    for route in routes:
        methods = found.setdefault(route.path, {})
        for method in (route.method, "HEAD") if route.head else (route.method,):
            if method in methods:
                raise ValueError(f"{method} {route.path} has two routes")
            methods[method] = route
    return found


# What could mean two routes, switched on or off, is refused before anything is served.
Router(by_path(ROUTES))
