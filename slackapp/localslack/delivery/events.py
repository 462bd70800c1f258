"""Events that Slack reports to the app, and commands: mentions, uninstalls, revocations.

Follows docs.slack.dev/apis/events-api (envelope), docs.slack.dev/reference/events/app_mention, app_uninstalled,
tokens_revoked, team_access_granted, and docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from slackapp.localslack.accounts import User, dm_channel_of
from slackapp.localslack.api import tokens
from slackapp.localslack.api.chat import RESPONSE_LIFETIME, RESPONSE_USES
from slackapp.localslack.model import NULL, AppInstall, Json, NotInstalled, Null, PostUrl, QueuedDelivery

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

LIFECYCLE = ("app_uninstalled", "tokens_revoked")
FORM = "application/x-www-form-urlencoded"


def install_for(slack: LocalSlack, team_id: str) -> AppInstall:
    """The installation that sees what happens in a workspace: its own, else its enterprise's.

    Raises NotInstalled when there is none, or the enterprise-wide app was not added to that workspace.
    """
    own = slack.state.installs.get(team_id)
    if own is not None:
        return own
    workspace = slack.accounts.workspaces.get(team_id)
    covering = slack.state.installs.get(workspace.enterprise_id) if workspace else None
    if covering is None or team_id not in covering.granted_teams:
        raise NotInstalled(f"{slack.app.name} is not installed in {team_id}")
    return covering


def merge(base: Json, changes: dict[str, Any]) -> Json:
    """Merges `base` with `changes` on top: None leaves a key out, `NULL` makes it JSON null."""
    merged = {name: value for name, value in {**base, **changes}.items() if changes.get(name, "") is not None}
    return {name: None if isinstance(value, Null) else value for name, value in merged.items()}


def envelope(slack: LocalSlack, team_id: str, event: Json, overrides: dict[str, Any]) -> Json:
    """The outer part of an event as the app would get it for that workspace (or enterprise) id."""
    enterprise = team_id if team_id in slack.accounts.enterprises else ""
    if team_id in slack.accounts.workspaces:
        enterprise = slack.accounts.workspaces[team_id].enterprise_id
    now = slack.clock()
    serial = slack.next_serial()
    team = team_id if team_id != enterprise else None
    body: Json = {
        "token": "legacy-verification-token",
        "team_id": team,
        "enterprise_id": enterprise or None,
        "context_team_id": team,
        "context_enterprise_id": enterprise or NULL,
        "api_app_id": slack.app.app_id,
        "event": {"event_ts": f"{int(now)}.{serial % 1_000_000:06d}", **event},
        "type": "event_callback",
        "event_id": f"Ev{slack.entropy(6).hex().upper()}",
        "event_time": int(now),
        "authorizations": authorizations_for(slack, team_id),
        "is_ext_shared_channel": False,
        "event_context": f"4-{slack.entropy(12).hex()}",
    }
    return merge({}, {**body, **overrides})


def authorizations_for(slack: LocalSlack, team_id: str) -> list[Json]:
    """Lists the single authorization of an event; empty when the app is not installed there."""
    try:
        install = slack.state.installs.get(team_id) or install_for(slack, team_id)
    except NotInstalled:
        return []
    team: str | None = install.team_id
    if install.is_enterprise_install:
        team = None if slack.org_team_null or team_id == install.tenant else team_id
    return [
        {
            "enterprise_id": install.enterprise_id or None,
            "team_id": team,
            "user_id": install.bot_user_id if install.bot_scopes else install.installer,
            "is_bot": bool(install.bot_scopes),
            "is_enterprise_install": install.is_enterprise_install,
        }
    ]


def queue(slack: LocalSlack, body: Json, *, delay: float = 0.0, copies: int = 1) -> str:
    """Put an event in line for delivery; its event id. Without an events URL nothing is sent."""
    if slack.app.events_url:
        inner = body.get("event")
        kind = str(inner.get("type", "")) if isinstance(inner, dict) else str(body.get("type", ""))
        event_id, text = str(body.get("event_id", "")), json.dumps(body)
        copies += slack.faults.extra_copies()
        due = slack.clock() + delay + slack.faults.extra_delay()
        for _ in range(copies):
            slack.state.queue.append(
                QueuedDelivery(
                    slack.next_serial(),
                    event_id,
                    kind,
                    slack.app.events_url,
                    content_type="application/json",
                    body=text,
                    due=due,
                )
            )
        slack.save()
        slack.wake.set()
    return str(body.get("event_id", ""))


def mention(
    slack: LocalSlack, team_id: str, text: str, user: str | None, channel: str | None, thread_ts: str | None
) -> str:
    """Lets a user mention the bot in a channel; the bot is invited to it. Returns the event id.

    Raises NotInstalled where the app would not be told.
    """
    install = install_for(slack, team_id)
    if "app_mentions:read" not in install.bot_scopes:
        raise NotInstalled(f"{slack.app.name} lacks app_mentions:read in {team_id}")
    workspace = slack.accounts.workspaces[team_id]
    channel_id = channel or workspace.general
    if channel_id not in slack.state.joined and slack.accounts.channel(channel_id) is not None:
        slack.state.joined.append(channel_id)
    called = f"<@{install.bot_user_id}>"
    full = text if called in text else f"{called} {text}"
    ts = slack.next_ts()
    event: Json = {
        "type": "app_mention",
        "user": user or workspace.member,
        "text": full,
        "ts": ts,
        "client_msg_id": slack.entropy(16).hex(),
        "team": team_id,
        "channel": channel_id,
        "event_ts": ts,
    }
    if thread_ts:
        event["thread_ts"] = thread_ts
    slack.state.spoken.append({name: event[name] for name in event if name != "client_msg_id"})
    return queue(slack, envelope(slack, team_id, event, {}))


def open_home(slack: LocalSlack, team_id: str, user: str | None, tab: str) -> str:
    """Lets a user open the app's Home or Messages tab (docs.slack.dev/reference/events/app_home_opened)."""
    install_for(slack, team_id)
    user_id = user or slack.accounts.workspaces[team_id].member
    event: Json = {"type": "app_home_opened", "user": user_id, "channel": dm_channel_of(user_id), "tab": tab}
    view = slack.state.views.get(team_id, {}).get(user_id)
    if view is not None and tab == "home":
        event["view"] = view
    return queue(slack, envelope(slack, team_id, event, {}))


def uninstall(slack: LocalSlack, tenant: str, order: Sequence[str], *, authorizations: bool) -> list[str]:
    """Removes the app: every token dies, then the named lifecycle events are queued in that order."""
    install = slack.state.installs.get(tenant)
    if install is None:
        raise NotInstalled(f"{slack.app.name} is not installed in {tenant}")
    lost = {"oauth": tokens.end_token(slack, tenant, "user"), "bot": tokens.end_token(slack, tenant, "bot")}
    old = authorizations_for(slack, tenant) if authorizations else None
    _forget(slack, install)
    bodies: dict[str, Json] = {
        "app_uninstalled": {"type": "app_uninstalled"},
        "tokens_revoked": {"type": "tokens_revoked", "tokens": lost},
    }
    slack.save()
    return [_lifecycle(slack, tenant, bodies[name], old) for name in order]


def _lifecycle(slack: LocalSlack, tenant: str, event: Json, old: list[Json] | None) -> str:
    # No token is valid any more, so by default no authorization is named.
    changes = {
        "authorizations": old,
        "event_context": None,
        "is_ext_shared_channel": None,
        "context_team_id": None,
        "context_enterprise_id": None,
    }
    return queue(slack, envelope(slack, tenant, event, changes))


def _forget(slack: LocalSlack, install: AppInstall) -> None:
    tokens.end_token(slack, install.tenant)
    slack.state.installs.pop(install.tenant, None)
    teams = set(slack.accounts.teams_of(install.tenant))
    if not any(
        other.tenant in teams or other.tenant == install.enterprise_id for other in slack.state.installs.values()
    ):
        left = {channel.id for team in teams for channel in slack.accounts.workspaces[team].channels}
        slack.state.joined = [channel for channel in slack.state.joined if channel not in left]
        slack.state.views = {team: views for team, views in slack.state.views.items() if team not in teams}
    slack.state.hooks = {path: hook for path, hook in slack.state.hooks.items() if hook.tenant != install.tenant}


def revoke(slack: LocalSlack, tenant: str, kind: str, user_id: str, app_uninstalled: bool | None) -> list[str]:
    """Ends the bot's tokens, or one user's. When nothing is left the app counts as uninstalled."""
    install = slack.state.installs.get(tenant)
    if install is None:
        raise NotInstalled(f"{slack.app.name} is not installed in {tenant}")
    if kind == "bot":
        lost = {"oauth": [], "bot": tokens.end_token(slack, tenant, "bot")}
        install.bot_scopes = []
    else:
        lost = {"oauth": tokens.end_token(slack, tenant, "user", user_id), "bot": []}
        install.user_scopes.pop(user_id, None)
    sent = [_lifecycle(slack, tenant, {"type": "tokens_revoked", "tokens": lost}, None)]
    gone = not tokens.has_live(slack, tenant)
    if gone if app_uninstalled is None else app_uninstalled:
        sent.append(_lifecycle(slack, tenant, {"type": "app_uninstalled"}, None))
    if gone:
        _forget(slack, install)
    slack.save()
    return sent


def change_access(slack: LocalSlack, enterprise_id: str, team_id: str, *, granted: bool) -> str:
    """Adds a workspace to an enterprise-wide app, or takes it away, as its admin; its token stays valid."""
    install = slack.state.installs.get(enterprise_id)
    if install is None or not install.is_enterprise_install or team_id not in slack.accounts.teams_of(enterprise_id):
        raise NotInstalled(
            f"{slack.app.name} is not installed org-wide in {enterprise_id}, or {team_id} is not part of it"
        )
    install.granted_teams = [team for team in install.granted_teams if team != team_id] + ([team_id] if granted else [])
    event: Json = {"type": "team_access_granted" if granted else "team_access_revoked", "team_ids": [team_id]}
    return _lifecycle(slack, enterprise_id, event, None)


def command(slack: LocalSlack, team_id: str, name: str, text: str, user: str | None, channel: str | None) -> str:
    """Lets a user type a slash command. Returns its response_url (5 posts within 30 minutes)."""
    install = install_for(slack, team_id)
    workspace = slack.accounts.workspaces[team_id]
    user_id, channel_id = user or workspace.member, channel or workspace.general
    sender = slack.accounts.users.get(user_id) or User(user_id, "someone", "Someone", (team_id,))
    known = slack.accounts.channel(channel_id)
    url = response_url(slack, install, team_id, channel_id, user_id=user_id)
    fields = {
        "token": "legacy-verification-token",
        "team_id": team_id,
        "team_domain": workspace.domain,
        "channel_id": channel_id,
        "channel_name": known.name if known else "directmessage",
        "user_id": user_id,
        "user_name": sender.name,
        "command": name,
        "text": text,
        "api_app_id": slack.app.app_id,
        "is_enterprise_install": "true" if install.is_enterprise_install else "false",
        "response_url": url,
        "trigger_id": f"{slack.next_serial()}.1.{slack.entropy(8).hex()}",
    }
    if workspace.enterprise_id:
        enterprise = slack.accounts.enterprises[workspace.enterprise_id]
        fields |= {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name}
    post_form(slack, slack.app.commands_url, fields, "slash_command")
    return url


def post_form(slack: LocalSlack, url: str, fields: dict[str, str], kind: str) -> None:
    """Queue one form for the app; forms are sent once, without retries."""
    form = QueuedDelivery(
        slack.next_serial(), "", kind, url, content_type=FORM, body=urlencode(fields), due=slack.clock(), retries=False
    )
    slack.state.queue.append(form)
    slack.save()
    slack.wake.set()


def response_url(slack: LocalSlack, install: AppInstall, team_id: str, channel_id: str, user_id: str) -> str:
    """A fresh response_url on this origin."""
    path = f"/commands/{team_id}/{slack.next_serial()}/{slack.entropy(12).hex()}"
    slack.state.hooks[path] = PostUrl(
        path,
        install.tenant,
        team_id,
        channel_id,
        user_id=user_id,
        uses=RESPONSE_USES,
        expires_at=slack.clock() + RESPONSE_LIFETIME,
    )
    url = f"{slack.base_url}{path}"
    slack.state.issued.append(url)
    return url
