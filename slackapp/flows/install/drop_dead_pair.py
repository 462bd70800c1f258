"""Choice of the pair that stays where installs overlap: one that Slack still takes.

Slack keeps two rotating access tokens of a holder alive; each install makes a new pair, and a third one ends the oldest
(docs.slack.dev/authentication/using-token-rotation). Installs of one tenant may run beside each other, in this process
and in others, and be stored in another order than Slack answered them in. So before a pair replaces another one, Slack
is asked whether it lives; and it is stored only if nothing was stored since before the question. So what is stored last
lived then; what Slack gave later is stored later, or was given back.
"""

from slackapp.checks.capabilities import VALIDATE
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.install.store_grant import StoredTokens, granted_tokens
from slackapp.flows.tokens import use_token
from slackapp.model import BOT, STATUSES_IN_USE, Actor, Grant, Secret, Token, TokenStatus

_RETRY_AFTER = 5
_GONE = (Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED)


def run(app: App, grant: Grant, seen: StoredTokens, actor: Actor) -> Grant:
    """Drops, from a grant, the pairs that are over while the stored one lives. Raises Refused, and StoreError.

    It is asked with no transaction open, and only where there is something to lose.
    """
    for holder, granted in granted_tokens(grant):
        stored = seen[holder]
        if stored is None or stored.status == TokenStatus.DEAD or granted.refresh is None:
            continue  # without a refresh token it is the very token that is stored, or the only kind there is
        # claim: C-87
        if not _is_alive(app, granted.access) and _is_stored_alive(app, stored, actor):
            revoke(app, granted.access)
            grant = grant._replace(bot=None, webhook=None) if holder == BOT else grant._replace(user=None)
    return grant


def _is_alive(app: App, access: Secret) -> bool:
    try:
        app.slack.call("auth.test", access, {})
    except SlackCallError as error:
        return _is_known_to_slack(error)
    return True


def revoke(app: App, access: Secret) -> bool:
    """Revokes a token that will not be kept; False where Slack did not take it, and it may live on.

    Of rotating tokens this ends the one alone.
    """
    try:
        # claim: C-13
        app.slack.call("auth.revoke", access, {})
    except SlackCallError as error:
        if error.kind is not SlackErrorKind.DEAD:
            app.log.error("revoke_failed", {"code": error.code})
            return False
    return True


def _is_stored_alive(app: App, stored: Token, actor: Actor) -> bool:
    """Tells whether the stored token lives: by a refresh, where its access token is over, too."""
    use = use_token.TokenUse(
        tenant=stored.tenant,
        holder=stored.holder,
        capability=VALIDATE,
        method="auth.test",
        purpose="install",
        actor=actor,
        statuses=STATUSES_IN_USE,
        ignore_pause=True,
    )
    try:
        use_token.call(app, use, {})
    except SlackCallError as error:
        return _is_known_to_slack(error)
    except Refused as refused:
        if refused.refusal in _GONE:
            return False
        raise
    return True


def _is_known_to_slack(error: SlackCallError) -> bool:
    """Tells whether Slack knows the token, whatever else it has against the call.

    Raises Refused where it did not say.
    """
    if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED):
        raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=max(error.retry_after, _RETRY_AFTER))
    return error.kind not in (SlackErrorKind.DEAD, SlackErrorKind.EXPIRED, SlackErrorKind.UNCERTAIN)
