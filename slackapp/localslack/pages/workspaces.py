"""Page where an enterprise's admin adds an app that all of it has installed to its workspaces.

An enterprise-wide install is in no workspace at first (docs.slack.dev/enterprise/developing-for-enterprise-orgs).
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from slackapp.localslack.pages import layout
from slackapp.localslack.wire import Fields, HttpResponse, redirect

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

PATH = re.compile(r"/manage/(E[A-Z0-9]+)/integrations/profile/(A[A-Z0-9]+)/workspaces/add")
"""The page's address at Slack, below app.slack.com; here below the local Slack."""


def address(slack: LocalSlack, enterprise_id: str) -> str:
    """The path of the page for an enterprise."""
    return f"/manage/{enterprise_id}/integrations/profile/{slack.app.app_id}/workspaces/add"


def show(slack: LocalSlack, enterprise_id: str, app_id: str) -> HttpResponse:
    """GET: the workspaces of the enterprise that do not have the app yet."""
    install = slack.state.installs.get(enterprise_id)
    if install is None or not install.is_enterprise_install or app_id != slack.app.app_id:
        return layout.problem("not_installed", "This app is not installed in that whole org.", status=404)
    covered = slack.accounts.teams_of(enterprise_id)
    left = [slack.workspaces[team] for team in covered if team not in install.granted_teams]
    if not left:
        done = '<section><p>Every workspace has the app.</p><p><a href="/">Open the local Slack</a></p></section>'
        return layout.page(f"Add {slack.app.name} to workspaces", done)
    boxes = "".join(
        f'<label><input type="checkbox" name="team" value="{workspace.id}" checked> {escape(workspace.name)}</label>'
        for workspace in left
    )
    body = (
        f'<form method="post" action="{escape(address(slack, enterprise_id))}">'
        f"<p>{escape(slack.app.name)} is installed in {escape(slack.enterprises[enterprise_id].name)}. "
        "It works in the workspaces that it is added to.</p>"
        f"<fieldset><legend>Workspaces</legend>{boxes}</fieldset>{layout.button('Add to these workspaces', main=True)}"
        '</form><p><a href="/">Not now</a></p>'
    )
    return layout.page(f"Add {slack.app.name} to workspaces", body)


def add(slack: LocalSlack, enterprise_id: str, app_id: str, fields: Fields) -> HttpResponse:
    """POST: adds the app to the workspaces that are named; the app is told by `team_access_granted`."""
    install = slack.state.installs.get(enterprise_id)
    if install is None or not install.is_enterprise_install or app_id != slack.app.app_id:
        return layout.problem("not_installed", "This app is not installed in that whole org.", status=404)
    wanted = fields.get("team", [])
    if not set(wanted).issubset(slack.accounts.teams_of(enterprise_id)):
        return layout.problem("invalid_arguments", "One of these is no workspace of that org.")
    for team in wanted:
        if team not in install.granted_teams:
            slack.grant_team(enterprise_id, team)
    return redirect(303, "/")
