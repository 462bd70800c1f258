"""Exchange of a code for a grant, with whoever is the provider: once, and never by itself again.

The state is used up by then, and that is on the disk.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.state_token import VerifiedState
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App, TokenProvider
from slackapp.model import Secret
from slackapp.store import oauth_states

BUSY_SECONDS = 5


def run(app: App, provider: TokenProvider, state: VerifiedState, code: Secret) -> Mapping[str, Any]:
    """Returns the provider's answer, not verified yet. Raises Refused."""
    try:
        return provider.exchange_code.send(app, code)
    except SlackCallError as error:
        app.log.error("exchange_failed", {"method": error.method, "code": error.code})
        wait = max(error.retry_after, BUSY_SECONDS)
        if error.kind is SlackErrorKind.RATE_LIMITED:
            # Nobody has looked at the code: after the wait, the same page may be loaded again.
            app.cooldowns.start(provider.exchange_code.method, error.retry_after, app.clock())
            oauth_states.restore_unused(app.db, state.id_hash)
            raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=wait) from None
        if error.kind is SlackErrorKind.TRANSIENT:
            # What nobody holds now may have been granted, and the code works no more.
            nothing_done = error.code in provider.no_effect_errors
            lost = Refusal.SLACK_UNREACHABLE if nothing_done else Refusal.EXCHANGE_UNCLEAR
            raise Refused(lost, retry_after=wait) from None
        raise Refused(Refusal.EXCHANGE) from None
