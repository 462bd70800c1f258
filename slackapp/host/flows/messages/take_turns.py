"""Turns of messages: one of each channel at a time, at the pace that Slack takes, over all processes."""

from slackapp.flows.app import App
from slackapp.host.model import MessageReason, MessageStatus
from slackapp.host.store import messages, outbox, send_rates
from slackapp.host.store.send_rates import SendRate
from slackapp.model import Tenant


def give_next(app: App, tenant: Tenant, channel_id: str, now: int) -> bool:
    """Gives the next message of a channel its turn, in a transaction or a shared commit.

    Tells whether it may go out at once: then the workers are to be woken, once that is committed. A turn whose time has
    yet to come is found by itself, and where another message has it, or none waits, none is given.
    """
    following = messages.next_of_channel(app.db, tenant, channel_id)
    if following is None:
        return False
    at = take_place(app, tenant, channel_id, now)
    # claim: C-246
    return outbox.give_turn(app.db, tenant, following, at) and at <= now


def take_place(app: App, tenant: Tenant, channel_id: str, earliest: int) -> int:
    """Takes the next place of a channel, in a transaction or a shared commit; returns its time, in Unix seconds."""
    rate = SendRate(app.settings.host_posts_per_minute)
    return send_rates.take_place(app.db, tenant, channel_id, rate, earliest=earliest)


def give_back(app: App, tenant: Tenant, channel_id: str, taken: int) -> None:
    """Gives the place of a message back that was withdrawn, inside a transaction: it takes no time from the next."""
    rate = SendRate(app.settings.host_posts_per_minute)
    send_rates.give_back(app.db, tenant, channel_id, rate, taken=taken)


def give_all(app: App, now: int) -> None:
    """Gives turns wherever something waits and nothing has one. Raises StoreError."""
    is_due = False
    while idle := outbox.list_idle_channels(app.db):
        for channel in idle:
            with app.db.transaction():
                is_due |= give_next(app, channel.tenant, channel.channel_id, now)
        if len(idle) < outbox.MAX_IDLE:
            break
    if is_due:
        app.wake_worker()


def count_message(app: App, status: MessageStatus, reason: MessageReason | None) -> None:
    """Counts what became of a message that had its turn."""
    app.metrics.count("slackapp_messages_total", {"status": status, "reason": str(reason or "none")})
