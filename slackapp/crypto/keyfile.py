"""Private files: master keys, and any secret that comes from a file.

Stops:   a key that another user of the machine can read or replace.
How:     every folder and link on the way is looked at (`private_path.py`); then the file is opened without following a
         link, and looked at through the open descriptor: a regular file, owned by us or root, closed to group and
         others, of sane size.
Does not stop: root, or a backup of the file that somebody made with other rights.
Read:    open(2) O_NOFOLLOW; systemd.exec(5) on CREDENTIALS_DIRECTORY, whose files are exempt from the rule on modes.
"""

import base64
import binascii
import os
import re
import stat
from pathlib import Path

from slackapp.crypto.private_path import permission_hint, resolve_private_path
from slackapp.errors import CommandError, ConfigError

_PREFIX = "slackapp-mk1"
_LINE = re.compile(rf"{_PREFIX}:([1-9][0-9]{{0,8}}):([A-Za-z0-9+/]{{43}}=)")
_SECRETS = re.compile(rb"\s*[!-~]{16,512}(\s*,\s*[!-~]{16,512})?\s*")
SIZE_LIMIT = 4096
PARTIAL_SUFFIX = ".new"
"""What the name of a file ends with that is to take another one's place."""


def read_private(path: Path, credentials: Path | None, trusted: Path | None = None) -> bytes:
    """The content of a file that only we may read, at most 4 KiB.

    `credentials` is systemd's credentials directory, or None; `trusted` is as in `resolve_private_path`. Raises
    ConfigError that names the file and what to do.
    """
    within = credentials if credentials is not None and path.parent == credentials else None
    place = resolve_private_path(path, within or trusted)
    # Links in the credentials directory may lead out of it: to what is no credential.
    exempt = within is not None and place.is_relative_to(os.path.realpath(within))
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be opened ({os.strerror(error.errno or 0)})") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise ConfigError(f"{path}: is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(SIZE_LIMIT + 1)
    if not exempt:
        # claim: C-22
        _refuse_shared(path, place, found, content)
    if len(content) > SIZE_LIMIT:
        raise ConfigError(f"{path}: is larger than {SIZE_LIMIT} bytes")
    return content


def _refuse_shared(path: Path, place: Path, found: os.stat_result, content: bytes) -> None:
    looks_right = _PREFIX.encode() in content or _SECRETS.fullmatch(content) is not None
    # claim: C-22
    if found.st_uid not in (0, os.geteuid()):
        action = permission_hint(place, "chown it to the user that runs the service", looks_right)
        raise ConfigError(f"{path}: belongs to another user; {action}")
    # claim: C-22
    if stat.S_IMODE(found.st_mode) & 0o077:
        action = permission_hint(place, f"run: chmod 600 {path}", looks_right)
        raise ConfigError(f"{path}: others can read it; {action}")


def write_private(path: Path, content: bytes) -> None:
    """Makes a new file that only we may read, and has it on the disk before returning.

    Raises FileExistsError rather than touch what is there.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def create_private(path: Path, content: bytes, instead: str) -> None:
    """Makes a new private file for a person. Raises CommandError, which says what to do where it exists already."""
    try:
        write_private(path, content)
    except FileExistsError:
        raise CommandError(f"{path}: exists already; {instead}") from None
    except OSError as error:
        raise CommandError(f"{path}: cannot be made ({error.strerror})") from None


def replace_private(path: Path, content: bytes) -> None:
    """Puts a new private file in the place of an old one, whole or not at all. Raises OSError."""
    temporary = path.with_name(f"{path.name}{PARTIAL_SUFFIX}")
    temporary.unlink(missing_ok=True)  # of a process that was killed
    write_private(temporary, content)
    os.replace(temporary, path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def format_master_key(version: int, key: bytes) -> bytes:
    """Formats one line of a key file."""
    return f"{_PREFIX}:{version}:{base64.b64encode(key).decode()}\n".encode()


def create_master_key_file(path: Path, key: bytes) -> None:
    """Writes a new key file with version 1. Raises CommandError rather than touch a file that is there."""
    create_private(path, format_master_key(1, key), "a master key is never overwritten")


def parse_master_keys(path: Path, content: bytes) -> dict[int, bytes]:
    """Version to key (32 bytes). Raises ConfigError that names the line, never its content."""
    keys: dict[int, bytes] = {}
    for number, line in enumerate(content.decode("latin-1").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ConfigError(f"{path}: line {number} is not of the form {_PREFIX}:VERSION:BASE64 (32 bytes)")
        version, key = int(match[1]), _decode(match[2])
        if key is None or version in keys:
            raise ConfigError(f"{path}: line {number} repeats a version or is not canonical base64")
        keys[version] = key
    if not keys:
        raise ConfigError(f"{path}: holds no master key; make a file with one by: slackapp keys new FILE")
    return keys


def _decode(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return key if base64.b64encode(key).decode() == text else None


def without_master_key(content: bytes, version: int) -> bytes:
    """A key file's content without one version; comments and the other keys stay as they are."""
    prefix = f"{_PREFIX}:{version}:".encode()
    return b"".join(line for line in content.splitlines(keepends=True) if not line.strip().startswith(prefix))
