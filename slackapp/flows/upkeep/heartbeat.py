"""Heartbeat of a serving process: that it lives, and which master keys it can read with."""

from slackapp.errors import ConfigError, StoreError
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


def sign_off(app: App) -> None:
    """Deletes the process's row at its end.

    Where it cannot be said, the process counts as dead a minute later all the same.
    """
    try:
        with app.db.transaction():
            processes.delete(app.db, app.process_id, app.clock.steady())
    except StoreError as error:
        app.log.error("not_signed_off", {"why": str(error)})
