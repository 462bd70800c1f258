"""Programs that a test needs and a machine may lack; and what a run leaves out, told at its end."""

import shutil
from collections import Counter
from collections.abc import Iterable

import pytest

PACKAGES = {"nginx": "nginx", "caddy": "caddy", "systemd-analyze": "systemd", "curl": "curl"}
"""By program: the package of Debian and Ubuntu that brings it."""


def require_program(name: str) -> str:
    """Where the program is; skips the test where it is not, and says how to have it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    return found


def count_skips(reasons: Iterable[str]) -> list[str]:
    """One line per reason, with the number of tests."""
    counted = Counter(reason.removeprefix("Skipped: ") for reason in reasons)
    return [f"{number} not run: {reason}" for reason, number in sorted(counted.items())]
