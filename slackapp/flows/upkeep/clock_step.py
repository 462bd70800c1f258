"""Correction of dates that a wall clock ahead of time has put into the far future.

Rows of the inbox and leases need no mending: each look at them knows what nobody can have meant.
"""

from slackapp.flows.app import App
from slackapp.store import installations, tokens

TOLERANCE = 60
"""Seconds that clocks may differ in daily life."""


def run(app: App) -> int:
    """Moves dates of the far future to now; counts the tokens and the tenants moved. Raises StoreError."""
    latest = app.clock() + TOLERANCE
    with app.db.transaction():
        return tokens.reset_future_dates(app.db, app.clock(), latest) + installations.reset_future_checks(
            app.db, latest
        )
