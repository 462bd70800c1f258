"""The single file of the key backup, and how it is replaced."""

import os
from pathlib import Path

from slackapp.crypto.keyfile import replace_private
from slackapp.errors import StoreFullError

NAME = "slackapp-keys.json"


class FileSlot:
    """`slackapp-keys.json` in a folder; without a folder, nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / NAME if folder is not None else None

    @property
    def is_set(self) -> bool:
        """Whether there is a place for it."""
        return self._file is not None

    def write(self, content: bytes) -> None:
        """Replaces the file whole: who reads it meanwhile sees the old one or the new one. Raises StoreFullError."""
        if self._file is None:
            return
        try:
            replace_private(self._file, content)
        except OSError as error:
            raise StoreFullError(f"the key backup cannot be written ({os.strerror(error.errno or 0)})") from None

    def read(self) -> bytes | None:
        """What is there, or None. Raises StoreFullError when it cannot be read."""
        if self._file is None:
            return None
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFullError(f"the key backup cannot be read ({os.strerror(error.errno or 0)})") from None
