"""Grants of Slack or another store: tokens in clear, a webhook, the answer to a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slackapp.model.enums import StatePurpose
from slackapp.model.identity import Holder, Secret, Tenant
from slackapp.model.rows import SLACK_PROVIDER


class GrantedToken(NamedTuple):
    """Token as Slack granted it. `expires_in` is in seconds; None for a long-lived token."""

    access: Secret
    refresh: Secret | None
    expires_in: int | None
    scopes: tuple[str, ...]


class StateBinding(NamedTuple):
    """Binding of a state: to a purpose, to the browser that began, and to the provider that is asked.

    `browser_digest` is 32 bytes.
    """

    purpose: StatePurpose
    browser_digest: bytes
    provider: str = SLACK_PROVIDER


class Webhook(NamedTuple):
    """An incoming webhook; its URL is as good as a token for that channel."""

    url: Secret
    channel: str
    channel_id: str
    configuration_url: str


class Grant(NamedTuple):
    """Slack's answer to the exchange of a code, checked (docs.slack.dev/reference/methods/oauth.v2.access).

    `connection_id` is of the connection that is to hold the user's token; "" where the user holds it.
    """

    tenant: Tenant
    enterprise_id: str
    enterprise_name: str
    team_id: str
    team_name: str
    installer_id: str
    bot_user_id: str
    bot: GrantedToken | None
    user: GrantedToken | None
    webhook: Webhook | None
    connection_id: str = ""

    @property
    def user_holder(self) -> Holder:
        """Holder of the user's token."""
        return Holder.connection(self.connection_id) if self.connection_id else Holder.user(self.installer_id)


class ExternalInstallation(NamedTuple):
    """An installation as a Bolt app hands it over, or as another store held it. No answer of Slack stands behind it.

    `holder` is the user who installed, or `BOT` where a bot alone is handed over. `installed_at` is in Unix seconds.
    `details` and `bot_details` are what no column holds, about the user and about the bot: anything that JSON can say.
    """

    tenant: Tenant
    app_id: str
    enterprise_id: str
    enterprise_name: str
    team_id: str
    team_name: str
    bot_user_id: str
    holder: Holder
    bot: GrantedToken | None
    user: GrantedToken | None
    webhook: Webhook | None
    installed_at: float
    details: Mapping[str, Any]
    bot_details: Mapping[str, Any]


@dataclass(frozen=True)
class SlackResponse:
    """A successful answer of the Web API.

    `scopes` are those that the calling token has now; None where Slack did not say.
    """

    data: Mapping[str, Any] = field(repr=False)
    scopes: tuple[str, ...] | None = None
