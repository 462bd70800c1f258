"""`slackapp backup` and `slackapp restore`."""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from slackapp import config
from slackapp.app import Service, build, system_clock, system_entropy
from slackapp.cli.environment import read_environment
from slackapp.cli.session import open_service, operator
from slackapp.crypto.keyfile import write_private
from slackapp.errors import ConfigError
from slackapp.flows import backup_database, key_backup
from slackapp.flows.backup_database import DATA, MANIFEST
from slackapp.model import Settings
from slackapp.ops.key_slot import FileSlot
from slackapp.store import db as store
from slackapp.store import installations
from slackapp.store.db import Database

HELP = "write a data backup without keys into a new folder, and rewrite the key backup"
RESTORE_HELP = "put a data backup and the current key backup in the place of the database; or only check them"


def configure(parser: argparse.ArgumentParser) -> None:
    """The folder."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="must not exist yet, or be empty")


def configure_restore(parser: argparse.ArgumentParser) -> None:
    """The folder, and whether to change anything."""
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; say what a restore would give")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError and StoreError; then no backup is left behind that could be taken for one."""
    folder: Path = arguments.folder
    with open_service() as service:
        app = service.app
        if not app.key_slot.is_set:
            raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: is missing; a data backup is of no use without the key backup")
        _make_empty(folder)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder.parent) as unfinished:
            file = Path(unfinished) / DATA
            app.db.copy_to(file)
            _must_open(app.settings, file)
            copy = Database(file)
            backup_database.strip(copy, file)
            # The keys after the data: a key that a purge deletes in between is in neither.
            key_backup.write(app)
            write_private(Path(unfinished) / MANIFEST, backup_database.manifest(app, file, app.clock()))
            folder.rmdir()
            Path(unfinished).rename(folder)
            Path(unfinished).mkdir()  # for the clean-up to find
        backup_database.note_made(app, operator(app), app.clock())
        head = backup_database.read_manifest(folder, app.settings.app_id)["audit_head"]
    print(f"{folder}: data without keys. The key backup is in SLACKAPP_KEY_BACKUP_DIR: keep the two apart.")
    print(f"audit head: {head}")
    return 0


def run_restore(arguments: argparse.Namespace) -> int:
    """Raises ConfigError and StoreError; then nothing was changed."""
    settings = config.load(read_environment(), {})
    content = FileSlot(settings.key_backup_dir).read()
    if content is None:
        raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: holds no key backup; without it no data backup opens")
    found = backup_database.read_manifest(arguments.folder, settings.app_id)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.database.parent) as unfinished:
        file = Path(unfinished) / DATA
        write_private(file, b"")
        file.write_bytes((arguments.folder / DATA).read_bytes())
        copy = Database(file)
        copy.prepare_file()
        erased = backup_database.put_keys_back(copy, key_backup.parse(content), system_clock())
        copy.close()
        service = build(replace(settings, database=file), system_clock, system_entropy, sys.stderr)
        try:
            tenants = _check(service, content)
            if not arguments.check:
                made_at = int(found["made_at"])
                backup_database.note_restored(service.app, made_at, len(erased), operator(service.app), system_clock())
        finally:
            service.app.db.make_single_file()
        if not arguments.check:
            store.replace(settings.database, file)
    print(f"{tenants} tenants open whole; {len(erased)} were purged since and are erased")
    print("nothing was changed" if arguments.check else f"{settings.database}: restored")
    return 0


def _check(service: Service, content: bytes) -> int:
    app = service.app
    backup_database.check_key_backup(app, content)
    problems = backup_database.unreadable(app)
    if problems or not app.db.is_whole():
        raise ConfigError(f"the backup is damaged: {'; '.join(problems[:3]) or 'its database is not whole'}")
    return len(installations.every(app.db))


def _must_open(settings: Settings, file: Path) -> None:
    service = build(replace(settings, database=file), system_clock, system_entropy, sys.stderr)
    try:
        problems = backup_database.unreadable(service.app)
    finally:
        service.stop()
    if problems:
        print(f"warning: {len(problems)} records do not open: {'; '.join(problems[:3])}", file=sys.stderr)


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror})") from None
    if any(folder.iterdir()):
        raise ConfigError(f"{folder}: is not empty; give each backup a folder of its own")
