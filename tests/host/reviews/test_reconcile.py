"""`slackapp reconcile`: each difference between our tables and Slack, what a repair ends, what is not asked about."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.flows.tokens import freeze_tenant
from slackapp.host.flows import change_connection
from slackapp.host.flows.reviews import reconcile
from slackapp.host.rows import ConnectionSettings, HostEventKind
from slackapp.host.store import events
from slackapp.model import InstallationStatus, Tenant, TenantKind
from slackapp.store import installations
from tests.host.keys import host_settings
from tests.support.connected import ACME, GLOBEX, connect, read
from tests.support.host_world import OPERATOR, Host
from tests.support.operator import CommandLine, Ended, open_shell
from tests.support.world import NORTH, ORG, SOUTH, north_tenant

SOUTHERN = Tenant(TenantKind.WORKSPACE, SOUTH)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    """Acme holds one of two workspaces that are installed; nobody holds the other."""
    with open_shell(tmp_path, (NORTH, SOUTH), **host_settings(tmp_path)) as shell:
        connect(shell.world.service.app.db, north_tenant(), now=shell.world.clock())
        yield shell


def run(shell: CommandLine, *words: str) -> tuple[int, list[tuple[str, str, str, bool]]]:
    """The exit status, and each difference."""
    ended: Ended = shell.run("reconcile", "--json", *words)
    rows: list[dict[str, Any]] = list(map(json.loads, ended.out.splitlines()))
    return ended.status, [(each["tenant"], each["kind"], each["detail"], each["is_repaired"]) for each in rows]


SHADOW = (SOUTH, "shadow", "active", False)


@pytest.mark.claim("C-390", "C-391")
def test_what_no_organization_holds_is_shown_on_the_command_line_and_by_the_api(shell: CommandLine) -> None:
    assert run(shell) == (1, [SHADOW])
    ended = shell.run("reconcile", "--tenant", SOUTH)
    assert (ended.status, ended.out) == (1, f"{SOUTH}  shadow: active\n")
    told = shell.run("reconcile")
    assert told.error == f"{NORTH}: looked at\n{SOUTH}: looked at\n"
    assert run(shell, "--after", NORTH) == (1, [SHADOW]), "where it was cut off, it goes on"
    assert run(shell, "--after", SOUTH) == (0, [])
    reply = Host(shell.world).get("shadow-installations")
    assert reply.status == 200, reply.text
    listed = reply.json
    assert [(each["tenantId"], each["kind"], each["status"]) for each in listed["installations"]] == [
        (SOUTH, "workspace", "active")
    ]
    assert listed["cursor"] is None
    assert run(shell, "--tenant", "T0NOBODY01") == (0, [])
    connect(shell.world.service.app.db, SOUTHERN, 2, GLOBEX, now=shell.world.clock())
    assert run(shell) == (0, [])
    assert Host(shell.world).get("shadow-installations").json["installations"] == []


def test_a_dead_token_is_found_given_up_and_its_connection_needs_a_new_one(shell: CommandLine) -> None:
    assert shell.world.slack.revoke_bot(NORTH)
    assert run(shell, "--tenant", NORTH)[1][0][:2] == (NORTH, "unusable")
    found = read(shell.world.service.app.db, ACME, f"{1:024}")
    assert str(found.status) == "needs_reconnect"
    last = events.page(shell.world.service.app.db, ACME, 0)[-1]
    assert last.type == HostEventKind.CONNECTION_NEEDS_RECONNECT


@pytest.mark.claim("C-391")
def test_nobody_is_asked_about_what_is_frozen(shell: CommandLine) -> None:
    app = shell.world.service.app
    freeze_tenant.run(app, north_tenant(), OPERATOR, app.clock())
    before = len(shell.world.calls("auth.test"))
    status, found = run(shell, "--tenant", NORTH)
    assert (status, set(found)) == (1, {(NORTH, "unusable", "unknown: frozen", False)})
    assert len(shell.world.calls("auth.test")) == before


@pytest.mark.claim("C-392")
def test_a_repair_ends_what_differs_between_our_own_tables_and_only_then(shell: CommandLine) -> None:
    app = shell.world.service.app
    with app.db.transaction():
        before, after = InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL
        installations.set_status(app.db, north_tenant(), before, after, reason="token_revoked")
    status, found = run(shell, "--tenant", NORTH)
    assert (status, found[-1]) == (1, (NORTH, "status", "needs_reinstall", False))
    assert str(read(app.db, ACME, f"{1:024}").status) == "active"
    assert run(shell, "--tenant", NORTH, "--repair")[1][-1] == (NORTH, "status", "needs_reinstall", True)
    assert str(read(app.db, ACME, f"{1:024}").status) == "needs_reconnect"
    ghost = Tenant(TenantKind.WORKSPACE, "T0GHOST001")
    connect(app.db, ghost, 5, GLOBEX, now=app.clock())
    assert run(shell, "--tenant", ghost.id) == (1, [(ghost.id, "unbacked", "active", False)])
    assert run(shell, "--tenant", ghost.id, "--repair") == (0, [(ghost.id, "unbacked", "active", True)])
    ended = read(app.db, GLOBEX, f"{5:024}")
    assert (str(ended.status), ended.status_reason) == ("revoked", "uninstalled")
    assert run(shell, "--tenant", ghost.id, "--repair") == (0, [])
    assert [fact["connection"] for fact in shell.world.facts("integration.reconciled")] == [f"{1:024}", f"{5:024}"]
    serves = connect(app.db, SOUTHERN, 6, GLOBEX, now=app.clock())
    for repair in (reconcile._end, reconcile._follow):
        assert not repair(app, serves, OPERATOR), "it was installed meanwhile, or serves again"
    assert str(read(app.db, GLOBEX, serves.id).status) == "active"


@pytest.mark.claim("C-390", "C-391")
def test_an_enterprise_is_asked_in_which_workspaces_it_has_the_app(shell: CommandLine) -> None:
    world = shell.world
    assert world.browser().install(ORG).status == 303
    world.work()
    enterprise = Tenant(TenantKind.ENTERPRISE, ORG)
    held = connect(world.service.app.db, enterprise, 3, GLOBEX, now=world.clock())
    assert run(shell, "--tenant", ORG) == (0, [])
    with world.service.app.db.transaction():
        settings = ConnectionSettings("ann", "alerts", "C0GENERAL01", "T0NOTTHERE")
        change_connection.configure(world.service.app.db, held, settings, world.clock())
    assert run(shell, "--tenant", ORG)[1] == [(ORG, "teams", "not in the workspace of the default channel", False)]
    assert run(shell, "--tenant", SOUTH) == (1, [SHADOW])
    with world.service.app.db.transaction():
        installations.join_enterprise(world.service.app.db, SOUTHERN, ORG)
    assert run(shell, "--tenant", SOUTH) == (0, []), "the enterprise over it is held"
    assert Host(world).get("shadow-installations").json["installations"] == []
    freeze_tenant.run(world.service.app, enterprise, OPERATOR, world.clock())
    before = len(world.calls("auth.teams.list"))
    assert {each[1] for each in run(shell, "--tenant", ORG)[1]} == {"unusable"}
    assert len(world.calls("auth.teams.list")) == before


def test_where_there_is_no_host_it_says_what_else_there_is(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACKAPP_HOST_KEYS_FILE")
    ended = shell.run("reconcile")
    assert (ended.status, "without it: slackapp check" in ended.error) == (2, True)
    assert reconcile.PACE > 0
