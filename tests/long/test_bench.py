"""The benchmark still measures what it names; whether that is fast enough is for a quiet machine to say."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.steps import STEPS
from tests.bench.targets import GOALS

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]


def test_a_short_round_measures_every_goal_that_has_a_gate() -> None:
    command = [sys.executable, "-m", "tests.bench", "--quick", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    told = [goal.what for goal in GOALS if goal.gate is not None] + list(STEPS)
    assert [what for what in told if f"| {what} |" not in done.stdout] == []
    assert done.returncode == int("too slow" in done.stdout)
