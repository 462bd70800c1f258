"""The run-time set is five distributions, each pinned to the hashes of its wheels."""

import re
import tomllib

from packaging.requirements import Requirement

from tests.meta.source import ROOT

RUNTIME = {"slack-sdk", "cryptography", "waitress"}
LOCKED = RUNTIME | {"cffi", "pycparser"}
PIN = re.compile(r"([a-z0-9-]+)==([0-9][0-9a-z.]*)((?: --hash=sha256:[0-9a-f]{64})+)")


def locked(text: str) -> dict[str, tuple[str, int]]:
    """Name → version and number of hashes. A line that is anything but a pin with hashes is refused."""
    found = {}
    for line in text.replace("\\\n", "").splitlines():
        entry = " ".join(line.split())
        if not entry or entry.startswith("#"):
            continue
        pin = PIN.fullmatch(entry)
        assert pin, f"requirements.lock: not a pinned version with hashes: {entry[:60]}"
        found[pin[1]] = (pin[2], pin[3].count("sha256:"))
    return found


def test_requirements_lock_names_exactly_five_packages() -> None:
    """Stops a sixth distribution, a pin without a hash, and any option (an index, say) in the lock."""
    found = locked((ROOT / "requirements.lock").read_text("utf-8"))
    assert set(found) == LOCKED
    assert all(hashes for _version, hashes in found.values())


def test_the_lock_satisfies_what_the_package_asks_for() -> None:
    """Stops a lock that has drifted from pyproject.toml, and a fourth dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {item.name: item.specifier for item in map(Requirement, project["dependencies"])}
    found = locked((ROOT / "requirements.lock").read_text("utf-8"))
    assert set(asked) == RUNTIME
    assert all(found[name][0] in bounds for name, bounds in asked.items())


def test_only_two_extras_exist() -> None:
    """Stops optional run-time parts from arriving unnoticed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["optional-dependencies"]) == {"test", "dev"}
