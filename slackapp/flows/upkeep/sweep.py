"""Upkeep of the database: deletes what is too old to be of use, corrects dates, checks integrity."""

from slackapp.flows.app import App
from slackapp.flows.tokens import brake
from slackapp.store import installations, oauth_states, queue, tokens

DEDUPE_WINDOW = 48 * 3600
"""Seconds that a finished event's id is kept. Slack repeats for 24 hours at most."""
_CLOCK_TOLERANCE = 60
"""Seconds that clocks may differ in daily life."""


def run(app: App, now: int) -> None:
    """Deletes what is too old, in batches. Raises StoreError; then the next minute tries again."""
    # In portions, each its own transaction: nobody waits long for the database.
    while oauth_states.sweep(app.db, now):
        pass
    for each in app.queues:
        while queue.sweep(app.db, each, now - DEDUPE_WINDOW) == queue.BATCH_ROWS:
            pass
    brake.delete_old(app, now)
    for circle in app.circles:
        circle.sweep(app, now)


def check_integrity(app: App, thorough: bool) -> None:
    """Checks the whole database; damage goes to log, metrics and readiness, for the operator to restore a backup."""
    whole = app.db.is_sound(thorough)
    app.health.set_problem("integrity", None if whole else "the database is damaged; restore a backup")
    app.metrics.count("slackapp_integrity_checks_total", {"result": "ok" if whole else "damaged"})
    if not whole:
        app.log.error("database_damaged", {"action": "stop the service and restore a backup"})


def reset_future_dates(app: App) -> int:
    """Moves dates that a clock ahead of time has put into the far future to now; counts tokens and tenants.

    Rows of the inbox and leases need no such thing: each look at them knows what nobody can have meant. Raises
    StoreError.
    """
    latest = app.clock() + _CLOCK_TOLERANCE
    with app.db.transaction():
        dates = tokens.reset_future_dates(app.db, app.clock(), latest)
        return dates + installations.reset_future_checks(app.db, latest)
