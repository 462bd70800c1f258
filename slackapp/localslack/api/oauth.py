"""`oauth.v2.access` with both grants, and `oauth.v2.exchange`.

Follows docs.slack.dev/reference/methods/oauth.v2.access, docs.slack.dev/authentication/installing-with-oauth and
docs.slack.dev/authentication/using-token-rotation.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from slackapp.localslack.api import tokens
from slackapp.localslack.api.calls import ApiError, ApiRequest
from slackapp.localslack.model import AppInstall, AuthorizationCode, Json, PostUrl

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

CODE_LIFETIME = 600
"""Seconds a code can be exchanged."""


def access(slack: LocalSlack, call: ApiRequest) -> Json:
    """`oauth.v2.access`: exchange a code, or refresh a token."""
    check_client(slack, call)
    grant = call.params.get("grant_type", "") or "authorization_code"
    if grant == "refresh_token":
        return _refresh(slack, call)
    if grant != "authorization_code":
        raise ApiError("invalid_grant_type")
    if call.params.get("code_verifier"):
        raise ApiError("pkce_not_allowed")
    code = _take_code(slack, call)
    return _install(slack, code)


def exchange(slack: LocalSlack, call: ApiRequest) -> Json:
    """`oauth.v2.exchange`: the first rotating pair for a long-lived token, once per token."""
    check_client(slack, call)
    token = slack.state.tokens.get(call.token)
    if not slack.app.rotation:
        raise ApiError("token_rotation_not_enabled")
    if token is None or token.expires_at or tokens.problem_of(slack, token):
        raise ApiError("invalid_token")
    if token.exchanged:
        raise ApiError("token_already_exchanged")
    token.exchanged = True
    pair = tokens.issue_pair(slack, token.kind, token.tenant, token.user_id)
    slack.save()
    install = slack.state.installs[token.tenant]
    scope = ",".join(tokens.scopes_of(install, token))
    return {**pair, "token_type": token.kind, "scope": scope, **_whose(slack, install)}


def check_client(slack: LocalSlack, call: ApiRequest) -> None:
    """Client id and secret, by HTTP Basic or in the body; any secret that is still valid will do."""
    claimed = call.basic or (call.params.get("client_id", ""), call.params.get("client_secret", ""))
    if claimed[0] != slack.app.client_id:
        raise ApiError("invalid_client_id")
    known = [hmac.compare_digest(claimed[1].encode(), secret.encode()) for secret in slack.app.client_secrets]
    if not any(known):
        raise ApiError("bad_client_secret")


def _take_code(slack: LocalSlack, call: ApiRequest) -> AuthorizationCode:
    code = slack.state.codes.get(call.params.get("code", ""))
    if code is None or slack.clock() > code.issued_at + CODE_LIFETIME:
        raise ApiError("invalid_code")
    if code.used:
        raise ApiError(slack.used_code_error)
    claimed = call.params.get("redirect_uri", "")
    # Where none was named at the authorize step, naming the default one now does no harm.
    expected = (code.redirect_uri,) if code.redirect_uri else ("", slack.app.redirect_urls[0])
    if claimed not in expected:
        raise ApiError("bad_redirect_uri")
    enterprise = (
        slack.accounts.workspaces[code.tenant].enterprise_id if code.tenant in slack.accounts.workspaces else ""
    )
    if slack.org_install_rules and enterprise in slack.state.installs:
        raise ApiError("cannot_install_an_org_installed_app")
    code.used = True
    return code


def _install(slack: LocalSlack, code: AuthorizationCode) -> Json:
    install = slack.state.installs.get(code.tenant) or _new_install(slack, code)
    install.installer = code.user_id
    slack.state.installs[code.tenant] = install
    _add(install.bot_scopes, _inherited(slack, install) or code.bot_scopes if code.bot_scopes else [])
    answer: Json = {"app_id": slack.app.app_id, "authed_user": {"id": code.user_id}}
    if code.bot_scopes:
        answer |= {"token_type": "bot", "scope": ",".join(install.bot_scopes), "bot_user_id": install.bot_user_id}
        answer |= tokens.issue(slack, "bot", install.tenant, install.bot_user_id)
    if code.user_scopes:
        _add(install.user_scopes.setdefault(code.user_id, []), code.user_scopes)
        answer["authed_user"] |= {"token_type": "user", "scope": ",".join(install.user_scopes[code.user_id])}
        answer["authed_user"] |= tokens.issue(slack, "user", install.tenant, code.user_id)
    if "incoming-webhook" in code.bot_scopes and not install.is_enterprise_install:
        answer["incoming_webhook"] = _webhook(slack, install, code)
    slack.save()
    return answer | _whose(slack, install)


def _new_install(slack: LocalSlack, code: AuthorizationCode) -> AppInstall:
    is_enterprise_install = code.tenant in slack.accounts.enterprises
    workspace = slack.accounts.workspaces.get(code.tenant)
    stem = code.tenant[1:]
    return AppInstall(
        tenant=code.tenant,
        team_id="" if is_enterprise_install else code.tenant,
        enterprise_id=code.tenant if is_enterprise_install else (workspace.enterprise_id if workspace else ""),
        is_enterprise_install=is_enterprise_install,
        bot_user_id=("W" if is_enterprise_install else "U") + stem + "BOT",
        bot_id="B" + stem + "BOT",
        installer=code.user_id,
        installed_at=slack.clock(),
        granted_teams=slack.accounts.teams_of(code.tenant)
        if is_enterprise_install and slack.org_adds_workspaces
        else [],
    )


def _inherited(slack: LocalSlack, install: AppInstall) -> list[str]:
    """The scopes of an enterprise-wide install rule the workspaces of the enterprise."""
    enterprise = slack.state.installs.get(install.enterprise_id)
    return enterprise.bot_scopes if enterprise is not None and not install.is_enterprise_install else []


def _add(have: list[str], more: list[str]) -> None:
    have.extend(scope for scope in more if scope not in have)


def _whose(slack: LocalSlack, install: AppInstall) -> Json:
    """`team`, `enterprise` and the flag: only the flag tells an enterprise-wide install from a workspace's."""
    team = slack.accounts.workspaces.get(install.team_id)
    enterprise = slack.accounts.enterprises.get(install.enterprise_id)
    return {
        "team": {"id": team.id, "name": team.name} if team else None,
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
        "is_enterprise_install": install.is_enterprise_install,
    }


def _webhook(slack: LocalSlack, install: AppInstall, code: AuthorizationCode) -> Json:
    team = slack.accounts.workspaces[install.team_id]
    channel = slack.accounts.channel(code.webhook_channel) or team.channels[0]
    path = f"/services/{team.id}/{install.bot_id}/{slack.entropy(12).hex()}"
    slack.state.hooks[path] = PostUrl(path, install.tenant, team.id, channel.id)
    url = f"{slack.base_url}{path}"
    slack.state.issued.append(url)
    return {
        "channel": f"#{channel.name}",
        "channel_id": channel.id,
        "configuration_url": f"{slack.base_url}/services/{install.bot_id}",
        "url": url,
    }


def _refresh(slack: LocalSlack, call: ApiRequest) -> Json:
    used = tokens.use_refresh(slack, call.params.get("refresh_token", ""))
    if used is None:
        raise ApiError("invalid_refresh_token")
    refresh, pair = used
    slack.save()
    install = slack.state.installs[refresh.tenant]
    # The new pair stands at the top level for both kinds; `token_type` tells them apart.
    answer: Json = {"app_id": slack.app.app_id, "token_type": refresh.kind, **pair, **_whose(slack, install)}
    if refresh.kind == "bot":
        return answer | {"scope": ",".join(install.bot_scopes), "bot_user_id": install.bot_user_id}
    return answer | {"scope": ",".join(install.user_scopes.get(refresh.user_id, [])), "user_id": refresh.user_id}
