"""The only way to a token: audit row first, then open, call, and what the answer means for the token.

No token is read without an audit row that was committed before; if the row cannot be written, the call fails. An
opened token lives as long as one call and is kept nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.crypto import envelope, records
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows import needs_reinstall, open_token, refresh_token, trail
from slackapp.flows.suspend_tenant import guard
from slackapp.model import Installation, Origin, Secret, SlackAnswer, Tenant, Token
from slackapp.ports import App
from slackapp.store import installations, tokens

BY_STATUS = {"suspended": Refusal.KEY_REVOKED, "suspect": Refusal.TOKEN_UNAVAILABLE}

Send = Callable[[Secret], SlackAnswer]


@dataclass(frozen=True)
class Use:
    """Whose token, and what for.

    `user_id` is "" for the bot. `statuses` are those of an installation in which this use is allowed: a settled
    suspicion and an uninstall may use what nothing else may.
    """

    tenant: Tenant
    user_id: str
    purpose: str
    statuses: frozenset[str] = frozenset({"active"})


def call(
    app: App, use: Use, method: str, params: Mapping[str, Any], origin: Origin, intent: Callable[[], None]
) -> SlackAnswer:
    """Calls a method as this tenant.

    `intent` runs in the transaction of the audit row, so that what must be on the disk before the call costs no commit
    of its own. Raises Refused (NOT_INSTALLED, NEEDS_REINSTALL, TOKEN_UNAVAILABLE) and SlackCallError. While Slack wants
    to hear nothing of this method for this tenant, that is told without asking it again.
    """
    return run(app, use, method, lambda token: app.slack.call(method, token, params), origin, intent)


def run(app: App, use: Use, method: str, send: Send, origin: Origin, intent: Callable[[], None]) -> SlackAnswer:
    """The same for any call that takes a token."""
    whose = f"{use.tenant} {use.user_id} {method}"
    # 1. nothing is sent while Slack wants to hear nothing of this method
    held = app.pauses.left(whose, app.clock())
    if held:
        raise SlackCallError(method, "ratelimited", SlackErrorKind.RATE, held)
    # 2. find the token, and refresh it when it is due
    token = fresh(app, use, origin)
    try:
        secret = _open(app, token, use, method, origin, intent)
        # 5. call Slack
        return send(secret)
    except SlackCallError as error:
        app.pauses.hold(whose, error.retry_after, app.clock())
        if not _is_outlived(app, token, error):
            if error.kind is SlackErrorKind.DEAD:
                # claim: C-37
                needs_reinstall.give_up(app, token, error.code, origin)
            raise
    # 6. refresh the pair that is over before its time, then repeat exactly once
    try:
        # claim: C-39
        token = refresh_token.run(app, token, origin, wait=True)
    except Refused as refused:
        if refused.refusal is Refusal.NEEDS_REINSTALL:
            needs_reinstall.give_up(app, token, "refresh_refused", origin)
        raise
    try:
        return send(_open(app, token, use, method, origin, lambda: None))
    except SlackCallError as again:
        app.pauses.hold(whose, again.retry_after, app.clock())
        if again.kind is SlackErrorKind.DEAD:
            needs_reinstall.give_up(app, token, again.code, origin)
        raise


def fresh(app: App, use: Use, origin: Origin) -> Token:
    """The token as it is stored, sealed; refreshed when it is due. Raises Refused."""
    installation = installations.find(app.db, use.tenant)
    token = tokens.find(app.db, use.tenant, use.user_id) if installation is not None else None
    # claim: C-40
    _refuse_status(app, installation, use)
    # claim: C-37
    if token is None or token.status == "dead":
        raise needs_reinstall.refusal(app, use.tenant)
    if refresh_token.is_due(token, app.clock()):
        token = refresh_token.run_if_free(app, token, origin)
        if token.status == "dead":  # given up by another one meanwhile
            raise needs_reinstall.refusal(app, use.tenant)
    # claim: C-36
    if token.expires_at is not None and token.expires_at <= app.clock():
        # Expired, and no refresh came about. There is no other copy to fall back on.
        if token.status != "refresh_refused":
            raise Refused(Refusal.TOKEN_UNAVAILABLE)
        needs_reinstall.give_up(app, token, "refresh_refused", origin)
        raise needs_reinstall.refusal(app, use.tenant)
    return token


def _refuse_status(app: App, installation: Installation | None, use: Use) -> None:
    if installation is None:
        raise Refused(Refusal.NOT_INSTALLED)
    if installation.status not in use.statuses:
        if installation.status in BY_STATUS:
            raise Refused(BY_STATUS[installation.status])
        raise needs_reinstall.refusal(app, use.tenant)


def _is_outlived(app: App, token: Token, error: SlackCallError) -> bool:
    """Whether a refresh may help: the token expired, or a refresh whose answer was lost may have pushed it out.

    Slack keeps two access tokens alive; each refresh, heard of or not, makes a new one
    (docs.slack.dev/authentication/using-token-rotation).
    """
    if token.refresh is None:
        return False
    if error.kind is SlackErrorKind.EXPIRED:
        return True
    stored = tokens.find_same(app.db, token)
    unfinished = stored is not None and stored.lease_owner != ""
    return error.kind is SlackErrorKind.DEAD and unfinished


def _open(app: App, token: Token, use: Use, method: str, origin: Origin, intent: Callable[[], None]) -> Secret:
    context = records.access_of(token.tenant, token.user_id, token.generation)
    key_id = envelope.claimed_key_id(token.access.blob)
    of = f"kind={context.kind} user={use.user_id} generation={token.generation} key={key_id}"
    detail = f"purpose={use.purpose} method={method} {of}"

    def note() -> None:
        # Once more, under the lock: who has just become suspect, or is being removed, is not used any more.
        # claim: C-40
        _refuse_status(app, installations.find(app.db, use.tenant), use)
        # claim: C-25
        trail.note(app, "token.read", use.tenant, origin, "ok", detail, app.clock())
        # claim: C-50
        intent()

    # 3. note the read, and the intent to call, and commit both
    # claim: C-25, C-26
    app.db.together(note)
    # 4. open the token where it belongs
    with guard(app, use.tenant, origin, detail):
        return open_token.access(app, token)
