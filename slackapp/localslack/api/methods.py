"""The Web API methods there are, and those about tokens and users.

Each function follows the page docs.slack.dev/reference/methods/<name>. They run under `slack.lock`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slackapp.localslack.accounts import User
from slackapp.localslack.api import chat, conversations, oauth, reading
from slackapp.localslack.api.calls import ApiError, ApiRequest, ClientMethod, Method, Params, TokenCaller, find_caller
from slackapp.localslack.delivery import events
from slackapp.localslack.model import Json

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack


def auth_test(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`auth.test`: whose token this is. For an enterprise-wide token `team_id` holds the enterprise id."""
    install, token = caller.install, caller.token
    place = (
        slack.accounts.enterprises[install.tenant]
        if install.is_enterprise_install
        else slack.accounts.workspaces[install.team_id]
    )
    user = slack.accounts.users.get(token.user_id)
    answer: Json = {
        "url": f"https://{place.domain}.slack.test/",
        "team": place.name,
        "user": user.name if user else slack.bot_name,
        "team_id": place.id,
        "user_id": token.user_id,
        "is_enterprise_install": install.is_enterprise_install,
    }
    if token.kind == "bot":
        answer["bot_id"] = install.bot_id
    if install.enterprise_id:
        answer["enterprise_id"] = install.enterprise_id
    if token.expires_at:
        answer["expires_in"] = max(0, int(token.expires_at - slack.clock()))
    return answer


def auth_revoke(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`auth.revoke`: end this token. With rotation the installation stays; without, its owner is gone."""
    if params.get("test", "").lower() in ("1", "true"):
        return {"revoked": False}
    if caller.token.expires_at:
        caller.token.dead = slack.revoked_error
    else:
        events.revoke(slack, caller.install.tenant, caller.token.kind, caller.token.user_id, app_uninstalled=None)
    slack.save()
    return {"revoked": True}


def apps_uninstall(slack: LocalSlack, call: ApiRequest) -> Json:
    """`apps.uninstall`: needs token, client id and client secret; ends every token of the installation."""
    caller = find_caller(slack, call.token)
    oauth.check_client(slack, call)
    events.uninstall(slack, caller.install.tenant, ("app_uninstalled", "tokens_revoked"), authorizations=False)
    return {}


def users_info(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`users.info`: a user of the caller's workspace or enterprise, or the bot user."""
    user_id = params.get("user", "")
    if user_id == caller.install.bot_user_id:
        team = caller.install.team_id or caller.install.enterprise_id
        bot = User(user_id, slack.bot_name, slack.app.name, (team,), enterprise_id=caller.install.enterprise_id)
        return {"user": _user(caller, bot, team, is_bot=True)}
    user = slack.accounts.member(caller.install.tenant, user_id)
    if user is None:
        raise ApiError("user_not_found")
    team = params.get("team_id") or caller.install.team_id or user.teams[0]
    return {"user": _user(caller, user, team, is_bot=False)}


def _user(caller: TokenCaller, user: User, team_id: str, *, is_bot: bool) -> Json:
    profile = {"real_name": user.real_name, "display_name": user.name, "team": team_id}
    if "users:read.email" in caller.scopes and not is_bot:
        profile["email"] = f"{user.name}@example.com"
    fields: Json = {
        "id": user.id,
        "team_id": team_id,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": False,
        "tz": "UTC",
        "tz_offset": 0,
        "profile": profile,
        "is_admin": team_id in user.admin_of,
        "is_owner": user.owner and team_id in user.admin_of,
        "is_primary_owner": user.owner and team_id in user.admin_of,
        "is_restricted": user.guest,
        "is_ultra_restricted": False,
        "is_bot": is_bot,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }
    if user.enterprise_id:
        fields["enterprise_user"] = {
            "id": user.id,
            "enterprise_id": user.enterprise_id,
            "is_admin": user.enterprise_admin,
            "is_owner": user.enterprise_admin,
            "teams": list(user.teams),
        }
    return fields


def team_info(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`team.info`: the caller's workspace; an enterprise-wide token may name one of the enterprise's."""
    team_id = caller.install.team_id or params.get("team", "")
    if caller.install.is_enterprise_install and not team_id:
        enterprise = slack.accounts.enterprises[caller.install.tenant]
        return {"team": {"id": enterprise.id, "name": enterprise.name, "domain": enterprise.domain, "email_domain": ""}}
    if team_id not in slack.accounts.teams_of(caller.install.tenant):
        raise ApiError("team_not_found")
    workspace = slack.accounts.workspaces[team_id]
    team: Json = {
        "id": workspace.id,
        "name": workspace.name,
        "domain": workspace.domain,
        "email_domain": "example.com",
        "icon": {"image_default": True},
    }
    if workspace.enterprise_id:
        team["enterprise_id"] = workspace.enterprise_id
        team["enterprise_name"] = slack.accounts.enterprises[workspace.enterprise_id].name
    return {"team": team}


def auth_teams_list(slack: LocalSlack, caller: TokenCaller, params: Params) -> Json:
    """`auth.teams.list`: the workspaces an enterprise-wide app has been added to."""
    if not caller.install.is_enterprise_install:
        raise ApiError("not_allowed_token_type")
    teams = [
        {"id": team_id, "name": slack.accounts.workspaces[team_id].name} for team_id in caller.install.granted_teams
    ]
    found, cursor = conversations.page_of(slack, teams, params, limit_max=1000)
    return {"teams": found, "response_metadata": {"next_cursor": cursor}}


def api_test(slack: LocalSlack, call: ApiRequest) -> Json:
    """`api.test`: says what it was given; with `error` it fails with that error."""
    if call.params.get("error"):
        raise ApiError(call.params["error"])
    return {"args": {name: value for name, value in call.params.items() if name != "client_secret"}}


OPEN_METHODS = {
    "api.test": ClientMethod(api_test),
    "oauth.v2.access": ClientMethod(oauth.access),
    "oauth.v2.exchange": ClientMethod(oauth.exchange),
    "apps.uninstall": ClientMethod(apps_uninstall),
}

METHODS = {
    "auth.test": Method(auth_test),
    "auth.revoke": Method(auth_revoke),
    "auth.teams.list": Method(auth_teams_list),
    "users.info": Method(users_info, ("users:read",)),
    "team.info": Method(team_info, ("team:read",)),
    "conversations.list": Method(conversations.list_all),
    "conversations.info": Method(conversations.info),
    "conversations.history": Method(reading.history),
    "conversations.replies": Method(reading.replies),
    "conversations.join": Method(conversations.join, ("channels:join",)),
    "conversations.open": Method(conversations.open_dm, ("im:write", "mpim:write")),
    "chat.postMessage": Method(chat.post, ("chat:write",)),
    "chat.update": Method(chat.update, ("chat:write",)),
    "chat.delete": Method(chat.delete, ("chat:write",)),
    "chat.getPermalink": Method(reading.permalink),
    "chat.postEphemeral": Method(chat.post_ephemeral, ("chat:write",)),
    "reactions.add": Method(chat.add_reaction, ("reactions:write",)),
    "views.publish": Method(chat.publish_view),
}
