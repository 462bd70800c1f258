"""Ctrl-C ends every command in one line with 130: also while Python still imports, and after the command is done."""

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AT_IMPORT = """
import os, signal, sys
last = sys.argv[1]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == last:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""
AT_PARSER = """
import argparse, os, signal
argparse.ArgumentParser.parse_args = lambda *given: os.kill(os.getpid(), signal.SIGINT)
"""
AT_RUN = """
import os, signal
from slackapp.cli import main
main.run = lambda arguments: os.kill(os.getpid(), signal.SIGINT)
"""
AT_EXIT = """
import atexit, os, signal
atexit.register(os.kill, os.getpid(), signal.SIGINT)
"""
RUN = """
import sys
from slackapp.__main__ import main
del sys.argv[1]
sys.exit(main())
"""


def slackapp(before: str, name: str = "", words: tuple[str, ...] = ("check", "--help")) -> tuple[int, str]:
    """A command in a process of its own, with something that comes before: its status and what it said."""
    command = [sys.executable, "-c", before + RUN, name, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("before", "name"),
    [(AT_IMPORT, "slackapp.cli"), (AT_IMPORT, "cryptography"), (AT_IMPORT, "slackapp.cli.tokens"),
     (AT_PARSER, ""), (AT_EXIT, "")],
    ids=["the first import", "one amidst", "the last", "before the command", "behind it"],
)  # fmt: skip
def test_ctrl_c_is_one_line_at_any_moment_of_the_imports_and_behind_them(before: str, name: str) -> None:
    assert slackapp(before, name) == (130, "slackapp: interrupted\n")


def test_ctrl_c_is_one_line_when_the_command_begins() -> None:
    assert slackapp(AT_RUN, words=("config",)) == (130, "slackapp: interrupted\n")


def test_where_ctrl_c_is_ignored_it_stays_so() -> None:
    """`slackapp … &` in a script: the shell has it ignored."""
    ignored = f"import signal; signal.signal({int(signal.SIGINT)}, signal.SIG_IGN)\n"
    assert slackapp(ignored + AT_IMPORT, "slackapp.cli") == (0, "")


def test_the_console_script_starts_in_main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"slackapp": "slackapp.__main__:main"}
