"""Refreshes a rotating token: one at a time per token, over all threads and processes.

Slack takes a refresh token once, but for a short grace period. So the intent (a lease with an owner, on this generation
of the token) is committed before the call, and the new pair replaces exactly that generation. A crash in between loses
nothing: the lease runs out, and the same refresh token is tried again while its grace lasts.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks import code_grant
from slackapp.checks.slack_errors import REFUSED_REFRESH
from slackapp.crypto import envelope, records
from slackapp.errors import DecryptError, Refusal, Refused, SlackCallError, SlackErrorKind, StoreBusyError
from slackapp.flows import trail
from slackapp.flows.store_grant import seal_pair
from slackapp.flows.suspend_tenant import guard
from slackapp.flows.tenant_keys import TRIES, KeysChangedError, open_current, settle
from slackapp.model import GrantedToken, Origin, Sealed, Secret, Token
from slackapp.ports import App
from slackapp.store import tokens

LEASE = 30
"""Seconds, and shorter than Slack's grace: after a crash the same refresh token is tried again while it still works."""
MARGIN = 7200


def is_due(token: Token, now: int) -> bool:
    """Whether less than min(2 h, a quarter of its life) is left."""
    if token.refresh is None or token.expires_at is None or token.status != "live":
        return False
    return token.expires_at - now < min(MARGIN, (token.expires_at - token.issued_at) // 4)


def run_if_free(app: App, token: Token, origin: Origin) -> Token:
    """Refreshes a token that still works, or goes on with it while another one refreshes it."""
    try:
        return run(app, token, origin)
    except (Refused, SlackCallError):
        return tokens.find(app.db, token.tenant, token.user_id) or token


def run(app: App, token: Token, origin: Origin) -> Token:
    """Refreshes the generation that the caller saw; returns the token as it is stored then.

    Raises Refused(TOKEN_UNAVAILABLE) while another one is at it and for trouble that passes, and
    Refused(NEEDS_REINSTALL) when Slack refuses the refresh token.
    """
    if token.status == "refresh_refused":
        raise Refused(Refusal.NEEDS_REINSTALL)
    # 1. take the lease on this generation
    owner = f"{app.process_id}:{app.entropy(8).hex()}"
    now = app.clock()
    with app.db.transaction():
        leased = tokens.take_lease(app.db, token, owner, now, now + LEASE)
        if leased:
            key_id = envelope.claimed_key_id(token.refresh.blob) if token.refresh is not None else 0
            of = f"kind=refresh user={token.user_id} generation={token.generation} key={key_id}"
            detail = f"purpose=refresh {of}"
            trail.note(app, "token.read", token.tenant, origin, "ok", detail, now)
    if not leased:
        return _someone_else_did(app, token)
    # 2. open the refresh token
    secret = _open_refresh(app, token, owner, origin)
    # 3. ask Slack for a new pair; after a lost answer, once more with the same token
    try:
        data = _ask(app, secret)
    except SlackCallError as error:
        raise _failed(app, token, owner, error, origin) from None
    # 4. the answer is a pair of this kind
    granted = _verified(app, token, owner, data, origin)
    # 5. seal, and put it in place of the generation it came from
    _store(app, token, granted, origin)
    app.metrics.count("slackapp_refresh_total", {"result": "ok"})
    return _reread(app, token)


def _store(app: App, token: Token, granted: GrantedToken, origin: Origin) -> None:
    """The new pair in place of the one it came from; nothing, when that one is gone."""
    for _ in range(TRIES):
        keys, now = app.keyring.prepare(token.tenant), app.clock()
        if keys.minted:
            return  # purged meanwhile: a late answer must not bring the tenant back
        try:
            with app.db.transaction():
                settle(app, token.tenant, keys, now)
                pair = seal_pair(keys, token.tenant, token.user_id, token.generation + 1, granted, now)
                if tokens.replace_pair(app.db, token, pair, now):
                    detail = f"user={token.user_id} generation={token.generation + 1}"
                    trail.note(app, "token.refreshed", token.tenant, origin, "ok", detail, now)
                return
        except KeysChangedError:
            app.keyring.forget(token.tenant)
    raise StoreBusyError("the tenant's keys kept changing")


def _someone_else_did(app: App, token: Token) -> Token:
    found = _reread(app, token)
    if found.generation == token.generation:
        raise Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=1)
    return found


def _reread(app: App, token: Token) -> Token:
    found = tokens.find(app.db, token.tenant, token.user_id)
    if found is None:
        raise Refused(Refusal.NEEDS_REINSTALL)  # purged meanwhile
    return found


def _open_refresh(app: App, token: Token, owner: str, origin: Origin) -> Secret:
    context = records.refresh_of(token.tenant, token.user_id, token.generation)
    try:
        with guard(app, token.tenant, origin, f"kind={context.kind} generation={token.generation}"):
            if token.refresh is None:
                raise DecryptError
            return Secret(open_current(app, context, token.refresh, lambda: _refresh_now(app, token)).decode())
    except Refused:
        tokens.drop_lease(app.db, token, owner)  # Slack was not asked
        raise


def _refresh_now(app: App, token: Token) -> Sealed | None:
    found = tokens.find_same(app.db, token)
    return found.refresh if found is not None else None


def _ask(app: App, refresh: Secret) -> Mapping[str, Any]:
    fields = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
    try:
        return app.slack.call_as_app("oauth.v2.access", fields).data
    except SlackCallError as error:
        if error.kind is not SlackErrorKind.TRANSIENT:
            raise
    return app.slack.call_as_app("oauth.v2.access", fields).data


def _verified(app: App, token: Token, owner: str, data: Mapping[str, Any], origin: Origin) -> GrantedToken:
    """A refresh answers at the top level whether the token is the bot's or a user's, so the type must be looked at."""
    kind, prefixes = ("user", code_grant.USER_PREFIXES) if token.user_id else ("bot", code_grant.BOT_PREFIXES)
    try:
        if data.get("app_id", app.settings.app_id) != app.settings.app_id:
            raise Refused(Refusal.GRANT_FOREIGN)
        if not _same_tenant(data, token):
            raise Refused(Refusal.GRANT_FOREIGN)
        granted = code_grant.read_token_pair(data, kind, prefixes)
        if granted is None or granted.refresh is None:
            raise Refused(Refusal.GRANT_MALFORMED)
        return granted
    except Refused as refused:
        tokens.hold_lease(app.db, token, owner, app.clock() - 1)
        detail = f"user={token.user_id}"
        trail.note_alone(app, "token.refresh_failed", token.tenant, origin, refused.refusal.name, detail, app.clock())
        app.metrics.count("slackapp_refresh_total", {"result": "malformed"})
        raise Refused(Refusal.TOKEN_UNAVAILABLE) from None


def _same_tenant(data: Mapping[str, Any], token: Token) -> bool:
    """The ids may be left out of a refresh; those that are there must be this tenant's and this user's."""
    org_wide = data.get("is_enterprise_install")
    party = data.get("enterprise" if token.tenant.kind == "E" else "team")
    user_id = data.get("user_id")
    return (
        (org_wide is None or org_wide is (token.tenant.kind == "E"))
        and (not isinstance(party, dict) or party.get("id") == token.tenant.id)
        and (user_id is None or not token.user_id or user_id == token.user_id)
    )


def _failed(app: App, token: Token, owner: str, error: SlackCallError, origin: Origin) -> Refused:
    refused = error.code in REFUSED_REFRESH
    with app.db.transaction():
        if refused:
            tokens.refuse_refresh(app.db, token, owner)
        else:
            # At once for whoever comes next; after a limited rate, not before Slack wants to hear of us again.
            tokens.hold_lease(app.db, token, owner, app.clock() + error.retry_after - 1)
        detail = f"user={token.user_id} generation={token.generation}"
        trail.note(app, "token.refresh_failed", token.tenant, origin, error.code, detail, app.clock())
    app.metrics.count("slackapp_refresh_total", {"result": "refused" if refused else "failed"})
    return Refused(Refusal.NEEDS_REINSTALL if refused else Refusal.TOKEN_UNAVAILABLE)
