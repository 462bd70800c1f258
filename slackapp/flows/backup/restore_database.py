"""Restore of a backup in the place of the database, or a look at what that would give.

Everything is tried in a copy first. The database is replaced at the end and at once, while nobody uses it; before that,
nothing of it was changed but the audit, which tells what was opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from slackapp.crypto.keyfile import write_private
from slackapp.errors import CommandError, ConfigError, DecryptError, KeyMissingError, StoreError
from slackapp.flows.app import App
from slackapp.flows.backup import backup_database, key_backup
from slackapp.flows.backup.backup_database import DATA, RestoreInput
from slackapp.flows.backup.make_backup import OpenApp
from slackapp.model import Actor, Settings, Tenant
from slackapp.store.engine.database import Database
from slackapp.store.engine.open_database import open_database
from slackapp.vault.key_backup_file import KeyBackupFile
from slackapp.vault.secret_reads import TenantOpening


@dataclass(frozen=True)
class RestoreResult:
    """Result of a restore: tenants that open whole, tenants that are erased, and rows that may have been run since.

    `loses_decisions` where the database that it replaces cannot be read: what is frozen there, and what is being
    removed, nobody knows any more.
    """

    tenants: int
    erased: int
    unclear: int
    loses_decisions: bool


def has_database(settings: Settings) -> bool:
    """Tells whether there is a database that a restore would replace."""
    return open_database(settings.database).exists()


def run(settings: Settings, folder: Path, actor: Actor, *, open_app: OpenApp, check: bool) -> RestoreResult:
    """Restores a backup; with `check` only tries it. Raises ConfigError, CommandError, StoreError."""
    # 1. key backup, manifest, and the removals and freezes that the database has
    slot, replaced = KeyBackupFile(settings.key_backup_dir), open_database(settings.database)
    given = _read_input(settings, folder, slot, replaced)
    if check and not replaced.exists():
        raise ConfigError(
            f"SLACKAPP_DATABASE: {settings.database} is not there, and a check notes in it that it opens every token; "
            "a restore checks first, too"
        )
    with replaced.working_folder() as work:
        # 2. a copy, where every purge sees to it, and the keys into it
        file = work / DATA
        write_private(file, (folder / DATA).read_bytes())
        gone = _restore_keys(file, given)
        try:
            with open_app(settings._replace(database=file)) as copy:
                # 3. the service of this database wrote key backup and manifest, and nobody changed them
                backup_database.verify_origin(copy, given)
                # 4. whoever was purged since is erased, and whoever was frozen since is frozen
                backup_database.erase_removed(copy, gone, copy.clock())
                backup_database.erase_ended(copy, copy.clock())
                backup_database.restore_freezes(copy, given.freezes or (), actor, copy.clock())
                if given.is_partial:
                    copy.log.error("decisions_lost", {"action": "freeze, and purge, again whoever was"})
                # 5. every record is opened, noted in the audit before
                openings = backup_database.open_tenants(copy, copy, "restore", actor)
                if replaced.exists():
                    _note_trial(settings, copy, actor, open_app=open_app, check=check)
                _verify_whole(copy, openings)
                # 6. what was open may have been run since
                unclear = backup_database.mark_unfinished_unclear(copy, copy.clock())
                made_at = int(given.manifest["made_at"])
                backup_database.note_restore(copy, made_at, len(gone), actor, now=copy.clock())
        except (DecryptError, KeyMissingError):
            raise CommandError("the key backup is damaged: the service's own keys do not open") from None
        # 7. in the place of the database, unless something was removed meanwhile
        if not check:
            replaced.load_from(file, partial(backup_database.verify_unchanged, replaced, slot, given))
    return RestoreResult(len(openings), len(gone), unclear, given.is_partial)


def _read_input(settings: Settings, folder: Path, slot: KeyBackupFile, replaced: Database) -> RestoreInput:
    keys = slot.read()
    if keys is None:
        raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: holds no key backup; without it no data backup opens")
    manifest = backup_database.read_manifest(folder, settings.app_id)
    _migrate(replaced)
    removals, held = backup_database.pending_removals(replaced), backup_database.list_freezes(replaced)
    return RestoreInput(keys, manifest, removals, held)


def _migrate(replaced: Database) -> None:
    """Brings a database of an older release up to date, and leaves a damaged one as it is."""
    try:
        if replaced.exists():
            replaced.create_or_migrate()
    except (ConfigError, StoreError):
        return  # it may be why it is to be replaced
    finally:
        replaced.close()


def _restore_keys(file: Path, given: RestoreInput) -> Sequence[Tenant]:
    copy = open_database(file)
    try:
        copy.create_or_migrate()
        return backup_database.restore_keys(copy, key_backup.parse(given.keys), given.removals or {})
    finally:
        copy.close()


def _note_trial(settings: Settings, copy: App, actor: Actor, *, open_app: OpenApp, check: bool) -> None:
    """Notes in the database, too, what is about to be opened."""
    try:
        with open_app(settings) as live:
            backup_database.open_tenants(live, copy, "restore", actor)
    except (ConfigError, StoreError):
        if check:
            raise  # else it may be why it is to be replaced


def _verify_whole(copy: App, openings: Sequence[TenantOpening]) -> None:
    problems = backup_database.list_unreadable(copy, openings)
    if problems or not copy.db.is_sound(thorough=True):
        raise CommandError(f"the backup is damaged: {'; '.join(problems[:3]) or 'its database is not whole'}")
