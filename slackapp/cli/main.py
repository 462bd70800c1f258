"""The table of commands, and how a command ends."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from slackapp import __version__
from slackapp.cli import (
    audit,
    backup,
    config,
    dev,
    doctor,
    import_installations,
    inbox,
    keys,
    localslack,
    manifest,
    serve,
    tenants,
    tokens,
)
from slackapp.cli.service import environment
from slackapp.cli.terminal.arguments import CommandParser, run_verb
from slackapp.cli.terminal.printing import print_last_line, print_lines
from slackapp.demo import scenario
from slackapp.errors import CommandError, ConfigError, SettingMissingError, StoreDamagedError, StoreError, UsageError

EX_FAILED, EX_USAGE = 1, 2
"""The exit statuses for what cannot be done, and for words that are not understood; argparse has the second, too."""
EX_CONFIG = 78
"""That for a setting that is missing or wrong, and for nothing else (sysexits.h)."""
EX_INTERRUPTED = 130
"""That of a program that Ctrl-C has ended."""
EX_PIPE = 141
"""That of a program that the signal SIGPIPE has ended."""


@dataclass(frozen=True)
class Command:
    """Sub-command of `slackapp`."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    configure: Callable[[argparse.ArgumentParser], None] = lambda parser: None


COMMANDS = (
    Command("dev", dev.HELP, dev.run),
    Command("serve", serve.HELP, serve.run),
    Command("demo", scenario.HELP, scenario.run, scenario.configure),
    Command("config", config.HELP, config.run),
    Command("keys", keys.HELP, run_verb, keys.configure),
    Command("tenants", tenants.HELP, tenants.run, tenants.configure),
    Command("export", tenants.EXPORT_HELP, tenants.run_export, tenants.configure_export),
    Command("check", tokens.CHECK_HELP, tokens.run_check, tokens.configure_check),
    Command("brake", tokens.BRAKE_HELP, tokens.run_brake, tokens.configure_brake),
    Command("freeze", tokens.FREEZE_HELP, tokens.run_freeze, tokens.configure_freeze),
    Command("unfreeze", tokens.UNFREEZE_HELP, tokens.run_unfreeze, tokens.configure_freeze),
    Command("exchange", tokens.EXCHANGE_HELP, tokens.run_exchange, tokens.configure_exchange),
    Command("import", import_installations.HELP, import_installations.run, import_installations.configure),
    Command("inbox", inbox.HELP, run_verb, inbox.configure),
    Command("audit", audit.HELP, run_verb, audit.configure),
    Command("backup", backup.HELP, backup.run, backup.configure),
    Command("restore", backup.RESTORE_HELP, backup.run_restore, backup.configure_restore),
    Command("purge", tenants.PURGE_HELP, tenants.run_purge, tenants.configure_purge),
    Command("uninstall", tenants.UNINSTALL_HELP, tenants.run_uninstall, tenants.configure_uninstall),
    Command("localslack", localslack.HELP, localslack.run, localslack.configure),
    Command("manifest", manifest.HELP, manifest.run, manifest.configure),
    Command("doctor", doctor.HELP, doctor.run, doctor.configure),
)


SERVING = ("dev", "serve", "demo", "localslack")
"""What serves by itself, with settings of its own."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = CommandParser(prog="slackapp", description="Distributes one Slack app to many workspaces.")
    whole.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    whole.add_argument("--dev", action="store_true", help="find what `slackapp dev` uses in this folder")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        command.configure(sub)
        sub.set_defaults(run=command.run, command=command.name)
    return whole


def main(argv: list[str] | None = None) -> int:
    """Runs a command; its exit status."""
    reader = parser()
    arguments = reader.parse_args(argv)
    if arguments.dev and arguments.command in SERVING:
        reader.error(f"--dev: is for commands beside `slackapp dev`, and not for `slackapp {arguments.command}`")
    try:
        with environment.with_dev(arguments.dev):
            return int(arguments.run(arguments))
    except BrokenPipeError:
        # Whoever read, such as `head`, has enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EX_PIPE
    except KeyboardInterrupt:
        print_last_line("slackapp: interrupted")
        return EX_INTERRUPTED
    except ConfigError as error:
        print_lines(f"slackapp: {error}{_hint(error, arguments)}", error=True)
        return EX_CONFIG
    except CommandError as error:
        print_lines(f"slackapp: {error}", error=True)
        return EX_USAGE if isinstance(error, UsageError) else EX_FAILED
    except StoreError as error:
        # What is damaged is damaged the next time, too.
        hint = "" if isinstance(error, StoreDamagedError) else "; try again"
        print_lines(f"slackapp: {error}{hint}", error=True)
        return 75


def _hint(error: ConfigError, arguments: argparse.Namespace) -> str:
    """The way to what `slackapp dev` uses, for whoever types a command beside it and finds no settings."""
    unset = isinstance(error, SettingMissingError) and not arguments.dev and arguments.command not in SERVING
    if not (unset and environment.dev_was_used()):
        return ""
    return f"; or, to find what `slackapp dev` uses here: slackapp --dev {arguments.command}"
