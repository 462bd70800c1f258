"""Release of the leases of an ending process; a row that is in a call to Slack becomes unclear.

So the next process begins at once instead of waiting for leases to run out, and nothing that may be done is repeated.
"""

from slackapp.errors import StoreError
from slackapp.flows.app import App
from slackapp.flows.audit import unclear_rows
from slackapp.store import inbox


def run(app: App, now: int) -> int:
    """Releases the process's leases, and counts the rows that are unclear now.

    A database that cannot be written is told in the log: then the leases run out.
    """
    try:
        app.db.shorten_waits()
        with app.db.transaction():
            unclear = inbox.release_leases(app.db, app.process_id, now)
            unclear_rows.append_unclear(app, unclear, now)
    except StoreError as error:
        app.log.error("inbox_not_released", {"why": str(error)})
        return 0
    unclear_rows.log_unclear(app, unclear, "stopped in a call")
    return len(unclear)
