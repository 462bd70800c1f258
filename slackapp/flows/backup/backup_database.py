"""The data backup: a copy of the database from which the keys are taken out; and its way back.

What a data backup holds of a tenant opens only with the tenant's keys, and these are in the key backup, a single file
that every purge rewrites. So a purge reaches every data backup there is. A plain copy of the database has its keys
inside: no purge reaches it, and it is not a backup.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from slackapp.checks.capabilities import TRIAL
from slackapp.errors import (
    CommandError,
    ConfigError,
    DecryptError,
    KeyRevokedError,
    KeyUnavailableError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
)
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.backup import key_backup
from slackapp.flows.backup.key_backup import KeyBackup
from slackapp.model import NO_TENANT, Actor, AuditEntry, AuditEvent, AuditRecord, AuditResult, Tenant
from slackapp.store import data_keys, freezes, inbox, installations, meta, tokens
from slackapp.store.engine.database import Database
from slackapp.store.freezes import Freeze
from slackapp.vault.key_backup_file import KeyBackupFile
from slackapp.vault.secret_reads import TenantOpening, TenantRead

FORMAT = 1
DATA, MANIFEST = "data.db", "manifest.json"
_LABEL = b"slackapp/v1/backup-manifest"
T = TypeVar("T")


@dataclass(frozen=True)
class RestoreInput:
    """Input of a restore: key backup, manifest, and what ends with the database unless it is carried over.

    `removals` and `freezes` are None where the database is there and cannot be read.
    """

    keys: bytes = field(repr=False)
    manifest: Mapping[str, Any]
    removals: Mapping[Tenant, int] | None
    freezes: Sequence[Freeze] | None

    @property
    def is_partial(self) -> bool:
        """Tells whether a freeze or a removal that nobody knows of may end with the database."""
        return self.removals is None or self.freezes is None


def write_without_keys(copy: Database, target: Path) -> None:
    """Removes every wrapped key from a working copy, and writes the rest to a new file: nothing that was deleted."""
    with copy.transaction():
        wrapped = [key.wrapped for key in data_keys.list_all(copy)]
        # claim: C-23
        data_keys.blank_all(copy)
    whole = copy.is_sound(thorough=True)
    # claim: C-23
    copy.copy_to(target)
    copy.close()
    content = target.read_bytes()
    if not whole or any(blob in content for blob in wrapped):
        raise StoreDamagedError("the copy is not whole, or keys are left in it")


def list_unreadable(app: App, openings: Sequence[TenantOpening]) -> list[str]:
    """Opens every record of these tenants; lists what does not open, by tenant and kind. Nothing opened is kept."""
    found = []
    for opening in openings:
        tenant = opening.tenant
        try:
            for record in tenant_data.sealed_records(app, tenant):
                opening.open(record.context, record.sealed)
        except DecryptError:
            found.append(f"{tenant}: a {record.context.kind} does not open")
        except (KeyRevokedError, KeyUnavailableError):
            continue  # its owner holds the key; nothing can be said about it here
    return found


def open_tenants(live: App, copy: App, purpose: str, actor: Actor) -> list[TenantOpening]:
    """Notes in a database's audit that all that a copy holds is about to be opened, and lets it be. Raises StoreError.

    One row per tenant, with the number of its records.
    """
    reads = [
        TenantRead(
            tenant=installation.tenant,
            capability=TRIAL,
            purpose=purpose,
            actor=actor,
            count=sum(1 for _ in tenant_data.sealed_records(copy, installation.tenant)),
        )
        for installation in installations.list_all(copy.db)
    ]
    return live.vault.open_tenants(reads, copy.keyring)


def build_manifest(app: App, file: Path, head: tuple[int, bytes], tenants: int, now: int) -> bytes:
    """Builds the signed manifest of a data backup: its database, time, hash, and the head of the audit."""
    fields = {
        "format": FORMAT,
        "made_at": now,
        "app_id": app.settings.app_id,
        "database_id": meta.get(app.db, meta.DATABASE_ID),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "audit_head": f"{head[0]}:{head[1].hex()}",
        "tenants": tenants,
    }
    signed = {**fields, "mac": _sign(app, fields)}
    return json.dumps(signed, indent=1, sort_keys=True).encode() + b"\n"


def read_manifest(folder: Path, app_id: str) -> Mapping[str, Any]:
    """A backup's manifest, once its data have been found to be what it says. Raises CommandError."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        digest = hashlib.sha256((folder / DATA).read_bytes()).hexdigest()
        whole = found["format"] == FORMAT and hmac.compare_digest(str(found["sha256"]), digest)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise CommandError(f"{folder}: holds no backup ({DATA} and {MANIFEST})") from None
    if not whole:
        raise CommandError(f"{folder}: the backup is damaged: {DATA} is not what {MANIFEST} says")
    if found.get("app_id") != app_id:
        raise CommandError(f"{folder}: the backup belongs to another app, {found.get('app_id')}")
    return dict(found)


def verify_origin(app: App, given: RestoreInput) -> None:
    """Verifies that this database's service wrote key backup and manifest, and nobody changed them since.

    Raises ConfigError, CommandError.
    """
    if not key_backup.is_authentic(app, given.keys):
        raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: the key backup was changed, or is of another service")
    fields = {name: value for name, value in given.manifest.items() if name != "mac"}
    if not hmac.compare_digest(str(given.manifest.get("mac")), _sign(app, fields)):
        raise CommandError(f"the backup is damaged: its {MANIFEST} was changed, or is of another service")


def _sign(app: App, fields: Mapping[str, Any]) -> str:
    return app.keyring.audit_mac(_LABEL + json.dumps(fields, sort_keys=True).encode()).hex()


def pending_removals(replaced: Database) -> dict[Tenant, int] | None:
    """Lists the removals that a database to be replaced has not finished, and when each was decided.

    They end with it, so that the restore has to see to them. None where it is there and cannot be read.
    """
    nothing: dict[Tenant, int] = {}
    return _read_replaced(replaced, inbox.pending_removals, nothing)


def list_freezes(replaced: Database) -> list[Freeze] | None:
    """Lists the freezes of a database to be replaced; None where it is there and cannot be read."""
    nothing: list[Freeze] = []
    return _read_replaced(replaced, freezes.list_all, nothing)


def _read_replaced(replaced: Database, read: Callable[[Database], T], nothing: T) -> T | None:
    try:
        return read(replaced) if replaced.exists() else nothing
    except StoreError:
        return None
    finally:
        replaced.close()


def verify_unchanged(replaced: Database, slot: KeyBackupFile, given: RestoreInput) -> None:
    """Verifies, at the end and while nobody uses the database, that a restore's input still holds.

    Raises StoreBusyError. A purge since then would be undone, and a freeze.
    """
    # claim: C-63
    if slot.read() != given.keys or pending_removals(replaced) != given.removals:
        raise StoreBusyError("a tenant was removed, or its keys were changed, meanwhile; restore again")
    # claim: C-126
    if list_freezes(replaced) != given.freezes:
        raise StoreBusyError("a tenant was frozen, or unfrozen, meanwhile; restore again")


def restore_keys(copy: Database, backup: KeyBackup, removals: Mapping[Tenant, int]) -> list[Tenant]:
    """Restores a copy's keys from the key backup; returns the tenants without any there: those were purged since.

    And whoever is among the removals, unless it was installed after that in the copy. Raises ConfigError when the key
    backup belongs to another database.
    """
    with copy.transaction():
        if backup.meta.get(meta.DATABASE_ID) != meta.get(copy, meta.DATABASE_ID):
            raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: the key backup belongs to another database than this backup")
        for key in backup.keys:
            data_keys.restore_wrapped(copy, key)
        for name, value in backup.meta.items():
            meta.put(copy, name, value)
        gone = [tenant for tenant in data_keys.tenants_with_blank_keys(copy) if tenant != NO_TENANT]
        # claim: C-63
        gone += [tenant for tenant in removals if tenant not in gone and _is_older(copy, tenant, removals[tenant])]
    return gone


def erase_removed(app: App, gone: Sequence[Tenant], now: int) -> None:
    """Erases those tenants from a restored copy, whole."""
    with app.db.transaction():
        for tenant in gone:
            # claim: C-63
            tenant_data.erase_whole(app, tenant, now)


def erase_ended(app: App, now: int) -> None:
    """Erases from a restored copy the connections that have ended since, of tenants that are there."""
    with app.db.transaction():
        for tenant, holder in data_keys.connections_with_blank_keys(app.db):
            token = tokens.find(app.db, tenant, holder)
            tokens.delete(app.db, tenant, holder)
            data_keys.delete_of_holder(app.db, tenant, holder)
            if token is not None:
                # claim: C-346
                tenant_data.note_end(app, token, None)


def _is_older(copy: Database, tenant: Tenant, decided_at: int) -> bool:
    installation = installations.find(copy, tenant)
    return installation is not None and installation.installed_at < decided_at


def mark_unfinished_unclear(app: App, now: int) -> int:
    """Marks what was open or unused when a restored backup was made; returns how many rows.

    No call to Slack is made a second time unasked: rows that may make one are shown to the operator.
    """
    with app.db.transaction():
        # claim: C-93
        unclear = [row for data in app.tenant_data for row in data.restored(app.db, now)]
        notes.append_unclear(app, unclear, now)
    return len(unclear)


def restore_freezes(app: App, held: Sequence[Freeze], actor: Actor, now: int) -> None:
    """Freezes in a restored copy whoever was frozen in the database that it replaces; its own freezes stay."""
    with app.db.transaction():
        for freeze in held:
            # claim: C-126
            if freezes.restore(app.db, freeze):
                on = AuditEvent.FREEZE_ON
                app.vault.append(AuditEntry(at=now, event=on, actor=actor, tenant=freeze.tenant, result=AuditResult.ON))


def note_backup(app: App, actor: Actor, now: int) -> None:
    """Appends the audit row of a backup."""
    app.vault.append_committed(AuditEntry(at=now, event=AuditEvent.BACKUP_MADE, actor=actor))


def note_restore(app: App, made_at: int, erased: int, actor: Actor, now: int) -> None:
    """Appends the audit row of a restore, in the restored database."""
    app.vault.append_committed(
        AuditEntry(
            at=now,
            event=AuditEvent.BACKUP_RESTORED,
            actor=actor,
            record_kind=AuditRecord.BACKUP,
            record_id=str(made_at),
            count=erased,
        )
    )
