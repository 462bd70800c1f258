"""Pages that anybody may read."""

import math

from slackapp.checks import scope_reasons
from slackapp.flows.app import App
from slackapp.flows.upkeep import sweep
from slackapp.model import Actor
from slackapp.store import oauth_states
from slackapp.web import directory_pages, pages
from slackapp.web.directory_pages import Retention
from slackapp.web.pages import About
from slackapp.web.request import Request
from slackapp.web.response import Response, html
from slackapp.web.style import ICON, ICON_TYPE


def landing(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows the landing page: one page, one button."""
    settings = app.settings
    asked = (*settings.bot_scopes, *settings.user_scopes)
    scopes = [(scope, scope_reasons.reason_text(scope, app.behaviour, app.scope_reasons)) for scope in asked]
    return html(200, pages.landing(_about(app), scopes, settings.slack.is_local))


def icon(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows the icon beside a page's name."""
    return Response(200, ICON_TYPE, ICON.encode())


def privacy(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows what is stored, and how long: the same numbers as the code that erases it."""
    kept = Retention(
        install_minutes=math.ceil(app.settings.state_ttl / 60),
        state_minutes=oauth_states.KEEP_SECONDS // 60,
        event_hours=sweep.DEDUPE_WINDOW // 3600,
        audit_days=app.settings.audit_days,
    )
    collected = [data.collected for data in app.tenant_data if data.collected]
    told = [circle.told for circle in app.circles if circle.told and circle.is_on(app.settings)]
    return html(200, directory_pages.privacy(_about(app), kept, collected, told))


def support(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows where help is, and how to remove the app."""
    return html(200, directory_pages.support(_about(app)))


def _about(app: App) -> About:
    told = app.settings
    return About(told.name, told.description, told.company, told.support_email, privacy_email=told.privacy_email)
