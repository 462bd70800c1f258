"""File of the master keys: made with one key, given another, rid of an old one."""

from pathlib import Path

from slackapp.crypto import keyfile
from slackapp.crypto.envelope import KEY_BYTES
from slackapp.errors import ConfigError
from slackapp.flows.app import App
from slackapp.model import Entropy


def create(file: Path, entropy: Entropy) -> None:
    """Creates a file with one master key. Raises CommandError rather than touch one that is there."""
    keyfile.create_master_key_file(file, entropy(KEY_BYTES))


def read_newest_version(app: App) -> int:
    """Reads the newest version in the file, where another rotation may have put one since the start of this process.

    Raises ConfigError.
    """
    return max(keyfile.parse_master_keys(app.settings.master_key_file, _read(app)))


def add_version(app: App, version: int) -> None:
    """Puts a new master key in front of the others, under that version. Raises ConfigError."""
    _replace(app, keyfile.format_master_key(version, app.entropy(KEY_BYTES)) + _read(app))


def remove_version(app: App, version: int) -> None:
    """Takes a master key out, for good. Raises ConfigError."""
    _replace(app, keyfile.without_master_key(_read(app), version))


def _read(app: App) -> bytes:
    told = app.settings
    return keyfile.read_private(told.master_key_file, told.credentials_directory, told.trusted_folder)


def _replace(app: App, content: bytes) -> None:
    file = app.settings.master_key_file
    try:
        keyfile.replace_private(file, content)
    except OSError as error:
        raise ConfigError(f"SLACKAPP_MASTER_KEY_FILE: {file} cannot be rewritten ({error.strerror})") from None
