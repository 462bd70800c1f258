"""Sweep, once a minute: deletes what is too old to be of use, and marks what a dead worker left."""

from slackapp.flows.app import App
from slackapp.flows.audit import unclear_rows
from slackapp.flows.tokens import brake
from slackapp.store import inbox, oauth_states

DEDUPE_WINDOW = 48 * 3600
"""Seconds that a finished event's id is kept. Slack repeats for 24 hours at most."""


def run(app: App, now: int) -> None:
    """Raises StoreError; then the next minute tries again."""
    # In portions, each its own transaction: nobody waits long for the database.
    while oauth_states.sweep(app.db, now) == oauth_states.BATCH_ROWS:
        pass
    while inbox.sweep(app.db, now - DEDUPE_WINDOW) == inbox.BATCH_ROWS:
        pass
    brake.delete_old(app, now)


def check_integrity(app: App) -> None:
    """Checks the whole database once a day; damage goes to log and metrics, for the operator to restore a backup."""
    whole = app.db.passes_integrity_check()
    app.metrics.count("slackapp_integrity_checks_total", {"result": "ok" if whole else "damaged"})
    if not whole:
        app.log.error("database_damaged", {"action": "stop the service and restore a backup"})


def mark_unclear(app: App, now: int) -> None:
    """Rows whose worker died in the middle of a call to Slack."""
    with app.db.transaction():
        unclear = inbox.mark_unclear(app.db, now, app.clock.steady())
        unclear_rows.append_unclear(app, unclear, now)
    unclear_rows.log_unclear(app, unclear, "interrupted in a call")
