"""make is the door: every target says what it does, and every page that names one is right."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.source import ROOT

TARGET = re.compile(r"^([a-z][a-z0-9-]*):", re.MULTILINE)
HELP = re.compile(r"^([a-z][a-z0-9-]*):[^#\n]*## (\S.*)$", re.MULTILINE)
FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
CALL = re.compile(r"(?:^|[;&|$]\s*)make +((?:[a-z][a-z0-9-]*(?: +|$))+)", re.MULTILINE)


def targets() -> set[str]:
    """The targets of the Makefile that a person may call."""
    return set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))


def targets_named_in(page: str) -> set[str]:
    """The targets that a page tells its reader to make: in code only, prose may make what it likes."""
    code = [*FENCED.findall(page), *INLINE.findall(FENCED.sub("", page))]
    return {target for text in code for call in CALL.findall(text) for target in call.split()}


def make(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as a person would, not as a child of the make that may run these tests."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=directory, env=own, capture_output=True, text=True, check=False, timeout=60
    )


def test_every_target_has_a_line_of_help() -> None:
    """Stops targets that nobody can find."""
    text = (ROOT / "Makefile").read_text("utf-8")
    assert {name for name, _line in HELP.findall(text)} == targets()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == targets()


def test_plain_make_prints_the_help_of_every_target() -> None:
    """Stops a first `make` that installs or deletes something."""
    answer = make(ROOT)
    assert answer.returncode == 0, answer.stderr
    assert {line.split()[1] for line in answer.stdout.splitlines()} == targets()
    assert [line for line in answer.stdout.splitlines() if len(line) > 80] == []


def test_the_readme_names_only_targets_that_exist() -> None:
    """Stops a first page whose commands fail."""
    readme = ROOT / "README.md"
    assert readme.is_file(), "README.md is missing"
    named = targets_named_in(readme.read_text("utf-8"))
    assert named, "README.md names no target at all"
    assert named <= targets(), f"README.md names {sorted(named - targets())}"


def test_targets_are_found_in_code_and_not_in_prose() -> None:
    """Negative control for the reading of pages."""
    page = "Make sure to make haste.\n\n```sh\ngit clone x && make run\nmake lint test\n```\nor `make install A=b`."
    assert targets_named_in(page) == {"run", "lint", "test", "install"}


@pytest.mark.parametrize(("python", "sentence"), [("old", "needs Python 3.11 or newer"), ("none", "There is no")])
def test_a_python_that_will_not_do_is_refused_in_words(tmp_path: Path, python: str, sentence: str) -> None:
    """Stops a newcomer with an old Python, or none, from meeting a traceback half-way through an install."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    old = tmp_path / "old"
    pretend = "import sys; sys.version_info = (3, 9, 0); exec(sys.argv[2])"
    old.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{pretend}' \"$@\"\n", "utf-8")
    old.chmod(0o755)
    answer = make(tmp_path, "install", f"PYTHON=./{python}")
    assert answer.returncode != 0
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / ".venv").exists()
