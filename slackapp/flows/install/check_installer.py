"""Asks Slack, with the token just granted, whether the installer may grant what was asked for."""

from slackapp.checks import installer
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.model import Grant, Secret

_RETRY_AFTER = 5


def run(app: App, grant: Grant) -> None:
    """Checks the installer before anything is stored, with no transaction open.

    Raises Refused; the token is then the caller's to revoke.
    """
    settings = app.settings
    # What was asked for counts even where the person declined it, and what was granted even where we did not ask:
    # scopes of earlier installs stay with a token.
    scopes = (*settings.bot_scopes, *settings.user_scopes, *_granted(grant))
    if not installer.needs_admin(scopes, settings.require_admin_installer):
        return
    token = _token_with_users_read(grant)
    if token is None:
        raise Refused(Refusal.INSTALLER_UNKNOWN)
    try:
        answer = app.slack.call("users.info", token, {"user": grant.installer_id})
    except SlackCallError as error:
        app.log.error("installer_check_failed", {"method": error.method, "code": error.code})
        if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED):
            raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=max(error.retry_after, _RETRY_AFTER)) from None
        raise Refused(Refusal.INSTALLER_UNKNOWN) from None
    installer.require_admin(answer.data, grant.installer_id, grant.tenant.kind == "E")


def _granted(grant: Grant) -> tuple[str, ...]:
    return tuple(scope for granted in (grant.bot, grant.user) if granted is not None for scope in granted.scopes)


def _token_with_users_read(grant: Grant) -> Secret | None:
    held = (granted for granted in (grant.bot, grant.user) if granted is not None)
    return next((granted.access for granted in held if installer.USERS_READ in granted.scopes), None)
