"""What docs/operations.md says to type when somebody is where they should not be, typed as it stands."""

import contextlib
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.process import ROOT
from tests.host.keys import KEY_ID, host_settings, sign
from tests.support.callback_world import opened
from tests.support.connected import ACME, ANN, GLOBEX
from tests.support.host_world import ON, Host, connect, told
from tests.support.operator import CommandLine, open_shell
from tests.support.posting import join, post, said, send_all
from tests.support.world import HOST, NORTH, SOUTH, north_tenant

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("### Somebody is where they should not be")[2].partition("\n### ")[0]
CASES = {
    title: [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    for title, text in re.findall(r"\n\*\*([^*]+)\*\*(.*?)(?=\n\*\*|\Z)", SECTION, re.DOTALL)
}
KEY, DATABASE, LEFT, INSIDE = CASES


@pytest.fixture
def shell(folder: Path) -> Iterator[CommandLine]:
    """Two customers' workspaces, each held by an organization."""
    with open_shell(folder, (), **{**host_settings(folder), **ON}) as made:
        for number, (organization, tenant) in enumerate(((ACME, NORTH), (GLOBEX, SOUTH)), 1):
            connect(made.world, Host(made.world, organization), tenant, number)
            join(made.world, "general", tenant_id=tenant)
        yield made


def play(shell: CommandLine, case: str, **words: str) -> list[str]:
    """Types the commands of a case; what each printed."""
    printed = []
    for command in CASES[case]:
        typed = [words.get(word, word) for word in shlex.split(command)[1:]]
        ended = shell.run(*typed)
        assert ended.status == 0, f"{command}\n{ended.out}{ended.error}"
        printed.append(ended.out)
    return printed


def channel(shell: CommandLine, tenant: str = NORTH) -> str:
    return str(shell.world.slack.workspaces[tenant].general)


def test_the_page_has_four_cases_and_each_has_commands() -> None:
    """Negative control: stops a case that is not found, and so not played."""
    assert len(CASES) == 4
    assert sum(map(len, CASES.values())) == len(re.findall("^slackapp ", SECTION, re.MULTILINE)) == 13


def test_a_stolen_host_key(shell: CommandLine) -> None:
    """I have the key, and call for an organization that is not mine."""
    world, now = shell.world, shell.world.clock()
    claims = {"aud": f"http://{HOST}", "iat": now, "exp": now + 900, "org": ACME, "jti": "stolen-1"}
    mine = {"Authorization": f"Bearer {sign(claims)}"}
    assert world.request("GET", "/api/v2/slack/integration", b"", mine).status == 200
    play(shell, KEY, KEY=KEY_ID)
    assert told(world.request("GET", "/api/v2/slack/integration", b"", mine)) == (401, "UNAUTHENTICATED")
    (line,) = (shell.folder / "host.keys").read_text().splitlines()
    _, key_id, secret = line.split(":")
    theirs = {"Authorization": f"Bearer {sign(claims, key_id, secret)}"}
    assert world.request("GET", "/api/v2/slack/integration", b"", theirs).json["integration"]["status"] == "active"


def test_a_stolen_database(shell: CommandLine, tmp_path: Path) -> None:
    """I have copied the file, and find an old master key in a bin."""
    world = shell.world
    tokens = opened(world, north_tenant())
    stolen = tmp_path / "stolen.db"
    with (
        contextlib.closing(sqlite3.connect(world.settings.database)) as source,
        contextlib.closing(sqlite3.connect(stolen)) as copy,
    ):
        source.backup(copy)
    assert not [token for token in tokens if token.encode() in stolen.read_bytes()]
    play(shell, DATABASE)
    # The service goes on with the same tokens, under the new key; the key that wraps the copy's is in no file.
    assert opened(world, north_tenant()) == tokens
    assert "slackapp-mk1:1:" not in world.settings.master_key_file.read_text()
    world.service.stop()
    world.settings.database.unlink()
    for beside in ("-wal", "-shm"):
        world.settings.database.with_name(world.settings.database.name + beside).unlink(missing_ok=True)
    stolen.chmod(0o600)
    shutil.move(stolen, world.settings.database)
    stolen_opens = shell.run("keys", "verify")
    assert stolen_opens.status == 78
    assert "hang on it" in stolen_opens.error


def test_somebody_has_left(shell: CommandLine) -> None:
    """I was let go this morning; my browser is open, and my host token good for a quarter of an hour."""
    world = shell.world
    ann = Host(world).of()
    still_good = ann.token()
    assert ann.get("slack/integration").status == 200
    play(shell, LEFT)
    reply = world.request("GET", "/api/v2/slack/integration", b"", {"Authorization": f"Bearer {still_good}"})
    assert told(reply) == (403, "FORBIDDEN")
    assert Host(world, GLOBEX).of().get("slack/integration").status == 200, "an ann of another customer"


def test_somebody_acts_inside_an_organization(shell: CommandLine) -> None:
    """I have a member's rights, and post to a customer's channel."""
    world, commands = shell.world, CASES[INSIDE]
    acme, globex = Host(world), Host(world, GLOBEX)
    body = {"channel": channel(shell), "text": "bad"}
    assert post(acme, body).status == 202
    for command in commands[:3]:
        assert shell.run(*shlex.split(command)[1:]).status == 0
    assert told(post(acme, body)) == (503, "INTEGRATION_DISABLED")
    send_all(world, 5)
    assert said(world) == [], "what was accepted waits"
    assert post(globex, {"channel": channel(shell, SOUTH), "text": "good"}).status == 202
    send_all(world, 5)
    assert said(world) == ["good"]
    for command in commands[3:]:
        assert shell.run(*shlex.split(command)[1:]).status == 0
    assert told(acme.of(ANN).get("slack/integration")) == (403, "FORBIDDEN")
    send_all(world, 90)
    assert said(world) == ["good", "bad"]
