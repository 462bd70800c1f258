"""A new master key: every process can read with it before any data key is wrapped by it.

Killed at any statement, every data key opens with the keys of the file, and running it again finishes. The data keys
stay the same: this is hygiene. Against a suspected loss of data keys, see `reencrypt_tenant`.
"""

from collections.abc import Callable

from slackapp.errors import CommandError, ConfigError
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.flows.backup import key_backup
from slackapp.model import LOCAL_PROVIDER, NO_TENANT, Actor, KeyTest
from slackapp.runtime.health import MASTER_KEYS
from slackapp.store import data_keys, meta, processes

BATCH = 100

Progress = Callable[[int, int], None]


def request_key_reload(app: App) -> int:
    """Tells every process to read the changed key file again; returns the key epoch."""
    # 1. the new key stands in the file; every process is told
    with app.db.transaction():
        return meta.bump_key_epoch(app.db)


def processes_behind(app: App, version: int, epoch: int) -> list[str]:
    """Live processes that cannot read with that version yet, or have not noticed that epoch."""
    # 2. wait for those that cannot read with it yet
    return [
        process.process_id
        for process in processes.list_live(app.db, app.clock.steady())
        if process.key_epoch < epoch or version not in process.master_versions
    ]


def set_primary(app: App, version: int, actor: Actor, now: int) -> None:
    """Makes a version the primary. Raises ConfigError, and CommandError while a live process could not read with it."""
    app.keyring.reload()
    if version not in app.keyring.master_versions():
        raise ConfigError(f"SLACKAPP_MASTER_KEY_FILE: holds no master key {version}")
    if version < meta.primary_master_key(app.db):
        raise CommandError(f"master key {version} is older than the primary; a rotation goes forward only")
    check = app.keyring.master_key_check(version)
    # 3. in one transaction: nobody lags, and it becomes the primary
    with app.db.transaction():
        live = processes.list_live(app.db, app.clock.steady())
        behind = [process.process_id for process in live if version not in process.master_versions]
        if behind:
            raise CommandError(f"{len(behind)} serving processes do not have master key {version} yet; try again")
        meta.put(app.db, meta.PRIMARY_MASTER_KEY, str(version))
        meta.put(app.db, meta.key_check_name(version), check)
        meta.put(app.db, meta.key_since_name(version), str(now))
        meta.bump_key_epoch(app.db)
        audit_log.append(app, "keys.promoted", NO_TENANT, actor, "ok", f"master={version}", now)
    app.keyring.reload()


def rewrap_all(app: App, actor: Actor, progress: Progress) -> int:
    """Wraps every local data key with the primary; returns how many. Resumable, and safe to run twice at once.

    A key that does not unwrap stays as it is; `broken_keys` names it.
    """
    primary = meta.primary_master_key(app.db)
    pending, done = data_keys.list_older(app.db, LOCAL_PROVIDER, primary), 0
    for start in range(0, len(pending), BATCH):
        # 4. wrap a batch outside the transaction, and swap each key in it
        batch = pending[start : start + BATCH]
        wrapped = [
            (key, app.keyring.rewrap(key, LOCAL_PROVIDER)) for key in batch if app.keyring.try_key(key) == KeyTest.OK
        ]
        now = app.clock()
        with app.db.transaction():
            swapped = sum(
                data_keys.rewrap(app.db, key, LOCAL_PROVIDER, version, blob) for key, (version, blob) in wrapped
            )
            audit_log.append(app, "keys.rewrapped", NO_TENANT, actor, "ok", f"master={primary} keys={swapped}", now)
        done += len(wrapped)
        progress(start + len(batch), len(pending))
    # 5. the key backup holds the new wrapping
    key_backup.write(app)
    return done


def broken_keys(app: App) -> list[int]:
    """Tries every data key; the ids of those that do not unwrap. A key whose owner withholds it is not broken."""
    # 6. verify: every single one
    return [key.key_id for key in data_keys.list_all(app.db) if app.keyring.try_key(key) == KeyTest.BROKEN]


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


def note_retired(app: App, version: int, actor: Actor, now: int) -> None:
    """Notes that a master key was taken out of the file, and tells every process."""
    with app.db.transaction():
        meta.bump_key_epoch(app.db)
        audit_log.append(app, "keys.retired", NO_TENANT, actor, "ok", f"master={version}", now)


def flush(app: App, actor: Actor, now: int) -> None:
    """Makes every process forget, at once, the data keys that it holds in memory."""
    with app.db.transaction():
        meta.bump_key_epoch(app.db)
        audit_log.append(app, "keys.flushed", NO_TENANT, actor, "ok", "", now)
