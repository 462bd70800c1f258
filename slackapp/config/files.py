"""The files and folders that settings name: read, or judged, by the same rules; each refusal names its setting.

Stops:   another user of the machine who changes what we read, write, start or listen on.
How:     secrets are read by `keyfile.py`; every folder on the way to a database, a key backup, a socket or a key
         provider's program is judged by `way.py`.
Does not stop: what the operator's own program, or a module of the behaviour, reads by itself.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from slackapp.config import parsers as forms
from slackapp.crypto import private_path
from slackapp.crypto.keyfile import read_private
from slackapp.errors import ConfigError, naming
from slackapp.model import Secret, Settings


class FileRules(NamedTuple):
    """Exceptions to the rules: systemd's credentials directory, and a trusted folder."""

    credentials: Path | None
    trusted: Path | None


def read_secret(name: str, path: Path, files: FileRules) -> str:
    """A secret from the private file that the setting `name` names. Raises ConfigError."""
    with naming(name):
        content = read_private(path, files.credentials, files.trusted)
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: {path} is not text") from None


def read_operator_token(path: Path | None, files: FileRules) -> Secret | None:
    """The operator's token, or None without a file. Raises ConfigError."""
    if path is None:
        return None
    token = read_secret("SLACKAPP_OPERATOR_TOKEN_FILE", path, files)
    with naming("SLACKAPP_OPERATOR_TOKEN_FILE"):
        return forms.operator_token(token)


def check_paths(settings: Settings) -> None:
    """Checks that nobody else may change what we write, start or listen on. Raises ConfigError."""
    for name, folder in _folders(settings):
        with naming(name):
            private_path.resolve_private_path(folder, settings.trusted_folder, to_folder=True)
    for _, program in settings.key_commands:
        with naming("SLACKAPP_KEY_COMMANDS"):
            _check_program(program, settings.trusted_folder)


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    yield "SLACKAPP_DATABASE", settings.database.parent
    if settings.key_backup_dir is not None:
        yield "SLACKAPP_KEY_BACKUP_DIR", settings.key_backup_dir
    if settings.listen.startswith("unix:"):
        yield "SLACKAPP_LISTEN", Path(settings.listen.removeprefix("unix:")).parent


def _check_program(program: Path, trusted: Path | None) -> None:
    """Checks a key program, which all may read.

    Where it is not there now, its tenants' keys are out of reach, and the others' are not.
    """
    place = private_path.resolve_private_path(program, trusted)
    try:
        found = os.lstat(place)
    except OSError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{program}: is not a regular file")
    private_path.refuse_replaceable(place, found)
