"""docs/host-api.md: its reference is made of the routes, its program signs, and its commands are typed."""

import re
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest

from slackapp.host.answers import CODES
from slackapp.host.channel_list import IncompleteReason
from slackapp.host.checks.transitions import HELD
from slackapp.host.model import HostRole
from tests.host.keys import KEY_ID, SECRET
from tests.support import host_reference
from tests.support.host_world import Host, connect
from tests.support.servers import serve
from tests.support.world import HOST, World

PAGE = host_reference.PAGE.read_text(encoding="utf-8")
CURLS = re.findall(r"^curl .*$", PAGE, re.MULTILINE)


def test_the_reference_is_what_make_docs_writes() -> None:
    assert host_reference.page() == PAGE, "run: make docs"


def test_the_page_names_every_code_role_and_reason() -> None:
    table = PAGE[PAGE.index("## What is refused") : PAGE.index("## Routes")]
    for code, status in CODES.items():
        (row,) = (line for line in table.splitlines() if line.startswith("| ") and f"`{code}`" in line)
        assert f"| {status} |" in row
    for word in (*HostRole, *IncompleteReason, *HELD, "revoked"):
        assert f"`{word}`" in PAGE


def signer() -> Any:
    """The page's own program."""
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    module = types.ModuleType("signer")
    exec(compile(program, "docs/host-api.md", "exec"), module.__dict__)  # noqa: S102  (the page's own)
    return module


def type_line(line: str, url: str, token: str, folder: Path) -> str:
    """A line of the page in a shell, as whoever reads it types it; the port is where this test serves."""
    typed = line.replace("curl ", f"curl -sS --connect-to {HOST}:{url.removeprefix('http://')} ", 1)
    ran = subprocess.run(
        ["/bin/sh", "-c", typed], capture_output=True, text=True, timeout=20, cwd=folder,
        env={"TOKEN": token, "PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_commands_of_the_page_do_what_it_says(
    world: World, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C225, C226, C227: typed by a shell, against a server, with a token that the page's own program has signed."""
    connect(world, host)
    module = signer()
    monkeypatch.setattr(module.time, "time", lambda: world.clock.now)
    token = module.host_token(KEY_ID, SECRET, world.settings.public_url, org="acme", sub="ann", role="admin")
    assert len(CURLS) == 7
    with serve(world.service.wsgi) as url:
        answers = [type_line(line, url, token, tmp_path) for line in CURLS]
    shown, channels, checked, reviewed, posted, held, used = answers
    assert '"status":"active"' in shown
    assert '"name":"general"' in channels
    assert '"name":"random"' not in channels
    assert '"ok":true' in checked
    assert '"open":1' in reviewed
    assert '"status":"queued"' in posted
    assert held.startswith('"id","kind","status"')
    assert '"method":"conversations.list"' in used
