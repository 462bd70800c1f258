"""Wrapped data keys, and the processes that can unwrap them."""

import pytest

from slackapp.model import NO_TENANT, DataKey, NewKey, Tenant
from slackapp.store import data_keys, processes
from slackapp.store.engine.database import Database
from slackapp.store.processes import Process
from tests.store.rows import NORTH, NOW, ORG, SOUTH, change, look


def key(key_id: int, purpose: str = "bot", mark: bytes = b"") -> NewKey:
    return NewKey(key_id, purpose, "local", 1, mark.ljust(130, b"."))


@pytest.mark.claim("C-33", "C-34")
def test_a_key_is_found_only_by_its_tenant(db: Database) -> None:
    """I name the id of my neighbour's key."""
    assert data_keys.add(db, NORTH, key(1), NOW)
    assert data_keys.add(db, SOUTH, key(2), NOW)
    found = data_keys.find(db, NORTH, 1)
    assert found is not None
    assert (found.key_id, found.tenant, found.purpose, found.state) == (1, NORTH, "bot", "active")
    assert data_keys.find(db, NORTH, 2) is None
    assert data_keys.find(db, Tenant("E", NORTH.id), 1) is None
    assert [each.key_id for each in data_keys.active(db, NORTH)] == [1]
    assert (data_keys.count(db, NORTH), data_keys.count(db, ORG)) == (1, 0)


def test_a_purpose_has_one_active_key_and_an_id_belongs_to_one_key(db: Database) -> None:
    assert data_keys.add(db, NORTH, key(1, mark=b"first"), NOW)
    assert not data_keys.add(db, NORTH, key(2), NOW)
    assert not data_keys.add(db, SOUTH, key(1, mark=b"second"), NOW)
    assert data_keys.add(db, NORTH, key(3, "user"), NOW)
    assert look(db.path, "SELECT key_id, tenant_id, substr(wrapped, 1, 5) FROM data_keys ORDER BY key_id") == [
        (1, NORTH.id, b"first"),
        (3, NORTH.id, b"....."),
    ]


@pytest.mark.claim("C-59")
def test_a_tenants_keys_are_deleted_and_nobody_elses(db: Database) -> None:
    for number, (tenant, purpose) in enumerate([(NORTH, "bot"), (NORTH, "data"), (SOUTH, "bot"), (NO_TENANT, "audit")]):
        assert data_keys.add(db, tenant, key(number + 1, purpose), NOW)
    assert data_keys.delete(db, NORTH) == 2
    assert look(db.path, "SELECT key_id FROM data_keys ORDER BY key_id") == [(3,), (4,)]


@pytest.mark.claim("C-59")
def test_the_services_own_keys_cannot_be_deleted(db: Database) -> None:
    """I have you purge the tenant without a name, so that the audit cannot be verified any more."""
    data_keys.add(db, NO_TENANT, key(1, "audit"), NOW)
    assert data_keys.delete(db, NO_TENANT) == 0
    assert data_keys.count(db, NO_TENANT) == 1


def stored(db: Database, key_id: int, tenant: Tenant = NORTH) -> DataKey:
    found = data_keys.find(db, tenant, key_id)
    assert found is not None
    return found


def test_keys_are_listed_and_counted_by_the_master_key_that_wraps_them(db: Database) -> None:
    for number, version in enumerate((1, 2, 2), start=1):
        data_keys.add(db, NORTH, NewKey(number, ("bot", "user", "data")[number - 1], "local", version, b"."), NOW)
    data_keys.add(db, NO_TENANT, NewKey(4, "audit", "kms", 1, b"."), NOW)
    change(db.path, "UPDATE data_keys SET state = 'retired' WHERE key_id = 1")
    assert sorted(key.key_id for key in data_keys.active(db, NORTH)) == [2, 3]
    assert [key.key_id for key in data_keys.list_all(db)] == [1, 2, 3, 4]
    assert data_keys.count_by_master(db) == {("local", 1): 1, ("local", 2): 2, ("kms", 1): 1}
    assert [key.key_id for key in data_keys.list_older(db, "local", 2)] == [1]
    assert [key.key_id for key in data_keys.list_older(db, "local", 3)] == [1, 2, 3]
    assert data_keys.list_older(db, "local", 1) == []


def test_a_key_is_wrapped_anew_by_one_of_two_rotations(db: Database) -> None:
    data_keys.add(db, NORTH, key(1), NOW)
    data_keys.add(db, SOUTH, key(2), NOW)
    before = stored(db, 1)
    assert data_keys.rewrap(db, before, "local", 2, b"new")
    assert not data_keys.rewrap(db, before, "local", 2, b"newer")
    assert (stored(db, 1).master_version, stored(db, 1).wrapped) == (2, b"new")
    assert data_keys.rewrap(db, stored(db, 1), "kms", 7, b"far away")
    assert not data_keys.rewrap(db, before, "local", 3, b"x")
    assert (stored(db, 1).provider, stored(db, 2, SOUTH).master_version) == ("kms", 1)


@pytest.mark.parametrize("column", ["provider = 'kms'", "master_version = 9"])
def test_a_key_that_somebody_else_wrapped_meanwhile_stays_as_it_is(db: Database, column: str) -> None:
    data_keys.add(db, NORTH, key(1), NOW)
    before = stored(db, 1)
    change(db.path, f"UPDATE data_keys SET {column}")
    assert not data_keys.rewrap(db, before, "local", 2, b"x")


def test_retired_keys_stay_beside_those_in_their_place_until_they_are_deleted(db: Database) -> None:
    owners = [(NORTH, "bot"), (NORTH, "data"), (SOUTH, "bot"), (NO_TENANT, "audit")]
    for number, (tenant, purpose) in enumerate(owners, start=1):
        data_keys.add(db, tenant, key(number, purpose), NOW)
    assert [data_keys.retire(db, NORTH), data_keys.retire(db, NORTH), data_keys.retire(db, NO_TENANT)] == [2, 0, 0]
    assert data_keys.active(db, NORTH) == []
    assert data_keys.add(db, NORTH, key(5, "bot"), NOW), "the place is free"
    assert [data_keys.find(db, NORTH, number) is not None for number in (1, 2, 5)] == [True] * 3
    assert [data_keys.delete_retired(db, SOUTH), data_keys.delete_retired(db, NORTH)] == [0, 2]
    assert [found.key_id for found in data_keys.list_all(db)] == [3, 4, 5]


# Who serves


def test_a_process_lives_for_60_seconds_after_its_last_sign_of_life(db: Database) -> None:
    processes.save_heartbeat(db, "one", 1, frozenset({1}), NOW)
    processes.save_heartbeat(db, "two", 1, frozenset(), NOW)
    processes.save_heartbeat(db, "one", 2, frozenset({2, 1}), NOW + 30)
    assert processes.list_live(db, NOW + 60) == [
        Process("one", NOW + 30, 2, frozenset({1, 2})),
        Process("two", NOW, 1, frozenset()),
    ]
    assert [process.process_id for process in processes.list_live(db, NOW + 61)] == ["one"]
    assert look(db.path, "SELECT started_at FROM processes WHERE process_id = 'one'") == [(NOW,)]


def test_a_process_that_leaves_is_gone_and_so_are_the_dead_and_nobody_else(db: Database) -> None:
    for name, seen in (("dead", NOW - 61), ("alive", NOW - 60), ("me", NOW)):
        processes.save_heartbeat(db, name, 1, frozenset({1}), seen)
    processes.delete(db, "me", NOW)
    assert look(db.path, "SELECT process_id FROM processes") == [("alive",)]
