"""The control page's buttons, and what scripts may read. Never shows a token."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from slackapp.localslack.api import chat
from slackapp.localslack.delivery import events, handled_keys, interactions
from slackapp.localslack.model import ControlError, Delivery, Fault, FaultKind, Json, NotInstalled
from slackapp.localslack.pages import control_page, layout, workspaces
from slackapp.localslack.pages.script import SCRIPT, SCRIPT_PATH
from slackapp.localslack.wire import (
    Fields,
    HttpRequest,
    HttpResponse,
    first,
    is_own_origin,
    json_response,
    redirect,
    text_response,
)
from slackapp.web.style import HASH, ICON_PATH, ICON_TYPE, make_icon

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

FAULT_KINDS: dict[str, FaultKind] = {
    "html500": "html500",
    "cut": "cut",
    "lost_answer": "lost_answer",
    "late500": "late500",
    "slow": "slow",
    "ratelimited": "ratelimited",
    "duplicate": "duplicate",
    "garbage": "garbage",
    "huge": "huge",
    "redirect": "redirect",
    "error": "error",
}
_ICON = make_icon("#0b5cad", HASH)
FILES = {
    SCRIPT_PATH: HttpResponse(200, (("Content-Type", "text/javascript; charset=utf-8"),), SCRIPT.encode()),
    ICON_PATH: HttpResponse(200, (("Content-Type", ICON_TYPE),), _ICON.encode()),
}


def answer(slack: LocalSlack, request: HttpRequest) -> HttpResponse:
    """Answers everything that is neither the Web API nor the consent page."""
    if request.method == "POST" and request.path.startswith("/control/"):
        return own_page_only(request) or _act(slack, request)
    manage = workspaces.PATH.fullmatch(request.path)
    if request.method == "POST" and manage:
        with slack.lock:
            return own_page_only(request) or workspaces.add(slack, manage[1], manage[2], request.form())
    if request.method != "GET":
        return text_response(405, "GET only")
    if request.path == "/":
        return control_page.show(slack, FAULT_KINDS)
    if request.path in FILES:
        return FILES[request.path]
    if manage:
        with slack.lock:
            return workspaces.show(slack, manage[1], manage[2])
    if request.path == "/control/state.json":
        return json_response(200, snapshot(slack))
    if request.path == "/control/issued.json" and slack.reveal_issued:
        return json_response(200, {"issued": slack.issued_tokens})
    return text_response(404, "there is nothing here")


def own_page_only(request: HttpRequest) -> HttpResponse | None:
    """A refusal for a form that a page of another site sends; None when the form is fine."""
    return None if is_own_origin(request) else text_response(403, "this form was not sent from this page")


def _act(slack: LocalSlack, request: HttpRequest) -> HttpResponse:
    action = request.path.removeprefix("/control/")
    fields = request.form()
    act = ACTIONS.get(action)
    if act is None:
        return text_response(404, "there is no such button")
    try:
        act(slack, first(fields, "team"), fields)
    except (NotInstalled, ControlError) as problem:
        return layout.problem(action, str(problem))
    return redirect(303, "/")


def _mention(slack: LocalSlack, team: str, fields: Fields) -> None:
    slack.mention(
        team,
        first(fields, "text") or "hello",
        first(fields, "user") or None,
        first(fields, "channel") or None,
        thread_ts=first(fields, "thread_ts") or None,
    )


def _command(slack: LocalSlack, team: str, fields: Fields) -> None:
    """A command that the table does not have is answered by Slack, as one that no app has."""
    name = first(fields, "command").strip() or next(iter(handled_keys.commands(slack.app)), "/example")
    if not name.startswith("/") or name.split() != [name]:
        raise ControlError("a command is one word that begins with a slash")
    if handled_keys.is_handled(slack.app, name):
        slack.command(team, name, first(fields, "text"))
        return
    has = ", ".join(handled_keys.commands(slack.app)) or "none"
    with slack.lock:
        events.install_for(slack, team)
        chat.say_as_slackbot(slack, team, f"Nobody handles {name}. The commands of the app's table: {has}.")


def _press(slack: LocalSlack, team: str, fields: Fields) -> None:
    user, action_id = first(fields, "user"), first(fields, "action_id")
    with slack.lock:
        if first(fields, "ts"):
            interactions.press_message(slack, team, first(fields, "channel"), first(fields, "ts"), action_id=action_id)
        else:
            interactions.press_home(slack, team, user, action_id)


def _shortcut(slack: LocalSlack, team: str, fields: Fields) -> None:
    callback_id, ts = first(fields, "callback_id"), first(fields, "ts")
    with slack.lock:
        if ts:
            interactions.message_action(slack, team, callback_id, first(fields, "channel"), ts=ts)
        else:
            interactions.shortcut(slack, team, callback_id)


def _event(slack: LocalSlack, team: str, fields: Fields) -> None:
    """Makes an event of any type from what the form says."""
    try:
        more = json.loads(first(fields, "fields") or "{}")
    except (ValueError, RecursionError):
        more = None
    if not isinstance(more, dict) or not first(fields, "type"):
        raise ControlError("an event has a type, and its fields are a JSON object")
    slack.send_channel_event(team, {**more, "type": first(fields, "type")})


def _invite(slack: LocalSlack, team: str, fields: Fields) -> None:
    """Invites the app to #general, so that it may speak there."""
    with slack.lock:
        events.install_for(slack, team)
        if slack.workspaces[team].general not in slack.state.joined:
            slack.state.joined.append(slack.workspaces[team].general)
            slack.save()


def _revoke(slack: LocalSlack, team: str, fields: Fields) -> None:
    if first(fields, "user"):
        slack.revoke_user(team, first(fields, "user"))
    else:
        slack.revoke_bot(team)


def _spoil(slack: LocalSlack, team: str, fields: Fields) -> None:
    """Ends every token of a tenant, which stays installed: no event tells the app, its next call does."""
    slack.expire_tokens(team)
    slack.invalidate_refresh_tokens(team)


def _uninstall(slack: LocalSlack, team: str, fields: Fields) -> None:
    order = tuple((first(fields, "order") or "app_uninstalled,tokens_revoked").split(","))
    if not set(order).issubset({"app_uninstalled", "tokens_revoked"}):
        raise ControlError("order may name app_uninstalled and tokens_revoked only")
    slack.uninstall(team, order, first(fields, "authorizations") == "1")


def _fault(slack: LocalSlack, team: str, fields: Fields) -> None:
    kind = FAULT_KINDS.get(first(fields, "kind"))
    if kind is None:
        raise ControlError(f"kind is one of {', '.join(FAULT_KINDS)}")
    try:
        slack.fault(
            Fault(
                first(fields, "method") or "*",
                kind,
                int(first(fields, "times") or "1"),
                seconds=min(float(first(fields, "seconds") or "1"), 60.0),
                error=first(fields, "error") or "internal_error",
                retry_after=int(first(fields, "retry_after") or "1"),
                team=team,
            )
        )
    except ValueError:
        raise ControlError("times, seconds and retry_after are numbers") from None


ACTIONS: dict[str, Callable[[LocalSlack, str, Fields], object]] = {
    "mention": _mention,
    "command": _command,
    "home": lambda slack, team, fields: slack.open_home(team, first(fields, "user") or None),
    "press": _press,
    "shortcut": _shortcut,
    "event": _event,
    "invite": _invite,
    "expire": lambda slack, team, fields: slack.expire_tokens(team),
    "spoil": _spoil,
    "revoke": _revoke,
    "uninstall": _uninstall,
    "withdraw": lambda slack, team, fields: slack.withdraw_team(first(fields, "org"), team),
    "fault": _fault,
    "clear-faults": lambda slack, team, fields: slack.clear_faults(),
}
"""By the last part of the path; each is given the Slack, the workspace (or enterprise) and the form."""


def snapshot(slack: LocalSlack) -> Json:
    """Collects tenants, messages, deliveries and calls per method for scripts; no token, code or hook."""
    with slack.lock:
        tenants = [
            {
                "tenant": install.tenant,
                "team_id": install.team_id,
                "enterprise_id": install.enterprise_id,
                "is_enterprise_install": install.is_enterprise_install,
                "bot_user_id": install.bot_user_id,
                "bot_scopes": list(install.bot_scopes),
                "installed_at": install.installed_at,
            }
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
    return {
        "event_id": delivery.event_id,
        "type": delivery.type,
        "status": delivery.status,
        "attempt": delivery.attempt,
        "reason": delivery.reason,
        "at": delivery.at,
    }
