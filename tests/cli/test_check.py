"""`slackapp check`: one line per token, an exit status for a script, and no token in the output."""

import json
from collections.abc import Iterator

import pytest

from slackapp.localslack.model import Fault
from tests.support.operator import CommandLine, Ended, open_shell
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, SOUTH

ASK = "auth.test"
HERE = f"http://localhost:3000/slack/install?team={NORTH}"
FINE = [
    f"{NORTH}  bot  ok", f"{NORTH}  U0NORTH001ADM  ok", f"{SOUTH}  bot  ok", f"{SOUTH}  U0SOUTH001ADM  ok",
]  # fmt: skip


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[CommandLine, Prepared]]:
    with memory_folder() as folder, open_shell(folder) as made:
        yield made, snapshot_world(made.world)


@pytest.fixture
def shell(opened: tuple[CommandLine, Prepared]) -> CommandLine:
    """Two tenants, and in each the tokens of the bot and of the user who installed."""
    made, world = opened
    world.reset()
    return made


def test_every_token_of_every_tenant_is_asked_about_once(shell: CommandLine) -> None:
    shell.world.clock.advance(5)
    assert shell.good("check").splitlines() == FINE
    assert [(call.method, call.team) for call in shell.world.slack.calls] == [(ASK, NORTH)] * 2 + [(ASK, SOUTH)] * 2
    times = shell.world.rows("SELECT last_validated_at FROM installations")
    assert {row[0] for row in times} == {shell.world.clock()}
    reads = shell.world.rows("SELECT actor, request_id FROM audit WHERE purpose = 'check'")
    assert ({row["actor"] for row in reads}, len({row["request_id"] for row in reads})) == ({"operator"}, 1)


def test_one_tenant_alone_can_be_asked_about(shell: CommandLine) -> None:
    assert shell.good("check", "--tenant", SOUTH).splitlines() == FINE[2:]
    assert {call.team for call in shell.world.slack.calls} == {SOUTH}


def test_a_tenant_that_is_not_installed_is_refused_in_one_line(shell: CommandLine) -> None:
    for claimed in ("T0STRANGER", "north", ""):
        ended = shell.run("check", "--tenant", claimed)
        assert (ended.status, ended.out, shell.world.calls()) == (1, "", [])
        assert ended.error == f"slackapp: {claimed}: is not installed; see `slackapp tenants`\n"


def test_a_problem_is_printed_on_its_line_and_exits_1(shell: CommandLine) -> None:
    slack = shell.world.slack
    slack.state.installs[NORTH].bot_scopes.extend(["files:read", "im:write"])
    ended = shell.run("check")
    assert ended.status == 0, "what is more than asked for is told, and needs nobody"
    assert ended.out.splitlines() == [f"{FINE[0]}  surplus: files:read,im:write", *FINE[1:]]
    slack.state.installs[NORTH].bot_scopes.remove("chat:write")
    ended = shell.run("check")
    assert ended.status == 1
    assert ended.out.splitlines() == [f"{FINE[0]}  missing: chat:write  surplus: files:read,im:write", *FINE[1:]]
    slack.fault(Fault(ASK, "error", error="account_inactive", team=NORTH))
    slack.invalidate_refresh_tokens(NORTH)
    slack.fault(Fault(ASK, "error", error="fatal_error", team=SOUTH))
    ended = shell.run("check")
    assert (ended.status, [json.loads(line)["event"] for line in ended.error.splitlines()]) == (1, ["refresh_refused"])
    assert ended.out.splitlines() == [
        f"{NORTH}  bot  dead: account_inactive  install again: {HERE}", FINE[1],
        f"{SOUTH}  bot  unknown: fatal_error", FINE[3],
    ]  # fmt: skip
    assert shell.run("check", "--tenant", NORTH).status == 1, "still"
    assert shell.run("check", "--tenant", SOUTH).status == 0


def test_each_line_of_the_json_is_an_object(shell: CommandLine) -> None:
    shell.world.slack.state.installs[NORTH].bot_scopes.remove("chat:write")
    shell.world.slack.revoke_user(SOUTH, "U0SOUTH001ADM")
    ended = shell.run("check", "--json")
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.status == 1
    assert [(row["tenant"], row["user_id"], row["result"]) for row in found] == [
        (NORTH, "", "ok"), (NORTH, "U0NORTH001ADM", "ok"), (SOUTH, "", "ok"),
        (SOUTH, "U0SOUTH001ADM", "dead: token_revoked"),
    ]  # fmt: skip
    assert found[0] == {
        "tenant": NORTH, "name": "Northwind", "user_id": "", "result": "ok", "missing": ["chat:write"], "surplus": [],
        "install_url": "",
    }  # fmt: skip
    assert found[3]["install_url"] == HERE.replace(NORTH, SOUTH)


def test_check_without_tenants_exits_0(shell: CommandLine) -> None:
    shell.change("DELETE FROM tokens")
    shell.change("DELETE FROM installations")
    for words in (("check",), ("check", "--json")):
        assert shell.run(*words) == Ended(0, "", "no tenant is installed\n")


def test_no_token_is_in_the_output_or_the_log(shell: CommandLine) -> None:
    slack = shell.world.slack
    slack.fault(Fault(ASK, "error", error="token_revoked", team=NORTH))
    slack.fault(Fault(ASK, "patch", patch={"team_id": NORTH}, team=SOUTH))
    first, second = shell.run("check"), shell.run("check", "--json")
    assert first.out.splitlines()[2] == f"{SOUTH}  bot  foreign: Slack names another tenant"
    text = first.out + first.error + second.out + second.error + shell.world.log.getvalue()
    assert [secret for secret in slack.issued_tokens if secret in text] == []
    assert "xox" not in text
