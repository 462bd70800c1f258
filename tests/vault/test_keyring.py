"""Seals and opens records: the only way from a row to a plaintext."""

import pytest

from slackapp import model
from slackapp.crypto import envelope, records
from slackapp.crypto.records import LIMITS
from slackapp.errors import DecryptError, KeyMissingError, KeyUnavailableError
from slackapp.model import DataKey, Holder, RecordContext, Sealed, Tenant
from slackapp.store import data_keys
from slackapp.vault import keyring as module
from slackapp.vault.keyring import Keyring, TenantKeys
from tests.store.rows import NORTH, SOUTH, bytes_on_disk, change, look
from tests.vault.conftest import Vault

USER = "U0PERSON01"
CONTEXTS = {
    "bot_access": records.access_token_context(NORTH, model.BOT, 1),
    "user_access": records.access_token_context(NORTH, Holder.user(USER), 1),
    "bot_refresh": records.refresh_token_context(NORTH, model.BOT, 1),
    "user_refresh": records.refresh_token_context(NORTH, Holder.user(USER), 1),
    "webhook": records.webhook_context(NORTH, 1),
    "event_body": records.event_body_context(NORTH, "Ev1"),
}
BOT = CONTEXTS["bot_access"]


@pytest.fixture
def ring(vault: Vault) -> Keyring:
    """A keyring on a database in which two tenants have their keys."""
    made = vault.open()
    vault.confirm(made, NORTH)
    vault.confirm(made, SOUTH)
    return made


def opens(ring: Keyring, sealed: Sealed, context: RecordContext = BOT) -> bool:
    try:
        assert ring.open(context, sealed) == b"secret"
    except DecryptError:
        return False
    return True


@pytest.mark.parametrize("kind", CONTEXTS)
def test_a_record_opens_to_what_was_sealed_under_the_key_of_its_purpose(vault: Vault, ring: Keyring, kind: str) -> None:
    context = CONTEXTS[kind]
    sealed = ring.seal(context, b"secret")
    assert opens(ring, sealed, context)
    assert opens(vault.open(), sealed, context)
    key = data_keys.find(vault.db, NORTH, envelope.key_id_of(sealed.blob))
    assert key is not None
    assert key.purpose == context.purpose


def test_sealing_twice_gives_two_values(ring: Keyring) -> None:
    assert ring.seal(BOT, b"secret") != ring.seal(BOT, b"secret")


def test_no_key_of_a_record_lies_in_the_database_in_clear(vault: Vault, ring: Keyring) -> None:
    """I have the database file, and look for the keys in it."""
    on_disk = bytes_on_disk(vault.db.path)
    clear = [key.key for key in ring.open_tenant_keys(NORTH).keys.values()] + [ring.state_key()[1]]
    assert len(clear) == 5
    assert all(len(key) == 32 and key not in on_disk for key in clear)
    assert bytes(range(32)) not in on_disk


def test_a_new_tenant_gets_a_key_for_each_purpose_which_is_not_stored_yet(vault: Vault, ring: Keyring) -> None:
    new = Tenant("T", "T0NEW00001")
    keys = ring.open_tenant_keys(new)
    assert [key.purpose for key in keys.minted] == ["bot", "user", "refresh", "data"]
    assert keys.key_ids == {key.key_id for key in keys.minted}
    assert len(keys.key_ids) == 4
    assert data_keys.count(vault.db, new) == 0
    sealed = keys.seal(BOT._replace(tenant=new), b"secret")
    with vault.db.transaction():
        for key in keys.minted:
            data_keys.add(vault.db, new, key, vault.clock())
    assert opens(ring, sealed, BOT._replace(tenant=new))


def test_two_new_tenants_get_different_keys(ring: Keyring) -> None:
    one, other = ring.open_tenant_keys(Tenant("T", "T0NEW00001")), ring.open_tenant_keys(Tenant("T", "T0NEW00001"))
    assert not one.key_ids & other.key_ids
    assert {key.key for key in one.keys.values()}.isdisjoint(key.key for key in other.keys.values())


def test_a_known_tenant_keeps_its_keys(vault: Vault, ring: Keyring) -> None:
    keys = ring.open_tenant_keys(NORTH)
    assert keys.minted == ()
    assert keys.key_ids == {key.key_id for key in data_keys.active(vault.db, NORTH)}
    assert opens(ring, keys.seal(BOT, b"secret"))


def store(vault: Vault, keys: TenantKeys, tenant: Tenant = NORTH) -> None:
    with vault.db.transaction():
        for key in keys.minted:
            assert data_keys.add(vault.db, tenant, key, vault.clock())


ONE, OTHER = Holder.connection("c1"), Holder.connection("c2")


@pytest.mark.claim("C-109")
def test_a_connection_has_a_key_of_its_own_and_without_it_nobody_elses_tokens_are_gone(
    vault: Vault, ring: Keyring
) -> None:
    """I end one connection, and look whose tokens still open."""
    sealed = {}
    for holder in (ONE, OTHER, Holder.user("c1"), model.BOT):
        keys = ring.open_holder_keys(NORTH, holder)
        store(vault, keys)
        for context_of in (records.access_token_context, records.refresh_token_context):
            context = context_of(NORTH, holder, 1)
            sealed[context] = keys.seal(context, b"secret")
    fresh = vault.open()
    assert all(opens(fresh, value, context) for context, value in sealed.items())
    assert fresh.open_holder_keys(NORTH, ONE).minted == ()
    (key,) = data_keys.active(vault.db, NORTH, ONE.id)
    change(vault.db.path, f"DELETE FROM data_keys WHERE key_id = {key.key_id}")
    fresh = vault.open()
    assert {context.purpose for context, value in sealed.items() if not opens(fresh, value, context)} == {key.purpose}


@pytest.mark.claim("C-109")
def test_a_connections_key_moved_to_another_connection_does_not_unwrap(vault: Vault, ring: Keyring) -> None:
    """I have the database, and give the key of somebody's connection to mine."""
    keys = ring.open_holder_keys(NORTH, ONE)
    store(vault, keys)
    change(vault.db.path, "UPDATE data_keys SET connection_id = 'c2' WHERE connection_id = 'c1'")
    with pytest.raises(DecryptError):
        vault.open().open_holder_keys(NORTH, OTHER)


def test_a_connections_key_is_wrapped_by_whoever_wraps_its_tenants(vault: Vault, ring: Keyring) -> None:
    assert [key.provider for key in ring.open_holder_keys(NORTH, ONE).minted] == ["local"]
    change(vault.db.path, "UPDATE data_keys SET provider = 'kms' WHERE tenant_id = ?", NORTH.id)
    with pytest.raises(KeyUnavailableError):
        ring.open_holder_keys(NORTH, ONE)


def test_a_tenant_without_keys_has_nothing_sealed_or_opened(ring: Keyring) -> None:
    stranger = BOT._replace(tenant=Tenant("T", "T0ABSENT01"))
    with pytest.raises(KeyMissingError):
        ring.seal(stranger, b"secret")
    assert not opens(ring, ring.seal(BOT, b"secret"), stranger)


@pytest.mark.parametrize("kind", CONTEXTS)
def test_the_limit_of_a_kind_is_exact(ring: Keyring, kind: str) -> None:
    context = CONTEXTS[kind]
    largest = bytes(LIMITS[kind])
    assert ring.open(context, ring.seal(context, largest)) == largest
    with pytest.raises(ValueError, match=f"a {kind} is too large"):
        ring.seal(context, largest + b"x")


# Where a record does not open


@pytest.mark.parametrize(
    "elsewhere",
    [
        BOT._replace(tenant=SOUTH),
        BOT._replace(tenant=Tenant("E", NORTH.id)),
        BOT._replace(generation=2),
        BOT._replace(purpose="user"),
        BOT._replace(purpose="data"),
        CONTEXTS["user_access"],
        CONTEXTS["bot_refresh"],
    ],
    ids=["tenant", "kind of tenant", "generation", "purpose", "another purpose", "person's", "refresh token"],
)
@pytest.mark.claim("C-33")
def test_a_record_opens_only_where_it_belongs(ring: Keyring, elsewhere: RecordContext) -> None:
    """I copy my neighbour's sealed token into my own row."""
    sealed = ring.seal(BOT, b"secret")
    assert not opens(ring, sealed, elsewhere)
    assert opens(ring, sealed)


@pytest.mark.parametrize("blob", [b"", b"x", bytes(97), bytes(98), b"\x01\x01" + bytes(96)])
def test_what_is_no_record_does_not_open(ring: Keyring, blob: bytes) -> None:
    assert not opens(ring, Sealed(blob))


def test_a_record_that_names_another_tenants_key_does_not_open(vault: Vault, ring: Keyring) -> None:
    """I write the id of my own key into my neighbour's record."""
    foreign = ring.seal(BOT._replace(tenant=SOUTH), b"secret")
    assert not opens(ring, foreign)
    assert not opens(vault.open(), foreign)


@pytest.mark.parametrize("assignment", ["tenant_id = 'T0NORTH001'", "purpose = 'bot'", "key_id = key_id % 1000000 + 1"])
def test_a_key_that_was_moved_in_the_database_does_not_open_anything(
    vault: Vault, ring: Keyring, assignment: str
) -> None:
    """I have the database, and move a wrapped key to where I can have it used."""
    context = BOT._replace(tenant=SOUTH) if "tenant_id" in assignment else CONTEXTS["user_access"]
    sealed = ring.seal(context, b"secret")
    key_id = envelope.key_id_of(sealed.blob)
    change(vault.db.path, f"DELETE FROM data_keys WHERE tenant_id = '{NORTH.id}' AND purpose = 'bot'")
    assert change(vault.db.path, f"UPDATE data_keys SET {assignment} WHERE key_id = ?", key_id) == 1
    vault.clock.advance(module.CACHE_SECONDS)
    for place in (context, BOT._replace(tenant=NORTH)):
        assert not opens(ring, sealed, place)


def test_a_wrapped_key_that_was_changed_opens_nothing(vault: Vault, ring: Keyring) -> None:
    sealed = ring.seal(BOT, b"secret")
    change(vault.db.path, "UPDATE data_keys SET wrapped = zeroblob(length(wrapped)) WHERE purpose = 'bot'")
    assert not opens(vault.open(), sealed)


def test_a_retired_key_still_opens_and_seals_nothing_more(vault: Vault, ring: Keyring) -> None:
    sealed = ring.seal(BOT, b"secret")
    change(vault.db.path, "UPDATE data_keys SET state = 'retired' WHERE tenant_id = ? AND purpose = 'bot'", NORTH.id)
    fresh = vault.open()
    assert opens(fresh, sealed)
    with pytest.raises(KeyMissingError):
        fresh.seal(BOT, b"secret")


# What stays in memory, and for how long


def test_deleted_keys_are_remembered_for_less_than_300_seconds(vault: Vault, ring: Keyring) -> None:
    sealed = ring.seal(BOT, b"secret")
    vault.clock.advance(300)
    assert opens(ring, sealed)
    with vault.db.transaction():
        data_keys.delete(vault.db, NORTH)
    vault.clock.advance(299)
    assert opens(ring, sealed)
    vault.clock.advance(1)
    assert not opens(ring, sealed)


def test_keys_that_nobody_asks_for_leave_the_memory_too(vault: Vault, ring: Keyring) -> None:
    """I read the memory of the process, a day after the customer was last served."""
    ring.seal(BOT, b"secret")
    vault.clock.advance(200)
    ring.seal(BOT._replace(tenant=SOUTH), b"secret")
    vault.clock.advance(100)
    ring.evict_expired()
    assert NORTH not in ring._cache
    assert SOUTH in ring._cache


def test_a_clock_that_goes_back_does_not_keep_keys_longer(vault: Vault, ring: Keyring) -> None:
    sealed = ring.seal(BOT, b"secret")
    with vault.db.transaction():
        data_keys.delete(vault.db, NORTH)
    vault.clock.advance(-1)
    assert not opens(ring, sealed)


def test_keys_that_are_forgotten_are_gone_at_once_and_only_those(vault: Vault, ring: Keyring) -> None:
    here, there = ring.seal(BOT, b"secret"), ring.seal(BOT._replace(tenant=SOUTH), b"secret")
    with vault.db.transaction():
        data_keys.delete(vault.db, NORTH)
    with vault.db.transaction():
        data_keys.delete(vault.db, SOUTH)
    ring.evict(NORTH)
    ring.evict(NORTH)
    assert not opens(ring, here)
    assert opens(ring, there, BOT._replace(tenant=SOUTH))


def test_what_is_forgotten_while_somebody_still_unwraps_does_not_come_back(
    vault: Vault, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purge, or a withdrawn key, in the very moment in which another thread waits for a far provider."""
    unwrap = Keyring._unwrap

    def slow(self: Keyring, row: DataKey) -> module.PlainKey:
        ring.evict(NORTH)
        return unwrap(self, row)

    ring.seal(BOT, b"secret")
    monkeypatch.setattr(Keyring, "_unwrap", slow)
    ring.seal(CONTEXTS["user_access"], b"secret")
    assert NORTH not in ring._cache


def test_the_keys_used_longest_ago_are_dropped_first(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.CACHE_KEYS == 4096
    monkeypatch.setattr(module, "CACHE_KEYS", 3 * 4)
    ring = vault.open()
    tenants = [Tenant("T", f"T0TENANT0{number}") for number in range(4)]
    for tenant in tenants:
        vault.confirm(ring, tenant)
    sealed = {tenant: ring.seal(BOT._replace(tenant=tenant), b"secret") for tenant in tenants[:3]}
    assert opens(ring, sealed[tenants[0]], BOT._replace(tenant=tenants[0]))
    ring.seal(BOT._replace(tenant=tenants[3]), b"secret")
    for tenant in tenants:
        with vault.db.transaction():
            data_keys.delete(vault.db, tenant)
    kept = [tenant for tenant in sealed if opens(ring, sealed[tenant], BOT._replace(tenant=tenant))]
    assert kept == [tenants[0], tenants[2]]


def test_the_repr_of_a_key_hides_it(ring: Keyring) -> None:
    """I wait for a traceback that shows a key."""
    keys = ring.open_tenant_keys(NORTH)
    new = ring.open_tenant_keys(Tenant("T", "T0NEW00001"))
    for key in [*keys.keys.values(), *new.keys.values()]:
        assert repr(key.key) not in repr(keys) + repr(new) + repr(key)
        assert key.key.hex() not in repr(keys) + repr(new)
    assert "wrapped" not in repr(new.minted)


def test_every_purpose_has_one_row_per_tenant(vault: Vault, ring: Keyring) -> None:
    vault.confirm(ring, NORTH)
    found = look(vault.db.path, "SELECT purpose FROM data_keys WHERE tenant_id = ? ORDER BY purpose", NORTH.id)
    assert found == [("bot",), ("data",), ("refresh",), ("user",)]
