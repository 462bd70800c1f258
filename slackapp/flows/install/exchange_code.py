"""Exchange of a code for a grant, with whoever is the provider: once, and never by itself again.

The state is used up by then, and that is on the disk.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks import code_grant
from slackapp.checks.state_token import VerifiedState
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App, TokenProvider
from slackapp.flows.install import revoke_answer
from slackapp.flows.tokens.slack_provider import SLACK
from slackapp.model import Secret
from slackapp.store import oauth_states

BUSY_SECONDS = 5
COUNTED_AS_BAD = frozenset(
    {Refusal.EXCHANGE, Refusal.GRANT_FOREIGN, Refusal.GRANT_MALFORMED, Refusal.TEAM_NOT_ALLOWED,
     Refusal.INSTALLER_NOT_ADMIN, Refusal.INSTALLER_UNKNOWN, Refusal.RATE}
)  # fmt: skip
"""What counts like a made-up code: real ones that are not going to be kept cost Slack's rate, and audit rows, too."""
_CODE_LENGTH = 512
_WAITS = 10
"""Seconds that it waits for what is given back: less than a browser waits."""


class StillGoodError(Refused):
    """Refusal of the moment: Slack has not looked at the code, and the state is unused again."""


def check_code_form(code: str) -> None:
    """Raises Refused for what Slack cannot have made."""
    if not 0 < len(code) <= _CODE_LENGTH or not code.isascii() or not code.isprintable():
        raise Refused(Refusal.CODE_MISSING)


def refuse_during_cooldown(app: App, network: str, now: int) -> None:
    """Refuses while Slack wants no exchange, and where failed codes have used up their share."""
    # claim: C-85
    if held := app.cooldowns.seconds_left(SLACK.exchange_code.method, now):
        raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=held)
    # claim: C-72
    if wait := app.failed_code_limit.seconds_left(network, now):
        raise Refused(Refusal.BUSY, retry_after=wait)


def run(app: App, provider: TokenProvider, state: VerifiedState, code: Secret) -> Mapping[str, Any]:
    """Returns the provider's answer, not verified yet. Raises Refused.

    What is given back to Slack takes with it what was granted just before. None of it begins while a state is used and
    its exchange is open; so only where it is under way now, the answer may be of no use.
    """
    overlaps = _is_giving_back(app)
    data = _exchange(app, provider, state, code)
    # claim: C-160
    if overlaps and not _outlasts(app, data):
        revoke_answer.run(app, data)
        raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=BUSY_SECONDS)
    return data


def _outlasts(app: App, data: Mapping[str, Any]) -> bool:
    """Waits until nothing is given back, and asks Slack whether what it has granted is still alive."""
    for _ in range(_WAITS):
        if not _is_giving_back(app):
            break
        app.wait(1)
    else:
        return False
    try:
        for _, access in code_grant.tokens_to_revoke(data):
            app.slack.call("auth.test", access, {})
    except SlackCallError as error:
        return error.kind is not SlackErrorKind.DEAD
    return True


def _is_giving_back(app: App) -> bool:
    return any(circle.is_giving_back(app) for circle in app.circles)


def _exchange(app: App, provider: TokenProvider, state: VerifiedState, code: Secret) -> Mapping[str, Any]:
    try:
        return provider.exchange_code.send(app, code)
    except SlackCallError as error:
        app.log.error("exchange_failed", {"method": error.method, "code": error.code})
        wait = max(error.retry_after, BUSY_SECONDS)
        if error.kind is SlackErrorKind.RATE_LIMITED:
            # Nobody has looked at the code: after the wait, the same page may be loaded again.
            app.cooldowns.start(provider.exchange_code.method, error.retry_after, app.clock())
            oauth_states.restore_unused(app.db, state.id_hash)
            raise StillGoodError(Refusal.SLACK_UNREACHABLE, retry_after=wait) from None
        if error.kind is SlackErrorKind.TRANSIENT:
            # What nobody holds now may have been granted, and the code works no more.
            nothing_done = error.code in provider.no_effect_errors
            lost = Refusal.SLACK_UNREACHABLE if nothing_done else Refusal.EXCHANGE_UNCLEAR
            raise Refused(lost, retry_after=wait) from None
        raise Refused(Refusal.EXCHANGE) from None
