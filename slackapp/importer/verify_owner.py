"""Asks Slack whose a token is before it is taken over from another store.

What is not told is not held against a token: a dead or an expired one is anybody's, and is taken. While Slack cannot be
asked nothing is taken; the source still has it.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks import token_owner
from slackapp.errors import SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.model import BOT, ExternalInstallation, Secret

_TRANSIENT_KINDS = frozenset({SlackErrorKind.RATE_LIMITED, SlackErrorKind.TRANSIENT})
_MAX_FAILURES = 3
"""How often in a row Slack may fail before it is not asked any more: 5,000 records would wait for as many timeouts."""
_TRIES, _MAX_WAIT_SECONDS = 3, 60


class OwnerCheck:
    """Check of token owners, one after the other, for all records of a source."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._failures = 0

    def refusal_reason(self, external: ExternalInstallation) -> str | None:
        """Explains why this one token, of bot or user, is not to be stored; None where nothing speaks against it."""
        token = external.bot if external.holder == BOT else external.user
        if token is None:
            return None
        if self._failures >= _MAX_FAILURES:
            return "Slack could not be asked whose it is; import again later"
        try:
            data = self._ask(token.access)
        except SlackCallError as error:
            if error.kind not in _TRANSIENT_KINDS:
                return None
            self._failures += 1
            return f"Slack could not be asked whose it is ({error.code}); import again later"
        self._failures = 0
        if not token_owner.names_tenant(external.tenant, data):
            return "Slack says that its token is another tenant's"
        if external.holder != BOT and not token_owner.may_name_user(external.holder.id, data):
            return "Slack says that its token is another person's"
        return None

    def _ask(self, token: Secret) -> Mapping[str, Any]:
        """Waits where Slack wants to be asked more slowly. Raises SlackCallError."""
        for _ in range(_TRIES - 1):
            try:
                return self._app.slack.call("auth.test", token, {}).data
            except SlackCallError as error:
                if error.kind is not SlackErrorKind.RATE_LIMITED:
                    raise
                self._app.wait(min(error.retry_after, _MAX_WAIT_SECONDS))
        return self._app.slack.call("auth.test", token, {}).data
