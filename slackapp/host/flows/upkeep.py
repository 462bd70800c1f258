"""Upkeep of the host side: what is over ends, what is too old goes, and what was begun is finished."""

from collections.abc import Callable
from dataclasses import replace

from slackapp.flows.app import App
from slackapp.flows.removal import end_holder
from slackapp.host.flows import change_connection, delete_organization
from slackapp.host.flows.connect import give_back, note_connect
from slackapp.host.flows.inventory import follow_tokens
from slackapp.host.flows.messages import keep_messages, settle_message
from slackapp.host.flows.offboard import OWNER_DAYS
from slackapp.host.flows.reviews import close_review, open_review
from slackapp.host.flows.webhook import deliver_events
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import ConnectionKey, HostAuditEvent, StatusReason
from slackapp.host.store import approvals, connections, deliveries, events, idempotency_keys, organizations, sessions
from slackapp.host.store.inventory import bindings
from slackapp.host.store.messaging import contents, message_counts, replies
from slackapp.model import SCHEDULER, AuditEntry

_DAY = 86_400


def sweep(app: App, now: int) -> None:
    """Ends what is over, and deletes what is too old, in transactions that are short. Raises StoreError."""
    _end_attempts(app, now)
    _suspend(app, connections.list_long_unowned(app.db, now - OWNER_DAYS * _DAY), StatusReason.OWNER, now)
    follow_tokens.tell_aging(app, bindings.list_aging(app.db, now, follow_tokens.NOTICE), now)
    _suspend(app, connections.list_aged(app.db, now), StatusReason.AGE, now)
    _resume_unfrozen(app, now)
    open_review.note_due(app, now)
    close_review.close_overdue(app, now)
    keep_messages.sweep(app, now)
    _delete_old(app, now)
    unsent = now - deliver_events.GIVE_UP_AFTER
    if not app.settings.host_webhook_url and deliveries.is_any_waiting(app.db, unsent):
        _in_portions(app, lambda: deliveries.drop_waiting(app.db, unsent))


def _delete_old(app: App, now: int) -> None:
    """Deletes what is too old; where nothing is, it is read once and nothing is written."""
    failed, approved = organizations.attempt_limit(now), organizations.approval_limit(now)
    told = now - events.KEEP_SECONDS
    delete = {
        "sessions": lambda: sessions.sweep(app.db, now),
        "token_ids": lambda: sessions.sweep_token_ids(app.db, now),
        "idempotency_keys": lambda: idempotency_keys.sweep(app.db, now),
        "approvals": lambda: approvals.sweep(app.db, approved),
        "connections": lambda: _in_portions(app, lambda: connections.sweep_failed(app.db, failed)),
        "events": lambda: _in_portions(app, lambda: events.sweep(app.db, told)),
        "usage": lambda: _sweep_numbers(app, now),
        "replies": lambda: replies.sweep(app.db, now),
        # claim: C-300
        "contents": lambda: _in_portions(app, lambda: contents.sweep(app.db, now)),
    }
    for name in sorted(organizations.find_due(app.db, now)):
        delete[name]()


def run_remote(app: App, stopping: Callable[[], bool]) -> None:
    """Finishes what needs Slack: grants that nobody confirmed, organizations that are deleted. Raises StoreError."""
    give_back.run_expired(app, stopping)
    end_holder.resume_all(app, stopping)
    settle_message.look_for_all(app, stopping)
    if not stopping():
        delete_organization.resume_all(app, app.clock())


def _sweep_numbers(app: App, now: int) -> None:
    organizations.sweep_usage(app.db, now)
    message_counts.sweep(app.db, now)


def _end_attempts(app: App, now: int) -> None:
    while expired := connections.list_expired(app.db, now):
        with app.db.transaction():
            for key in expired:
                if change_connection.fail(app.db, key, StatusReason.NOT_CONFIRMED, now):
                    actor = replace(SCHEDULER, organization=key.organization_id)
                    note_connect.note_failed(app, key, StatusReason.NOT_CONFIRMED, actor, now=now)


def _suspend(app: App, keys: list[ConnectionKey], why: StatusReason, now: int) -> None:
    """Suspends each, with a row of the audit; what changed meanwhile is left."""
    for key in keys:
        with app.db.transaction():
            if change_connection.set_status(app.db, key, ConnectionStatus.SUSPENDED, why, now=now):
                actor = replace(SCHEDULER, organization=key.organization_id)
                entry = AuditEntry(at=now, event=HostAuditEvent.INTEGRATION_SUSPENDED, actor=actor, connection=key.id)
                app.vault.append(entry._replace(detail=why))


def _resume_unfrozen(app: App, now: int) -> None:
    """Resumes what waited for the end of a freeze that nobody tells us of, such as an operator's."""
    while unfrozen := connections.list_unfrozen(app.db):
        with app.db.transaction():
            # claim: C-199
            resumed = sum(change_connection.resume(app.db, key, StatusReason.FREEZE, now) for key in unfrozen)
        if not resumed:
            return


def _in_portions(app: App, delete: Callable[[], int]) -> None:
    """Deletes in portions, each in a transaction of its own."""
    deleted = connections.BATCH_ROWS
    while deleted == connections.BATCH_ROWS:
        with app.db.transaction():
            deleted = delete()
