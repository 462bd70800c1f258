"""`GET /slack/install`, `GET /slack/oauth_redirect` and the page behind it: a browser on its way to Slack and back."""

from slackapp.checks import browser_binding
from slackapp.checks.query import read_query
from slackapp.flows.app import App
from slackapp.flows.install import begin_install, finish_install
from slackapp.flows.install.finish_install import Callback
from slackapp.model import INSTALLED_PATH, Actor, Installation, InstallOutcome
from slackapp.store import installations, oauth_states
from slackapp.web import pages
from slackapp.web.request import Request, address_prefix, network_prefix
from slackapp.web.response import Response, html, redirect

SHOWN_FOR = 3600
"""Seconds that a browser can look at what it installed."""


def begin(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Arrows 1 to 4 of the install: a cookie, and 302 to Slack."""
    # claim: C-72
    app.rate_limiter.require(f"install {address_prefix(request.address)}", now)
    query = read_query(request.raw_query, frozenset({"team"}))
    network = network_prefix(request.address)
    to_slack = begin_install.run(app, request.header("cookie"), query.get("team"), network, now=now)
    return redirect(302, to_slack.location, (("Set-Cookie", to_slack.cookie),))


def finish(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Arrows 5 to 15 of the install. On success 303, so that neither code nor state stays in the history."""
    # claim: C-72
    app.rate_limiter.require(f"callback {address_prefix(request.address)}", now)
    query = read_query(request.raw_query, finish_install.PARAMETERS)
    brought = Callback(query, request.header("cookie"), network_prefix(request.address))
    outcome, tenant = finish_install.run(app, brought, caller, now)
    if outcome is InstallOutcome.DECLINED:
        return html(200, pages.declined(app.settings.name))
    return redirect(303, app.settings.public_url + INSTALLED_PATH, tenant=tenant)


def installed(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows the clean page: what this browser installed last, found by its cookie alone."""
    secret = browser_binding.find_browser_secret(request.header("cookie"), app.settings.secure)
    if secret is None:
        return html(200, pages.nothing_installed(app.settings.name))
    digest = browser_binding.browser_digest(secret)
    tenant = oauth_states.last_installed(app.db, digest, now - SHOWN_FOR)
    installation = installations.find(app.db, tenant) if tenant is not None else None
    if installation is None:
        return html(200, pages.nothing_installed(app.settings.name))
    local_slack = app.settings.slack.origin if app.settings.slack.is_local else ""
    further = _add_workspaces(app, installation)
    return html(200, pages.installed(app.settings.name, installation.name, _use(app), further, local_slack=local_slack))


def _use(app: App) -> str:
    """Explains how the behaviour is used first."""
    commands = (key for key in app.behaviour if key.startswith("/"))
    return pages.MENTION if "app_mention" in app.behaviour else next(commands, "")


def _add_workspaces(app: App, installation: Installation) -> str:
    """An enterprise-wide install is in no workspace yet (docs.slack.dev/enterprise/developing-for-enterprise-orgs)."""
    if not installation.is_enterprise_install:
        return ""
    manage, enterprise = app.settings.slack.manage, installation.tenant.id
    return f"{manage}/manage/{enterprise}/integrations/profile/{app.settings.app_id}/workspaces/add"
