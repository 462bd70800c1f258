"""A new master key: every process can read with it before any data key is wrapped by it.

Killed at any statement, every data key opens with the keys of the file, and running it again finishes. The data keys
stay the same: this is hygiene. Against a suspected loss of data keys, see `reencrypt_tenant`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from slackapp.errors import CommandError, ConfigError
from slackapp.flows.app import App
from slackapp.flows.backup import key_backup
from slackapp.flows.keys import list_keys, master_key_file
from slackapp.model import LOCAL_PROVIDER, Actor, AuditEntry, AuditEvent, AuditRecord, KeyTest
from slackapp.store import data_keys, meta, processes
from slackapp.store.engine.database import Residue

BATCH = 100
WAIT = 60
"""Seconds that a rotation waits for the serving processes to take the new key file."""
_LOOK_EVERY = 0.2

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RotationResult:
    """Result of a rotation to `version`. While processes are `behind`, nothing hangs on it yet.

    `broken` are the ids of data keys that do not unwrap, and stay as they are. Old wrappings stay in what is `held`.
    """

    version: int
    behind: tuple[str, ...] = ()
    rewrapped: int = 0
    broken: tuple[int, ...] = ()
    held: frozenset[Residue] = frozenset()


def run(app: App, actor: Actor, progress: Progress) -> RotationResult:
    """Rotates to a new master key, or goes on with a rotation that was interrupted.

    Waits for the processes that serve, a minute at most. Raises ConfigError, CommandError, StoreError.
    """
    with app.db.maintenance_lock():
        version = _add_master_key(app)
        epoch = request_key_reload(app)
        behind = _wait_for_processes(app, version, epoch)
        if behind:
            return RotationResult(version, tuple(behind))
        if meta.primary_master_key(app.db) != version:
            set_primary(app, version, actor, app.clock())
        rewrapped = rewrap_all(app, actor, progress)
        # claim: C-136
        held = app.db.erase_residue()
        return RotationResult(version, rewrapped=rewrapped, broken=tuple(broken_keys(app)), held=held)


def _add_master_key(app: App) -> int:
    """Chooses the version: one that an interrupted rotation put into the file or did not finish, or a new one."""
    newest, primary = master_key_file.read_newest_version(app), meta.primary_master_key(app.db)
    older = (version for version in app.keyring.master_versions() if version < primary)
    if newest > primary or any(list_keys.count_keys_wrapped_by(app, version) for version in older):
        return newest
    master_key_file.add_version(app, newest + 1)
    return newest + 1


def _wait_for_processes(app: App, version: int, epoch: int) -> list[str]:
    for _ in range(int(WAIT / _LOOK_EVERY)):
        if not processes_behind(app, version, epoch):
            return []
        app.wait(_LOOK_EVERY)
    return processes_behind(app, version, epoch)


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
        app.vault.append(_entry(AuditEvent.KEYS_PROMOTED, version, actor, now))
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
                data_keys.rewrap(app.db, key, LOCAL_PROVIDER, version, wrapped=blob) for key, (version, blob) in wrapped
            )
            entry = _entry(AuditEvent.KEYS_REWRAPPED, primary, actor, now)
            app.vault.append(entry._replace(count=swapped))
        done += len(wrapped)
        progress(start + len(batch), len(pending))
    # 5. the key backup holds the new wrapping
    key_backup.write(app)
    return done


def broken_keys(app: App) -> list[int]:
    """Tries every data key; the ids of those that do not unwrap. A key whose owner withholds it is not broken."""
    # 6. verify: every single one
    return [key.key_id for key in data_keys.list_all(app.db) if app.keyring.try_key(key) == KeyTest.BROKEN]


def flush(app: App, actor: Actor, now: int) -> None:
    """Makes every process forget, at once, the data keys that it holds in memory."""
    with app.db.transaction():
        meta.bump_key_epoch(app.db)
        app.vault.append(AuditEntry(at=now, event=AuditEvent.KEYS_FLUSHED, actor=actor))


def _entry(event: AuditEvent, version: int, actor: Actor, now: int) -> AuditEntry:
    return AuditEntry(at=now, event=event, actor=actor, record_kind=AuditRecord.MASTER_KEY, record_id=str(version))
