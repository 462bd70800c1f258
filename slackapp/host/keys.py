"""Keys of the host, which sign its tokens: a private file with one, or with two while they change.

    slackapp-hk1:ID:SECRET

The text of SECRET, as it stands there, is the key of HS256: a program of the host needs no decoding. An id is random,
and so never given twice: what was opened under one key cannot live on under another.

Stops:   a key that is guessed, that others of the machine can read, or that goes on after it was retired.
How:     256 random bits; the rules of `crypto/keyfile.py`; the file is read anew as soon as it has changed, and while
         it cannot be read there is no key.
Does not stop: whoever has read the host's own copy of a key, until it is retired.
Read:    RFC 7518 section 3.2 (the key of HS256); docs/key-management.md
"""

import base64
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from slackapp.crypto import keyfile
from slackapp.errors import CommandError, ConfigError, naming
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.model import Entropy, Settings

MOST_KEYS = 2
_PREFIX = "slackapp-hk1"
_LINE = re.compile(rf"{_PREFIX}:([0-9a-f]{{8}}):([A-Za-z0-9_-]{{43,128}})")
_KEY_BYTES = 32
_SETTING = "SLACKAPP_HOST_KEYS_FILE"
_ABSENT = (0, 0, 0, 0)


class HostKeys:
    """The host's keys, as its file has them now; safe for several threads."""

    def __init__(self, settings: Settings) -> None:
        """Reads the file. Raises ConfigError."""
        self._settings = settings
        self._lock = threading.Lock()
        self._version = _version(_file(settings))
        self._keys = read_host_keys(settings)

    def find(self, key_id: str) -> bytes | None:
        """Finds the key of that id, which signs; None for one that is not in use, or not any more."""
        return self._current().get(key_id)

    def are_missing(self) -> bool:
        """Tells whether there is no key, because the file is not as it must be."""
        return not self._current()

    def require_live(self, caller: HostCaller) -> None:
        """Raises HostRefused for who came under a key that is retired."""
        # claim: C-147
        if self.find(caller.key_id) is None:
            raise HostRefused(HostRefusal.KEY_RETIRED, actor=caller)

    def _current(self) -> Mapping[str, bytes]:
        version = _version(_file(self._settings))
        # claim: C-147
        if version != self._version:
            with self._lock:
                self._keys = _readable_keys(self._settings)
                self._version = version
        return self._keys


def read_host_keys(settings: Settings) -> dict[str, bytes]:
    """Reads the keys by their ids, the newest first. Raises ConfigError."""
    file = _file(settings)
    with naming(_SETTING):
        return _parse(file, _read(settings))


def create_host_keys(file: Path, entropy: Entropy) -> str:
    """Makes a file with one key, and returns its id. Raises CommandError rather than touch what is there."""
    key_id, line = _new_line(entropy)
    keyfile.create_private(file, line, "add a key to it by: slackapp host keys rotate")
    return key_id


def add_host_key(settings: Settings, entropy: Entropy) -> str:
    """Puts a new key before the one in use, and returns its id. Raises ConfigError, and CommandError where two are."""
    keys = read_host_keys(settings)
    if len(keys) >= MOST_KEYS:
        raise CommandError(f"there are {MOST_KEYS} keys already; retire {tuple(keys)[-1]} before you make another")
    key_id, line = _new_line(entropy)
    _replace(settings, line + _read(settings))
    return key_id


def retire_host_key(settings: Settings, key_id: str) -> None:
    """Takes a key out for good. Raises ConfigError, and CommandError for one that is not there, or the only one."""
    keys = read_host_keys(settings)
    if key_id not in keys:
        raise CommandError(f"there is no host key {key_id}; see: slackapp host keys list")
    if len(keys) == 1:
        raise CommandError(f"{key_id} is the only key; make the one that follows it first: slackapp host keys rotate")
    start = f"{_PREFIX}:{key_id}:".encode()
    lines = _read(settings).splitlines(keepends=True)
    _replace(settings, b"".join(line for line in lines if not line.strip().startswith(start)))


def _new_line(entropy: Entropy) -> tuple[str, bytes]:
    key_id, secret = entropy(4).hex(), base64.urlsafe_b64encode(entropy(_KEY_BYTES)).rstrip(b"=").decode()
    return key_id, f"{_PREFIX}:{key_id}:{secret}\n".encode()


def _parse(file: Path, content: bytes) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for number, line in enumerate(content.decode("latin-1").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] in keys:
            raise ConfigError(f"{file}: line {number} is not of the form {_PREFIX}:ID:SECRET, or repeats an id")
        keys[match[1]] = match[2].encode()
    if not 1 <= len(keys) <= MOST_KEYS:
        raise ConfigError(f"{file}: holds {len(keys)} keys; there must be one, or two while they change")
    return keys


def _readable_keys(settings: Settings) -> dict[str, bytes]:
    """Reads the keys; none where the file is not as it must be, until it is again."""
    try:
        return read_host_keys(settings)
    except ConfigError:
        return {}


def _version(file: Path) -> tuple[int, int, int, int]:
    """Tells the file as it is from what it was: changed, of another mode, or another one in its place."""
    try:
        found = os.stat(file)
    except OSError:
        return _ABSENT
    return found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size


def _file(settings: Settings) -> Path:
    if settings.host_keys_file is None:
        raise ConfigError(f"{_SETTING}: is missing; make a file with a key by: slackapp host keys new FILE")
    return settings.host_keys_file


def _read(settings: Settings) -> bytes:
    return keyfile.read_private(_file(settings), settings.credentials_directory, settings.trusted_folder)


def _replace(settings: Settings, content: bytes) -> None:
    try:
        keyfile.replace_private(_file(settings), content)
    except OSError as error:
        raise ConfigError(f"{_SETTING}: {_file(settings)} cannot be rewritten ({error.strerror})") from None
