"""Asks Slack, with the token that was just granted, whether whoever installed may grant what was asked for."""

from slackapp.checks import installer
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.install import exchange_code, store_grant
from slackapp.model import Grant


def run(app: App, grant: Grant, always: bool) -> None:
    """Passes where no admin is needed, or Slack says that the user is one. Raises Refused.

    `always`: also for scopes that anybody may grant.
    """
    settings, granted = app.settings, [token for _, token in store_grant.granted_tokens(grant)]
    # What was asked for counts even where the user declined it, and what was granted even where we did not ask:
    # scopes of earlier installs stay with a token.
    scopes = (*settings.bot_scopes, *settings.user_scopes, *(scope for token in granted for scope in token.scopes))
    if not installer.needs_admin(scopes, always):
        return
    access = next((token.access for token in granted if installer.USERS_READ in token.scopes), None)
    if access is None:
        raise Refused(Refusal.INSTALLER_UNKNOWN)
    try:
        answer = app.slack.call("users.info", access, {"user": grant.installer_id})
    except SlackCallError as error:
        app.log.error("installer_check_failed", {"method": error.method, "code": error.code})
        if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED):
            wait = max(error.retry_after, exchange_code.BUSY_SECONDS)
            raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=wait) from None
        raise Refused(Refusal.INSTALLER_UNKNOWN) from None
    installer.require_admin(answer.data, grant.installer_id, grant.tenant.is_enterprise)
