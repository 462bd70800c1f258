"""New data keys for a tenant with connections: each that has a key of its own gets a new one, or nothing is changed."""

from collections.abc import Mapping
from typing import Any

import pytest

from slackapp.errors import StoreFullError
from slackapp.model import Holder
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.support.connections import connect
from tests.support.operator import CommandLine, opens_everything, tenant
from tests.support.world import NORTH, SOUTH

WRITES = ("add_key", "retire_keys", "delete_retired_keys", "add_audit")
ONE, OTHER = Holder.connection("c1"), Holder.connection("c2")


def keys_of(shell: CommandLine, whose: str) -> dict[tuple[str, str], bytes]:
    rows = shell.world.rows("SELECT purpose, connection_id, wrapped FROM data_keys WHERE tenant_id = ?", whose)
    return {(row["purpose"], row["connection_id"]): row["wrapped"] for row in rows}


def sealed_of(shell: CommandLine, whose: str) -> set[bytes]:
    rows = shell.world.rows("SELECT access, refresh FROM tokens WHERE tenant_id = ?", whose)
    return {blob for row in rows for blob in row if blob is not None}


def stored(shell: CommandLine) -> list[tuple[object, ...]]:
    names = ("data_keys", "tokens", "installations", "inbox", "installers")
    return [tuple(row) for name in names for row in shell.world.rows(f"SELECT * FROM {name}")]


@pytest.fixture
def connected(shell: CommandLine) -> CommandLine:
    app = shell.world.service.app
    for holder in (ONE, OTHER):
        connect(app, tenant(NORTH), holder)
    connect(app, tenant(SOUTH), ONE)
    return shell


def test_each_connection_gets_a_new_key_and_its_tokens_open(connected: CommandLine) -> None:
    keys, sealed, others = keys_of(connected, NORTH), sealed_of(connected, NORTH), keys_of(connected, SOUTH)
    connected.good("keys", "reencrypt", "--tenant", NORTH)
    fresh = keys_of(connected, NORTH)
    assert fresh.keys() == keys.keys() >= {("connection", "c1"), ("connection", "c2")}
    assert set(fresh.values()).isdisjoint(keys.values())
    assert sealed_of(connected, NORTH).isdisjoint(sealed)
    assert keys_of(connected, SOUTH) == others
    assert opens_everything(connected.world)


def test_a_connection_that_comes_in_between_has_its_tokens_sealed_anew_too(
    connected: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring, late = type(connected.world.service.app.keyring), [Holder.connection("c3")]
    mint, before = keyring.mint, keys_of(connected, NORTH)

    def minted(*arguments: Any) -> Any:
        if late:
            connect(connected.world.service.app, tenant(NORTH), late.pop())
        return mint(*arguments)

    monkeypatch.setattr(keyring, "mint", minted)
    connected.good("keys", "reencrypt", "--tenant", NORTH)
    fresh = keys_of(connected, NORTH)
    assert fresh.keys() - before.keys() == {("connection", "c3")}
    assert set(fresh.values()).isdisjoint(before.values())
    assert opens_everything(connected.world)


def test_killed_at_any_statement_it_leaves_the_old_keys_whole(
    connected: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each statement in turn is the last one that the process runs."""
    execute, left = SqliteDatabase.execute, [0]

    def dying(self: SqliteDatabase, name: str, parameters: Mapping[str, Any]) -> int:
        if self.in_transaction() and ("reseal" in name or name in WRITES):
            left[0] -= 1
            if left[0] == 0:
                raise StoreFullError("the process ends here")
        return execute(self, name, parameters)

    before = stored(connected)
    monkeypatch.setattr(SqliteDatabase, "execute", dying)
    for step in range(1, 100):
        left[0] = step
        ended = connected.run("keys", "reencrypt", "--tenant", NORTH)
        if left[0] > 0:
            break
        assert (ended.status != 0, stored(connected) == before) == (True, True), step

    monkeypatch.undo()
    assert (ended.status, step > 20) == (0, True)
    assert opens_everything(connected.world)
