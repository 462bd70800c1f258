"""What a run leaves out is told at its end, with how to have it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.meta.source import ROOT
from tests.support.programs import PACKAGES, count_skips

ALONE = """
from tests.conftest import pytest_terminal_summary
"""
NEEDS = """
import pytest
from tests.support.programs import PACKAGES, require_program

@pytest.mark.parametrize("number", [1, 2])
def test_something(number, monkeypatch):
    monkeypatch.setitem(PACKAGES, "no-such-program", "a-package")
    require_program("no-such-program")
"""


def test_each_reason_is_told_once_with_the_number_of_tests() -> None:
    reasons = ["Skipped: b is not installed", "a", "Skipped: b is not installed"]
    assert count_skips(reasons) == ["1 not run: a", "2 not run: b is not installed"]
    assert count_skips([]) == []


def test_a_green_run_ends_with_what_it_left_out(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(ALONE)
    (tmp_path / "test_needs.py").write_text(NEEDS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml"]
    command += ["--rootdir", tmp_path, tmp_path / "test_needs.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 not run: no-such-program is not installed: apt-get install a-package\n" in done.stdout


def test_no_test_skips_for_want_of_a_program_without_saying_how_to_have_it() -> None:
    """Stops a skip of one's own, such as: nginx is not installed."""
    found = [file for file in (ROOT / "tests").rglob("test_*.py") if re.search(r"skip\(.*installed", file.read_text())]
    assert found == []
    used = {name for file in (ROOT / "tests" / "long").glob("*.py")
            for name in re.findall(r'programs\.require_program\("([a-z-]+)"\)', file.read_text())}  # fmt: skip
    assert used <= PACKAGES.keys()
