"""The control page: what the app did, and buttons that make things happen in Slack. Never shows a token."""
from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from slackapp.localslack import pages
from slackapp.localslack.model import Delivery, Fault, FaultKind, Json, NotInstalled
from slackapp.localslack.wire import (
    Fields,
    Request,
    Response,
    first,
    is_own_origin,
    json_response,
    redirect,
    text_response,
)

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

WATCH = 6
"""How many times the page loads itself again, once a second, after a mention."""
FAULT_KINDS: dict[str, FaultKind] = {
    "html500": "html500", "cut": "cut", "lost_answer": "lost_answer", "slow": "slow", "ratelimited": "ratelimited",
    "duplicate": "duplicate", "garbage": "garbage", "huge": "huge", "redirect": "redirect", "error": "error",
}


class Unknown(ValueError):
    """A control form that does not say what to do; carries one sentence."""


def answer(slack: LocalSlack, request: Request) -> Response:
    """Everything that is neither the Web API nor the consent page."""
    if request.method == "POST" and request.path.startswith("/control/"):
        return own_page_only(request) or _act(slack, request)
    if request.method != "GET":
        return text_response(405, "GET only")
    if request.path == "/":
        return _page(slack, first(request.query, "watch"))
    if request.path == "/control/state.json":
        return json_response(200, snapshot(slack))
    if request.path == "/control/issued.json" and slack.reveal_issued:
        return json_response(200, {"issued": slack.issued_tokens})
    return text_response(404, "there is nothing here")


def own_page_only(request: Request) -> Response | None:
    """A refusal for a form that a page of another site sends; None when the form is fine."""
    return None if is_own_origin(request) else text_response(403, "this form was not sent from this page")


def _act(slack: LocalSlack, request: Request) -> Response:
    action = request.path.removeprefix("/control/")
    fields = request.form()
    team = first(fields, "team")
    try:
        if action == "mention":
            slack.mention(team, first(fields, "text") or "hello", first(fields, "user") or None,
                          first(fields, "channel") or None, first(fields, "thread_ts") or None)
        elif action == "home":
            slack.open_home(team, first(fields, "user") or None)
        elif action == "command":
            slack.command(team, first(fields, "command") or "/example", first(fields, "text"))
        elif action == "press":
            _press(slack, team, first(fields, "user"), first(fields, "action_id"))
        elif action == "expire":
            slack.expire_tokens(team)
        elif action == "revoke":
            _revoke(slack, team, first(fields, "user"))
        elif action == "uninstall":
            order = first(fields, "order") or "app_uninstalled,tokens_revoked"
            slack.uninstall(team, _order(order), first(fields, "authorizations") == "1")
        elif action == "fault":
            slack.fault(_fault(fields))
        elif action == "clear-faults":
            slack.clear_faults()
        else:
            return text_response(404, "there is no such button")
    except (NotInstalled, Unknown) as problem:
        return pages.problem(action, str(problem))
    return redirect(303, f"/?watch={WATCH}")


def _press(slack: LocalSlack, team: str, user: str, action_id: str) -> None:
    """A button on somebody's Home tab, its confirmation included."""
    view = slack.views(team).get(user)
    if view is None:
        raise Unknown("nobody has opened that Home tab yet")
    enterprise = slack.workspaces[team].enterprise_id
    slack.interact({
        "type": "block_actions", "user": {"id": user, "team_id": team}, "team": {"id": team}, "view": view,
        "enterprise": {"id": enterprise} if enterprise else None, "is_enterprise_install": False,
        "actions": [{"type": "button", "action_id": action_id}],
    })


def _revoke(slack: LocalSlack, team: str, user: str) -> None:
    if user:
        slack.revoke_user(team, user)
    else:
        slack.revoke_bot(team)


def _order(text: str) -> tuple[str, ...]:
    order = tuple(text.split(","))
    if not set(order).issubset({"app_uninstalled", "tokens_revoked"}):
        raise Unknown("order may name app_uninstalled and tokens_revoked only")
    return order


def _fault(fields: Fields) -> Fault:
    kind = FAULT_KINDS.get(first(fields, "kind"))
    if kind is None:
        raise Unknown(f"kind is one of {', '.join(FAULT_KINDS)}")
    try:
        return Fault(first(fields, "method") or "*", kind, int(first(fields, "times") or "1"),
                     seconds=min(float(first(fields, "seconds") or "1"), 60.0),
                     error=first(fields, "error") or "internal_error",
                     retry_after=int(first(fields, "retry_after") or "1"), team=first(fields, "team"))
    except ValueError:
        raise Unknown("times, seconds and retry_after are numbers") from None


def snapshot(slack: LocalSlack) -> Json:
    """What a script may know: tenants, messages, deliveries, calls per method; no token, code or hook."""
    with slack.lock:
        tenants = [
            {"tenant": install.tenant, "team_id": install.team_id, "enterprise_id": install.enterprise_id,
             "is_enterprise_install": install.org_wide, "bot_user_id": install.bot_user_id,
             "bot_scopes": list(install.bot_scopes), "installed_at": install.installed_at}
            for install in slack.state.installs.values()
        ]
        return {
            "app_id": slack.app.app_id,
            "installed": tenants,
            "messages": {team: slack.messages(team) for team in slack.workspaces},
            "views": {team: sorted(slack.views(team)) for team in slack.workspaces},
            "deliveries": [_seen(delivery) for delivery in slack.deliveries],
            "waiting": len(slack.state.queue),
            "calls": dict(Counter(call.method for call in slack.calls)),
            "violations": list(slack.violations),
        }


def _seen(delivery: Delivery) -> Json:
    return {"event_id": delivery.event_id, "type": delivery.type, "status": delivery.status,
            "attempt": delivery.attempt, "reason": delivery.reason, "at": delivery.at}


def _page(slack: LocalSlack, watch: str) -> Response:
    left = int(watch) if watch.isascii() and watch.isdigit() and len(watch) < 3 else 0
    with slack.lock:
        installed = list(slack.state.installs.values())
        teams = [team for team in slack.workspaces.values() if slack.conversation(team.id)]
        names = {**{w.id: w.name for w in slack.workspaces.values()}, **{o.id: o.name for o in slack.orgs.values()}}
        where = ", ".join(names[install.tenant] for install in installed) or "nowhere yet"
        body = (
            f"<p>App <strong>{escape(slack.app.name)}</strong> <code>{escape(slack.app.app_id)}</code>, "
            f"installed in: {escape(where)}.</p>"
        )
        body += "".join(_tenant(slack, install.tenant, names[install.tenant]) for install in installed)
        body += "".join(_talk(slack, team.id, team.name) for team in teams)
        body += _fault_form(slack) + _delivery_table(slack)
    return pages.page("Local Slack", body, refresh=f"/?watch={left - 1}" if left else "")


def _tenant(slack: LocalSlack, tenant: str, name: str) -> str:
    install = slack.state.installs[tenant]
    teams = install.granted_teams if install.org_wide else [tenant]
    kind = "the whole org" if install.org_wide else "workspace"
    own = pages.hidden("team", tenant)
    mentions = "".join(
        f'<form method="post" action="/control/mention">{pages.hidden("team", team)}'
        f'<label>Say in #general of {escape(slack.workspaces[team].name)} '
        f'<input type="text" name="text" value="hello"></label>{pages.button("Mention the app", main=True)}</form>'
        for team in teams
    )
    tools = "".join(_tools(slack, team) for team in teams)
    others = "".join(
        f'<form method="post" action="/control/{action}">{own}{pages.button(label)}</form>'
        for action, label in (("expire", "Expire its tokens"), ("revoke", "Revoke the bot token"),
                              ("uninstall", "Uninstall"))
    )
    scopes = ", ".join(install.bot_scopes) or "none"
    return (f"<section><h2>{escape(name)}</h2><p class=\"small\">{kind} <code>{escape(tenant)}</code>, bot scopes: "
            f"<span class=\"scope\">{escape(scopes)}</span></p>{mentions}{tools}{others}</section>")


def _tools(slack: LocalSlack, team_id: str) -> str:
    """What can be done with the app where it takes commands and has a Home tab."""
    workspace, tools = slack.workspaces[team_id], ""
    if slack.app.commands_url:
        tools += (
            f'<form method="post" action="/control/command">{pages.hidden("team", team_id)}<label>Type in '
            f'{escape(workspace.name)} /example <input type="text" name="text" value="help"></label>'
            f'{pages.button("Send the command")}</form>'
        )
    tools += (
        f'<form method="post" action="/control/home">{pages.hidden("team", team_id)}'
        f'{pages.hidden("user", workspace.admin)}{pages.button("Open the Home tab as an admin")}</form>'
    )
    for user_id, view in slack.state.views.get(team_id, {}).items():
        for action_id, label in _buttons(view):
            tools += (
                f'<form method="post" action="/control/press">{pages.hidden("team", team_id)}'
                f'{pages.hidden("user", user_id)}{pages.hidden("action_id", action_id)}'
                f'{pages.button(f"Home tab: {label}")}</form>'
            )
    return tools


def _buttons(view: Json) -> list[tuple[str, str]]:
    """Action id and label of every button in a view."""
    elements = [element for block in view["blocks"] if block.get("type") == "actions" for element in block["elements"]]
    return [(str(e.get("action_id", "")), str(e.get("text", {}).get("text", ""))) for e in elements]


def _talk(slack: LocalSlack, team_id: str, name: str) -> str:
    rows = ""
    for message in slack.conversation(team_id)[-20:]:
        channel = slack.cast.channel(message["channel"])
        person = slack.users.get(message["user"])
        who = person.name if person else slack.bot_name
        where = f"#{channel.name}" if channel else "direct message"
        reply = " (in thread)" if message.get("thread_ts") else ""
        rows += (f"<tr><td>{escape(where)}</td><td><strong>{escape(who)}</strong>{reply}</td>"
                 f"<td>{escape(message['text'])}</td></tr>")
    return f"<h2>Messages in {escape(name)}</h2><table>{rows}</table>"


def _fault_form(slack: LocalSlack) -> str:
    kinds = "".join(f'<option value="{kind}">{kind}</option>' for kind in FAULT_KINDS)
    waiting = "".join(f"<li>{escape(f.method)}: {escape(f.kind)}, {f.times} left</li>" for f in slack.faults.waiting())
    return (
        "<h2>Let something go wrong</h2>"
        '<form method="post" action="/control/fault"><label>Method <input type="text" name="method" value="*"></label>'
        f'<label>Fault <select name="kind">{kinds}</select></label>{pages.button("At the next call")}</form>'
        f"<ul>{waiting}</ul>"
    )


def _delivery_table(slack: LocalSlack) -> str:
    rows = "".join(
        f"<tr><td>{escape(d.type)}</td><td>attempt {d.attempt}</td><td>{d.status or escape(d.reason)}</td></tr>"
        for d in reversed(slack.deliveries[-10:])
    )
    return f"<h2>Last deliveries</h2><table>{rows}</table>"
