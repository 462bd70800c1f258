"""Uninstall on the operator's word: Slack is told if it can be, and everything goes either way."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import Refused
from slackapp.flows.tokens import freeze_tenant
from slackapp.localslack.model import Fault
from slackapp.model import NO_TENANT, Actor, ActorKind, Tenant
from tests.support.client import Reply
from tests.support.command import run
from tests.support.prepared_world import Left, going_on, left_by, memory_folder
from tests.support.token_use import call_as
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World, environment, make_world, north_tenant, reading

TOKEN = "an-operator-token-of-forty-characters-xx"
GONE = {"id": NORTH, "found": True, "erased": True, "pending": False}


class Killed(BaseException):
    """Stands for a process that ends here."""


@pytest.fixture(scope="module")
def installed() -> Left:
    with memory_folder() as folder, make_world(folder, SLACKAPP_USER_SCOPES="users:read") as world:
        for tenant in (NORTH, SOUTH):
            world.browser().install(tenant)
        world.work()
        return left_by(world)


@pytest.fixture
def ready(tmp_path: Path, installed: Left) -> Iterator[World]:
    """Two workspaces, each with the tokens of the bot and of a user."""
    with going_on(installed, tmp_path, SLACKAPP_USER_SCOPES="users:read") as world:
        yield world


def uninstall(world: World, tenant_id: Any = NORTH) -> Reply:
    """`POST /slack/uninstall`, as the operator."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    return world.request("POST", "/slack/uninstall", json.dumps({"id": tenant_id}).encode(), headers)


def nothing_of(world: World, tenant_id: str = NORTH) -> bool:
    found = [world.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", tenant_id) for table in TABLES]
    return not any(found) and not world.rows("SELECT 1 FROM inbox WHERE tenant_id = ? AND body IS NOT NULL", tenant_id)


TABLES = ("installations", "tokens", "data_keys")


def works(world: World, tenant_id: str) -> bool:
    """Whether a mention is answered."""
    world.mention(f"Ev{tenant_id}{world.clock()}", team_id=tenant_id)
    world.work()
    return (world.slack.calls[-1].team, world.slack.calls[-1].ok) == (tenant_id, True)


def dies(*arguments: Any) -> Any:
    raise Killed


# Slack is told


def test_slack_is_told_and_everything_of_the_tenant_goes(ready: World) -> None:
    ready.mention()
    reply = uninstall(ready)
    assert (reply.status, reply.json) == (200, {**GONE, "slack": "uninstalled"})
    assert (ready.calls(), NORTH in ready.slack.installed) == (["apps.uninstall"], False)
    assert nothing_of(ready)
    assert ready.audit()[-5:] == [
        "uninstall.begun", "token.read", "purge.begun", "uninstalled", "purge.complete",
    ]  # fmt: skip
    assert works(ready, SOUTH)


def test_where_the_app_may_not_uninstall_itself_each_token_is_revoked(ready: World) -> None:
    ready.slack.fault(Fault("apps.uninstall", "error", error="no_permission", times=2))
    assert uninstall(ready).json == {**GONE, "slack": "revoked"}
    assert ready.calls() == ["apps.uninstall", "apps.uninstall", "auth.revoke", "auth.revoke"]
    assert nothing_of(ready)


@pytest.mark.claim("C-127")
@pytest.mark.parametrize("frozen", [north_tenant(), NO_TENANT], ids=["tenant", "everything"])
def test_a_tenant_that_was_frozen_for_longer_than_its_tokens_live_is_removed_at_slack(
    ready: World, frozen: Tenant
) -> None:
    """I have its refresh token, and hope that it lives on once the service has forgotten it."""
    assert freeze_tenant.run(ready.service.app, frozen, Actor(ActorKind.OPERATOR, "r1"), ready.clock.now)
    ready.clock.advance(13 * 3600)
    with pytest.raises(Refused):
        call_as(ready.service.app, north_tenant(), Actor(ActorKind.WORKER, "Ev0001"))
    assert ready.calls() == []
    assert uninstall(ready).json == {**GONE, "slack": "uninstalled"}
    assert (ready.calls(), NORTH in ready.slack.installed) == (["oauth.v2.access", "apps.uninstall"], False)
    told = "SELECT capability, method, actor FROM audit WHERE event = 'token.read' ORDER BY id DESC LIMIT 2"
    assert [tuple(row) for row in ready.rows(told)] == [
        ("remove", "apps.uninstall", "operator"), ("refresh_to_remove", "oauth.v2.access", "operator"),
    ]  # fmt: skip
    assert nothing_of(ready)


def test_while_slack_is_unreachable_everything_goes_all_the_same_and_the_answer_says_so(ready: World) -> None:
    ready.slack.fault(Fault("*", "cut", times=-1))
    assert uninstall(ready).json == {**GONE, "slack": "not told: unreachable"}
    assert nothing_of(ready)


def test_where_one_token_may_not_uninstall_the_app_another_one_does(ready: World) -> None:
    ready.slack.fault(Fault("apps.uninstall", "error", error="no_permission"))
    assert uninstall(ready).json == {**GONE, "slack": "uninstalled"}
    assert (ready.calls(), ready.slack.installed) == (["apps.uninstall"] * 2, [SOUTH])


def test_a_tenant_that_is_revoked_in_part_is_told(ready: World) -> None:
    ready.slack.fault(Fault("apps.uninstall", "error", error="no_permission", times=2))
    ready.slack.fault(Fault("auth.revoke", "error", error="internal_error"))
    assert uninstall(ready).json == {**GONE, "slack": "not told: internal_error"}
    assert ready.calls("auth.revoke") == ["auth.revoke"] * 2, "the other one is tried all the same"
    assert nothing_of(ready)


def test_a_tenant_whose_token_is_dead_is_erased(ready: World) -> None:
    ready.slack.uninstall(NORTH)
    reply = uninstall(ready).json
    assert (reply["erased"], reply["slack"].startswith("not told")) == (True, True)
    assert nothing_of(ready)


def test_a_tenant_whose_token_does_not_open_is_erased(ready: World) -> None:
    with contextlib.closing(sqlite3.connect(ready.settings.database)) as connection, connection:
        connection.execute("UPDATE tokens SET access = zeroblob(200)")
    assert uninstall(ready).json == {**GONE, "slack": "not told: token_unavailable"}
    assert (nothing_of(ready), ready.calls()) == (True, [])


def test_an_expired_token_is_refreshed_to_tell_slack(ready: World) -> None:
    ready.clock.advance(50_000)
    assert uninstall(ready).json["slack"] == "uninstalled"


@pytest.mark.parametrize(("tenant", "stays"), [(ORG, ORG_TEAM), (ORG_TEAM, ORG)])
def test_an_enterprise_and_a_workspace_of_it_are_uninstalled_apart(world: World, tenant: str, stays: str) -> None:
    for each in (tenant, stays):
        world.browser().install(each)
    assert uninstall(world, tenant).json == {**GONE, "id": tenant, "slack": "uninstalled"}
    assert (nothing_of(world, tenant), world.status(stays)) == (True, "active")


# Twice, or for nobody


def test_a_second_uninstall_finds_nothing_and_does_not_fail(ready: World) -> None:
    uninstall(ready)
    before = ready.snapshot()
    nothing = {**GONE, "found": False, "slack": "nothing to tell"}
    assert (uninstall(ready).json, ready.snapshot()) == (nothing, before)


def test_an_unknown_id_is_answered_without_effect(ready: World) -> None:
    before = ready.snapshot()
    assert uninstall(ready, "T0STRANGER").json["found"] is False
    assert (ready.snapshot(), ready.calls()) == (before, [])


@pytest.mark.parametrize("tenant_id", ["", "U0NORTH001", NORTH.lower(), None, 7, [NORTH], "T0NORTH001'--", "T%"])
def test_what_is_no_id_is_refused(ready: World, tenant_id: Any) -> None:
    before = ready.snapshot()
    assert (uninstall(ready, tenant_id).status, ready.snapshot()) == (400, before)


# Killed in the middle, or overtaken


def test_what_a_killed_process_began_is_finished_after_a_minute(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready.service.app.slack, "uninstall", dies)
    with pytest.raises(Killed):
        uninstall(ready)
    ready.restart()
    assert ready.status() == "purging"
    assert ready.mention("EvBetween").status == 200
    assert (ready.work(), ready.calls()) == (0, []), "from the decision on nothing else uses the tokens"
    ready.clock.advance(59)
    assert ready.work() == 0
    ready.clock.advance(1)
    ready.work()
    assert (ready.calls(), nothing_of(ready)) == (["apps.uninstall"], True)
    ready.clock.advance(600)
    assert ready.work() == 0


def test_a_kill_after_the_call_to_slack_leaves_a_job_that_finishes(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: Callable[..., Any] = ready.service.app.slack.uninstall
    monkeypatch.setattr(ready.service.app.slack, "uninstall", lambda token: (told(token), dies()))
    with pytest.raises(Killed):
        uninstall(ready)
    ready.restart()
    ready.clock.advance(60)
    ready.work()
    assert nothing_of(ready)


def test_an_install_after_a_killed_uninstall_wins(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready.service.app.slack, "uninstall", dies)
    with pytest.raises(Killed):
        uninstall(ready)
    ready.restart()
    ready.browser().install()
    ready.clock.advance(60)
    ready.work()
    assert (ready.status(), ready.calls("apps.uninstall"), works(ready, NORTH)) == ("active", [], True)


@pytest.mark.claim("C-64")
def test_an_install_while_slack_is_being_told_wins(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told: Callable[..., Any] = ready.service.app.slack.uninstall

    def overtaken(token: Any) -> Any:
        answer = told(token)
        ready.browser().install()
        return answer

    monkeypatch.setattr(ready.service.app.slack, "uninstall", overtaken)
    assert uninstall(ready).json["erased"] is False
    assert (ready.status(), works(ready, NORTH)) == ("active", True)


@pytest.mark.parametrize(
    ("changed", "erased"),
    [
        ("UPDATE installations SET generation = generation + 1", False),
        ("UPDATE installations SET status = 'active'", False),
        ("DELETE FROM installations", True),
    ],
)
def test_only_what_was_to_be_erased_is_erased(
    ready: World, monkeypatch: pytest.MonkeyPatch, changed: str, erased: bool
) -> None:
    def overtaken(token: Any) -> None:
        with contextlib.closing(sqlite3.connect(ready.settings.database)) as connection, connection:
            connection.execute(f"{changed} WHERE tenant_id = ?", (NORTH,))

    monkeypatch.setattr(ready.service.app.slack, "uninstall", overtaken)
    assert uninstall(ready).json["erased"] is erased
    assert (len(ready.rows("SELECT 1 FROM tokens")), "purge.begun" in ready.audit()) == (4, False)


def test_what_slack_reports_back_while_we_uninstall_changes_nothing(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: Callable[..., Any] = ready.service.app.slack.uninstall

    def reported(token: Any) -> Any:
        answer = told(token)
        for number in range(2):
            assert ready.event({"type": "app_uninstalled"}, f"EvBack{number}").status == 200
        return answer

    monkeypatch.setattr(ready.service.app.slack, "uninstall", reported)
    assert uninstall(ready).json == {**GONE, "slack": "uninstalled"}
    assert ready.event({"type": "app_uninstalled"}, "EvBack0").status == 200
    ready.work()
    assert nothing_of(ready)


def test_a_tenant_without_a_token_is_erased_and_there_is_nobody_to_tell(ready: World) -> None:
    with contextlib.closing(sqlite3.connect(ready.settings.database)) as connection, connection:
        connection.execute("DELETE FROM tokens")
    assert uninstall(ready).json == {**GONE, "slack": "nothing to tell"}
    assert (nothing_of(ready), ready.calls()) == (True, [])


def test_a_purge_that_is_pending_is_told_as_such_until_it_is_done(ready: World) -> None:
    with reading(ready):
        assert uninstall(ready).json == {**GONE, "slack": "uninstalled", "pending": True}
        assert uninstall(ready).json["pending"] is True, "asked again, it is not done either"
    ready.clock.advance(60)
    ready.work()
    assert uninstall(ready).json["pending"] is False


# From the command line


@pytest.fixture
def command_line(ready: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The command's environment. It reads the real clock, and so does everything else here then."""
    for name, value in environment(ready.folder, ready.slack_url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ready.folder)
    ready.clock.now = int(time.time())
    ready.browser().install()
    return ready


def test_the_command_tells_slack_and_erases(command_line: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("uninstall", NORTH) == 0
    assert capsys.readouterr().out.splitlines() == [f"{NORTH}: Slack: uninstalled", f"{NORTH}: erased"]
    assert (nothing_of(command_line), command_line.audit()[-1]) == (True, "purge.complete")
    assert run("uninstall", NORTH) == 0
    assert capsys.readouterr().out == f"{NORTH}: nothing is stored for it\n"
    assert run("uninstall", "../../etc") == 2


def test_the_command_says_that_a_purge_is_pending_as_long_as_it_is(command_line: World) -> None:
    with reading(command_line):
        assert run("uninstall", NORTH) == 75
        assert run("uninstall", NORTH) == 75, "asked again, it is not done either"
    assert run("uninstall", NORTH) == 0
