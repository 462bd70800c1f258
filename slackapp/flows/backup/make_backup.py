"""Backup into a new folder: the data without keys, tried out before; the keys go to the key backup.

Killed at any step, no folder is left that could be taken for a backup: its manifest comes last, and whole.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from slackapp.crypto.keyfile import replace_private, write_private
from slackapp.errors import CommandError, ConfigError
from slackapp.flows.app import App
from slackapp.flows.backup import backup_database, key_backup
from slackapp.flows.backup.backup_database import DATA, MANIFEST
from slackapp.model import Actor, Settings
from slackapp.store import audit
from slackapp.store.engine.open_database import open_database

OpenApp = Callable[[Settings], AbstractContextManager[App]]
"""Opens an `App` on the database that these settings name. Raises ConfigError, StoreError."""


@dataclass(frozen=True)
class BackupResult:
    """Result of a backup: the audit's head, which is number and chain value, and the records that do not open."""

    head: tuple[int, bytes]
    problems: tuple[str, ...]


def run(app: App, folder: Path, actor: Actor, open_app: OpenApp) -> BackupResult:
    """Makes a backup. Raises ConfigError, CommandError, StoreError."""
    if not app.key_backup_file.is_set:
        raise ConfigError("SLACKAPP_KEY_BACKUP_DIR: is missing; a data backup is of no use without the key backup")
    # 1. a folder that is empty
    _make_empty(folder)
    with app.db.working_folder() as work:
        # 2. a copy with keys inside, where every purge sees to it
        copy, file = work / "copy.db", work / DATA
        app.db.copy_to(copy)
        # 3. every record of the copy is opened, noted in the audit before
        head, tenants, problems = _open_every_record(app, copy, actor, open_app)
        # 4. the data without keys
        backup_database.write_without_keys(open_database(copy), file)
        # 5. the keys after the data: a key that a purge deletes in between is in neither
        key_backup.write(app)
        # 6. into the folder
        write_private(folder / DATA, file.read_bytes())
    # 7. the manifest, last, and whole or not at all
    written = backup_database.build_manifest(app, folder / DATA, head, tenants, now=app.clock())
    replace_private(folder / MANIFEST, written)
    # 8. the audit has it
    backup_database.note_backup(app, actor, app.clock())
    return BackupResult(head, tuple(problems))


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder}: cannot be made ({error.strerror})") from None
    if any(folder.iterdir()):
        raise CommandError(f"{folder}: is not empty; give each backup a folder of its own")


def _open_every_record(
    live: App, copy: Path, actor: Actor, open_app: OpenApp
) -> tuple[tuple[int, bytes], int, list[str]]:
    """Opens every record of the copy, its keys being in it still: the audit's head, how many tenants, what fails."""
    with open_app(live.settings._replace(database=copy)) as app:
        openings = backup_database.open_tenants(live, app, "backup", actor)
        problems = backup_database.list_unreadable(app, openings)
        return audit.head(app.db), len(openings), problems
