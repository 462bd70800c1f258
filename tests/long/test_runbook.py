"""What docs/threat-model.md says to do when something leaked, typed as it stands, on a service with two customers."""

import io
import re
import sys
from pathlib import Path

import pytest

from tests.cli.process import ROOT, Here
from tests.support.callback_world import opened
from tests.support.command import with_yes
from tests.support.world import NORTH, SOUTH, World, environment, make_world, north_tenant

pytestmark = pytest.mark.long
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
RUNBOOK = PAGE.partition("## When something leaked")[2]
CASES = {
    part.partition("\n")[0].removeprefix(" "): re.findall(r"^ {4}(slackapp .*?)(?: +#.*)?$", part, re.MULTILINE)
    for part in RUNBOOK.split("\n###")
}


def test_the_search_finds_every_command_of_the_runbook() -> None:
    """Negative control."""
    assert sum(map(len, CASES.values())) == len(re.findall(r"^ {4}slackapp ", RUNBOOK, re.MULTILINE)) > 15


@pytest.mark.parametrize("case", [case for case, commands in CASES.items() if commands])
def test_the_commands_of_a_case_do_what_they_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    with make_world(tmp_path, SLACKAPP_KEY_BACKUP_DIR=str(keys)) as world:
        for tenant in (NORTH, SOUTH):
            assert world.browser().install(tenant).status == 303
        given = environment(tmp_path, world.slack_url, SLACKAPP_KEY_BACKUP_DIR=str(keys))
        here = Here(tmp_path, monkeypatch, capsys)
        head = here.run(given, "audit", "head").stdout.split()[-1]
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{opened(world, north_tenant())[0]}\n"))  # what has leaked
        for command in CASES[case]:
            words = command.replace("NUMBER:HASH", head).replace("TENANT", NORTH).replace("DIR", "backup").split()[1:]
            done = here.run(given, *with_yes(words))
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        _look(world, tmp_path, CASES[case])


def _look(world: World, folder: Path, commands: list[str]) -> None:
    """What the reader was told of these commands."""
    tenants = {row["tenant_id"] for row in world.rows("SELECT tenant_id FROM installations")}
    assert tenants == ({SOUTH} if any("uninstall T" in command for command in commands) else {NORTH, SOUTH})
    rotated = any("keys retire" in command for command in commands)
    assert ("slackapp-mk1:1:" in (folder / "master.key").read_text()) == (not rotated)
