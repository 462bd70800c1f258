"""The key provider `command`: wraps through a program of the operator's, so that any key service can be attached.

The program is started once per operation, gets one JSON object on its standard input and gives one on its standard
output. Keys travel in those pipes only, never in an argument or the environment, which other users can read.

    {"operation": "wrap", "context": {…}, "data_key": BASE64}                 -> {"version": 1, "wrapped": BASE64}
    {"operation": "unwrap", "context": {…}, "version": 1, "wrapped": BASE64}  -> {"data_key": BASE64}
    in case of failure                                -> {"error": "revoked"}, "mismatch" or anything else

The context holds `app_id`, `tenant`, `purpose` and `key_id` as text; a key service that takes an encryption context
(AWS KMS) or additional data (Vault Transit) should be given it, so that the key's owner can forbid by tenant. What is
to be wrapped begins with a digest of the context, which is compared after unwrapping: a wrapped key that was moved to
another tenant is refused even where the program ignores the context.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from slackapp.crypto.envelope import KEY_BYTES
from slackapp.errors import DecryptError, KeyRevokedError, KeyUnavailableError
from slackapp.vault.providers import KeyContext

TIMEOUT = 10
"""Seconds that the program may take."""
_KILL_WAIT = 1.0
"""Seconds that a killed program may take to be gone."""
ANSWER_LIMIT = 16 * 1024
WRAPPED_LIMIT = 4096
_DIGEST_BYTES = 32
_WITHOUT_OUR_SECRETS = (
    "/usr/bin/env", "-u", "SLACK_CLIENT_SECRET", "-u", "SLACK_SIGNING_SECRET",
    "-u", "SLACK_CLIENT_SECRET_FILE", "-u", "SLACK_SIGNING_SECRET_FILE",
    "-u", "SLACKAPP_MASTER_KEY_FILE", "-u", "SLACKAPP_OPERATOR_TOKEN_FILE",
)  # fmt: skip
"""The program gets the rest of our environment, in which its own settings stand."""


class CommandProvider:
    """A provider by its name and the absolute path of its program."""

    def __init__(self, name: str, program: Path) -> None:
        self.provider_id = name
        self._program = program

    def wrap(self, context: KeyContext, data_key: bytes) -> tuple[int, bytes]:
        """Asks the program to wrap."""
        bound = base64.b64encode(_digest(context) + data_key).decode()
        answer = self._ask("wrap", context, {"data_key": bound})
        wrapped, version = _bytes(answer, "wrapped"), answer.get("version", 1)
        if type(version) is not int or not 0 < version < 2**31 or not 0 < len(wrapped) <= WRAPPED_LIMIT:
            raise KeyUnavailableError
        return version, wrapped

    def unwrap(self, context: KeyContext, version: int, wrapped: bytes) -> bytes:
        """Asks the program to unwrap."""
        fields = {"version": version, "wrapped": base64.b64encode(wrapped).decode()}
        bound = _bytes(self._ask("unwrap", context, fields), "data_key")
        digest, data_key = bound[:_DIGEST_BYTES], bound[_DIGEST_BYTES:]
        if len(data_key) != KEY_BYTES or not hmac.compare_digest(digest, _digest(context)):
            raise DecryptError
        return data_key

    def _ask(self, operation: str, context: KeyContext, fields: Mapping[str, object]) -> Mapping[str, object]:
        named = {
            "app_id": context.app_id,
            "tenant": context.tenant.id,
            "purpose": context.purpose,
            "key_id": str(context.key_id),
        }
        question = json.dumps({"operation": operation, "context": named, **fields}).encode()
        try:
            said, status = _run(self._program, question)
            answer = json.loads(said)
        except (OSError, subprocess.SubprocessError, ValueError, RecursionError):
            raise KeyUnavailableError from None
        if not isinstance(answer, dict):
            raise KeyUnavailableError
        if "error" in answer:
            raise {"revoked": KeyRevokedError, "mismatch": DecryptError}.get(
                str(answer["error"]), KeyUnavailableError
            )()
        if status != 0:
            raise KeyUnavailableError
        return answer


def _run(program: Path, question: bytes) -> tuple[bytes, int]:
    """Runs the program with a question; returns its answer, and its exit status.

    Raises OSError, ValueError and SubprocessError. It is over after TIMEOUT seconds whatever happens; and then nothing
    that it started runs any more, unless that has left its process group.
    """
    until = time.monotonic() + TIMEOUT
    process = subprocess.Popen(  # noqa: S603  (the operator's own program, by absolute path, without arguments)
        [*_WITHOUT_OUR_SECRETS, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
    try:
        said = _communicate(process, question, until)
        return said, process.wait(max(0.0, until - time.monotonic()))
    finally:
        _terminate(process)


def _communicate(process: subprocess.Popen[bytes], question: bytes, until: float) -> bytes:
    """Hands the question over, and takes the answer as it comes: no more of it than we would read."""
    said = b""
    with selectors.DefaultSelector() as ready:
        for pipe, event in ((process.stdin, selectors.EVENT_WRITE), (process.stdout, selectors.EVENT_READ)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                ready.register(pipe, event)
        while True:
            left = until - time.monotonic()
            # claim: C-95
            if left <= 0 or len(said) > ANSWER_LIMIT:
                raise ValueError("the program takes too long, or says too much")
            for key, event in ready.select(left):
                if event & selectors.EVENT_WRITE:
                    question = question[_write(key.fd, question) :]
                    if not question and process.stdin is not None:
                        ready.unregister(key.fileobj)
                        process.stdin.close()
                elif part := os.read(key.fd, 4096):
                    said += part
                else:
                    return said


def _write(pipe: int, question: bytes) -> int:
    """Writes to the program; returns how many bytes, or all where it does not read, which is its own affair."""
    try:
        return os.write(pipe, question)
    except BrokenPipeError:
        return len(question)


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Ends the program, what it has started, and our ends of its pipes."""
    _kill_group(process.pid)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_KILL_WAIT)
    except subprocess.TimeoutExpired:
        return  # the kernel does not let go of it; the next start of a program looks for its end


def _kill_group(number: int) -> None:
    """The program leads a group of its own, which has its number."""
    try:
        # claim: C-95
        os.killpg(number, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # all of it has ended


def _digest(context: KeyContext) -> bytes:
    fields = (context.app_id, context.tenant.kind, context.tenant.id, context.purpose, str(context.key_id))
    return hashlib.sha256(json.dumps(fields).encode()).digest()


def _bytes(answer: Mapping[str, object], name: str) -> bytes:
    value = answer.get(name)
    try:
        if isinstance(value, str) and value:
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise KeyUnavailableError  # no answer of a key service: nothing is said about the key
