"""The table of commands, and how a command ends.

What a command needs is imported when it is asked for, and nothing of the service for `--help`.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from slackapp import __version__
from slackapp.cli.terminal.arguments import CommandParser
from slackapp.cli.terminal.printing import print_last_line, print_lines

EX_FAILED, EX_USAGE = 1, 2
"""The exit statuses for what cannot be done, and for words that are not understood; argparse has the second, too."""
EX_CONFIG = 78
"""That for a setting that is missing or wrong, and for nothing else (sysexits.h)."""
EX_INTERRUPTED = 130
"""That of a program that Ctrl-C has ended."""
EX_PIPE = 141
"""That of a program that the signal SIGPIPE has ended."""


class Command(NamedTuple):
    """Sub-command of `slackapp`: its name, the module that is imported when it is asked for, and its help."""

    name: str
    module: str
    help: str

    def fill(self, parser: argparse.ArgumentParser) -> None:
        """Imports the module, and completes the command's parser by what stands there.

        That is `configure_NAME` and `run_NAME`, or `configure` and `run`; a command of several verbs has no `run`.
        """
        module = importlib.import_module(f"slackapp.{self.module}")
        configure, run = (
            getattr(module, f"{does}_{self.name}", getattr(module, does, None)) for does in ("configure", "run")
        )
        parser.set_defaults(run=run)
        if configure is not None:
            configure(parser)


COMMANDS = (
    Command("dev", "cli.dev", "serve for development; without credentials, with a local Slack beside it"),
    Command("serve", "cli.serve", "serve for production; every setting must be given"),
    Command("demo", "demo.scenario", "play the whole round trip against a local Slack and tell each step"),
    Command("config", "cli.manifest", "print the effective settings, secrets masked"),
    Command("keys", "cli.keys", "make, list, rotate, verify, retire master keys; new data keys; key providers"),
    Command("tenants", "cli.tenants", "list all tenants: status, scopes, installer, times, token expiry, key"),
    Command(
        "export", "cli.tenants",
        "everything that is stored of a tenant in plain fields, no token: one JSON object per line",
    ),
    Command(
        "check", "cli.tokens",
        "ask Slack about every token: does it work, are scopes missing or more than asked for",
    ),
    Command(
        "brake", "cli.tokens",
        "show whether Slack refuses so many tenants at once that none is given up; release that",
    ),
    Command(
        "freeze", "host.cli.freeze",
        "open no token of a tenant, an organization, or anybody, from now on; what waits for it is kept",
    ),
    Command("unfreeze", "host.cli.freeze", "end a freeze: what waited goes on"),
    Command(
        "exchange", "cli.tokens",
        "turn long-lived tokens into rotating ones, after token rotation was switched on at Slack",
    ),
    Command(
        "import", "cli.import_installations",
        "take over what Bolt's SQLite or file store holds, or a token from the environment",
    ),
    Command(
        "inbox", "cli.inbox",
        "show events that wait, were given up or are unclear; let them run again, or drop them",
    ),
    Command("incident", "cli.incident", "find whose a leaked token is, list its uses, and end it at Slack"),
    Command("audit", "cli.audit", "show the audit, verify its chain, print its head"),
    Command("backup", "cli.backup", "write a data backup without keys into a new folder, and rewrite the key backup"),
    Command(
        "restore", "cli.backup",
        "put a data backup and the current key backup in the place of the database; or only check them",
    ),
    Command(
        "purge", "cli.tenants",
        "erase a tenant, Slack not being told; or verify that nothing is left of those that were erased",
    ),
    Command("uninstall", "cli.tenants", "tell Slack, and erase a tenant's tokens and data"),
    Command("host", "host.cli.host", "the host side: keys of the product that runs this service"),
    Command("review", "host.cli.review", "look again at what an organization holds: start, list, attest, close"),
    Command(
        "reconcile", "host.cli.reconcile",
        "compare connections and installations with what Slack says; end differences between our own tables",
    ),
    Command("offboard", "host.cli.offboard", "end what a member of an organization has who has left, or undo that"),
    Command("seed", "host.cli.host", "make up an organization with a connection in every state, beside a local Slack"),
    Command("localslack", "cli.localslack", "run a Slack on this machine, to develop and test against"),
    Command("manifest", "cli.manifest", "print the app's manifest for an address"),
    Command("doctor", "cli.doctor", "check the manifest and the running app against what Slack's reviewers ask"),
)  # fmt: skip


SERVING = ("dev", "serve", "demo", "localslack")
"""What serves by itself, with settings of its own."""


def parser(asked: str, listed: Sequence[Command] = COMMANDS) -> argparse.ArgumentParser:
    """The whole command line; of the commands only the one that is asked for has its options, and is imported.

    A parser for each that is only `listed` takes longer than all else here.
    """
    whole = CommandParser(prog="slackapp", description="Distributes one Slack app to many workspaces.")
    whole.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    whole.add_argument("--dev", action="store_true", help="find what `slackapp dev` uses in this folder")
    commands = whole.add_subparsers(prog=whole.prog, metavar="COMMAND", required=True)
    for command in listed:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        sub.set_defaults(command=command.name)
        if command.name == asked:
            command.fill(sub)
    return whole


def main(argv: list[str] | None = None) -> int:
    """Runs a command; its exit status."""
    return run(parse(sys.argv[1:] if argv is None else argv))


def parse(words: list[str]) -> argparse.Namespace:
    """Parses a command line, and imports all that its command needs. Ends the process for `--help`, or what is wrong.

    Of the options before a command none has a value.
    """
    asked = next((word for word in words if not word.startswith("-")), "")
    alone = tuple(command for command in COMMANDS if words[:1] == [command.name])
    reader = parser(asked, alone or COMMANDS)
    arguments = reader.parse_args(words)
    if arguments.dev and arguments.command in SERVING:
        reader.error(f"--dev: is for commands beside `slackapp dev`, and not for `slackapp {arguments.command}`")
    importlib.import_module("slackapp.cli.service.environment")  # here, where Ctrl-C may come amid an import
    return arguments


def run(arguments: argparse.Namespace) -> int:
    """Runs a command that was parsed; its exit status."""
    from slackapp.cli.service import environment
    from slackapp.errors import CommandError, ConfigError, StoreDamagedError, StoreError, UsageError

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


def _hint(error: Exception, arguments: argparse.Namespace) -> str:
    """The way to what `slackapp dev` uses, for whoever types a command beside it and finds no settings."""
    from slackapp.cli.service import environment
    from slackapp.errors import SettingMissingError

    unset = isinstance(error, SettingMissingError) and not arguments.dev and arguments.command not in SERVING
    if not (unset and environment.dev_was_used()):
        return ""
    return f"; or, to find what `slackapp dev` uses here: slackapp --dev {arguments.command}"
