"""`slackapp backup` and `slackapp restore`."""

import argparse
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.cli.service.session import open_app, open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.printing import print_lines
from slackapp.flows.backup import make_backup, restore_database
from slackapp.model import Actor, ActorKind

LOST = (
    "the database in its place cannot be read: freezes from after the backup, and removals that were not finished, are "
    "lost with it; freeze again, and purge again, whoever you know of"
)


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
        done = make_backup.run(service.app, folder, operator_actor(service.app), open_app)
    if done.problems:
        told = "; ".join(done.problems[:3])
        print_lines(f"{len(done.problems)} records do not open, and a restore refuses that: {told}", error=True)
        return 1
    print_lines(f"{folder}: data without keys. The key backup is in SLACKAPP_KEY_BACKUP_DIR: keep the two apart.")
    print_lines(f"audit head: {done.head[0]}:{done.head[1].hex()}")
    return 0


def run_restore(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, CommandError and StoreError; then nothing was changed but the audit: what was opened."""
    settings, check = read_settings(), arguments.check
    if not check and restore_database.has_database(settings):
        told = f"{settings.database}: is replaced, and what is in it now is lost"
        confirm.confirm(told, settings.database.name, arguments.yes)
    actor = Actor(ActorKind.OPERATOR, system_entropy(8).hex())
    done = restore_database.run(settings, arguments.folder, actor, open_app=open_app, check=check)
    print_lines(f"{done.tenants} tenants open whole; {done.erased} were purged since and are erased")
    print_lines("nothing was changed" if check else f"{settings.database}: restored")
    if done.loses_decisions:
        print_lines(LOST, error=True)
    if done.unclear and not check:
        print_lines(
            f"{done.unclear} rows were open and may have been run since; look at: slackapp inbox list --state unclear"
        )
    return 0
