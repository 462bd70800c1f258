"""Key providers to test with: one inside this process whose moods a test sets, and programs for `command`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.vault.providers import KeyContext

FAULTS = {"revoked": KeyRevokedError, "unavailable": KeyUnavailableError, "mismatch": DecryptError}


class FaultyProvider:
    """Keeps what it wraps under a random name, and fails as `mood` says."""

    mood = ""
    asked: list[tuple[str, KeyContext]]

    def __init__(self, name: str) -> None:
        self._name = name
        self._kept: dict[bytes, tuple[KeyContext, bytes]] = {}
        self.asked = []

    @property
    def provider_id(self) -> str:
        return self._name

    def wrap(self, context: KeyContext, data_key: bytes) -> tuple[int, bytes]:
        self._answer("wrap", context)
        name = os.urandom(24)
        self._kept[name] = context, data_key
        return 1, name

    def unwrap(self, context: KeyContext, version: int, wrapped: bytes) -> bytes:
        self._answer("unwrap", context)
        bound, data_key = self._kept.get(wrapped, (None, b""))
        if bound != context or version != 1:
            raise DecryptError
        return data_key

    def _answer(self, operation: str, context: KeyContext) -> None:
        self.asked.append((operation, context))
        if self.mood:
            raise FAULTS[self.mood]()


SHELL = """\
#!/bin/sh
folder=$(dirname "$0")
if [ -e "$folder/answer" ]; then cat > /dev/null; cat "$folder/answer"; exit "$(cat "$folder/status")"; fi
exec {python} -IS "$folder/kms.py" "$@"
"""
# A key service that wraps under one key and ignores the context. `seen` keeps each question and how it came.
SERVICE = """\
import base64, hashlib, json, os, sys
folder = os.path.dirname(os.path.abspath(sys.argv[0]))
question = sys.stdin.buffer.read()
seen = {"argv": sys.argv[1:], "environ": dict(os.environ), "stdin": question.decode()}
with open(folder + "/seen", "a") as file:
    file.write(json.dumps(seen) + chr(10))
asked = json.loads(question)

def mask(data):
    stream = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(4))
    return bytes(one ^ other for one, other in zip(data, stream))

if asked["operation"] == "wrap":
    masked = mask(base64.b64decode(asked["data_key"]))
    answer = {"version": 7, "wrapped": base64.b64encode(hashlib.sha256(masked).digest() + masked).decode()}
else:
    wrapped = base64.b64decode(asked["wrapped"])
    whole = hashlib.sha256(wrapped[32:]).digest() == wrapped[:32]
    answer = {"data_key": base64.b64encode(mask(wrapped[32:])).decode()} if whole else {"error": "mismatch"}
print(json.dumps(answer))
"""


class Program:
    """The program on the disk, and what a test tells it and learns of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "kms"
        self.path.write_text(SHELL.format(python=sys.executable))
        self.path.chmod(0o700)
        (folder / "kms.py").write_text(SERVICE)

    def answer(self, content: bytes, status: int = 0) -> None:
        """From now on these bytes, whatever it is asked."""
        (self.folder / "answer").write_bytes(content)
        (self.folder / "status").write_text(str(status))

    def behave(self) -> None:
        """From now on the right answers."""
        (self.folder / "answer").unlink(missing_ok=True)

    @property
    def seen(self) -> list[dict[str, Any]]:
        """Each question that was answered rightly."""
        file = self.folder / "seen"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
