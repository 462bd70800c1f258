"""`slackapp host keys …`: what each verb prints, how it ends, and what it refuses."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import StatusReason, UsageAction
from slackapp.host.store import connections, organizations, sessions
from slackapp.model import Tenant
from tests.host.keys import KEY_ID, SECRET, host_settings
from tests.support.connected import ACME, GLOBEX, add_member, begin, connect, login, read
from tests.support.operator import CommandLine, open_shell

LOGIN = login()._replace(host_key_id=KEY_ID)
LINE = re.compile(r"slackapp-hk1:([0-9a-f]{8}):([A-Za-z0-9_-]{43})\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("host")
    with open_shell(folder, (), **host_settings(folder)) as shell:
        yield shell


@pytest.fixture
def shell(made: CommandLine) -> CommandLine:
    host_settings(made.folder)  # one key again
    return made


def keys(shell: CommandLine) -> list[tuple[str, str]]:
    """Ids and secrets in the file."""
    return LINE.findall((shell.folder / "host.keys").read_text())


def test_new_makes_a_private_file_with_one_random_key(shell: CommandLine, tmp_path: Path) -> None:
    one, other = tmp_path / "one.keys", tmp_path / "other.keys"
    said = shell.good("host", "keys", "new", str(one))
    shell.good("host", "keys", "new", str(other))
    first, second = LINE.fullmatch(one.read_text()), LINE.fullmatch(other.read_text())
    assert first is not None
    assert second is not None
    assert (first[1] != second[1], first[2] != second[2]) == (True, True)
    assert one.stat().st_mode & 0o777 == 0o600
    assert said.startswith(f"{one}: host key {first[1]}. ")
    assert first[2] not in said


def test_new_touches_no_file_that_is_there(shell: CommandLine) -> None:
    ended = shell.run("host", "keys", "new", str(shell.folder / "host.keys"))
    assert (ended.status, keys(shell)) == (1, [(KEY_ID, SECRET)])
    assert "exists already; add a key to it by: slackapp host keys rotate" in ended.error


def test_rotate_adds_a_key_and_retire_ends_the_old_one(shell: CommandLine) -> None:
    said = shell.good("host", "keys", "rotate")
    (new_id, new_secret), old = keys(shell)
    assert old == (KEY_ID, SECRET)
    assert said.startswith(f"host key {new_id} signs, too. ")
    assert new_secret not in said
    assert shell.good("host", "keys", "list").splitlines() == [new_id, KEY_ID]
    shell.good("host", "keys", "retire", KEY_ID)
    assert keys(shell) == [(new_id, new_secret)]
    assert (shell.folder / "host.keys").stat().st_mode & 0o777 == 0o600


def test_a_third_key_is_refused(shell: CommandLine) -> None:
    shell.good("host", "keys", "rotate")
    ended = shell.run("host", "keys", "rotate")
    assert (ended.status, len(keys(shell))) == (1, 2)
    assert f"there are 2 keys already; retire {KEY_ID} before you make another" in ended.error


def test_the_only_key_is_not_retired_and_neither_is_one_that_is_not_there(shell: CommandLine) -> None:
    ended = shell.run("host", "keys", "retire", KEY_ID)
    assert (ended.status, ended.error) == (
        1, f"slackapp: {KEY_ID} is the only key; make the one that follows it first: slackapp host keys rotate\n",
    )  # fmt: skip
    ended = shell.run("host", "keys", "retire", "00000000")
    assert (ended.status, ended.error) == (
        1, "slackapp: there is no host key 00000000; see: slackapp host keys list\n",
    )  # fmt: skip
    assert keys(shell) == [(KEY_ID, SECRET)]


def test_a_key_is_retired_only_by_its_name(shell: CommandLine) -> None:
    shell.good("host", "keys", "rotate")
    ended = shell.run_as_typed("host", "keys", "retire", KEY_ID)
    assert (ended.status, len(keys(shell))) == (2, 2)
    assert "connects that began under it end; there is nobody here to ask: give --yes" in ended.error


def test_retire_ends_what_was_opened_under_the_key_and_says_how_much(shell: CommandLine) -> None:
    app = shell.world.service.app
    now = shell.world.clock.now
    with app.db.transaction():
        add_member(app.db)
    begun = begin(app.db, key_id=KEY_ID, now=now)
    assert sessions.add_ticket(app.db, b"t" * 32, LOGIN, now)
    assert sessions.add(app.db, b"s" * 32, LOGIN, now)
    shell.good("host", "keys", "rotate")
    (new_id, _), _ = keys(shell)
    assert sessions.add(app.db, b"n" * 32, LOGIN._replace(host_key_id=new_id), now)
    said = shell.good("host", "keys", "retire", KEY_ID)
    assert said == f"host key {KEY_ID} signs nothing from now on; 3 opened under it ended\n"
    assert sessions.find(app.db, b"s" * 32, now) is None
    assert sessions.use_ticket(app.db, b"t" * 32, now) is None
    assert sessions.find(app.db, b"n" * 32, now) is not None, "under the other key"
    assert read(app.db, ACME, begun.id).status == ConnectionStatus.FAILED
    rows = shell.world.rows("SELECT event, actor, record_kind, record_id, count FROM audit ORDER BY id DESC LIMIT 2")
    assert [tuple(row) for row in rows] == [
        ("host_key.retired", "operator", "host_key", KEY_ID, 3),
        ("host_key.added", "operator", "host_key", new_id, None),
    ]


# The switch


def test_disable_and_enable_say_what_was_so_and_what_is_left(shell: CommandLine) -> None:
    assert shell.good("host", "disable", "--organization", "acme") == "acme: off\n"
    assert shell.good("host", "disable", "--organization", "acme") == "acme: was off already\n"
    assert shell.good("host", "disable") == "everybody: off\n"
    ended = shell.run("host", "enable", "--organization", "acme")
    assert (ended.status, ended.out, ended.error) == (1, "acme: on again\n", "everybody: is still off\n")
    assert shell.good("host", "enable") == "everybody: on again\n"
    assert shell.good("host", "enable") == "everybody: was not switched off\n"
    rows = shell.world.rows("SELECT event, record_id FROM audit ORDER BY id DESC LIMIT 4")
    assert [tuple(row) for row in rows] == [
        ("host.enabled", ""), ("host.enabled", "acme"), ("host.disabled", ""), ("host.disabled", "acme"),
    ]  # fmt: skip


def test_to_enable_everybody_leaves_an_organization_off_and_says_so(shell: CommandLine) -> None:
    shell.good("host", "disable", "--organization", "acme")
    shell.good("host", "disable")
    ended = shell.run("host", "enable")
    assert (ended.status, ended.out, ended.error) == (1, "everybody: on again\n", "acme: is still off\n")
    assert shell.good("host", "enable", "--organization", "globex") == "globex: was not switched off\n"
    shell.good("host", "enable", "--organization", "acme")


@pytest.mark.parametrize("organization", ["", "a" * 65, "ac me", "acme/globex", "é"])
def test_what_is_no_id_of_an_organization_is_refused(shell: CommandLine, organization: str) -> None:
    for verb in ("disable", "enable"):
        ended = shell.run("host", verb, "--organization", organization)
        assert (ended.status, ended.out) == (2, "")
        assert "--organization: takes an id of the host's" in ended.error


def test_without_the_setting_there_is_no_key(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACKAPP_HOST_KEYS_FILE")
    for verb in ("list", "rotate"):
        ended = shell.run("host", "keys", verb)
        assert (ended.status, ended.error) == (
            78,
            "slackapp: SLACKAPP_HOST_KEYS_FILE: is missing; make a file with a key by: slackapp host keys new FILE\n",
        )


def test_seed_makes_up_an_organization_once(shell: CommandLine) -> None:
    said = shell.good("seed", "--organization", "made-up")
    assert said == "made-up: 16 connections in every state, made up, and no token behind them\n"
    again = shell.run("seed", "--organization", "made-up")
    assert (again.status, "--organization: is there already" in again.error) == (2, True)


def test_nothing_is_made_up_among_customers(tmp_path: Path) -> None:
    on = {
        **host_settings(tmp_path),
        "SLACKAPP_SLACK_URL": "https://slack.com",
        "SLACKAPP_PUBLIC_URL": "https://a.example",
    }
    with open_shell(tmp_path, (), **on) as shell:
        ended = shell.run("seed")
    assert (ended.status, "seed: only beside a local Slack" in ended.error) == (2, True)


def test_usage_tells_what_organizations_have_done_and_how_many_stay(tmp_path: Path) -> None:
    """C126, C257, C258: of three one connected soon and left again, one connects late, one never did."""
    with open_shell(tmp_path, (), **host_settings(tmp_path)) as shell:
        app, day = shell.world.service.app, 86_400
        now = app.clock()
        with app.db.transaction():
            for organization, known in ((ACME, 100), (GLOBEX, 100), ("idle", 1)):
                add_member(app.db, organization, issued_at=now - known * day)
        left = connect(app.db, Tenant("T", "T0NORTH001"), 1, ACME, now=now - 99 * day)
        connect(app.db, Tenant("T", "T0SOUTH001"), 2, GLOBEX, now=now - 61 * day)
        with app.db.transaction():
            assert connections.revoke(app.db, left.key, StatusReason.DISCONNECTED, now)
            organizations.add_usage(app.db, ACME, UsageAction.CONNECT_BEGUN, now)
            organizations.add_usage(app.db, ACME, UsageAction.CONNECT_FAILED, now - 40 * day)
        said = shell.good("host", "usage").splitlines()
        assert said[1].split() == [ACME, "1", "0", "0", "0"]
        assert said[2:] == [
            "1 of 3 organizations have connected within 30 days",
            "1 of 2 workspaces are connected 60 days on or longer",
        ]
        assert max(map(len, said)) <= 80
        row, last = map(json.loads, shell.good("host", "usage", "--days", "41", "--json").splitlines())
        assert last == {"organizations": 3, "connected": 1, "workspaces": 2, "remaining": 1}
        assert row == {
            "organization_id": ACME, "connect_begun": 1, "connect_completed": 0, "connect_failed": 1, "slack_call": 0,
        }  # fmt: skip


def test_the_inventory_of_every_organization_is_a_table_lines_or_csv(tmp_path: Path) -> None:
    """An auditor asks the operator which workspaces this service may write to, and by which credentials."""
    with open_shell(tmp_path, ("T0NORTH001",), **host_settings(tmp_path)) as shell:
        app = shell.world.service.app
        now = app.clock()
        connect(app.db, Tenant("T", "T0NORTH001"), now=now)  # type: ignore[arg-type]
        connect(app.db, Tenant("T", "T0SOUTH001"), 2, GLOBEX, now=now)  # type: ignore[arg-type]
        heads, *rows = shell.good("host", "inventory").splitlines()
        assert heads.split() == ["organizationId", "id", "status", "ownerId", "lastUsedAt", "risks"]
        assert [row.split()[0] for row in rows] == [ACME, GLOBEX]
        assert all(len(line) <= 80 for line in (heads, *rows))
        (line,) = map(json.loads, shell.good("host", "inventory", "--organization", ACME, "--json").splitlines())
        assert (line["workspaceId"], line["ownerId"], line["purpose"]) == ("T0NORTH001", "ann", "alerts")
        said = shell.good("host", "inventory", "--credentials", "--csv")
        assert said.splitlines()[0].startswith('"organizationId","id","type","connectionId"')
        assert [row.split(",")[2] for row in said.splitlines()[1:]] == [
            '"bot_access"', '"bot_refresh"', '"user_access"', '"user_refresh"',
        ]  # fmt: skip
        assert "xox" not in said
        assert shell.run("host", "inventory", "--organization", "not one").status == 2
