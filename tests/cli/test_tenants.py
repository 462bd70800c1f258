"""`slackapp tenants`: the inventory, as a table and as JSON."""

import json
from pathlib import Path

import pytest

from slackapp.localslack.model import Fault
from slackapp.model import Tenant
from tests.support.operator import SCOPES, CommandLine, Ended, open_shell
from tests.support.world import NORTH, ORG, SOUTH, START

FIELDS = {
    "tenant", "kind", "name", "status", "reason", "frozen", "scopes",
    "installer", "installed", "last_used", "last_validated",
    "token_expires", "key", "label", "install_url",
}  # fmt: skip
HOSTILE = "a\x1b[31mred\x1b]0;title\x07\nT0FAKE0001  T     forged \u202e"


def listed(shell: CommandLine) -> dict[str, dict[str, str | None]]:
    return {row["tenant"]: row for row in json.loads(shell.good("tenants", "--json"))}


def test_each_tenant_is_listed_with_all_that_is_known_of_it(folder: Path) -> None:
    with open_shell(folder, tenants=(NORTH, ORG)) as shell:
        found = listed(shell)
        assert set(found) == {NORTH, ORG}
        assert all(set(row) == FIELDS for row in found.values())
        north = found[NORTH]
        assert (north["kind"], found[ORG]["kind"]) == ("T", "E")
        assert (north["status"], north["key"]) == ("active", "local/1")
        assert north["label"] == shell.world.service.app.keyring.label(Tenant("T", NORTH)), "as the log names it"
        assert set(str(north["scopes"]).split(",")) == set(SCOPES.split(","))
        assert north["installer"] in {user.id for user in shell.world.slack.users.values()}
        assert (north["installed"], START) == ("2027-01-15T08:00:00Z", 1_800_000_000)
        assert north["token_expires"] == "2027-01-15T20:00:00Z"
        assert north["last_used"] == "2027-01-15T08:00:00Z", "it greeted whoever installed it"
        assert (north["reason"], north["last_validated"], north["install_url"]) == (None, None, None)


def test_the_table_shows_the_fields_of_the_json(shell: CommandLine) -> None:
    head, *rows = shell.good("tenants", "--wide").splitlines()
    assert set(head.split()) == FIELDS
    assert [row.split()[0] for row in rows] == [NORTH, SOUTH]
    for field, value in listed(shell)[NORTH].items():
        place = head.index(field)
        assert rows[0][place:].startswith("-" if value is None else value), field


def test_as_it_is_it_fits_80_columns_and_says_the_most(shell: CommandLine) -> None:
    shell.change("UPDATE installations SET team_name = ? WHERE tenant_id = ?", "North " * 20, NORTH)
    head, first, second = shell.good("tenants").splitlines()
    assert head.split() == ["tenant", "name", "status", "installed", "token_expires", "key"]
    assert second == f"{SOUTH}  Southridge{second[22:]}"
    assert second.split() == [SOUTH, "Southridge", "active", "2027-01-15", "08:00", "2027-01-15", "20:00", "local/1"]
    assert (len(first), first.index("active")) == (80, second.index("active"))


def test_what_is_not_known_is_a_dash_and_a_null(folder: Path) -> None:
    with open_shell(folder, tenants=(NORTH,)) as shell:
        shell.change("UPDATE installations SET last_used_at = 0")
        shell.change("UPDATE tokens SET refresh = NULL, expires_at = NULL")
        assert (listed(shell)[NORTH]["last_used"], listed(shell)[NORTH]["token_expires"]) == (None, None)
        assert " -  " in shell.good("tenants").splitlines()[1]
        assert " -  " in shell.good("tenants", "--wide").splitlines()[1]


@pytest.mark.parametrize("status", ["suspect", "suspended", "needs_reinstall", "purging"])
def test_tenants_shows_each_status(shell: CommandLine, status: str) -> None:
    shell.change("UPDATE installations SET status = ? WHERE tenant_id = ?", status, SOUTH)
    assert (listed(shell)[SOUTH]["status"], listed(shell)[NORTH]["status"]) == (status, "active")


def test_a_tenant_that_needs_a_new_install_comes_with_the_reason_and_the_link(shell: CommandLine) -> None:
    shell.change("UPDATE installations SET status = 'needs_reinstall', status_reason = 'token_revoked'")
    shell.change("UPDATE installations SET last_validated_at = installed_at WHERE tenant_id = ?", NORTH)
    north, south = listed(shell)[NORTH], listed(shell)[SOUTH]
    assert (north["reason"], north["install_url"]) == (
        "token_revoked",
        f"http://localhost:3000/slack/install?team={NORTH}",
    )
    assert (north["last_validated"], south["last_validated"]) == ("2027-01-15T08:00:00Z", None)


def test_the_key_shows_the_provider_and_the_version(shell: CommandLine) -> None:
    shell.change("UPDATE data_keys SET provider = 'own', master_version = 3 WHERE purpose = 'bot'")
    assert listed(shell)[NORTH]["key"] == "local/1,own/3"


def test_tenants_prints_no_secret(shell: CommandLine) -> None:
    text = shell.good("tenants") + shell.good("tenants", "--json")
    assert [secret for secret in shell.world.slack.issued_tokens if secret in text] == []
    assert "xox" not in text


@pytest.mark.claim("C-100")
def test_a_workspace_of_a_hostile_name_has_one_row_and_no_second_column(folder: Path) -> None:
    """I named my workspace so that the list shows one more, which nobody installed."""
    with open_shell(folder, tenants=()) as shell:
        shell.world.slack.fault(Fault("oauth.v2.access", "patch", patch={"team": {"id": NORTH, "name": HOSTILE}}))
        assert shell.world.browser().install().status == 303
        shown = shell.good("tenants", "--wide")
        assert len(shell.good("tenants").splitlines()) == 2
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        head, row = shown.splitlines()
        assert r"a\x1b[31mred\x1b]0;title\x07\nT0FAKE0001 T forged \u202e" in row
        assert row[head.index("status") :].startswith("active")
        (found,) = json.loads(shell.good("tenants", "--json"))
        assert found["name"] == HOSTILE, "a program gets the name"


def test_a_command_that_lists_nothing_says_so(folder: Path) -> None:
    with open_shell(folder, tenants=()) as shell:
        for words in (("tenants",), ("tenants", "--wide"), ("check",)):
            assert shell.run(*words) == Ended(0, "", "no tenant is installed\n")
        assert shell.run("tenants", "--json") == Ended(0, "[]\n", "")
        assert shell.run("audit", "tail", "--event", "nothing") == Ended(0, "", "no row is like that\n")
