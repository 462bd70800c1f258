"""Secrets by which the host knows that an event comes from here: a private file with one, or two.

    whsec_BASE64

Two while they change: then each event has a signature by both. The form is that of Standard Webhooks, so that a library
of the host's takes the line as it stands.

Stops:   a secret that is guessed, or that others of the machine can read.
How:     256 random bits; the rules of `crypto/keyfile.py`; the file is read anew for each round of sending.
Does not stop: whoever has read the host's own copy.
Read:    github.com/standard-webhooks/standard-webhooks, spec 1.0.0, section on signatures
"""

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path

from slackapp.crypto import keyfile
from slackapp.errors import CommandError, ConfigError, naming
from slackapp.model import Entropy, Settings

SETTING = "SLACKAPP_HOST_WEBHOOK_SECRET_FILE"
MOST_SECRETS = 2
_PREFIX = "whsec_"
_LEAST_BYTES, _MOST_BYTES, _NEW_BYTES = 24, 64, 32


def read_webhook_secrets(settings: Settings) -> tuple[bytes, ...]:
    """Reads the secrets, the newest first. Raises ConfigError."""
    with naming(SETTING):
        return tuple(_decode(line) for line in _read_lines(settings))


def create_webhook_secret(file: Path, entropy: Entropy) -> None:
    """Makes a file with one secret. Raises CommandError rather than touch what is there."""
    keyfile.create_private(file, _format(entropy(_NEW_BYTES)), "change it by: slackapp host webhook rotate")


def add_webhook_secret(settings: Settings, entropy: Entropy) -> None:
    """Puts a new secret before the one in use. Raises ConfigError, and CommandError where there are two."""
    lines = _read_lines(settings)
    if len(lines) >= MOST_SECRETS:
        raise CommandError(f"there are {MOST_SECRETS} secrets already; first: slackapp host webhook retire")
    _replace(settings, (_format(entropy(_NEW_BYTES)).decode(), *lines))


def retire_webhook_secret(settings: Settings) -> None:
    """Takes the older of two secrets out. Raises ConfigError, and CommandError where there is one."""
    lines = _read_lines(settings)
    if len(lines) < MOST_SECRETS:
        raise CommandError("there is one secret; make the one that follows it first: slackapp host webhook rotate")
    _replace(settings, lines[:-1])


def _format(secret: bytes) -> bytes:
    return f"{_PREFIX}{base64.b64encode(secret).decode()}\n".encode()


def _read_lines(settings: Settings) -> list[str]:
    """Reads the lines that have a secret, each of the right form. Raises ConfigError."""
    file = _file(settings)
    with naming(SETTING):
        content = keyfile.read_private(file, settings.credentials_directory, settings.trusted_folder)
        lines = [line.strip() for line in content.decode("latin-1").splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        for line in lines:
            _decode(line)
        if not 1 <= len(lines) <= MOST_SECRETS:
            raise ConfigError(f"{file}: holds {len(lines)} secrets; there must be one, or two while they change")
    return lines


def _decode(line: str) -> bytes:
    """Decodes a line. Raises ConfigError, which does not repeat it."""
    try:
        secret = base64.b64decode(line.removeprefix(_PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        secret = b""
    if not line.startswith(_PREFIX) or not _LEAST_BYTES <= len(secret) <= _MOST_BYTES:
        raise ConfigError(f"a line is not {_PREFIX} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in Base64")
    return secret


def _file(settings: Settings) -> Path:
    if settings.host_webhook_secret_file is None:
        raise ConfigError(f"{SETTING}: is missing; make a file by: slackapp host webhook new FILE")
    return settings.host_webhook_secret_file


def _replace(settings: Settings, lines: Iterable[str]) -> None:
    try:
        keyfile.replace_private(_file(settings), "".join(f"{line.strip()}\n" for line in lines).encode())
    except OSError as error:
        raise ConfigError(f"{SETTING}: {_file(settings)} cannot be rewritten ({error.strerror})") from None
