"""Changes the host's key: adds one, and takes an old one out with all that was opened under it.

The file comes first: from then on nothing is opened under the key any more, and what was counts no more. What stands in
the database is ended after that; where a kill comes between, it is found out by its key, and is of no use.
"""

from slackapp.flows.app import App
from slackapp.host import keys
from slackapp.host.flows import change_connection
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, StatusReason
from slackapp.host.store import connections, sessions
from slackapp.model import Actor, AuditEntry


def rotate(app: App, actor: Actor, now: int) -> str:
    """Adds a key, and returns its id. Raises ConfigError, CommandError where there are two, and StoreError."""
    key_id = keys.add_host_key(app.settings, app.entropy)
    app.vault.append_committed(_entry(HostAuditEvent.HOST_KEY_ADDED, key_id, actor, now))
    return key_id


def retire(app: App, key_id: str, actor: Actor, now: int) -> int:
    """Takes a key out, and ends what was opened under it; returns how much.

    Raises ConfigError, CommandError for a key that is not there or the only one, and StoreError.
    """
    keys.retire_host_key(app.settings, key_id)
    with app.db.transaction():
        ended = sessions.end_under_key(app.db, key_id)
        after = ""
        while attempts := connections.list_under_key(app.db, key_id, after):
            for each in attempts:
                # claim: C-196
                change_connection.end_attempt(app.db, each, now, StatusReason.INVALID_STATE)
            ended, after = ended + len(attempts), attempts[-1].id
        app.vault.append(_entry(HostAuditEvent.HOST_KEY_RETIRED, key_id, actor, now)._replace(count=ended))
    return ended


def _entry(event: HostAuditEvent, key_id: str, actor: Actor, now: int) -> AuditEntry:
    return AuditEntry(at=now, event=event, actor=actor, record_kind=HostAuditRecord.HOST_KEY, record_id=key_id)
