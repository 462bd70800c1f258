#!/usr/bin/env python3
"""Wraps the data keys of slackapp with Vault Transit, through the `vault` command line. See docs/key-management.md.

`TRANSIT_KEY` in the environment is the path of the key, such as `transit/slackapp`. `vault` finds its address and its
token as it always does. Keys travel through standard input and output only. The context is the associated data.
"""

import base64
import json
import os
import subprocess
import sys

WITHDRAWN = (b"Code: 403", b"disallowed by policy", b"encryption key not found")
WRONG = (b"message authentication failed", b"invalid ciphertext")


def vault(operation: str, name: str, value: str, context: dict[str, str]) -> dict[str, str]:
    """One call of Transit, `name=-` being read from standard input. A failure ends the program with its answer."""
    mount, _, key = os.environ["TRANSIT_KEY"].rpartition("/")
    bound = base64.b64encode(json.dumps(context, sort_keys=True).encode()).decode()
    command = ["vault", "write", "-format=json", f"{mount}/{operation}/{key}", f"{name}=-", f"associated_data={bound}"]
    done = subprocess.run(command, input=value.encode(), capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        revoked, wrong = (any(text in done.stderr for text in texts) for texts in (WITHDRAWN, WRONG))
        answer({"error": "revoked" if revoked else "mismatch" if wrong else "unavailable"})
    return dict(json.loads(done.stdout)["data"])


def answer(fields: dict[str, object]) -> None:
    """Prints the answer and ends."""
    sys.stdout.write(json.dumps(fields))
    sys.exit(0)


def main() -> None:
    """One question, one answer."""
    asked = json.load(sys.stdin)
    if asked["operation"] == "wrap":
        text = vault("encrypt", "plaintext", asked["data_key"], asked["context"])["ciphertext"]  # vault:v3:…
        wrapped = base64.b64encode(text.encode()).decode()
        answer({"version": int(text.split(":")[1][1:]), "wrapped": wrapped})
    text = base64.b64decode(asked["wrapped"]).decode()
    answer({"data_key": vault("decrypt", "ciphertext", text, asked["context"])["plaintext"]})


if __name__ == "__main__":
    main()
