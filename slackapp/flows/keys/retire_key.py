"""End of an old master key: taken out of the file once nothing needs it."""

from slackapp.errors import CommandError
from slackapp.flows.app import App
from slackapp.flows.keys import list_keys, master_key_file
from slackapp.model import Actor, AuditEntry, AuditEvent, AuditRecord
from slackapp.store import meta
from slackapp.store.engine.database import Residue


def run(app: App, version: int, actor: Actor) -> frozenset[Residue]:
    """Takes a master key out of the file for good, and tells every process; returns what holds its traces.

    A rotation that was killed, or that a reader kept from it, has left what the key wrapped in the log.
    Raises ConfigError, and CommandError for one that is not there or that something still needs.
    """
    with app.db.maintenance_lock():
        # 1. it is there, is not the primary, and neither database nor key backup needs it
        if version not in app.keyring.master_versions():
            raise CommandError(f"the key file holds no master key {version}")
        if version == meta.primary_master_key(app.db):
            raise CommandError(f"master key {version} is the primary; rotate first")
        needed = list_keys.count_keys_wrapped_by(app, version)
        if needed:
            raise CommandError(f"{needed} data keys still need master key {version}; run `slackapp keys rotate` first")
        # 2. out of the file
        master_key_file.remove_version(app, version)
        # 3. every process is told
        with app.db.transaction():
            meta.bump_key_epoch(app.db)
            app.vault.append(
                AuditEntry(
                    at=app.clock(),
                    event=AuditEvent.KEYS_RETIRED,
                    actor=actor,
                    record_kind=AuditRecord.MASTER_KEY,
                    record_id=str(version),
                )
            )
        # 4. what it wrapped goes from the log
        # claim: C-136
        return app.db.erase_residue()
