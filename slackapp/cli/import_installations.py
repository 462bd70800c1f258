"""`slackapp import`: moves in from another store."""

import argparse
from pathlib import Path

from slackapp.cli.service.session import EX_TEMPFAIL, open_service, operator_actor
from slackapp.cli.terminal.printing import print_lines
from slackapp.config import settings as config
from slackapp.errors import SlackCallError, UsageError
from slackapp.flows.app import App
from slackapp.importer import import_installations, import_token
from slackapp.importer.import_installations import ALREADY_HERE, TAKEN, ImportResult
from slackapp.importer.sources import BoltFileSource, BoltSqliteSource, SingleTokenSource, Source
from slackapp.model import Actor


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the sources, of which exactly one must be given."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bolt-sqlite", type=Path, metavar="FILE", help="the file of Bolt's SQLite3InstallationStore")
    source.add_argument("--bolt-files", type=Path, metavar="DIR", help="the folder of Bolt's FileInstallationStore")
    source.add_argument("--token-env", metavar="NAME", help="a variable of the environment that holds one token")
    parser.add_argument(
        "--erase-source", action="store_true", help="then delete there what is here; without it nothing is deleted"
    )


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when everything is here, 1 when something was skipped or left.

    Raises ConfigError, CommandError, StoreError.
    """
    if arguments.erase_source and arguments.token_env is not None:
        raise UsageError("--erase-source: cannot change the environment; take the variable out of it yourself")
    with open_service() as service:
        app = service.app
        try:
            source = _source(app, arguments)
        except SlackCallError as error:
            print_lines(f"slackapp: {arguments.token_env}: {error.code}; try again", error=True)
            return EX_TEMPFAIL
        actor = operator_actor(app)
        reports = import_installations.run(app, source, actor)
        _tell(reports)
        remarks = source.skipped()
        for remark in remarks:
            print_lines(f"skipped  {remark}")
        left = _erase(app, source, reports, actor) if arguments.erase_source else 0
    counts = {word: sum(report.result == word for report in reports) for word in (TAKEN, ALREADY_HERE)}
    skipped = len(reports) - sum(counts.values()) + len(remarks)
    print_lines(f"{counts[TAKEN]} taken, {counts[ALREADY_HERE]} already here, {skipped} skipped", error=True)
    return 1 if skipped or left else 0


def _source(app: App, arguments: argparse.Namespace) -> Source:
    client_id = app.settings.client_id
    source: Source
    if arguments.bolt_sqlite is not None:
        source = BoltSqliteSource(arguments.bolt_sqlite, client_id)
    elif arguments.bolt_files is not None:
        source = BoltFileSource(arguments.bolt_files, client_id)
    else:
        token = config.read_variable(arguments.token_env)
        source = SingleTokenSource(import_token.run(app, arguments.token_env, token))
    if arguments.erase_source:
        source.check_erasable()
    return source


def _erase(app: App, source: Source, told: list[ImportResult], actor: Actor) -> int:
    """Erases in the source; returns how many workspaces are left there."""
    done = import_installations.erase(app, source, actor)
    _tell([report for report in done.reports if report.result != ALREADY_HERE and report not in told])
    for name in done.erased:
        print_lines(f"{name}  erased in the source")
    for name in done.left:
        print_lines(f"{name}  left in the source")
    return len(done.left)


def _tell(reports: list[ImportResult]) -> None:
    for report in reports:
        print_lines(f"{report.name}  {report.who}  {report.result}  ({report.record.where})")
