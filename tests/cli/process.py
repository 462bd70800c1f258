"""The command line in a folder of its own, with an environment that holds nothing but what is given."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from slackapp.cli.main import main
from tests.support.world import environment

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60
"""Seconds until a process is taken for hanging."""


def settings(folder: Path, **changes: str) -> dict[str, str]:
    """Good settings, and files for them in the folder."""
    given = environment(folder, "http://127.0.0.1:9", **changes)
    (folder / "master.key").chmod(0o600)
    return given


def start(folder: Path, given: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """`slackapp …` in that folder."""
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "slackapp", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env={**bare, **given}, stdout=pipe, stderr=pipe, text=True)


def run(folder: Path, given: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    with start(folder, given, *arguments) as process:
        try:
            out, error = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, error)


class Here:
    """The command line in this process, which saves the start of another one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, given: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        """`slackapp …` in the folder."""
        with self._monkeypatch.context() as patched:
            patched.chdir(self._folder)
            for name in [name for name in os.environ if _matters(name)]:
                patched.delenv(name)
            for name, value in given.items():
                patched.setenv(name, value)
            status = main(list(arguments))
        out, error = self._capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, out, error)


def _matters(name: str) -> bool:
    return name.startswith("SLACK") or name == "CREDENTIALS_DIRECTORY" or name.upper().endswith("_PROXY")
