"""Which master keys open a database, and the service's own keys."""

import json
from pathlib import Path
from typing import Any

import pytest

from slackapp.crypto import records
from slackapp.errors import ConfigError
from slackapp.model import BOT, NO_TENANT
from slackapp.store import data_keys, meta
from slackapp.vault import open_keyring as opening
from tests.store.rows import NORTH, bytes_on_disk, look
from tests.support.race import race
from tests.vault.conftest import MakeVault, Vault

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
CONTEXT = records.access_token_context(NORTH, BOT, 1)


def refusal(vault: Vault, **changes: object) -> str:
    """The sentence with which a keyring is refused; nothing in the database has changed."""
    before = [look(vault.db.path, f"SELECT * FROM {table} ORDER BY 1") for table in ("meta", "data_keys")]
    with pytest.raises(ConfigError) as caught:
        vault.open(**changes)
    assert [look(vault.db.path, f"SELECT * FROM {table} ORDER BY 1") for table in ("meta", "data_keys")] == before
    assert KEY.hex() not in str(caught.value)
    return str(caught.value)


def test_another_key_of_the_same_version_is_found_at_start(vault: Vault) -> None:
    vault.open()
    vault.write_keys((1, OTHER))
    sentence = refusal(vault)
    assert sentence.startswith("SLACKAPP_MASTER_KEY_FILE: master key 1 does not match the database")
    assert str(vault.settings.database) in sentence


def test_a_file_without_the_primary_key_is_found_at_start(vault: Vault) -> None:
    vault.open()
    vault.write_keys((2, OTHER))
    assert refusal(vault).startswith("SLACKAPP_MASTER_KEY_FILE: master key 1 is missing")


def test_the_database_of_another_app_is_found_at_start(vault: Vault) -> None:
    vault.open()
    sentence = refusal(vault, app_id="A0OTHER001")
    assert sentence.startswith("SLACKAPP_DATABASE: ")
    assert f"{vault.settings.database} belongs to the app {vault.settings.app_id} with the client id" in sentence
    assert "either SLACK_APP_ID or SLACK_CLIENT_ID is another one" in sentence
    assert refusal(vault, client_id="1.2") == sentence


def test_the_key_file_of_another_database_is_found_at_start(make_vault: MakeVault) -> None:
    one, other = make_vault("one"), make_vault("other")
    other.write_keys((1, OTHER))
    one.open()
    other.open()
    assert "does not match the database" in refusal(one, master_key_file=other.settings.master_key_file)
    assert "does not match the database" in refusal(other, master_key_file=one.settings.master_key_file)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"slackapp-mk1:1:AAAA\n"])
def test_a_key_file_that_cannot_be_read_is_named(vault: Vault, content: bytes) -> None:
    vault.settings.master_key_file.write_bytes(content)
    assert str(vault.settings.master_key_file) in refusal(vault)


def test_a_key_file_that_others_can_read_is_named(vault: Vault) -> None:
    vault.settings.master_key_file.chmod(0o644)
    assert f"chmod 600 {vault.settings.master_key_file}" in refusal(vault)


def test_a_key_file_that_is_not_there_is_named(vault: Vault, tmp_path: Path) -> None:
    assert str(tmp_path / "absent") in refusal(vault, master_key_file=tmp_path / "absent")


def test_a_new_database_wraps_with_the_first_key_of_the_file(vault: Vault) -> None:
    vault.write_keys((2, OTHER), (1, KEY))
    ring = vault.open()
    vault.confirm(ring, NORTH)
    assert look(vault.db.path, "SELECT DISTINCT master_version FROM data_keys") == [(2,)]
    assert meta.get(vault.db, "primary_master_key") == "2"


def test_a_further_key_in_the_file_changes_nothing_by_itself(vault: Vault) -> None:
    ring = vault.open()
    vault.confirm(ring, NORTH)
    sealed = ring.seal(CONTEXT, b"secret")
    vault.write_keys((2, OTHER), (1, KEY))
    again = vault.open()
    assert again.open(CONTEXT, sealed) == b"secret"
    vault.confirm(again, NORTH)
    assert look(vault.db.path, "SELECT DISTINCT master_version FROM data_keys") == [(1,)]


def test_what_shows_that_a_key_is_right_is_not_the_key(make_vault: MakeVault) -> None:
    """I have two databases that share a master key, and look in them for the key or for a sign that they share it."""
    one, other = make_vault("one"), make_vault("other")
    one.open()
    other.open()
    checks = [meta.get(vault.db, "key_check:1") for vault in (one, other)]
    assert None not in checks
    assert checks[0] != checks[1]
    assert meta.get(one.db, "database_id") != meta.get(other.db, "database_id")
    assert KEY.hex() not in {*checks}
    assert not any(key in bytes_on_disk(one.db.path) for key in (KEY, KEY.hex().encode()))


# The service's own keys


def test_the_services_own_keys_are_made_once_and_stay(vault: Vault) -> None:
    first = vault.open()
    again = vault.open()
    assert first.state_key() == again.state_key()
    assert first.audit_mac(b"data") == again.audit_mac(b"data")
    assert first.label(NORTH) == again.label(NORTH)
    assert data_keys.count(vault.db, NO_TENANT) == 5


def test_the_services_own_keys_differ_from_each_other_and_from_database_to_database(make_vault: MakeVault) -> None:
    one, other = make_vault("one").open(), make_vault("other").open()
    assert one.state_key()[1] != other.state_key()[1]
    assert one.audit_mac(b"data") != other.audit_mac(b"data")
    assert one.audit_mac(b"data") != one.audit_mac(b"date")
    assert len(one.audit_mac(b"data")) == 32


def test_a_state_key_is_found_by_its_id_and_no_other_key_is(vault: Vault) -> None:
    """I sign a state with a key that I know, and name it as the state's key."""
    ring = vault.open()
    vault.confirm(ring, NORTH)
    key_id, key = ring.state_key()
    assert ring.state_key_by_id(key_id) == key
    assert vault.open().state_key_by_id(key_id) == key
    others = [row[0] for row in look(vault.db.path, "SELECT key_id FROM data_keys") if row[0] != key_id]
    assert len(others) == 8
    for other in [*others, 0, key_id ^ 1]:
        assert ring.state_key_by_id(other) is None


def test_the_state_key_outlives_what_is_kept_in_memory(vault: Vault) -> None:
    ring = vault.open()
    before = ring.state_key()
    vault.clock.advance(10_000)
    assert ring.state_key() == before


@pytest.mark.long
def test_processes_that_start_at_once_agree_on_the_services_own_keys(vault: Vault) -> None:
    """Stops a process that signs states, or chains audit rows, with a key that the others do not have."""
    code = """
import json, sys
from slackapp.config import settings as config
from slackapp.app import system_clock, system_entropy
from slackapp.vault.open_keyring import open_keyring
from slackapp.model import Tenant
from slackapp.store.engine.sqlite import SqliteDatabase
settings = config.load(json.loads(sys.argv[1]), {})
db = SqliteDatabase(settings.database)
"""
    run = """
ring = open_keyring(db, settings, system_entropy, system_clock)
print(ring.state_key()[1].hex(), ring.audit_mac(b"data").hex(), ring.label(Tenant("T", "T0NORTH001")))
"""
    outputs = race(4, code, run, json.dumps(vault.environment))
    assert len(set(outputs)) == 1
    assert data_keys.count(vault.db, NO_TENANT) == 5
    ring = vault.open()
    assert outputs[0] == f"{ring.state_key()[1].hex()} {ring.audit_mac(b'data').hex()} {ring.label(NORTH)}"


def test_without_the_services_own_keys_nothing_starts(vault: Vault) -> None:
    """A rotation was killed before it wrapped them anew, and then the old key was taken out by hand."""
    vault.open()
    with vault.db.transaction():
        meta.put(vault.db, meta.PRIMARY_MASTER_KEY, "2")
    vault.write_keys((2, OTHER))
    assert refusal(vault).startswith("SLACKAPP_MASTER_KEY_FILE: master key 1 is missing; data keys hang on it")


@pytest.mark.claim("C-92")
def test_the_services_own_keys_are_not_made_under_a_master_key_that_is_the_primary_no_more(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start stalls between making them and storing them, and the master key is rotated meanwhile."""
    vault.write_keys((1, KEY), (2, OTHER))
    active = data_keys.active

    def stalls(*arguments: Any) -> Any:
        monkeypatch.undo()
        found = active(*arguments)
        monkeypatch.setattr(vault.db, "transaction", rotated)
        return found

    def rotated() -> Any:
        monkeypatch.undo()
        with vault.db.transaction():
            meta.put(vault.db, meta.PRIMARY_MASTER_KEY, "2")
        return vault.db.transaction()

    open_keyring = opening.Keyring.make_service_keys

    def make(ring: opening.Keyring, now: int) -> None:
        monkeypatch.setattr(data_keys, "active", stalls)
        open_keyring(ring, now)

    monkeypatch.setattr(opening.Keyring, "make_service_keys", make)
    assert vault.open().audit_mac(b"data")
    assert look(vault.db.path, "SELECT DISTINCT master_version FROM data_keys") == [(2,)]
