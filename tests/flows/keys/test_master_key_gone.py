"""A master key that is gone: nothing new is stored under it, and what lies under it stops its own tenant alone."""

from typing import Any

import pytest

from slackapp.errors import ConfigError
from slackapp.flows.keys import rotate_keys
from slackapp.store import data_keys
from tests.support.operator import CommandLine, opens_everything, tenant
from tests.support.world import NORTH, ORG, SOUTH


def lose(desk: CommandLine) -> None:
    """NORTH's keys are wrapped by a master key that was rotated away and retired."""
    old = desk.world.rows("SELECT key_id, wrapped FROM data_keys WHERE tenant_id = ?", NORTH)
    desk.good("keys", "rotate")
    desk.good("keys", "retire", "1")
    for row in old:
        desk.change("UPDATE data_keys SET master_version = 1, wrapped = ? WHERE key_id = ?", row[1], row[0])
    desk.world.restart()


@pytest.mark.claim("C-92")
def test_an_install_that_stalls_over_a_rotation_stores_nothing_under_the_old_master_key(
    desk: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = desk.world.service.app.keyring
    prepare = keyring.open_tenant_keys

    def stalls(whose: Any) -> Any:
        keys = prepare(whose)
        monkeypatch.undo()
        assert keys.minted
        desk.good("keys", "rotate")
        desk.good("keys", "retire", "1")
        return keys

    monkeypatch.setattr(keyring, "open_tenant_keys", stalls)
    assert desk.world.browser().install(ORG).status == 303
    assert (desk.masters(), desk.world.status(ORG)) == ({("local", 2)}, "active")
    assert opens_everything(desk.world)


def test_a_tenant_whose_master_key_is_gone_is_told_of_and_everybody_else_is_served(desk: CommandLine) -> None:
    lose(desk)
    world = desk.world
    world.work()
    assert desk.answers(SOUTH, "EvSouth")
    refused = world.mention("EvNorth", team_id=NORTH)
    assert (refused.status, refused.json["error"]) == (503, "token_unavailable")
    assert (world.status(NORTH), len(desk.blobs(NORTH))) == ("active", 10), "nothing of it is erased"
    for _ in range(2):
        rotate_keys.report_missing(world.service.app)
    assert world.log.getvalue().count("master_key_missing") == 1
    ready = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    assert ready.json["problems"] == {"master keys": "4 data keys need master key 1"}
    assert "local    1  missing from the file, and 4 data keys hang on it\n" in desk.good("keys", "list")
    ended = desk.run("keys", "verify")
    assert (ended.status, len(ended.error.splitlines())) == (1, 4)
    assert ended.error.count(f"of {NORTH} does not: master key 1 is missing from the file") == 4


def test_a_tenant_whose_master_key_is_gone_can_be_purged_and_reinstalled(desk: CommandLine) -> None:
    lose(desk)
    world = desk.world
    rotate_keys.report_missing(world.service.app)
    desk.good("purge", NORTH)
    assert world.browser().install(NORTH).status == 303
    rotate_keys.report_missing(world.service.app)
    assert world.service.app.health.problems() == {}
    assert opens_everything(world)


def test_with_such_a_tenant_another_rotation_goes_on_to_its_end(desk: CommandLine) -> None:
    lose(desk)
    ended = desk.run("keys", "rotate")
    assert (ended.status, "4 data keys do not unwrap and stay as they are" in ended.error) == (1, True)
    assert desk.masters() == {("local", 1), ("local", 3)}
    desk.world.service.app.keyring.reload()
    assert desk.world.service.app.keyring.master_versions() == {2, 3}


def test_a_file_that_lacks_a_key_which_is_held_and_needed_is_not_taken(desk: CommandLine) -> None:
    """Somebody takes a line out of the key file while a tenant still hangs on it."""
    app, file = desk.world.service.app, desk.world.settings.master_key_file
    desk.good("keys", "rotate")
    app.keyring.reload()
    (key, *_) = data_keys.active(app.db, tenant(SOUTH))
    desk.change("UPDATE data_keys SET master_version = 1 WHERE key_id = ?", key.key_id)
    line = file.read_bytes().splitlines(keepends=True)[0]
    file.write_bytes(line)
    desk.good("keys", "flush")
    with pytest.raises(ConfigError, match="master key 1 is missing"):
        app.keyring.reload()
    assert app.keyring.master_versions() == {1, 2}
