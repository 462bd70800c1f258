#!/usr/bin/env python3
"""Wraps the data keys of slackapp with AWS KMS, through the `aws` command line. See docs/key-management.md.

`KMS_KEY_ID` in the environment names the key: an id, an ARN or an alias. `aws` finds its credentials as it always does.
Keys travel through standard input and output only. The context goes to KMS as its encryption context, so that the key's
policy can forbid by tenant or purpose; it is not secret, and CloudTrail shows it.
"""

import base64
import json
import os
import subprocess
import sys

WITHDRAWN = (b"AccessDeniedException", b"DisabledException", b"KMSInvalidStateException", b"NotFoundException")
WRONG = (b"InvalidCiphertextException", b"IncorrectKeyException")


def aws(operation: str, flag: str, data: bytes, context: dict[str, str]) -> dict[str, str]:
    """One call of KMS. A failure ends the program with its answer."""
    named = ",".join(f"{name}={value}" for name, value in context.items())
    command = ["aws", "kms", operation, "--key-id", os.environ["KMS_KEY_ID"], "--output", "json"]
    command += [flag, "fileb:///dev/stdin", "--encryption-context", named]
    done = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        revoked, wrong = (any(name in done.stderr for name in names) for names in (WITHDRAWN, WRONG))
        answer({"error": "revoked" if revoked else "mismatch" if wrong else "unavailable"})
    return dict(json.loads(done.stdout))


def answer(fields: dict[str, object]) -> None:
    """Prints the answer and ends."""
    sys.stdout.write(json.dumps(fields))
    sys.exit(0)


def main() -> None:
    """One question, one answer."""
    asked = json.load(sys.stdin)
    if asked["operation"] == "wrap":
        data = base64.b64decode(asked["data_key"])
        answer({"version": 1, "wrapped": aws("encrypt", "--plaintext", data, asked["context"])["CiphertextBlob"]})
    data = base64.b64decode(asked["wrapped"])
    answer({"data_key": aws("decrypt", "--ciphertext-blob", data, asked["context"])["Plaintext"]})


if __name__ == "__main__":
    main()
