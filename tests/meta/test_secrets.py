"""No file of the repository holds what could be a secret: tokens, keys, addresses that post, databases.

What Slack, GitHub and the scanners of others look for when a repository becomes public, and the forms of our own keys.
Test values have the prefix of the real thing and not its length, so that nobody ever has to ask which of them is live.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.source import ROOT, repository_files

RULES = {
    "a token of Slack": rb"xox[abeprs](?:\.xox[abp])?-[0-9]+-[0-9A-Za-z-]{24,}",
    "an app-level token of Slack": rb"xapp-[0-9]-[A-Z0-9]{8,}-[0-9]{8,}-[0-9a-f]{32,}",
    "an address that posts to Slack": rb"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{8,}/[^\s\"']{30,}",
    "a secret of a Slack app": rb"(?i:secret)\w*[\"']?\s*[:=]\s*[\"']?[0-9a-f]{32}\b",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a master key": rb"slackapp-mk1:[0-9]+:[A-Za-z0-9+/]{43}=",
    "a key of a host": rb"slackapp-hk1:[0-9a-f]{8}:[A-Za-z0-9_-]{43}",
    "the secret of a webhook": rb"whsec_[A-Za-z0-9+/]{32,}",
    "a signed token": rb"eyJ[A-Za-z0-9_-]{12,}\.eyJ[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{24,}",
    "a key of a cloud": rb"\bAKIA[0-9A-Z]{16}\b",
    "a token of a code host": rb"\b(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,})",
    "a database": rb"\ASQLite format 3\0",
}
COMPILED = {what: re.compile(rule) for what, rule in RULES.items()}
NAMES = re.compile(r"(?:^|/)(?:\.env(?:\..+)?|id_(?:rsa|ecdsa|ed25519)|[^/]+\.(?:pem|p12|pfx|keystore|db|sqlite3?))$")
"""Names of files that hold secrets or databases, whatever is inside."""

# Each in parts, so that this file is none of them.
_DIGITS, _LETTERS = "1234567890", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PLANTED = {
    "a token of Slack": [
        f"xoxb-{_DIGITS}-{_DIGITS}-{_LETTERS[:24]}",
        f"xoxe.xoxp-1-{_LETTERS}{_DIGITS}",
        f"xoxe-1-{_LETTERS}",
    ],
    "an app-level token of Slack": [f"xapp-1-A{_DIGITS}-{_DIGITS}-{'0123456789abcdef' * 4}"],
    "an address that posts to Slack": [f"https://hooks.slack.com/services/T{_DIGITS}/B{_DIGITS}/{_LETTERS[:24]}"],
    "a secret of a Slack app": [
        f"SLACK_SIGNING_SECRET={'0123456789abcdef' * 2}",
        f'"client_secret": "{"0123456789abcdef" * 2}"',
    ],
    "a private key": ["-----BEGIN " + "RSA PRIVATE KEY-----", "-----BEGIN " + "PRIVATE KEY-----"],
    "a master key": [f"slackapp-mk1:1:{_LETTERS[:43]}="],
    "a key of a host": [f"slackapp-hk1:0123abcd:{_LETTERS[:43]}"],
    "the secret of a webhook": [f"whsec_{_LETTERS[:43]}="],
    "a signed token": [f"eyJ{_LETTERS[:16]}.eyJ{_LETTERS[:30]}.{_LETTERS[:43]}"],
    "a key of a cloud": ["AKIA" + "IOSFODNN7EXAMPLE"],
    "a token of a code host": ["ghp_" + _LETTERS[:36], "github_pat_" + _LETTERS[:45], "glpat-" + _LETTERS[:20]],
    "a database": ["SQLite format 3" + "\0"],
}
INNOCENT = [
    "xoxb-example", "xoxe.xoxb-1-local", "https://hooks.slack.com/services/T111/B111/x", "client_secret: str",
    "slackapp-mk1:NUMBER:KEY", "whsec_BASE64", "SLACK_SIGNING_SECRET_FILE=/etc/slackapp/secrets/signing-secret",
    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
]  # fmt: skip


def findings(data: bytes) -> Iterator[str]:
    """What a file's bytes hold of the above: the kind and the line, never the secret."""
    for what, rule in COMPILED.items():
        for match in rule.finditer(data):
            line = data.count(b"\n", 0, match.start()) + 1
            yield f"{line}: {what}"


def test_no_file_holds_a_secret() -> None:
    files = repository_files()
    assert ROOT / "examples/settings/production.env" in files
    found = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in findings(path.read_bytes())]
    found += [f"{name}: its name" for name in (str(path.relative_to(ROOT)) for path in files) if NAMES.search(name)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("what", RULES)
def test_a_planted_secret_is_found_by_its_rule(what: str) -> None:
    """Stops a rule that matches nothing; the finding names the line and does not repeat the secret."""
    for text in PLANTED[what]:
        before = "" if what == "a database" else "first line\nkey = "
        assert f"{1 + before.count(chr(10))}: {what}" in list(findings(f"{before}{text}".encode())), text


@pytest.mark.parametrize("name", [".env", "deploy/.env.production", "keys/id_ed25519", "a/server.pem", "data/slack.db"])
def test_a_file_is_known_by_its_name(name: str) -> None:
    assert NAMES.search(name)


def test_innocent_texts_and_names_pass() -> None:
    """Stops a rule that matches everything."""
    assert not [text for text in INNOCENT if list(findings(text.encode()))]
    names = ("examples/settings/ci.env", "slackapp/crypto/keyfile.py", "docs/key-management.md", "tests/x/db.py")
    assert not [name for name in names if NAMES.search(name)]


def test_what_is_never_committed_is_ignored() -> None:
    """Stops `git add -A` after `make run`, which leaves keys and a database behind."""
    ignored = Path(ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/data/", ".env"} <= {line.strip() for line in ignored}
