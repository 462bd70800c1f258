"""Rows whose process ended in a call to Slack, as audit and log report them."""

from collections.abc import Sequence

from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.model import Actor
from slackapp.store.inbox import UnclearRow


def append_unclear(app: App, rows: Sequence[UnclearRow], now: int) -> None:
    """One audit row each, in the transaction that marks them."""
    for row in rows:
        actor = Actor("worker", row.event_id)
        audit_log.append(app, "event.unclear", row.tenant, actor, "unclear", f"event={row.event_id}", now)


def log_unclear(app: App, rows: Sequence[UnclearRow], why: str) -> None:
    """One line of the log each, after that."""
    for row in rows:
        app.log.error("event_unclear", {"row": row.event_id, "type": row.type, "reason": why})
