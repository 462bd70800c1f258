"""Opens the keyring of a database, and refuses master keys that are not this database's.

Found at start and in one line, not as a failure of every single record: each master key has a check value in the
database, which is of no use to anyone who has only the database.
"""

import hmac

from slackapp.crypto import envelope, keyfile
from slackapp.errors import ConfigError
from slackapp.keys.keyring import Keyring
from slackapp.keys.providers import LocalProvider
from slackapp.model import Settings
from slackapp.ports import Clock, Entropy
from slackapp.store import meta
from slackapp.store.db import Database


def open_keyring(db: Database, settings: Settings, entropy: Entropy, clock: Clock) -> Keyring:
    """The keyring, with the service's own keys made on first use. Raises ConfigError."""
    content = keyfile.read_private(settings.master_key_file, settings.credentials_directory)
    master_keys = keyfile.parse_master_keys(settings.master_key_file, content)
    primary = _primary(db, settings, master_keys, entropy)
    for version, key in master_keys.items():
        _check(db, settings, version, key)
    keyring = Keyring(db, LocalProvider(master_keys, primary, entropy), settings.app_id, entropy, clock)
    keyring.make_service_keys(clock())
    return keyring


def _primary(db: Database, settings: Settings, master_keys: dict[int, bytes], entropy: Entropy) -> int:
    """The version that wraps new data keys: the file's first for a new database, later what the database says."""
    with db.transaction():
        meta.put_once(db, "database_id", entropy(16).hex())
        newest = next(iter(master_keys))
        if meta.put_once(db, "primary_master_key", str(newest)):
            meta.put(db, f"key_check:{newest}", _check_value(db, settings, master_keys[newest]))
    return int(meta.get(db, "primary_master_key") or 0)


def _check(db: Database, settings: Settings, version: int, key: bytes) -> None:
    stored = meta.get(db, f"key_check:{version}")
    if stored is not None and not hmac.compare_digest(stored, _check_value(db, settings, key)):
        raise ConfigError(
            f"SLACKAPP_MASTER_KEY_FILE: master key {version} does not match the database {settings.database}; "
            "either the key or SLACK_APP_ID is another one than this database was made with"
        )


def _check_value(db: Database, settings: Settings, key: bytes) -> str:
    return envelope.check_value(key, settings.app_id, meta.get(db, "database_id") or "").hex()
