"""Slack as a token provider, and which provider a token is of.

All that refresh and exchange know of Slack stands here. Another provider is registered by a circle.
Read:    docs.slack.dev/authentication/using-token-rotation, docs.slack.dev/reference/methods/oauth.v2.access
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks import code_grant, token_owner
from slackapp.checks.capabilities import EXCHANGE, REFRESH
from slackapp.checks.scopes import same_scopes
from slackapp.checks.slack_errors import DEAD_REFRESH_ERRORS, NO_EFFECT_ERRORS
from slackapp.checks.token_owner import may_name_user
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App, ProviderCall, TokenProvider
from slackapp.flows.tokens import needs_reinstall
from slackapp.model import BOT, SLACK_PROVIDER, GrantedToken, Holder, HolderKind, Secret, Token

_OAUTH_ACCESS = "oauth.v2.access"


def _exchange_code(app: App, code: Secret) -> Mapping[str, Any]:
    fields = {"code": code.reveal(), "redirect_uri": app.settings.redirect_uri}
    return app.slack.call_as_app(_OAUTH_ACCESS, fields).data


def _refresh(app: App, refresh: Secret) -> Mapping[str, Any]:
    fields = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
    return app.slack.call_as_app(_OAUTH_ACCESS, fields).data


def read_pair(app: App, token: Token, data: Mapping[str, Any]) -> GrantedToken:
    """Slack's answer to a refresh or an exchange of this token. Raises Refused: GRANT_FOREIGN, GRANT_MALFORMED.

    It stands at the top level whether the token is the bot's or a user's, so the type must be looked at
    (docs.slack.dev/authentication/using-token-rotation).
    """
    # claim: C-45
    if data.get("app_id", app.settings.app_id) != app.settings.app_id or not _same_tenant(data, token):
        raise Refused(Refusal.GRANT_FOREIGN)
    granted = code_grant.read_token_pair(data, HolderKind.BOT if token.holder == BOT else HolderKind.USER)
    # claim: C-45
    if granted is None or granted.refresh is None:
        raise Refused(Refusal.GRANT_MALFORMED)
    # Where nothing of it has changed, they stay in the order in which whoever saved the token had them.
    is_known = not granted.scopes or same_scopes(granted.scopes, token.scopes)
    return granted._replace(scopes=token.scopes) if is_known else granted


def _same_tenant(data: Mapping[str, Any], token: Token) -> bool:
    """The ids may be left out; those that are there must be this tenant's and this user's."""
    is_enterprise_install, holder = data.get("is_enterprise_install"), token.holder
    party = data.get("enterprise" if token.tenant.is_enterprise else "team")
    return (
        (is_enterprise_install is None or is_enterprise_install is token.tenant.is_enterprise)
        and (not isinstance(party, dict) or party.get("id") == token.tenant.id)
        and (holder.kind != HolderKind.USER or data.get("user_id") is None or may_name_user(holder.id, data))
    )


def _scopes_asked(app: App, holder: Holder) -> tuple[str, ...]:
    if holder.kind == HolderKind.CONNECTION:
        return app.settings.host_user_scopes
    return app.settings.bot_scopes if holder == BOT else app.settings.user_scopes


SLACK = TokenProvider(
    name=SLACK_PROVIDER,
    exchange_code=ProviderCall(_OAUTH_ACCESS, REFRESH, _exchange_code),
    exchange_token=ProviderCall("oauth.v2.exchange", EXCHANGE, lambda app, token: app.slack.exchange(token).data),
    refresh=ProviderCall(_OAUTH_ACCESS, REFRESH, _refresh),
    names_other_owner=lambda token, data: token_owner.is_other_owners_pair(token.tenant, token.holder, data),
    read_pair=read_pair,
    dead_refresh_errors=DEAD_REFRESH_ERRORS,
    no_effect_errors=NO_EFFECT_ERRORS,
    lease=30,  # shorter than Slack's grace: after a crash the same refresh token is tried again while it still works
    scopes_asked=_scopes_asked,
    install_url=needs_reinstall.install_url,
)


def provider_of(app: App, token: Token) -> TokenProvider:
    """Finds the provider that has issued the token: nobody else is shown it.

    Raises Refused(TOKEN_UNAVAILABLE) where the circle that knew the provider is gone.
    """
    if token.provider == SLACK_PROVIDER:
        return SLACK
    for circle in app.circles:
        for provider in circle.token_providers:
            # claim: C-120
            if provider.name == token.provider:
                return provider
    raise Refused(Refusal.TOKEN_UNAVAILABLE)
