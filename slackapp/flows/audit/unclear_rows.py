"""Rows whose process ended in the middle of a call to Slack: whoever finds them says so, in audit and log."""

from collections.abc import Sequence

from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.model import Origin
from slackapp.store.inbox import Unclear


def note(app: App, rows: Sequence[Unclear], now: int) -> None:
    """One audit row each, in the transaction that marks them."""
    for row in rows:
        origin = Origin("worker", row.event_id)
        audit_log.note(app, "event.unclear", row.tenant, origin, "unclear", f"event={row.event_id}", now)


def tell(app: App, rows: Sequence[Unclear], why: str) -> None:
    """One line of the log each, after that."""
    for row in rows:
        app.log.error("event_unclear", {"row": row.event_id, "type": row.type, "reason": why})
