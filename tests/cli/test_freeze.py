"""`slackapp freeze` and `slackapp unfreeze`: whose tokens stay closed, shown where an operator looks."""

import json

import pytest

from tests.support.operator import CommandLine
from tests.support.world import NORTH, SOUTH, north_tenant

ELSEWHERE = "T0ELSE0001"


def frozen(shell: CommandLine) -> dict[str, str | None]:
    return {row["tenant"]: row["frozen"] for row in json.loads(shell.run("tenants", "--json").out)}


def audited(shell: CommandLine) -> list[tuple[str, str, str, str]]:
    rows = shell.world.rows("SELECT event, tenant_id, actor, request_id FROM audit WHERE event LIKE 'freeze.%'")
    return [(row["event"], row["tenant_id"], row["actor"], row["request_id"]) for row in rows]


def test_a_tenant_is_frozen_and_unfrozen_and_nobody_else(shell: CommandLine) -> None:
    assert shell.good("freeze", "--tenant", NORTH) == f"{NORTH}: frozen\n"
    assert frozen(shell) == {NORTH: "tenant", SOUTH: None}
    assert shell.run("tenants").error == f"{NORTH}: frozen since 2027-01-15T08:00:00Z\n"
    assert shell.good("freeze", "--tenant", NORTH) == f"{NORTH}: was frozen already\n"
    assert shell.good("unfreeze", "--tenant", NORTH) == f"{NORTH}: not frozen any more\n"
    assert shell.good("unfreeze", "--tenant", NORTH) == f"{NORTH}: was not frozen\n"
    assert frozen(shell) == {NORTH: None, SOUTH: None}
    (on, off) = audited(shell)
    assert (on[:3], off[:3]) == (("freeze.on", NORTH, "operator"), ("freeze.off", NORTH, "operator"))
    assert on[3] != off[3] != ""


def test_everything_is_frozen_beside_single_tenants_and_each_ends_by_itself(shell: CommandLine) -> None:
    shell.good("freeze", "--tenant", NORTH)
    assert shell.good("freeze", "--everything") == "everything: frozen\n"
    assert frozen(shell) == {NORTH: "everything", SOUTH: "everything"}
    ended = shell.run("unfreeze", "--tenant", NORTH)
    assert (ended.status, ended.out, ended.error) == (
        1, f"{NORTH}: not frozen any more\n", "everything: is still frozen\n",
    )  # fmt: skip
    shell.good("freeze", "--tenant", NORTH)
    ended = shell.run("unfreeze", "--everything")
    assert (ended.status, ended.out, ended.error) == (
        1, "everything: not frozen any more\n", f"{NORTH}: is still frozen\n",
    )  # fmt: skip
    assert frozen(shell) == {NORTH: "tenant", SOUTH: None}


def test_a_tenant_that_is_not_installed_can_be_frozen_and_is_shown(shell: CommandLine) -> None:
    shell.good("freeze", "--tenant", ELSEWHERE)
    rows = {row["tenant"]: row for row in json.loads(shell.run("tenants", "--json").out)}
    assert (rows[ELSEWHERE]["status"], rows[ELSEWHERE]["frozen"]) == ("not installed", "tenant")


def test_a_freeze_outlives_a_purge_and_an_install(shell: CommandLine) -> None:
    """I am frozen, uninstall the app and install it again."""
    shell.good("freeze", "--tenant", NORTH)
    assert shell.run("purge", NORTH).status == 0
    assert frozen(shell)[NORTH] == "tenant"
    assert shell.world.browser().install().status == 303
    assert frozen(shell)[NORTH] == "tenant"


def test_nothing_is_frozen_unasked(shell: CommandLine) -> None:
    for command in ("freeze", "unfreeze"):
        ended = shell.run_as_typed(command, "--tenant", NORTH)
        assert (ended.status, "give --yes" in ended.error) == (2, True)
        assert shell.run_as_typed(command, "--everything").status == 2
        assert shell.run_as_typed(command, "--yes").status == 2
        assert shell.run_as_typed(command, "--yes", "--everything", "--tenant", NORTH).status == 2
    assert shell.world.count("freezes") == 0


@pytest.mark.parametrize("text", ["", "north", "T0", "t0north001", "U0NORTH001", "everything", f"{NORTH}\n"])
def test_what_is_no_id_freezes_nobody(shell: CommandLine, text: str) -> None:
    ended = shell.run("freeze", "--tenant", text)
    assert (ended.status, shell.world.count("freezes")) == (2, 0)
    assert "is not the id of a team" in ended.error


def test_readiness_shows_it_and_stays(shell: CommandLine) -> None:
    world = shell.world
    world.replace_parts(is_worker_running=lambda: True)
    shell.good("freeze", "--tenant", NORTH)
    shell.good("freeze", "--tenant", ELSEWHERE)
    shell.good("freeze", "--everything")
    reply = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    assert (reply.status, reply.json["frozen"], reply.json["tenants_frozen"]) == (200, True, 2)
    assert NORTH not in reply.text


def test_who_and_when_stand_in_the_table(shell: CommandLine) -> None:
    shell.good("freeze", "--tenant", NORTH)
    (row,) = shell.world.rows("SELECT * FROM freezes")
    assert tuple(row)[:5] == (north_tenant().kind, NORTH, "", shell.world.clock.now, "operator")
    assert row["request_id"] == audited(shell)[0][3]
