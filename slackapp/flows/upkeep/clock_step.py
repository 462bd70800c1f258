"""What a wall clock that was ahead has put off until a time that is far away, now that it was set back: it is due now.

Rows of the inbox and leases need no mending: each look at them knows what nobody can have meant.
"""

from slackapp.flows.app import App
from slackapp.store import installations, tokens

TOLERANCE = 60
"""Seconds that clocks may differ in daily life."""


def run(app: App) -> int:
    """How many tokens are refreshed, and tenants checked, sooner than it stood there. Raises StoreError."""
    latest = app.clock() + TOLERANCE
    with app.db.transaction():
        return tokens.reset_future_dates(app.db, app.clock(), latest) + installations.reset_future_checks(
            app.db, latest
        )
