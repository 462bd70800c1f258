"""A new file of master keys."""

from pathlib import Path

from slackapp.app import system_entropy
from slackapp.crypto import keyfile
from slackapp.crypto.envelope import KEY_BYTES
from slackapp.errors import CommandError


def make(file: Path) -> None:
    """Writes a key file with version 1. Raises CommandError rather than touch a file that is there."""
    try:
        keyfile.write_private(file, keyfile.format_master_key(1, system_entropy(KEY_BYTES)))
    except FileExistsError:
        raise CommandError(f"{file}: exists already; a master key is never overwritten") from None
    except OSError as error:
        raise CommandError(f"{file}: cannot be made ({error.strerror})") from None
