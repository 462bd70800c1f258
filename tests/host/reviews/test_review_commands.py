"""`slackapp review`, `offboard` and `freeze --organization`: what an operator does for an organization."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.model import HostRole
from slackapp.model import Tenant
from tests.host.keys import host_settings
from tests.support.connected import ACME, ANN, add_member, connect, read
from tests.support.operator import CommandLine, open_shell
from tests.support.world import NORTH, SOUTH, north_tenant

ORGANIZATION = ("--organization", ACME)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    """Acme holds two workspaces; Ann is an admin, Meg a member."""
    with open_shell(tmp_path, (NORTH, SOUTH), **host_settings(tmp_path)) as shell:
        app = shell.world.service.app
        connect(app.db, north_tenant(), 1, now=app.clock())
        connect(app.db, Tenant(north_tenant().kind, SOUTH), 2, now=app.clock())
        with app.db.transaction():
            add_member(app.db, member="meg", role=HostRole.MEMBER)
        yield shell


def status(shell: CommandLine, number: int) -> tuple[str, str]:
    found = read(shell.world.service.app.db, ACME, f"{number:024}")
    return str(found.status), found.status_reason


def start(shell: CommandLine) -> str:
    """Opens a review; its id."""
    said = shell.good("review", "start", *ORGANIZATION)
    assert ": 2 connections wait for an answer until 2027-01-29T08:00:00Z\n" in said
    return said.partition(":")[0]


@pytest.mark.claim("C-381")
def test_a_review_is_opened_answered_in_a_members_name_and_closed(shell: CommandLine) -> None:
    review, north, south = start(shell), f"{1:024}", f"{2:024}"
    again = shell.run("review", "start", *ORGANIZATION)
    assert (again.status, "A review is open already" in again.error) == (1, True)
    attest = ("review", "attest", review, north, *ORGANIZATION, "--note", "needed daily")
    ended = shell.run(*attest, "--by", "meg")
    assert (ended.status, ended.out) == (1, "")
    assert "This is not for that role" in ended.error
    assert shell.run(*attest[:-1], "two\nlines", "--by", ANN).status == 2
    assert shell.good(*attest, "--by", ANN) == f"{north}: attested, by ann\n"
    assert shell.run("review", "attest", "nothing", north, *ORGANIZATION, "--note", "x", "--by", ANN).status == 1
    asked = shell.run_as_typed("review", "close", review, *ORGANIZATION)
    assert (asked.status, "nobody has spoken for 1 connections, which are suspended" in asked.error) == (2, True)
    assert shell.good("review", "close", review, *ORGANIZATION) == f"{review}: closed; 1 attested, 1 unattested\n"
    assert (status(shell, 1), status(shell, 2)) == (("active", ""), ("suspended", "review"))
    listed = shell.good("review", "list", *ORGANIZATION).splitlines()
    assert max(map(len, listed)) <= 80
    (row,) = map(json.loads, shell.good("review", "list", *ORGANIZATION, "--json").splitlines())
    assert (row["id"], row["closed"], row["unattested"]) == (review, "2027-01-15T08:00:00Z", 1)
    items = list(map(json.loads, shell.good("review", "list", review, *ORGANIZATION, "--json").splitlines()))
    assert [(each["connection_id"], each["decision"], each["note"]) for each in items] == [
        (north, "attested", "needed daily"), (south, "unattested", ""),
    ]  # fmt: skip
    revoke = ("review", "attest", review, south, *ORGANIZATION, "--by", ANN, "--note", "of nobody", "--revoke")
    assert shell.run_as_typed(*revoke).status == 2
    assert shell.good(*revoke) == f"{south}: revoked, by ann\n"
    assert shell.world.slack.installed == [NORTH]
    assert [fact["actor"] for fact in shell.world.facts("review.revoked")] == ["operator"]


@pytest.mark.parametrize("words", [
    ("review", "start", "--organization", "nobody"), ("review", "list", "--organization", "a b"),
    ("offboard", "nobody", "ann"), ("offboard", ACME, "a b"), ("freeze", "--organization", "nobody"),
    ("review", "start", *ORGANIZATION, "--days", "0"),
])  # fmt: skip
def test_who_is_not_known_and_what_is_no_id_is_refused(shell: CommandLine, words: tuple[str, ...]) -> None:
    ended = shell.run(*words)
    assert (ended.status, ended.out) == (2, "")


def test_offboard_ends_a_member_and_tells_what_wants_an_owner(shell: CommandLine) -> None:
    assert shell.run_as_typed("offboard", ACME, ANN).status == 2
    said = shell.good("offboard", ACME, ANN).splitlines()
    assert said[0] == "ann: has left acme"
    assert said[1] == f"{1:024}: wants another owner within 14 days, or is suspended then"
    assert len(said) == 3
    assert shell.good("offboard", ACME, ANN, "--undo") == "ann: is a member of acme again\n"
    ended = shell.run("offboard", ACME, ANN, "--undo")
    assert (ended.status, ended.error) == (1, "slackapp: ann: has not left acme\n")


def test_freeze_of_an_organization_is_its_own_and_is_lifted(shell: CommandLine) -> None:
    assert shell.good("freeze", *ORGANIZATION) == "acme: frozen\n"
    assert shell.good("freeze", *ORGANIZATION) == "acme: was frozen already\n"
    assert (status(shell, 1), status(shell, 2)) == (("suspended", "freeze"),) * 2
    shell.good("freeze", "--tenant", NORTH)
    ended = shell.run("freeze", *ORGANIZATION, "--lift")
    assert (ended.status, ended.out) == (1, "acme: not frozen any more\n")
    assert ended.error == f"{NORTH}: is still frozen\n"
    assert (status(shell, 1)[1], status(shell, 2)[1]) == ("freeze", "")
    assert shell.good("freeze", "--tenant", NORTH, "--lift") == f"{NORTH}: not frozen any more\n"
    assert shell.good("unfreeze", *ORGANIZATION) == "acme: was not frozen\n"
