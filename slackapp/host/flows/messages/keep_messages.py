"""Upkeep of messages: parked with their connection, gone on with when it serves again, and given up in the end."""

from slackapp.flows.app import App
from slackapp.host.flows.messages import take_turns
from slackapp.host.model import ConnectionStatus, MessageReason, MessageStatus
from slackapp.host.store import events, messages, outbox, send_rates
from slackapp.host.store.messages import WaitingMessage

PARKED_HOURS = 72
_DAY = 86_400
_QUEUED, _PARKED, _SCHEDULED = MessageStatus.QUEUED, MessageStatus.PARKED, MessageStatus.SCHEDULED


def sweep(app: App, now: int) -> None:
    """Follows connections, gives up what was parked for too long, and gives turns. Raises StoreError."""
    for row in messages.list_connections_waiting(app.db):
        _follow(app, row["connection_id"], ConnectionStatus(row["status"]), now)
    while expired := messages.list_parked_before(app.db, now - PARKED_HOURS * 3600):
        _change(app, expired, MessageStatus.FAILED, MessageReason.EXPIRED, now=now)
    # claim: C-285
    outbox.sweep_turns(app.db, now)
    take_turns.give_all(app, now)
    send_rates.sweep(app.db, now - _DAY)


def _follow(app: App, connection_id: str, status: ConnectionStatus, now: int) -> None:
    if status == ConnectionStatus.ACTIVE:
        _change_all(app, connection_id, (_PARKED, _PARKED), _QUEUED, reason=None, now=now)
    elif status == ConnectionStatus.REVOKED:
        _change_all(
            app, connection_id, (_QUEUED, _SCHEDULED), MessageStatus.FAILED, reason=MessageReason.REVOKED, now=now
        )
        _change_all(app, connection_id, (_PARKED, _PARKED), MessageStatus.FAILED, reason=MessageReason.REVOKED, now=now)
    else:
        is_over = status == ConnectionStatus.NEEDS_RECONNECT
        reason = MessageReason.NEEDS_RECONNECT if is_over else MessageReason.SUSPENDED
        _change_all(app, connection_id, (_QUEUED, _QUEUED), _PARKED, reason=reason, now=now)


def _change_all(
    app: App,
    connection_id: str,
    seen: tuple[MessageStatus, MessageStatus],
    status: MessageStatus,
    reason: MessageReason | None,
    now: int,
) -> None:
    while found := messages.list_waiting(app.db, connection_id, *seen):
        if not _change(app, found, status, reason, now=now):
            break  # all of them are being run just now


def _change(
    app: App, found: list[WaitingMessage], status: MessageStatus, reason: MessageReason | None, now: int
) -> int:
    """Changes each that is as it was seen, in one transaction; how many. What a worker has is left to it."""
    changed = 0
    with app.db.transaction():
        for message in found:
            if outbox.is_running(app.db, message.tenant, message.id):
                continue
            if messages.set_status(app.db, message, status, reason, now=now):
                outbox.end_turn(app.db, message.tenant, message.id, now)
                events.add_of_message(app.db, message, status, reason, now=now)
                changed += 1
    return changed
