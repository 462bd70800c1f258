"""The benchmark still measures what it names; its figures are for a quiet machine."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]


def test_a_short_round_measures_every_goal() -> None:
    command = [sys.executable, "-m", "tests.bench", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "whole flows, 4 clients, against Bolt" in done.stdout
