"""A token was found on the net: whose it is, what it did, and its end; what rotates works on."""

import io
import sys
from pathlib import Path

import pytest

from slackapp.flows.tokens import freeze_tenant
from slackapp.localslack.model import Fault
from slackapp.model import NO_TENANT
from tests.support.callback_world import live_tokens, opened
from tests.support.operator import ACTOR, CommandLine, Ended, open_on
from tests.support.prepared_world import Left, left_by, memory_folder
from tests.support.token_use import call_as
from tests.support.world import NORTH, SOUTH, make_world, north_tenant

ADMIN = "U0NORTH001ADM"
NEXT = "SELECT status, generation, reason FROM tokens WHERE tenant_id = ? AND holder_id = ?"


def incident(shell: CommandLine, leaked: str, patch: pytest.MonkeyPatch, *options: str) -> Ended:
    """`slackapp incident token`, with a token on its standard input."""
    patch.setattr(sys, "stdin", io.StringIO(f"{leaked}\n"))
    return shell.run_as_typed("incident", "token", *options)


@pytest.fixture(scope="module")
def without_rotation() -> Left:
    with memory_folder() as folder, make_world(folder, rotation=False, SLACKAPP_USER_SCOPES="users:read") as world:
        world.browser().install()
        return left_by(world)


def test_a_leaked_access_token_ends_and_what_works_goes_on(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """I have copied a bot token from a screenshot, and call Slack with it."""
    world, tenant = shell.world, north_tenant()
    call_as(world.service.app, tenant, ACTOR)
    leaked = opened(world, tenant)[0]
    ended = incident(shell, leaked, monkeypatch, "--yes")
    assert ended.status == 0
    assert f"{NORTH}  bot  live, rotates, granted 20" in ended.out
    assert "auth.test" in ended.out
    assert ended.out.endswith(f"{NORTH}: ended, and replaced\n")
    new = opened(world, tenant)[0]
    assert leaked not in live_tokens(world)
    assert new in live_tokens(world)
    call_as(world.service.app, tenant, ACTOR)
    events = [row["event"] for row in world.rows("SELECT event FROM audit ORDER BY id")]
    assert events[-5:] == ["token.found", "token.read", "token.refreshed", "token.revoked", "token.read"]
    assert leaked not in ended.out + ended.error + world.log.getvalue()
    # It is nobody's any more.
    again = incident(shell, leaked, monkeypatch, "--yes")
    assert (again.status, again.out) == (1, "")
    assert "no token here is this one" in again.error


@pytest.mark.claim("C-402")
def test_a_leaked_refresh_token_is_used_up_also_in_a_freeze(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I have copied a refresh token; the operator froze everything as soon as it was known."""
    world, tenant = shell.world, north_tenant()
    leaked = opened(world, tenant)[1]
    freeze_tenant.run(world.service.app, NO_TENANT, ACTOR, world.clock())
    ended = incident(shell, leaked, monkeypatch, "--yes")
    assert (ended.status, "ended, and replaced" in ended.out) == (0, True)
    assert f"slackapp uninstall {NORTH}" in ended.error
    assert opened(world, tenant)[1] != leaked


@pytest.mark.claim("C-401")
@pytest.mark.parametrize("user", ["", ADMIN])
def test_a_leaked_token_that_does_not_rotate_is_dead_here_too(
    without_rotation: Left, folder: Path, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    with open_on(without_rotation, folder) as shell:
        world, tenant = shell.world, north_tenant()
        leaked, _ = opened(world, tenant, user)
        ended = incident(shell, leaked, monkeypatch, "--yes")
        assert ended.status == 0
        assert f"{NORTH}: ended; install again: http://" in ended.out
        assert leaked not in live_tokens(world)
        (row,) = world.rows(NEXT, NORTH, user)
        assert (row["status"], row["reason"]) == ("dead", "leaked")
        status = world.rows("SELECT status FROM installations WHERE tenant_id = ?", NORTH)[0]["status"]
        assert status == ("active" if user else "needs_reinstall")


@pytest.mark.parametrize("method", ["auth.revoke", "oauth.v2.access"])
def test_what_slack_did_not_end_is_said_and_can_be_done_again(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    world, tenant = shell.world, north_tenant()
    leaked = opened(world, tenant)[0 if method == "auth.revoke" else 1]
    world.slack.faults.add(Fault(method, "html500", times=-1))
    ended = incident(shell, leaked, monkeypatch, "--yes")
    assert (ended.status, f"{NORTH}: it may live on; do it again" in ended.error) == (1, True)
    world.slack.faults.clear()
    again = incident(shell, leaked, monkeypatch, "--yes")
    assert (again.status, again.out.endswith(f"{NORTH}: ended, and replaced\n")) == (0, True)
    rows = world.rows("SELECT result FROM audit WHERE event = 'token.revoked' ORDER BY id")
    assert [row["result"] for row in rows] == ["failed", "ok"]
    call_as(world.service.app, tenant, ACTOR)


def test_nothing_ends_where_one_only_looks_or_does_not_say_yes(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaked = opened(shell.world, north_tenant())[0]
    looked = incident(shell, leaked, monkeypatch, "--only-look")
    assert (looked.status, NORTH in looked.out) == (0, True)
    asked = incident(shell, leaked, monkeypatch)
    assert (asked.status, "there is nobody here to ask: give --yes" in asked.error) == (2, True)
    listed = incident(shell, leaked, monkeypatch, "--only-look", "--json", "--number", "1")
    assert listed.status == 0
    assert all(line.startswith("{") for line in listed.out.splitlines())
    assert leaked in live_tokens(shell.world)
    assert SOUTH not in looked.out
