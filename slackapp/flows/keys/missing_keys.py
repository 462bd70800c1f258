"""Upkeep: tells of data keys whose master key is not in the file any more.

Whose keys these are cannot be served until the master key is back; everybody else is. Nothing is deleted.
"""

from slackapp.flows.app import App
from slackapp.model import LOCAL_PROVIDER
from slackapp.runtime.health import MASTER_KEYS
from slackapp.store import data_keys


def count(app: App) -> dict[int, int]:
    """Counts the data keys that hang on each local master key which this process has not, by version."""
    held = app.keyring.master_versions()
    counts = data_keys.count_by_master(app.db)
    return {
        version: number for (name, version), number in counts.items() if name == LOCAL_PROVIDER and version not in held
    }


def report(app: App) -> None:
    """Shown in `/readyz` as long as it is so, and said once in the log. Raises StoreError."""
    missing = count(app)
    why = ", ".join(f"{number} data keys need master key {version}" for version, number in sorted(missing.items()))
    if why and app.health.problems().get(MASTER_KEYS) != why:
        action = "put it back into the key file, or purge the tenants that `slackapp keys verify` names"
        app.log.error("master_key_missing", {"why": why, "action": action})
    app.health.set_problem(MASTER_KEYS, why)
