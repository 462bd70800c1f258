"""Master keys and data keys as they are: which are there, what hangs on them, and whether every one unwraps."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.flows.backup import key_backup
from slackapp.model import LOCAL_PROVIDER, KeyTest, ProviderHealth, Tenant
from slackapp.runtime.health import MASTER_KEYS
from slackapp.store import data_keys, meta


class KeyList(NamedTuple):
    """Master keys of the file, those that are missing from it, and the other key providers."""

    primary: int
    primary_since: Mapping[int, int | None]
    """By version of the file: when it became the primary, in Unix seconds; None for one that never was."""
    data_keys: Mapping[int, int]
    """By version: how many data keys hang on it."""
    missing: Mapping[int, int]
    """Versions that are not in the file, and how many data keys hang on each."""
    providers: Mapping[str, tuple[int, ProviderHealth]]
    """By name, the local one aside: how many data keys it has wrapped, and whether it answers."""


def list_keys(app: App) -> KeyList:
    """Lists the master keys, and asks each provider how it is. Raises StoreError."""
    counts, held = data_keys.count_by_master(app.db), sorted(app.keyring.master_versions())
    since = {version: meta.get(app.db, meta.key_since_name(version)) for version in held}
    others = sorted({name for name, _ in counts} | app.keyring.provider_names())
    return KeyList(
        primary=meta.primary_master_key(app.db),
        primary_since={version: int(found) if found is not None else None for version, found in since.items()},
        data_keys={version: counts.get((LOCAL_PROVIDER, version), 0) for version in held},
        missing=missing_master_keys(app),
        providers={
            name: (
                sum(number for (whose, _), number in counts.items() if whose == name),
                app.keyring.provider_health(name),
            )
            for name in others
            if name != LOCAL_PROVIDER
        },
    )


class KeyProblem(NamedTuple):
    """Problem of a data key that does not unwrap; `missing_master` is what is not in the file for it."""

    key_id: int
    tenant: Tenant
    result: KeyTest
    missing_master: int | None


def verify_keys(app: App) -> tuple[int, Sequence[KeyProblem]]:
    """Tries every data key; returns how many there are, and which do not unwrap. Raises StoreError."""
    found = [(key, app.keyring.try_key(key)) for key in data_keys.list_all(app.db)]
    missing = missing_master_keys(app)
    problems = []
    for key, result in found:
        if result != KeyTest.OK:
            is_missing = key.provider == LOCAL_PROVIDER and key.master_version in missing
            problems.append(KeyProblem(key.key_id, key.tenant, result, key.master_version if is_missing else None))
    return len(found), problems


def count_keys_wrapped_by(app: App, version: int) -> int:
    """Counts the data keys, in database and key backup, that still need that master key."""
    stored = data_keys.count_by_master(app.db).get((LOCAL_PROVIDER, version), 0)
    return stored + key_backup.count_wrapped_by(app, LOCAL_PROVIDER, version)


def missing_master_keys(app: App) -> dict[int, int]:
    """Counts the data keys that hang on each local master key which this process has not, by version."""
    held = app.keyring.master_versions()
    counts = data_keys.count_by_master(app.db)
    return {
        version: number for (name, version), number in counts.items() if name == LOCAL_PROVIDER and version not in held
    }


def report_missing(app: App) -> None:
    """Reports missing master keys in `/readyz` as long as it is so, and once in the log. Raises StoreError.

    Whose data keys hang on one cannot be served until it is back; everybody else is. Nothing is deleted.
    """
    missing = missing_master_keys(app)
    why = ", ".join(f"{number} data keys need master key {version}" for version, number in sorted(missing.items()))
    if why and app.health.problems().get(MASTER_KEYS) != why:
        action = "put it back into the key file, or purge the tenants that `slackapp keys verify` names"
        app.log.error("master_key_missing", {"why": why, "action": action})
    app.health.set_problem(MASTER_KEYS, why or None)
