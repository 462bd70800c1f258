"""`slackapp backup` and `slackapp restore`."""

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from slackapp.app import build, system_clock, system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.printing import print_lines
from slackapp.crypto.keyfile import replace_private, write_private
from slackapp.errors import CommandError, ConfigError, DecryptError, KeyMissingError, StoreError
from slackapp.flows.app import App
from slackapp.flows.backup import backup_database, key_backup
from slackapp.flows.backup.backup_database import DATA, MANIFEST, RestoreInput
from slackapp.model import Settings
from slackapp.store import audit, installations
from slackapp.store.engine.open_database import open_database
from slackapp.vault.key_backup_file import KeyBackupFile
from slackapp.vault.secret_reads import TenantOpening

HELP = "write a data backup without keys into a new folder, and rewrite the key backup"
RESTORE_HELP = "put a data backup and the current key backup in the place of the database; or only check them"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the folder."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="must not exist yet, or be empty")


def configure_restore(parser: argparse.ArgumentParser) -> None:
    """Adds the folder, and whether to change anything."""
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; say what a restore would give")
    confirm.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, CommandError and StoreError; then no backup is left behind that could be taken for one."""
    folder: Path = arguments.folder
    with open_service() as service:
        app = service.app
        if not app.key_backup_file.is_set:
            raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: is missing; a data backup is of no use without the key backup")
        _make_empty(folder)
        with app.db.working_folder() as work:
            copy, file = work / "copy.db", work / DATA
            app.db.copy_to(copy)
            head, tenants, problems = _open_every_record(app, copy)
            backup_database.write_without_keys(open_database(copy), file)
            # The keys after the data: a key that a purge deletes in between is in neither.
            key_backup.write(app)
            write_private(folder / DATA, file.read_bytes())
        # Last, and whole or not at all: a folder without a manifest is no backup.
        written = backup_database.build_manifest(app, folder / DATA, head, tenants, app.clock())
        replace_private(folder / MANIFEST, written)
        backup_database.note_backup(app, operator_actor(app), app.clock())
    if problems:
        print_lines(
            f"{len(problems)} records do not open, and a restore refuses that: {'; '.join(problems[:3])}", error=True
        )
        return 1
    print_lines(f"{folder}: data without keys. The key backup is in SLACKAPP_KEY_BACKUP_DIR: keep the two apart.")
    print_lines(f"audit head: {head[0]}:{head[1].hex()}")
    return 0


def run_restore(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, CommandError and StoreError; then nothing was changed but the audit: what was opened."""
    settings = read_settings()
    replaced = open_database(settings.database)
    if replaced.exists() and not arguments.check:
        told = f"{settings.database}: is replaced, and what is in it now is lost"
        confirm.confirm(told, settings.database.name, arguments.yes)
    slot = KeyBackupFile(settings.key_backup_dir)
    content = slot.read()
    if content is None:
        raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: holds no key backup; without it no data backup opens")
    found = backup_database.read_manifest(arguments.folder, settings.app_id)
    if arguments.check and not replaced.exists():
        raise ConfigError(
            f"SLACKAPP_DATABASE: {settings.database} is not there, and a check notes in it that it opens every token; "
            "a restore checks first, too"
        )
    given = RestoreInput(content, found, backup_database.pending_removals(replaced))
    with replaced.working_folder() as work:
        file = work / DATA
        write_private(file, (arguments.folder / DATA).read_bytes())
        try:
            tenants, erased, unclear = _restore_and_check(settings, file, given, arguments.check)
        except (DecryptError, KeyMissingError):
            raise CommandError("the key backup is damaged: the service's own keys do not open") from None
        if not arguments.check:
            replaced.load_from(file, partial(backup_database.verify_unchanged, replaced, slot, given))
    print_lines(f"{tenants} tenants open whole; {erased} were purged since and are erased")
    print_lines("nothing was changed" if arguments.check else f"{settings.database}: restored")
    if unclear and not arguments.check:
        print_lines(
            f"{unclear} rows were open and may have been run since; look at: slackapp inbox list --state unclear"
        )
    return 0


def _restore_and_check(settings: Settings, file: Path, given: RestoreInput, check: bool) -> tuple[int, int, int]:
    """Puts the keys back into the copy and opens everything in it.

    How many tenants are whole, how many are erased, how many rows of the inbox are unclear.
    """
    copy = open_database(file)
    copy.create_or_migrate()
    erased = backup_database.restore_keys(copy, key_backup.parse(given.keys), given.removals)
    copy.close()
    service = build(replace(settings, database=file), system_clock, system_entropy, sys.stderr)
    app = service.app
    try:
        backup_database.verify_origin(app, given)
        backup_database.erase_removed(app, erased, system_clock())
        is_replaced = open_database(settings.database).exists()
        problems = backup_database.list_unreadable(app, _note_trial(app, is_replaced, check))
        if problems or not app.db.is_sound(thorough=True):
            raise CommandError(f"the backup is damaged: {'; '.join(problems[:3]) or 'its database is not whole'}")
        unclear = backup_database.mark_unfinished_unclear(app, system_clock())
        backup_database.note_restore(
            app, int(given.manifest["made_at"]), len(erased), operator_actor(app), system_clock()
        )
        tenants = len(installations.list_all(app.db))
        return tenants, len(erased), unclear
    finally:
        app.db.close()


def _note_trial(copy: App, is_replaced: bool, check: bool) -> list[TenantOpening]:
    """Notes it in the audit of the copy, which may become the database, and in that of the database."""
    openings = backup_database.open_tenants(copy, copy, "restore", operator_actor(copy))
    if not is_replaced:
        return openings
    try:
        with open_service() as service:
            backup_database.open_tenants(service.app, copy, "restore", operator_actor(service.app))
    except (ConfigError, StoreError):
        if check:
            raise  # else it may be why it is to be replaced
    return openings


def _open_every_record(live: App, file: Path) -> tuple[tuple[int, bytes], int, list[str]]:
    """Opens every record of the copy, its keys being in it still: the audit's head, how many tenants, what fails."""
    service = build(replace(live.settings, database=file), system_clock, system_entropy, sys.stderr)
    try:
        app = service.app
        openings = backup_database.open_tenants(live, app, "backup", operator_actor(live))
        problems = backup_database.list_unreadable(app, openings)
        return audit.head(app.db), len(openings), problems
    finally:
        service.stop()


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder}: cannot be made ({error.strerror})") from None
    if any(folder.iterdir()):
        raise CommandError(f"{folder}: is not empty; give each backup a folder of its own")
