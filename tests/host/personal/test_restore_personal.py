"""A backup that was made before a personal connection has ended brings it back no more, and nobody else goes for it."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.flows.connect import begin_connect
from slackapp.model import Holder
from slackapp.store import data_keys, installations, tokens
from tests.host.keys import host_settings
from tests.support.connecting import HOST_URL
from tests.support.host_world import ON, Host
from tests.support.operator import CommandLine, open_shell
from tests.support.personal import CARL, SCOPES, connect, make_person, tenant_of
from tests.support.world import NORTH


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    changes = {**host_settings(tmp_path), **ON, "SLACKAPP_HOST_URL": HOST_URL, "SLACKAPP_HOST_USER_SCOPES": SCOPES}
    with open_shell(tmp_path, **changes) as made:
        world = made.world
        addresses = (*world.slack.app.redirect_urls, begin_connect.redirect_uri(world.settings))
        world.slack.app = dataclasses.replace(world.slack.app, redirect_urls=addresses)
        yield made


@pytest.mark.claim("C-342", "C-346")
def test_a_restore_brings_back_nothing_that_has_ended_and_all_the_rest(shell: CommandLine) -> None:
    world = shell.world
    carl, ben = make_person(world), make_person(world, "ben")
    own, other = connect(carl), connect(ben, user="guest")
    shell.good("backup", str(shell.folder / "b0"))
    assert Host(world).of(CARL, carl.role).call("DELETE", f"slack/connections/{own.id}").json["revokedAtSlack"]
    world.work()
    assert shell.restore(str(shell.folder / "b0")).status == 0
    db = world.service.app.db
    assert installations.find(db, tenant_of(NORTH)) is not None, "whoever else is there stays"
    held = [token.holder for token in tokens.list_by_tenant(db, tenant_of())]
    assert Holder.connection(own.id) not in held
    assert Holder.connection(other.id) in held
    assert data_keys.active(db, tenant_of(), own.id) == []
    (row,) = world.rows("SELECT status, status_reason FROM connections WHERE id = ?", own.id)
    assert tuple(row) == ("revoked", "token_revoked")
