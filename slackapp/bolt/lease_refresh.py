"""Lease of a refresh token for a Bolt app that refreshes by itself, to one holder at a time.

Bolt looks an installation up, refreshes what will soon expire, and saves a copy. Two events at once would both use the
refresh token that they found, and Slack takes it once. So whoever looks up first gets the refresh token, and a lease on
it, as our own refreshes take one. Everybody else gets the access token alone while it lives, and then waits for what
the first one saves.
"""

from dataclasses import dataclass

from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.tokens import refresh_token
from slackapp.model import Holder, Tenant, Token, TokenStatus
from slackapp.store import installers, tokens


@dataclass(frozen=True)
class LeaseHolder:
    """Thread or task that looks up an installation and may refresh its token.

    `ahead` is how many seconds before a token's end it is refreshed. `begins` tells the first look-up of an event, by
    which whatever was lent for an earlier event is known to be over.
    """

    name: str
    ahead: int
    begins: bool


def run(app: App, tenant: Tenant, holder: Holder, lease_holder: LeaseHolder) -> tuple[Token, bool] | None:
    """Takes the lease if it can: the sealed token, and whether its refresh token goes along; None for none.

    Raises Refused, StoreError.
    """
    for _ in range(refresh_token.MAX_WAITS):
        token = tokens.find(app.db, tenant, holder)
        if token is None or token.status == TokenStatus.DEAD:
            return None
        now = app.clock()
        if is_left_alone(token, lease_holder, now):
            return token, True
        if _take(app, token, lease_holder):
            return token, True
        if token.expires_at is not None and token.expires_at > now:
            return token, False
        if token.status != TokenStatus.LIVE:
            return None  # Slack has refused the refresh, and what there was is over
        app.wait(refresh_token.WAIT_SECONDS)
    raise Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=refresh_token.RETRY_WHILE_LEASED)


def is_left_alone(token: Token, lease_holder: LeaseHolder, now: int) -> bool:
    """Tells whether nobody refreshes the token yet."""
    return token.expires_at is None or token.expires_at > now + lease_holder.ahead


def release_other_lease(app: App, tenant: Tenant, user_id: str, lease_holder: LeaseHolder) -> None:
    """Releases the lease that came with the last installer's installation.

    Bolt asks for a user only after it has taken the other user's token out of what it found first.
    """
    last = installers.latest(app.db, tenant)
    token = tokens.find(app.db, tenant, last.holder) if last is not None and last.holder.id != user_id else None
    if token is not None and token.lease_owner == _owner(app, lease_holder):
        tokens.release_lease(app.db, token, token.lease_owner)


def _take(app: App, token: Token, lease_holder: LeaseHolder) -> bool:
    with app.db.transaction():
        steady = app.clock.steady()  # as every refresh of ours, which may be under way in another process
        # claim: C-105
        return tokens.take_lease_for_bolt(
            app.db,
            token,
            _owner(app, lease_holder),
            steady,
            until=steady + refresh_token.LEASE,
            is_new_event=lease_holder.begins,
        )


def _owner(app: App, lease_holder: LeaseHolder) -> str:
    return f"{app.process_id}:{lease_holder.name}"
