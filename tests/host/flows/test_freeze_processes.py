"""A freeze stops the very next call in every process, whatever each has kept in memory, and its end lets all go on."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.flows.tokens import freeze_tenant
from slackapp.host.flows import freeze_organization
from slackapp.model import NO_TENANT
from tests.host.keys import host_settings
from tests.support.connected import ACME, NOW, connect
from tests.support.host_world import OPERATOR
from tests.support.race import ROOT
from tests.support.world import NORTH, World, environment, make_world, north_tenant

CHILD = """
import sys
from slackapp.app import build, system_entropy
from slackapp.checks.capabilities import VALIDATE
from slackapp.cli.service.environment import read_settings
from slackapp.errors import Refused
from slackapp.flows.tokens.use_token import TokenUse, call
from slackapp.model import BOT, Actor, ActorKind
from tests.support.world import Clock, north_tenant
app = build(read_settings(), Clock(), system_entropy, sys.stderr).app
use = TokenUse(
    tenant=north_tenant(), holder=BOT, capability=VALIDATE, method="auth.test", purpose="test",
    actor=Actor(ActorKind.OPERATOR, "r1"),
)
print("ready", flush=True)
for line in sys.stdin:
    try:
        call(app, use, {})
        print("called", flush=True)
    except Refused as refused:
        print(refused.refusal.name, flush=True)
"""
"""A process of its own: for each line it uses the token, and says what came of that."""


@contextlib.contextmanager
def processes(world: World, number: int) -> Iterator[list[subprocess.Popen[str]]]:
    settings = environment(world.folder, world.slack_url, **host_settings(world.folder))
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD], cwd=ROOT, env={**os.environ, **settings}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(number)
    ]  # fmt: skip
    try:
        assert [answer(each) for each in started] == ["ready"] * number
        yield started
    finally:
        for each in started:
            each.communicate(timeout=20)


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def use(process: subprocess.Popen[str]) -> str:
    """What comes of the very next use of the token in that process."""
    assert process.stdin is not None
    process.stdin.write("use\n")
    process.stdin.flush()
    return answer(process)


@pytest.mark.claim("C-157")
def test_freeze_stops_the_very_next_call_in_three_processes(tmp_path: Path) -> None:
    """I go on posting from the process that has read the token a moment ago."""
    with make_world(tmp_path, **host_settings(tmp_path)) as world:
        app = world.service.app
        world.browser().install(NORTH)
        world.work()
        connect(app.db, north_tenant(), now=world.clock())
        with processes(world, 3) as others:
            assert [use(each) for each in others] == ["called"] * 3
            before = len(world.calls("auth.test"))
            assert freeze_organization.run(app, ACME, OPERATOR, NOW)
            assert [use(each) for each in others] == ["FROZEN"] * 3
            assert freeze_organization.end(app, ACME, OPERATOR, NOW)
            assert freeze_tenant.run(app, NO_TENANT, OPERATOR, NOW)
            assert [use(each) for each in others] == ["FROZEN"] * 3
            assert len(world.calls("auth.test")) == before
            assert freeze_tenant.end(app, NO_TENANT, OPERATOR, NOW)
            assert [use(each) for each in others] == ["called"] * 3
