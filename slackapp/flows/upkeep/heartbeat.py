"""Heartbeat of a serving process: that it lives, and which master keys it can read with.

A rotation of keys waits for all that lived within the last minute. Who takes over the rows of a process that died asks
for its lock instead, which no clock and no pause can make look dead: see `interrupted_calls.py`.
"""

from slackapp.errors import ConfigError
from slackapp.flows.app import App
from slackapp.store import processes

INTERVAL = 10
"""Seconds between two signs of life, when nothing changed."""


def run(app: App, seen_epoch: int) -> int:
    """Writes the heartbeat; where keys have changed reads them anew, and returns the key epoch it noticed.

    With a key file that cannot be used everything stays as it was, and the epoch that stands in the row tells a
    rotation to wait for us.
    """
    try:
        epoch = app.keyring.reload()
    except ConfigError as error:
        app.log.error("key_file_not_taken", {"why": str(error)})
        epoch = seen_epoch
    app.keyring.evict_expired()
    with app.db.transaction():
        processes.save_heartbeat(
            app.db, app.process_id, epoch, app.keyring.master_versions(), steady=app.clock.steady()
        )
    return epoch
