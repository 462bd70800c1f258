"""What is run before a change is taken, is run on every Python that the machine has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.meta.source import ROOT


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_each_further_python_is_found_once_and_what_is_left_out_is_told(tmp_path: Path) -> None:
    pyenv = tmp_path / "pyenv"
    on_path = tmp_path / "bin"
    program(on_path, "python3", "echo 3.11")
    program(on_path, "python3.11", "echo 3.11")
    program(on_path, "python3.12", "exit 127")  # a shim of pyenv's, for a version that is not chosen
    program(on_path, "python3.14", "echo 3.14")
    program(on_path, "python3.10", "echo 3.10")
    program(on_path, "python3.14-config", "echo 3.14")
    for version in ("3.10.1", "3.12.1", "3.13.0", "3.13.1", "3.14.2"):
        program(pyenv / "versions" / version / "bin", f"python{version.rpartition('.')[0]}", f"echo {version[:4]}")
    for tool in ("bash", "dirname", "sort", "grep"):
        (on_path / tool).symlink_to(str(shutil.which(tool)))
    given = {"PATH": str(on_path), "PYENV_ROOT": str(pyenv), "HOME": str(tmp_path)}
    command = [str(shutil.which("bash")), str(ROOT / ".ci" / "run"), "pythons"]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == [
        f"3.12 {pyenv}/versions/3.12.1/bin/python3.12",
        f"3.13 {pyenv}/versions/3.13.0/bin/python3.13",
        "3.14 python3.14",
    ]
    assert done.stderr == "skipped: python3.12 does not run here, or lacks venv or sqlite3\n"


def test_this_python_is_one_that_it_can_find(tmp_path: Path) -> None:
    """The real question, put to a real Python."""
    (tmp_path / "bin").mkdir()
    name = f"python3.{sys.version_info[1]}"
    (tmp_path / "bin" / name).symlink_to(sys.executable)
    program(tmp_path / "bin", "python3", "echo 3.0")
    given = {**os.environ, "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "PYENV_ROOT": str(tmp_path), "PYTHON": "python3"}
    done = subprocess.run([ROOT / ".ci" / "run", "pythons"], env=given, capture_output=True, text=True, check=True)
    assert f"3.{sys.version_info[1]} {name}" in done.stdout.splitlines()
