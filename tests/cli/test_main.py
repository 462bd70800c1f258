"""The table of commands, and what a command line imports: nothing of the service before it is asked for."""

import subprocess
import sys

import pytest

from slackapp.cli.main import COMMANDS, Command, parser
from tests.support.race import ROOT

LISTS = """
import sys
from slackapp.__main__ import main
try:
    main()
except SystemExit:
    print(*sorted(sys.modules), file=sys.stderr)
"""
FOR_HELP = {
    "slackapp", "slackapp.__main__", "slackapp.cli", "slackapp.cli.main",
    "slackapp.cli.terminal", "slackapp.cli.terminal.arguments", "slackapp.cli.terminal.printing",
}  # fmt: skip
SLOW = {"cryptography", "slack_sdk", "waitress", "sqlite3", "ssl", "http.client", "urllib.request", "dataclasses"}
"""What the service needs, and takes longer to import than all else of this."""


def imported(*words: str) -> set[str]:
    """The modules that a command line has imported when it ends: a sentence about it comes first."""
    command = [sys.executable, "-c", LISTS, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("no-such-command",)], ids=" ".join)
def test_help_imports_the_table_and_nothing_of_the_service(words: tuple[str, ...]) -> None:
    """Stops a newcomer, and a shell's completion, from waiting for what is not used."""
    found = imported(*words)
    assert {name for name in found if name.split(".")[0] == "slackapp"} == FOR_HELP
    # What Python's own start has imported here, such as the finder of an editable install, is not ours to leave out.
    command = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    bare = set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert (found - bare) & SLOW == set()


@pytest.mark.parametrize("name", ["audit", "serve"])
def test_a_command_imports_its_own_module_and_no_other_commands(name: str) -> None:
    """Stops `slackapp serve` from importing the local Slack, the importer and what reviews a manifest."""
    found = imported(name, "--help")
    others = {command.module for command in COMMANDS} - {f"cli.{name}"}
    assert f"slackapp.cli.{name}" in found
    assert {f"slackapp.{module}" for module in others} & found == set()
    assert {module for module in found if module.startswith(("slackapp.localslack", "slackapp.importer"))} == set()


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_every_row_of_the_table_leads_to_what_runs_it(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(command.name).parse_args([command.name, "--help"])
    assert ended.value.code == 0
    assert f"usage: slackapp {command.name}" in capsys.readouterr().out
