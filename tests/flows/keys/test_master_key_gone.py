"""A master key that is gone: nothing new is stored under it, and what lies under it stops its own tenant alone."""

from typing import Any

import pytest

from slackapp.errors import ConfigError
from slackapp.flows.keys import list_keys
from slackapp.store import data_keys
from tests.support.operator import CommandLine, opens_everything, tenant
from tests.support.world import NORTH, ORG, SOUTH


def lose(shell: CommandLine) -> None:
    """NORTH's keys are wrapped by a master key that was rotated away and retired."""
    old = shell.world.rows("SELECT key_id, wrapped FROM data_keys WHERE tenant_id = ?", NORTH)
    shell.good("keys", "rotate")
    shell.good("keys", "retire", "1")
    for row in old:
        shell.change("UPDATE data_keys SET master_version = 1, wrapped = ? WHERE key_id = ?", row[1], row[0])
    shell.world.restart()


@pytest.mark.claim("C-92")
def test_an_install_that_stalls_over_a_rotation_stores_nothing_under_the_old_master_key(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = shell.world.service.app.keyring
    prepare = keyring.open_tenant_keys

    def stalls(whose: Any) -> Any:
        keys = prepare(whose)
        monkeypatch.undo()
        assert keys.minted
        shell.good("keys", "rotate")
        shell.good("keys", "retire", "1")
        return keys

    monkeypatch.setattr(keyring, "open_tenant_keys", stalls)
    assert shell.world.browser().install(ORG).status == 303
    assert (shell.masters(), shell.world.status(ORG)) == ({("local", 2)}, "active")
    assert opens_everything(shell.world)


def test_a_tenant_whose_master_key_is_gone_is_told_of_and_everybody_else_is_served(shell: CommandLine) -> None:
    lose(shell)
    world = shell.world
    world.work()
    assert shell.answers(SOUTH, "EvSouth")
    refused = world.mention("EvNorth", team_id=NORTH)
    assert (refused.status, refused.json["error"]) == (503, "token_unavailable")
    assert (world.status(NORTH), len(shell.blobs(NORTH))) == ("active", 10), "nothing of it is erased"
    for _ in range(2):
        list_keys.report_missing(world.service.app)
    assert world.log.getvalue().count("master_key_missing") == 1
    ready = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    assert ready.json["problems"] == {"master keys": "4 data keys need master key 1"}
    assert "local    1  missing from the file, and 4 data keys hang on it\n" in shell.good("keys", "list")
    ended = shell.run("keys", "verify")
    assert (ended.status, len(ended.error.splitlines())) == (1, 4)
    assert ended.error.count(f"of {NORTH} does not: master key 1 is missing from the file") == 4


def test_a_tenant_whose_master_key_is_gone_can_be_purged_and_reinstalled(shell: CommandLine) -> None:
    lose(shell)
    world = shell.world
    list_keys.report_missing(world.service.app)
    shell.good("purge", NORTH)
    assert world.browser().install(NORTH).status == 303
    list_keys.report_missing(world.service.app)
    assert world.service.app.health.problems() == {}
    assert opens_everything(world)


def test_with_such_a_tenant_another_rotation_goes_on_to_its_end(shell: CommandLine) -> None:
    lose(shell)
    ended = shell.run("keys", "rotate")
    assert (ended.status, "4 data keys do not unwrap and stay as they are" in ended.error) == (1, True)
    assert shell.masters() == {("local", 1), ("local", 3)}
    shell.world.service.app.keyring.reload()
    assert shell.world.service.app.keyring.master_versions() == {2, 3}


def test_a_file_that_lacks_a_key_which_is_held_and_needed_is_not_taken(shell: CommandLine) -> None:
    """Somebody takes a line out of the key file while a tenant still hangs on it."""
    app, file = shell.world.service.app, shell.world.settings.master_key_file
    shell.good("keys", "rotate")
    app.keyring.reload()
    (key, *_) = data_keys.active(app.db, tenant(SOUTH))
    shell.change("UPDATE data_keys SET master_version = 1 WHERE key_id = ?", key.key_id)
    line = file.read_bytes().splitlines(keepends=True)[0]
    file.write_bytes(line)
    shell.good("keys", "flush")
    with pytest.raises(ConfigError, match="master key 1 is missing"):
        app.keyring.reload()
    assert app.keyring.master_versions() == {1, 2}
