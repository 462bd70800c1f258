"""The control page: what users said and the app did, and forms for whatever the app takes. Never shows a token.

It is made of parts (`data-part`): the page's script replaces those that have changed, and only those.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slackapp.localslack.accounts import Workspace
from slackapp.localslack.api.chat import SLACKBOT
from slackapp.localslack.delivery import handled_keys
from slackapp.localslack.model import AppInstall, Json
from slackapp.localslack.pages import blocks, layout, mrkdwn, workspaces
from slackapp.localslack.wire import HttpResponse
from slackapp.web.components import hidden, link_button

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

SHOWN_MESSAGES = 20
SHOWN_DELIVERIES = 10


def show(slack: LocalSlack, fault_kinds: Iterable[str]) -> HttpResponse:
    """`GET /`."""
    with slack.lock:
        installs = list(slack.state.installs.values())
        body = _part("app", _app(slack, installs))
        body += "".join(_part(f"tenant-{install.tenant}", _tenant(slack, install)) for install in installs)
        body += "".join(_homes(slack, slack.workspaces[team]) for install in installs for team in _teams(install))
        body += "".join(
            _part(f"talk-{team.id}", _talk(slack, team))
            for team in slack.workspaces.values()
            if slack.conversation(team.id)
        )
        body += _part("faults", _faults(slack, fault_kinds)) + _part("deliveries", _deliveries(slack))
    again = '<noscript><p><a href="/">Look again</a></p></noscript>'
    return layout.page("Local Slack", f'<p id="told" class="told" role="alert"></p>{again}{body}', live=True)


def _part(name: str, inner: str) -> str:
    return f'<section data-part="{escape(name)}">{inner}</section>'


def _app(slack: LocalSlack, installs: list[AppInstall]) -> str:
    """Shows which app this is, and where it is installed."""
    app = f"App <strong>{escape(slack.app.name)}</strong> <code>{escape(slack.app.app_id)}</code>"
    names = {**{w.id: w.name for w in slack.workspaces.values()}, **{o.id: o.name for o in slack.enterprises.values()}}
    if installs:
        return f"<p>{app}, installed in: {escape(', '.join(names[install.tenant] for install in installs))}.</p>"
    where = urlsplit(slack.app.redirect_urls[0]) if slack.app.redirect_urls else None
    origin = escape(f"{where.scheme}://{where.netloc}/") if where else ""
    begin = f'Install it from <a href="{origin}">{origin}</a>.' if origin else "Install it first."
    return f"<p>{app} is installed nowhere. {begin}</p>"


def _tenant(slack: LocalSlack, install: AppInstall) -> str:
    """An installation: what can be done in each of its workspaces, and to it."""
    scopes = ", ".join(install.bot_scopes) or "none"
    name = (
        slack.enterprises[install.tenant].name
        if install.is_enterprise_install
        else slack.workspaces[install.tenant].name
    )
    kind = "the whole org" if install.is_enterprise_install else "workspace"
    text = (
        f'<h2>{escape(name)}</h2><p class="small">{kind} <code>{escape(install.tenant)}</code>, bot scopes: '
        f'<span class="scope">{escape(scopes)}</span></p>'
    )
    if install.is_enterprise_install:
        text += _enterprise(slack, install)
    for team in _teams(install):
        text += _tools(slack, slack.workspaces[team], install)
    others = (
        ("expire", "Expire its tokens"), ("spoil", "Let its tokens die unannounced"),
        ("revoke", "Revoke the bot token"), ("uninstall", "Uninstall"),
    )  # fmt: skip
    buttons = "".join(layout.press(action, label, {"team": install.tenant}) for action, label in others)
    return f'{text}<h3>The installation</h3><div class="buttons">{buttons}</div>'


def _teams(install: AppInstall) -> list[str]:
    """The ids of the workspaces that have the app by that installation."""
    return install.granted_teams if install.is_enterprise_install else [install.tenant]


def _enterprise(slack: LocalSlack, install: AppInstall) -> str:
    left = [team for team in slack.accounts.teams_of(install.tenant) if team not in install.granted_teams]
    if not left:
        return ""
    named = ", ".join(slack.workspaces[team].name for team in left)
    return (
        f"<p>It is not in {escape(named)} yet.</p>"
        f"<p>{link_button(workspaces.address(slack, install.tenant), 'Add workspaces')}</p>"
    )


def _tools(slack: LocalSlack, workspace: Workspace, install: AppInstall) -> str:
    """Shows a form for each thing that the app takes in a workspace."""
    app, team = slack.app, hidden("team", workspace.id)
    text = f"<h3>In {escape(workspace.name)}</h3>"
    if handled_keys.is_handled(app, "app_mention"):
        inner = '<label>Say in #general <input type="text" name="text" value="hello"></label>'
        text += layout.control("mention", team + inner + layout.button("Mention the app", main=True), line=True)
    else:
        text += _unhandled("a mention", "app_mention")
    text += _commands(slack, workspace.id) + _buttons(slack, workspace)
    kinds = "".join(f"<option>{escape(kind)}</option>" for kind in handled_keys.events(app))
    if kinds:
        example = json.dumps({"user": workspace.member, "channel": workspace.general})
        inner = (
            f'<label>Event <select name="type">{kinds}</select></label>'
            f'<label>Its fields, as JSON <input type="text" name="fields" value="{escape(example)}"></label>'
        )
        text += layout.control("event", team + inner + layout.button("Send the event"), line=True)
    if install.is_enterprise_install:
        whose = {"team": workspace.id, "org": install.tenant}
        text += layout.press("withdraw", f"Take the app out of {workspace.name}", whose)
    return text


def _commands(slack: LocalSlack, team: str) -> str:
    app = slack.app
    if not app.commands_url:
        return ""
    known = handled_keys.commands(app)
    if app.handles is not None and not known:
        return _unhandled("a command", "/hello")
    options = "".join(f'<option value="{escape(name)}"></option>' for name in known)
    inner = (
        f'<label>Command <input type="text" name="command" value="{escape(known[0] if known else "/example")}" '
        f'list="commands-{team}" autocomplete="off"></label><datalist id="commands-{team}">{options}</datalist>'
        '<label>Text behind it <input type="text" name="text" value="help"></label>'
    )
    return layout.control("command", hidden("team", team) + inner + layout.button("Send the command"), line=True)


def _buttons(slack: LocalSlack, workspace: Workspace) -> str:
    """The ways to #general and to the Home tab, and the shortcuts."""
    app, team = slack.app, workspace.id
    found = []
    if workspace.general not in slack.state.joined:
        found.append(layout.press("invite", "Invite the app to #general", {"team": team}))
    if handled_keys.is_handled(app, "app_home_opened"):
        found.append(layout.press("home", "Open the Home tab as an admin", {"team": team, "user": workspace.admin}))
    for callback_id in handled_keys.ids(app, "shortcut:"):
        found.append(layout.press("shortcut", f"Shortcut: {callback_id}", {"team": team, "callback_id": callback_id}))
    modals = ", ".join(f"<code>{escape(key)}</code>" for key in handled_keys.modal_keys(app))
    note = f'<p class="small">Modals are not drawn here yet, so these are not played: {modals}.</p>' if modals else ""
    return (f'<div class="buttons">{"".join(found)}</div>' if found else "") + note


def _homes(slack: LocalSlack, workspace: Workspace) -> str:
    """The Home tabs that the app has put up in a workspace."""
    parts = ""
    for user_id, view in slack.state.views.get(workspace.id, {}).items():
        fields = {"team": workspace.id, "user": user_id}
        buttons = "".join(
            layout.press("press", button.label, {**fields, "action_id": button.action_id})
            + _unhandled_button(slack, button)
            for button in blocks.buttons(view["blocks"])
        )
        inner = f"<h2>Home tab of {escape(_name(slack, user_id))} in {escape(workspace.name)}</h2>"
        inner += f'<div class="said">{_text(slack, view)}</div><div class="buttons">{buttons}</div>'
        parts += _part(f"home-{workspace.id}-{user_id}", inner)
    return parts


def _unhandled(what: str, key: str) -> str:
    key = escape(key)
    return f'<p class="small">Nobody handles {what}: the app\'s table has no key such as <code>{key}</code>.</p>'


def _unhandled_button(slack: LocalSlack, button: blocks.Button) -> str:
    key = f"block_actions:{button.action_id}"
    return (
        ""
        if handled_keys.is_handled(slack.app, key)
        else (f' <span class="small">nobody handles <code>{escape(key)}</code></span>')
    )


def _talk(slack: LocalSlack, workspace: Workspace) -> str:
    said = slack.conversation(workspace.id)[-SHOWN_MESSAGES:]
    rows = "".join(f"<li>{_message(slack, workspace, message)}</li>" for message in said)
    return f'<h2>Messages in {escape(workspace.name)}</h2><ol class="talk">{rows}</ol>'


def _message(slack: LocalSlack, workspace: Workspace, message: Json) -> str:
    channel = slack.accounts.channel(message["channel"])
    where = f"#{channel.name}" if channel else "direct message"
    marks = [where, *(["in thread"] if message.get("thread_ts") else [])]
    if message.get("ephemeral_to"):
        marks.append(f"only visible to {_name(slack, message['ephemeral_to'])}")
    at = {"team": workspace.id, "channel": message["channel"], "ts": message["ts"]}
    tools = "".join(
        layout.press("press", button.label, {**at, "action_id": button.action_id}) + _unhandled_button(slack, button)
        for button in blocks.buttons(message.get("blocks"))
    )
    tools += "".join(
        layout.press("shortcut", f"Shortcut: {callback_id}", {**at, "callback_id": callback_id})
        for callback_id in handled_keys.ids(slack.app, "message_action:")
    )
    who = escape(_name(slack, message["user"]))
    return (
        f'<strong>{who}</strong> <span class="small">{escape(", ".join(marks))}</span>'
        f'<div class="said">{_text(slack, message)}</div>' + (f'<div class="buttons">{tools}</div>' if tools else "")
    )


def _text(slack: LocalSlack, message: Json) -> str:
    """Shows what a message or a view says."""
    return mrkdwn.html(blocks.text_of(message), lambda user_id: _name(slack, user_id))


def _name(slack: LocalSlack, user_id: str) -> str:
    user = slack.users.get(user_id)
    return user.name if user else "Slackbot" if user_id == SLACKBOT else slack.bot_name


def _faults(slack: LocalSlack, kinds: Iterable[str]) -> str:
    options = "".join(f'<option value="{kind}">{kind}</option>' for kind in kinds)
    waiting = "".join(f"<li>{escape(f.method)}: {escape(f.kind)}, {f.times} left</li>" for f in slack.faults.waiting())
    inner = (
        '<label>Method <input type="text" name="method" value="*"></label>'
        f'<label>Fault <select name="kind">{options}</select></label>'
    )
    form = layout.control("fault", inner + layout.button("At the next call"), line=True)
    return f"<h2>Let something go wrong</h2>{form}" + (f"<ul>{waiting}</ul>" if waiting else "")


def _deliveries(slack: LocalSlack) -> str:
    rows = "".join(
        f"<tr><td>{escape(d.type)}</td><td>{d.attempt}</td><td>{d.status or escape(d.reason)}</td></tr>"
        for d in reversed(slack.deliveries[-SHOWN_DELIVERIES:])
    )
    heads = "<tr><th>Event</th><th>Attempt</th><th>Answer</th></tr>"
    return f"<h2>Last deliveries</h2>{f'<table>{heads}{rows}</table>' if rows else '<p>None yet.</p>'}"
