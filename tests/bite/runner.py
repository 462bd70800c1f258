"""Runs pytest again and again, each time in a fork of a process that has loaded the libraries, and none of our code.

A program of its own (`Runner` starts it), with one thread. Each line that it reads asks for a run.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

import pytest

TIMEOUT = 300
"""Seconds for one run: whatever lasts longer is killed."""
_LIBRARIES = (
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.kdf.hkdf", "hypothesis.strategies",
    "http.server", "slack_bolt", "slack_sdk.oauth", "sqlite3", "unittest.mock", "waitress.server", "yaml",
)  # fmt: skip
_PLAIN = ("-p", "no:cacheprovider", "-p", "no:xdist")


class Runner:
    """Runs tests in one copy of the repository."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, arguments: list[str], compiles: bool) -> tuple[int, str]:
        """pytest's exit status, below 0 for one that was killed, and what it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([arguments, compiles]), file=self._process.stdin, flush=True)
        status, printed = json.loads(self._process.stdout.readline())
        return status, printed


def _main() -> None:
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        pytest.main([*_PLAIN, "-c", os.devnull, os.devnull])  # runs nothing, and loads the plugins as they want to be
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # what is loaded now is not looked through again in each fork
    while line := sys.stdin.readline():
        with TemporaryFile() as printed:
            child = os.fork()
            if child == 0:
                sys.exit(_run(printed.fileno(), *json.loads(line)))  # with all that is done at an exit
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            printed.seek(0)
            print(json.dumps([status, printed.read().decode("utf-8", "replace")]), flush=True)


def _run(printed: int, arguments: list[str], compiles: bool) -> int:
    signal.alarm(TIMEOUT)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    # Compiled files of a changed source must not stay: the next change may have the same size and time.
    sys.dont_write_bytecode = not compiles
    os.environ["PYTHONDONTWRITEBYTECODE"] = "" if compiles else "1"
    return pytest.main([*_PLAIN, *arguments])


if __name__ == "__main__":
    _main()
