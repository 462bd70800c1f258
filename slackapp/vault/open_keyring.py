"""Opens the keyring of a database, and refuses master keys that are not this database's.

Found at start and in one line, not as a failure of every single record: each master key has a check value in the
database, which is of no use to anyone who has only the database.
"""

import hmac
from collections.abc import Mapping

from slackapp.crypto import envelope, keyfile
from slackapp.crypto.records import LIMITS
from slackapp.errors import ConfigError, DecryptError, naming
from slackapp.model import LOCAL_PROVIDER, NO_TENANT, Clock, Entropy, Settings
from slackapp.store import data_keys, meta
from slackapp.store.engine.database import Database
from slackapp.vault.keyring import Keyring
from slackapp.vault.provider_gate import GatedProvider, ProviderGate
from slackapp.vault.providers import KeyProvider, LocalProvider


def open_keyring(
    db: Database, settings: Settings, entropy: Entropy, clock: Clock, *, limits: Mapping[str, int] = LIMITS
) -> Keyring:
    """The keyring, with the service's own keys made on first use. Raises ConfigError.

    `limits` are the bytes that a record of each kind may have.
    """
    epoch = meta.key_epoch(db)  # before the file is read: a rotation changes the file first
    master_keys = read_master_keys(settings)
    if meta.get(db, meta.DATABASE_ID) is None:
        _initialize_database(db, settings, master_keys, entropy, now=clock())
    bound_to = _bound_app(db, settings)
    _check_master_keys(db, settings, bound_to, master_keys)
    _bind_app(db, bound_to, settings.client_id)
    local = LocalProvider(master_keys, meta.primary_master_key(db), entropy)

    def reload_local() -> None:
        fresh = read_master_keys(settings)
        _check_master_keys(db, settings, bound_to, fresh)
        _check_needed(db, local.versions, fresh)
        local.replace(fresh, meta.primary_master_key(db))

    gate = ProviderGate(clock.steady)
    others = [GatedProvider(provider, gate) for provider in _command_providers(settings)]
    keyring = Keyring(
        db, local, others, reload_local, epoch=epoch, app_id=bound_to, entropy=entropy, clock=clock, limits=limits
    )
    try:
        keyring.make_service_keys(clock())
    except DecryptError:
        raise ConfigError(
            f"SLACKAPP_DATABASE: {settings.database}: the service's own keys do not open; restore a backup"
        ) from None
    return keyring


def _command_providers(settings: Settings) -> list[KeyProvider]:
    if not settings.key_commands:
        return []
    from slackapp.vault.command_provider import CommandProvider  # which runs programs, and few have one

    return [CommandProvider(name, program) for name, program in settings.key_commands]


def read_master_keys(settings: Settings) -> dict[int, bytes]:
    """Version to key. Raises ConfigError."""
    with naming("SLACKAPP_MASTER_KEY_FILE"):
        path = settings.master_key_file
        content = keyfile.read_private(path, settings.credentials_directory, settings.trusted_folder)
        return keyfile.parse_master_keys(path, content)


def _initialize_database(
    db: Database, settings: Settings, master_keys: dict[int, bytes], entropy: Entropy, now: int
) -> None:
    """A new database takes the file's first key for its primary; later only a rotation changes that."""
    newest = next(iter(master_keys))
    with db.transaction():
        if meta.put_once(db, meta.DATABASE_ID, entropy(16).hex()):
            meta.put(db, meta.PRIMARY_MASTER_KEY, str(newest))
            meta.put(db, meta.key_since_name(newest), str(now))
            meta.put(db, meta.BOUND_TO, settings.app_id or settings.client_id)
            meta.put(db, meta.key_check_name(newest), _check_value(db, _bound_app(db, settings), master_keys[newest]))


def _bound_app(db: Database, settings: Settings) -> str:
    """Finds the app that sealed values are bound to. One database is one app's: raises ConfigError for another one's.

    A Bolt app may open the database without knowing the app's id; the client id then shows that it is the same app.
    """
    bound_to, client_id = meta.get(db, meta.BOUND_TO), meta.get(db, meta.CLIENT_ID)
    known = bound_to or settings.app_id
    same_app = known in (settings.app_id or known, settings.client_id)
    if not known or not same_app or client_id not in (None, settings.client_id):
        whose = f"the app {known} with the client id {client_id or settings.client_id}"
        raise ConfigError(
            f"SLACKAPP_DATABASE: {settings.database} belongs to {whose}; either SLACK_APP_ID or SLACK_CLIENT_ID is "
            "another one than this database was made with, or the file is another app's"
        )
    return known


def _bind_app(db: Database, bound_to: str, client_id: str) -> None:
    """Writes to whom the database belongs, where that is not there yet: a command starts without the write lock."""
    if None in (meta.get(db, meta.BOUND_TO), meta.get(db, meta.CLIENT_ID)):
        with db.transaction():
            meta.put_once(db, meta.BOUND_TO, bound_to)
            meta.put_once(db, meta.CLIENT_ID, client_id)


def _check_master_keys(db: Database, settings: Settings, bound_to: str, master_keys: dict[int, bytes]) -> None:
    """Checks that the keys are this database's, and that none is missing on which the service's own hang.

    A tenant whose master key is gone keeps nobody else out.
    """
    for version, key in master_keys.items():
        stored = meta.get(db, meta.key_check_name(version))
        if stored is not None and not hmac.compare_digest(stored, _check_value(db, bound_to, key)):
            raise ConfigError(
                f"SLACKAPP_MASTER_KEY_FILE: master key {version} does not match the database {settings.database}; "
                "either the key or SLACK_APP_ID is another one than this database was made with"
            )
    own = {key.master_version for key in data_keys.active(db, NO_TENANT) if key.provider == LOCAL_PROVIDER}
    _refuse_missing(own - master_keys.keys())


def _check_needed(db: Database, had: frozenset[int], fresh: dict[int, bytes]) -> None:
    """A file that lacks what this process still has, and what data keys hang on, is not taken."""
    needed = {version for provider, version in data_keys.count_by_master(db) if provider == LOCAL_PROVIDER}
    _refuse_missing((needed & had) - fresh.keys())


def _refuse_missing(versions: set[int]) -> None:
    if versions:
        raise ConfigError(f"SLACKAPP_MASTER_KEY_FILE: master key {min(versions)} is missing; data keys hang on it")


def _check_value(db: Database, bound_to: str, key: bytes) -> str:
    return envelope.check_value(key, bound_to, meta.get(db, meta.DATABASE_ID) or "").hex()
