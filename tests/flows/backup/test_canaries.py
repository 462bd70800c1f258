"""No secret in any file, log line, row or output, in any spelling, after all that is done to keys and tenants."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from slackapp.app import system_entropy
from slackapp.crypto import keyfile
from slackapp.model import NO_TENANT
from slackapp.vault import keyring
from tests.support.operator import CommandLine, Ended, open_shell
from tests.support.world import NORTH, SIGNING_SECRET, SOUTH, World
from tests.vault.providers import Program

OPERATOR = "an-operator-token-of-forty-characters-xx"
KEPT_APART = ("master.key", "operator.token")
"""The two files that are meant to hold secrets."""


@dataclass
class CollectedOutput:
    """What a thief with every file, log and screen gets, and what is looked for, by kind."""

    found: dict[str, bytes] = field(default_factory=dict)
    taken: set[bytes] = field(default_factory=set)
    secrets: dict[str, set[bytes]] = field(default_factory=dict)

    def add(self, kind: str, *values: bytes | str) -> None:
        self.secrets.setdefault(kind, set()).update(v.encode() if isinstance(v, str) else v for v in values)

    def take(self, where: str, data: bytes) -> None:
        """Keeps what was found there; what was taken before in the same words only once."""
        digest = hashlib.sha256(data).digest()
        if digest not in self.taken:
            self.taken.add(digest)
            self.found[f"{len(self.found)} {where}"] = data

    def take_files(self, folder: Path, when: str) -> None:
        for file in folder.rglob("*"):
            if file.is_file() and file.name not in KEPT_APART:
                self.take(f"{file.relative_to(folder)} {when}", file.read_bytes())

    def leaks(self, kind: str) -> list[str]:
        everything = b"\0".join(self.found.values())
        forms = [form for secret in self.secrets[kind] for form in spellings(secret) if form in everything]
        return [where for where, data in self.found.items() if any(form in data for form in forms)]


def spellings(secret: bytes) -> set[bytes]:
    """As it is, in hexadecimal, in base64 at each of its three offsets, URL-encoded, and in UTF-16."""
    forms = {secret, secret.hex().encode(), secret.hex().upper().encode(), quote(secret, safe="").encode()}
    forms.add(secret.decode("latin-1").encode("utf-16-le"))
    for offset in range(3):
        for coded in (base64.b64encode(bytes(offset) + secret), base64.urlsafe_b64encode(bytes(offset) + secret)):
            # Characters at either end also depend on what stands beside the secret.
            forms.add(coded[(0, 2, 3)[offset] : len(coded) // 4 * 4 - 4])
    return forms


def collect_everything(shell: CommandLine, loot: CollectedOutput) -> None:
    """Installs, events, refreshes, refusals, and every command of the vault; files are taken on the way."""
    world, (b0, b1) = shell.world, (str(shell.folder / "b0"), str(shell.folder / "b1"))
    browser = world.browser()
    begun = browser.begin()
    consented = browser.consent(begun)
    loot.add("state", begun.query["state"])
    loot.add("cookie", *browser.cookies.values())
    loot.add("code", parse_qs(urlsplit(consented.location).query)["code"][0])
    loot.take_files(shell.folder, "before the callback")
    assert browser.follow_callback(consented).status == 303
    world.work()
    commands: list[tuple[str, ...]] = [
        ("backup", b0), ("keys", "rotate"), ("keys", "verify"), ("keys", "list"), ("keys", "retire", "1"),
        ("keys", "reencrypt"), ("keys", "assign", SOUTH, "kms"), ("keys", "flush"), ("audit", "tail", "--json"),
        ("audit", "verify"), ("audit", "head"), ("tenants",), ("tenants", "--json"), ("config",), ("backup", b1),
        ("restore", b1, "--check"), ("purge", "--verify"), ("keys", "new", str(shell.folder / "operator.token")),
    ]  # fmt: skip
    for words in commands:
        ended = shell.run(*words)
        assert ended.status == (1 if "new" in words else 0) or words == ("config",), ended
        if words[0] in ("backup", "keys"):
            world.mention(f"Ev{len(loot.found)}", team_id=NORTH)
            world.work()
        if words[1:2] in (("rotate",), ("reencrypt",), ("assign",)) or words[0] in ("backup", "restore"):
            loot.take_files(shell.folder, f"after {' '.join(words[:2])}")
    world.clock.advance(42_000)
    world.mention("EvRefresh", team_id=NORTH)
    world.work()
    world.request("POST", "/slack/events", b"{}", {"Content-Type": "application/json", "Authorization": "Bearer x"})
    for words in (("uninstall", NORTH), ("purge", SOUTH)):
        assert shell.run(*words).status == 0
    assert shell.restore(b1).status == 0
    loot.take_files(shell.folder, "at the end")


@pytest.fixture(scope="module")
def loot(memory_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectedOutput]:
    loot, real, program = CollectedOutput(), keyring.PlainKey, Program(tmp_path_factory.mktemp("kms"))

    def opened(key_id: int, purpose: str, key: bytes) -> keyring.PlainKey:
        loot.add("data key", key)
        return real(key_id, purpose, key)

    def said(shell: CommandLine, *words: str, run: object = CommandLine.run) -> Ended:
        ended = run(shell, *words)  # type: ignore[operator]
        loot.take(f"what {' '.join(words[:2])} printed", (ended.out + ended.error).encode())
        return ended

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyring, "PlainKey", opened)
        patch.setattr(CommandLine, "run", said)
        # Master keys that are nobody's usual bytes, so that what is found is theirs.
        keyfile.write_private(memory_folder / "master.key", keyfile.format_master_key(1, system_entropy(32)))
        with open_shell(memory_folder, SLACKAPP_KEY_COMMANDS=f"kms={program.path}") as shell:
            masters = dict(keyfile.parse_master_keys(memory_folder, (memory_folder / "master.key").read_bytes()))
            collect_everything(shell, loot)
            masters |= keyfile.parse_master_keys(memory_folder, (memory_folder / "master.key").read_bytes())
            assert set(masters) == {1, 2}
            loot.add("master key", *masters.values())
            add_the_rest(loot, shell.world)
            loot.take("the log", shell.world.log.getvalue().encode())
            yield loot


def add_the_rest(loot: CollectedOutput, world: World) -> None:
    for kind, prefix in (("bot", "xoxe.xoxb-"), ("user", "xoxe.xoxp-"), ("refresh", "xoxe-")):
        loot.add(f"{kind} token", *(token for token in world.slack.issued_tokens if token.startswith(prefix)))
    loot.add("client secret", "a-client-secret-for-tests")
    loot.add("signing secret", SIGNING_SECRET)
    loot.add("operator token", OPERATOR)
    _, state_key = world.service.app.keyring.state_key()
    loot.add("data key", state_key)
    assert NO_TENANT.id == ""


KINDS = (
    "bot token", "user token", "refresh token", "client secret", "signing secret", "code", "state", "cookie",
    "master key", "data key", "operator token",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_no_canary_is_in_any_output_or_file(loot: CollectedOutput, kind: str) -> None:
    """I have the disk, the backups, the log and every screen; not the master key."""
    assert loot.secrets[kind]
    assert loot.leaks(kind) == []


def test_the_search_covers_database_key_backup_and_backups(loot: CollectedOutput) -> None:
    names = {where.partition(" ")[2].partition(" ")[0] for where in loot.found}
    for name in ("slackapp.db", "slackapp.db-wal", "slackapp.db-shm", "key-backup/slackapp-keys.json", "b0/data.db"):
        assert name in names
    assert {"b1/manifest.json", "the", "what"} <= names
    assert set(loot.secrets) == set(KINDS)
    assert len(loot.secrets["data key"]) >= 20
    assert NORTH.encode() in b"".join(loot.found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_search_finds_each_kind_in_each_spelling(loot: CollectedOutput, kind: str) -> None:
    secret = min(loot.secrets[kind])
    planted = [
        b"a" + secret + b"b", secret.hex().encode(), base64.b64encode(b"x" + secret + b"y"),
        base64.b64encode(b"xy" + secret), base64.urlsafe_b64encode(secret), quote(secret, safe="").encode(),
    ]  # fmt: skip
    for number, text in enumerate(planted):
        control = CollectedOutput(secrets={kind: {secret}})
        control.take("planted", text)
        assert control.leaks(kind) == ["0 planted"], number
