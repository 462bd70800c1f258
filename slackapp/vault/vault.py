"""The vault: what flows reach secrets by, and the one way to write the audit.

A row is written before what it tells of is done, or in the same transaction: no row, no secret.
"""

from dataclasses import dataclass
from enum import StrEnum

from slackapp.model import AuditEntry, AuditEvent, Clock
from slackapp.runtime.metrics import Metrics
from slackapp.store import audit
from slackapp.store.engine.database import Database
from slackapp.vault.keyring import Keyring


@dataclass(frozen=True)
class Vault:
    """Keys of one database, with the audit of their use. `events` are the sets of events that may be written."""

    db: Database
    keyring: Keyring
    clock: Clock
    metrics: Metrics
    events: frozenset[type[StrEnum]] = frozenset({AuditEvent})

    def append(self, entry: AuditEntry) -> None:
        """Adds a row inside the open transaction. Raises TypeError for an event of no registered set."""
        # claim: C-112
        if type(entry.event) not in self.events:
            raise TypeError(f"{entry.event!r} is an event of no registered set")
        audit.append(self.db, entry, self.keyring.audit_mac)

    def append_committed(self, entry: AuditEntry) -> None:
        """Adds a row in a transaction of its own."""
        with self.db.transaction():
            self.append(entry)
