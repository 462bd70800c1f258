"""`slackapp exchange`: progress line by line, an exit status for a script, and a repeat that does the rest."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from slackapp.localslack.model import Fault
from tests.support.operator import CommandLine, open_shell
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, SOUTH

METHOD = "oauth.v2.exchange"
NAMES = [f"{NORTH}  bot", f"{NORTH}  U0NORTH001ADM", f"{SOUTH}  bot", f"{SOUTH}  U0SOUTH001ADM"]


def rotate(shell: CommandLine, rotation: bool) -> None:
    """Switches token rotation at Slack."""
    shell.world.slack.app = replace(shell.world.slack.app, rotation=rotation)


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[CommandLine, Prepared]]:
    with memory_folder() as folder, open_shell(folder, tenants=()) as made:
        rotate(made, False)
        for tenant in (NORTH, SOUTH):
            made.world.browser().install(tenant)
        rotate(made, True)
        yield made, snapshot_world(made.world)


@pytest.fixture
def shell(opened: tuple[CommandLine, Prepared]) -> CommandLine:
    """Two tenants with long-lived tokens, and rotation was switched on since."""
    made, world = opened
    world.reset()
    return made


def rotating(shell: CommandLine) -> list[tuple[str, str]]:
    """Whose tokens rotate."""
    sql = "SELECT tenant_id, holder_id FROM tokens WHERE refresh IS NOT NULL ORDER BY tenant_id, holder_id"
    return [(row["tenant_id"], row["holder_id"]) for row in shell.world.rows(sql)]


def test_all_are_exchanged_one_after_the_other_and_each_is_told(shell: CommandLine) -> None:
    ended = shell.run("exchange")
    assert (ended.status, ended.error) == (0, "4 of 4 exchanged\n")
    assert ended.out.splitlines() == [f"{number}/4  {name}  exchanged" for number, name in enumerate(NAMES, start=1)]
    assert (len(rotating(shell)), shell.world.calls()) == (4, [METHOD] * 4)
    reads = shell.world.rows("SELECT actor, request_id FROM audit WHERE purpose = 'exchange'")
    assert ({row["actor"] for row in reads}, len({row["request_id"] for row in reads})) == ({"operator"}, 1)
    assert shell.good("check").count("  ok\n") == 4
    again = shell.run("exchange")
    assert (again.status, again.out, again.error) == (0, "", "0 of 0 exchanged\n")


def test_one_tenant_alone_can_be_exchanged(shell: CommandLine) -> None:
    ended = shell.run("exchange", "--tenant", SOUTH)
    assert (ended.status, ended.error) == (0, "2 of 2 exchanged\n")
    assert ended.out.splitlines() == [f"1/2  {NAMES[2]}  exchanged", f"2/2  {NAMES[3]}  exchanged"]
    assert rotating(shell) == [(SOUTH, ""), (SOUTH, "U0SOUTH001ADM")]


def test_what_does_not_succeed_makes_the_status_1_and_a_repeat_does_the_rest(shell: CommandLine) -> None:
    shell.world.slack.fault(Fault(METHOD, "html500", team=SOUTH))
    ended = shell.run("exchange")
    assert (ended.status, ended.error) == (1, "3 of 4 exchanged\n")
    assert ended.out.splitlines()[2:] == [f"3/4  {NAMES[2]}  server_error", f"4/4  {NAMES[3]}  exchanged"]
    ended = shell.run("exchange")
    assert (ended.status, ended.out, ended.error) == (0, f"1/1  {NAMES[2]}  exchanged\n", "1 of 1 exchanged\n")


def test_a_lost_pair_is_reported_with_what_to_do_at_each_repeat(shell: CommandLine) -> None:
    shell.world.slack.fault(Fault(METHOD, "lost_answer"))
    assert shell.run("exchange").out.splitlines()[0] == f"1/4  {NAMES[0]}  unreachable"
    for _ in range(2):
        ended = shell.run("exchange")
        assert (ended.status, ended.error) == (1, "0 of 1 exchanged\n")
        hint = "its pair was lost; the token works on, and a new install makes it rotate"
        assert ended.out == f"1/1  {NAMES[0]}  token_already_exchanged: {hint}\n"
    assert shell.good("check").count("  ok\n") == 4


def test_without_rotation_it_ends_with_one_line_and_one_call(shell: CommandLine) -> None:
    rotate(shell, False)
    ended = shell.run("exchange")
    assert (ended.status, ended.out, shell.world.calls()) == (1, "", [METHOD])
    hint = "switch token rotation on in the app's settings at Slack first"
    assert ended.error == f"slackapp: token_rotation_not_enabled: {hint}\n"
    assert (rotating(shell), shell.good("check").count("  ok\n")) == ([], 4)


def test_a_tenant_that_is_not_installed_is_refused_in_one_line(shell: CommandLine) -> None:
    ended = shell.run("exchange", "--tenant", "T0STRANGER")
    assert (ended.status, ended.out, shell.world.calls()) == (1, "", [])
    assert ended.error == "slackapp: T0STRANGER: is not installed; see `slackapp tenants`\n"


def test_no_token_is_in_the_output_or_the_log(shell: CommandLine) -> None:
    shell.world.slack.fault(Fault(METHOD, "error", error="token_revoked", team=NORTH))
    shell.world.slack.fault(Fault(METHOD, "patch", patch={"token_type": "user"}, team=SOUTH))
    ended = shell.run("exchange")
    assert ended.out.splitlines()[0] == f"1/4  {NAMES[0]}  dead: token_revoked"
    assert ended.out.splitlines()[2] == f"3/4  {NAMES[2]}  grant_malformed"
    text = ended.out + ended.error + shell.world.log.getvalue()
    assert [secret for secret in shell.world.slack.issued_tokens if secret in text] == []
    assert "xox" not in text
