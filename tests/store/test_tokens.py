"""Tokens, sealed: one refreshes at a time, and a late refresh changes nothing."""

import threading

import pytest

from slackapp.crypto.envelope import OVERHEAD_BYTES, TOKEN_LIMIT
from slackapp.errors import StoreConstraintError
from slackapp.model import BOT, Holder, Tenant, Token
from slackapp.store import installations, tokens
from slackapp.store.engine.database import Database
from slackapp.store.tokens import SealedPair
from tests.store.rows import FINGERPRINTS, NORTH, NOW, SOUTH, change, install, look, pair, sealed

USER, OTHER = Holder.user("U0PERSON01"), Holder.user("U0PERSON02")
LEASE = 30


@pytest.fixture
def token(db: Database) -> Token:
    """The bot's, in a database in which two tenants have a bot and a user each."""
    install(db, NORTH, (BOT, USER))
    install(db, SOUTH, (BOT, USER))
    return found(db)


def found(db: Database, holder: Holder = BOT, tenant: Tenant = NORTH) -> Token:
    token = tokens.find(db, tenant, holder)
    assert token is not None
    return token


def others(db: Database) -> list[Token]:
    """Every token but the bot's in the north."""
    return [token for tenant in (NORTH, SOUTH) for token in tokens.list_by_tenant(db, tenant)][1:]


def lease(db: Database, token: Token, owner: str = "me", now: int = NOW) -> bool:
    return tokens.take_lease(db, token, owner, now, now + LEASE)


@pytest.mark.claim("C-34")
def test_a_token_is_found_by_tenant_and_user(db: Database, token: Token) -> None:
    """I ask for my neighbour's token under my own name."""
    assert (token.tenant, token.holder, token.generation, token.status) == (NORTH, BOT, 1, "live")
    assert found(db, USER).holder == USER
    assert found(db, BOT, SOUTH).tenant == SOUTH
    assert tokens.find(db, NORTH, OTHER) is None
    assert [each.holder for each in tokens.list_by_tenant(db, NORTH)] == [BOT, USER]
    assert tokens.count(db, NORTH) == 2


@pytest.mark.claim("C-109")
def test_a_user_and_a_connection_of_one_id_have_each_their_own(db: Database, token: Token) -> None:
    """I ask for a user's token as the connection that has that user's id."""
    connection = Holder.connection(USER.id)
    assert tokens.find(db, NORTH, connection) is None
    tokens.save(db, NORTH, connection, generation=1, pair=pair(b"other"), now=NOW, provider="elsewhere")
    assert (found(db, connection).provider, found(db, USER).provider) == ("elsewhere", "slack")
    assert [each.holder for each in tokens.list_by_tenant(db, NORTH)] == [BOT, connection, USER]
    assert tokens.delete_users(db, NORTH) == 1
    assert [each.holder for each in tokens.list_by_tenant(db, NORTH)] == [BOT, connection]


def lease_of(db: Database, holder: Holder = BOT, tenant: Tenant = NORTH) -> tuple[str, int]:
    """Owner and end of a token's lease."""
    sql = "SELECT lease_owner, lease_until FROM tokens WHERE tenant_id = ? AND holder_id = ?"
    owner, until = look(db.path, sql, tenant.id, holder.id)[0]
    return owner, until


def test_a_saved_token_replaces_the_one_before_and_ends_its_lease(db: Database, token: Token) -> None:
    before = others(db)
    assert lease(db, token)
    tokens.mark_dead(db, token, "token_revoked")
    tokens.save(db, NORTH, BOT, generation=2, pair=pair(b"new", NOW + 999), now=NOW + 5)
    after = found(db)
    assert (after.access, after.refresh, after.generation) == (sealed(b"new-access"), sealed(b"new-refresh"), 2)
    assert (after.granted_at, after.issued_at, after.expires_at) == (NOW + 5, NOW + 5, NOW + 999)
    assert after.due_at == NOW + 999 - 3600
    assert (after.status, lease_of(db)) == ("live", ("", 0))
    assert others(db) == before


def test_a_long_lived_token_has_neither_refresh_token_nor_expiry(db: Database, token: Token) -> None:
    tokens.save(db, NORTH, BOT, generation=2, pair=pair(b"new", None), now=NOW)
    assert (found(db).refresh, found(db).expires_at, found(db).due_at) == (None, None, None)


# The lease


@pytest.mark.claim("C-41")
def test_one_at_a_time_refreshes_a_token(db: Database, token: Token) -> None:
    before = others(db)
    assert lease(db, token)
    assert not lease(db, token, "another")
    assert not lease(db, token, "another", NOW + LEASE)
    assert lease(db, token, "another", NOW + LEASE + 1)
    assert found(db).lease_owner == "another"
    assert others(db) == before


@pytest.mark.claim("C-98")
def test_a_lease_goes_by_the_boot_in_which_it_was_taken(db: Database, token: Token) -> None:
    assert lease(db, token)
    assert not lease(db, token, "another")
    assert lease(db, token, "another", NOW - 500_000), "the machine was started anew: its clock, too"


def test_of_32_threads_one_gets_the_lease(db: Database, token: Token) -> None:
    taken: list[bool] = []
    barrier = threading.Barrier(32)

    def ask(number: int) -> None:
        barrier.wait()
        taken.append(lease(db, token, f"thread {number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 31 + [True]


@pytest.mark.claim("C-41")
def test_a_token_that_was_replaced_is_not_leased(db: Database, token: Token) -> None:
    tokens.save(db, NORTH, BOT, generation=2, pair=pair(), now=NOW)
    assert not lease(db, token)


@pytest.mark.claim("C-38", "C-41")
def test_a_token_that_cannot_be_refreshed_is_not_leased(db: Database, token: Token) -> None:
    lease(db, token)
    assert tokens.mark_refresh_refused(db, token, "me", "invalid_refresh_token")
    assert not lease(db, token, now=NOW + 1000)
    assert tokens.mark_dead(db, token, "token_revoked")
    assert not lease(db, token, now=NOW + 1000)


def test_only_its_owner_gives_a_lease_back_or_holds_it_longer(db: Database, token: Token) -> None:
    lease(db, token)
    tokens.release_lease(db, token, "another")
    tokens.set_lease_end(db, token, "another", NOW + 999)
    assert lease_of(db) == ("me", NOW + LEASE)
    tokens.set_lease_end(db, token, "me", NOW + 999)
    assert lease_of(db) == ("me", NOW + 999)
    tokens.release_lease(db, token, "me")
    assert lease_of(db) == ("", 0)


def test_what_happens_to_one_lease_leaves_the_others_of_the_same_owner(db: Database, token: Token) -> None:
    assert all(lease(db, each) for each in (token, found(db, USER), found(db, BOT, SOUTH), found(db, USER, SOUTH)))
    tokens.set_lease_end(db, token, "me", NOW + 999)
    assert tokens.renew_lease(db, token, "me", NOW + 9999)
    tokens.release_lease(db, token, "me")
    places = ((USER, NORTH), (BOT, SOUTH), (USER, SOUTH))
    assert [lease_of(db, *place) for place in places] == [("me", NOW + LEASE)] * 3


@pytest.mark.claim("C-42")
def test_only_its_owner_renews_a_lease_and_no_other_one_moves(db: Database, token: Token) -> None:
    before = others(db)
    lease(db, token)
    assert not tokens.renew_lease(db, token, "another", NOW + 999)
    assert lease_of(db) == ("me", NOW + LEASE)
    assert tokens.renew_lease(db, token, "me", NOW + 999)
    assert (lease_of(db), others(db)) == (("me", NOW + 999), before)
    places = ((USER, NORTH), (BOT, SOUTH), (USER, SOUTH))
    assert [lease_of(db, *place)[1] for place in places] == [0] * 3


def test_a_lease_that_ran_out_is_renewed_unless_another_one_has_it(db: Database, token: Token) -> None:
    lease(db, token)
    assert tokens.renew_lease(db, token, "me", NOW + 999)
    assert lease(db, token, "another", NOW + 1000)
    assert not tokens.renew_lease(db, token, "me", NOW + 2000)
    assert lease_of(db) == ("another", NOW + 1000 + LEASE)


@pytest.mark.claim("C-42")
def test_the_lease_of_a_token_that_was_replaced_or_given_up_is_not_renewed(db: Database, token: Token) -> None:
    lease(db, token)
    change(db.path, "UPDATE tokens SET generation = 2")
    assert not tokens.renew_lease(db, token, "me", NOW + 999)
    for status in ("dead", "refresh_refused"):
        change(db.path, "UPDATE tokens SET generation = 1, status = ?", status)
        assert not tokens.renew_lease(db, token, "me", NOW + 999)
    assert lease_of(db) == ("me", NOW + LEASE)


# What is due


def due(db: Database, now: int, most: int = 100) -> list[tuple[str, str]]:
    return [(token.tenant.id, token.holder) for token in tokens.list_due(db, now, now, most)]


def test_what_is_due_comes_in_the_order_of_its_time(db: Database, token: Token) -> None:
    order = [(SOUTH, USER), (NORTH, BOT), (SOUTH, BOT), (NORTH, USER)]
    for later, (tenant, holder) in enumerate(order):
        sql = "UPDATE tokens SET due_at = ? WHERE tenant_id = ? AND holder_id = ?"
        change(db.path, sql, NOW + later, tenant.id, holder.id)
    keys = [(tenant.id, holder) for tenant, holder in order]
    assert [due(db, NOW + later) for later in (-1, 0, 1, 3)] == [[], keys[:1], keys[:2], keys]
    assert due(db, NOW + 3, 2) == keys[:2]
    change(db.path, "DROP INDEX tokens_due")
    assert due(db, NOW + 3) == keys, "the index is for speed, and does not make the order"
    assert tokens.list_due(db, NOW + 3, NOW + 3, 1) == [found(db, USER, SOUTH)], "whole, as it is found alone"


@pytest.mark.parametrize(
    "changed",
    [
        "tokens SET status = 'refresh_refused'", "tokens SET status = 'dead'", "tokens SET due_at = NULL",
        "tokens SET lease_until = 1800000000", "installations SET status = 'suspect'",
        "installations SET status = 'suspended'", "installations SET status = 'needs_reinstall'",
        "installations SET status = 'purging'",
    ],
)  # fmt: skip
@pytest.mark.claim("C-40", "C-41")
def test_what_cannot_or_must_not_be_refreshed_just_now_is_not_due(db: Database, token: Token, changed: str) -> None:
    change(db.path, "UPDATE tokens SET due_at = ?", NOW)
    change(db.path, f"UPDATE {changed} WHERE tenant_id = ?", SOUTH.id)
    assert due(db, NOW) == [(NORTH.id, BOT), (NORTH.id, USER)]


def test_a_lease_that_ran_out_leaves_its_token_due(db: Database, token: Token) -> None:
    change(db.path, "UPDATE tokens SET due_at = ?, lease_owner = 'dead', lease_until = ?", NOW, NOW)
    assert (due(db, NOW), len(due(db, NOW + 1))) == ([], 4)


def test_the_kind_of_a_tenant_tells_whose_token_is_due(db: Database, token: Token) -> None:
    """There is a workspace of that id, and the token is an enterprise's: ids are compared with their kinds."""
    change(db.path, "UPDATE tokens SET due_at = ?", NOW)
    change(db.path, "UPDATE tokens SET tenant_kind = 'E' WHERE tenant_id = ?", SOUTH.id)
    assert due(db, NOW) == [(NORTH.id, BOT), (NORTH.id, USER)]


def test_the_long_lived_tokens_in_use_are_listed(db: Database, token: Token) -> None:
    assert tokens.list_long_lived(db) == []
    for tenant, holder in ((SOUTH, BOT), (NORTH, USER), (NORTH, BOT)):
        tokens.save(db, tenant, holder, generation=2, pair=pair(b"long", None), now=NOW)
    assert tokens.list_long_lived(db) == [found(db), found(db, USER), found(db, BOT, SOUTH)]
    tokens.mark_dead(db, found(db, USER), "token_revoked")
    installations.set_status(db, SOUTH, "active", "suspended")
    assert tokens.list_long_lived(db) == [found(db)]


def test_the_scopes_of_one_generation_are_changed_once(db: Database, token: Token) -> None:
    before = others(db)
    assert tokens.set_scopes(db, token, ("a", "b"))
    assert not tokens.set_scopes(db, token, ("a", "b"))
    assert (found(db), others(db)) == (token._replace(scopes=("a", "b")), before)
    assert not tokens.set_scopes(db, token._replace(generation=2), ("c",))
    assert tokens.set_scopes(db, token, ())
    assert found(db).scopes == ()


# The refreshed pair


def test_a_refreshed_pair_takes_the_place_of_the_one_it_came_from(db: Database, token: Token) -> None:
    before = others(db)
    lease(db, token)
    tokens.mark_refresh_refused(db, token, "me", "invalid_refresh_token")
    assert tokens.replace_pair(db, token, pair(b"new", NOW + 999), NOW + 5)
    after = found(db)
    assert (after.access, after.refresh, after.generation) == (sealed(b"new-access"), sealed(b"new-refresh"), 2)
    assert (after.granted_at, after.issued_at, after.expires_at) == (NOW, NOW + 5, NOW + 999)
    assert after.due_at == NOW + 999 - 3600
    assert (after.status, lease_of(db)) == ("live", ("", 0))
    assert others(db) == before


@pytest.mark.claim("C-43")
def test_of_two_refreshes_of_one_pair_the_first_to_come_back_counts(db: Database, token: Token) -> None:
    assert tokens.replace_pair(db, token, pair(b"first"), NOW)
    assert not tokens.replace_pair(db, token, pair(b"second"), NOW)
    assert found(db).access == sealed(b"first-access")


def test_a_refresh_that_comes_back_after_a_reinstall_changes_nothing(db: Database, token: Token) -> None:
    lease(db, token)
    tokens.save(db, NORTH, BOT, generation=2, pair=pair(b"new"), now=NOW)
    assert not tokens.replace_pair(db, token, pair(b"late"), NOW)
    assert found(db).access == sealed(b"new-access")


def test_a_refresh_that_comes_back_after_a_purge_brings_nothing_back(db: Database, token: Token) -> None:
    """I uninstall while my token is being refreshed."""
    lease(db, token)
    installations.delete(db, NORTH)
    assert not tokens.replace_pair(db, token, pair(b"late"), NOW)
    assert tokens.count(db, NORTH) == 0


@pytest.mark.claim("C-43")
def test_a_refresh_does_not_bring_a_dead_token_back(db: Database, token: Token) -> None:
    tokens.mark_dead(db, token, "token_revoked")
    assert not tokens.replace_pair(db, token, pair(b"late"), NOW)
    assert (found(db).status, found(db).generation) == ("dead", 1)


def test_only_the_owner_of_the_lease_notes_a_refused_refresh(db: Database, token: Token) -> None:
    before = others(db)
    lease(db, token)
    assert not tokens.mark_refresh_refused(db, token, "another", "invalid_refresh_token")
    assert tokens.mark_refresh_refused(db, token, "me", "invalid_refresh_token")
    assert (found(db).status, lease_of(db)) == ("refresh_refused", ("", 0))
    assert others(db) == before


def test_a_refusal_of_an_older_pair_changes_nothing(db: Database, token: Token) -> None:
    tokens.save(db, NORTH, BOT, generation=2, pair=pair(), now=NOW)
    lease(db, found(db))
    assert not tokens.mark_refresh_refused(db, token, "me", "invalid_refresh_token")
    assert not tokens.mark_dead(db, token, "token_revoked")
    assert found(db).status == "live"


@pytest.mark.claim("C-41", "C-43")
def test_a_tenant_that_came_back_has_other_tokens_than_the_one_that_went(db: Database, token: Token) -> None:
    """I uninstall and install again while my token is being refreshed: generations begin anew, grants do not."""
    installations.delete(db, NORTH)
    install(db, NORTH)
    change(db.path, "UPDATE tokens SET granted_at = ? WHERE tenant_id = ?", NOW + 1, NORTH.id)
    new = found(db)
    assert (new.generation, new.holder) == (token.generation, token.holder)
    assert not lease(db, token)
    assert lease(db, new)
    assert not tokens.renew_lease(db, token, "me", NOW + 999)
    assert not tokens.replace_pair(db, token, pair(b"late"), NOW)
    assert not tokens.mark_refresh_refused(db, token, "me", "invalid_refresh_token")
    assert not tokens.mark_dead(db, token, "token_revoked")
    assert not tokens.set_scopes(db, token, ("late",))
    assert tokens.find_generation(db, token) is None
    assert (found(db), lease_of(db)) == (new._replace(lease_owner="me"), ("me", NOW + LEASE))
    assert tokens.find_generation(db, new) == found(db)


def test_a_token_is_marked_dead_once(db: Database, token: Token) -> None:
    before = others(db)
    lease(db, token)
    assert tokens.mark_dead(db, token, "token_revoked")
    assert not tokens.mark_dead(db, token, "token_revoked")
    assert (found(db).status, lease_of(db)) == ("dead", ("", 0))
    assert others(db) == before


def test_a_pair_is_sealed_anew_only_in_its_own_generation(db: Database, token: Token) -> None:
    before = others(db)
    tokens.reseal(db, token, sealed(b"anew"), sealed(b"anew too"))
    assert found(db) == token._replace(access=sealed(b"anew"), refresh=sealed(b"anew too"))
    assert others(db) == before
    tokens.save(db, NORTH, BOT, generation=2, pair=pair(b"new"), now=NOW)
    tokens.reseal(db, token, sealed(b"late"), None)
    assert found(db).access == sealed(b"new-access")


def test_each_of_a_pair_is_sealed_anew_by_itself(db: Database, token: Token) -> None:
    before = others(db)
    tokens.reseal_access(db, token, sealed(b"anew"))
    assert found(db) == token._replace(access=sealed(b"anew"))
    tokens.reseal_refresh(db, token, sealed(b"anew too"))
    assert found(db) == token._replace(access=sealed(b"anew"), refresh=sealed(b"anew too"))
    assert others(db) == before
    tokens.save(db, NORTH, BOT, generation=2, pair=pair(b"new"), now=NOW)
    tokens.reseal_access(db, token, sealed(b"late"))
    tokens.reseal_refresh(db, token, sealed(b"late"))
    assert (found(db).access, found(db).refresh) == (sealed(b"new-access"), sealed(b"new-refresh"))


def test_one_token_is_deleted(db: Database, token: Token) -> None:
    assert tokens.delete(db, NORTH, USER)
    assert not tokens.delete(db, NORTH, USER)
    assert (tokens.count(db, NORTH), tokens.count(db, SOUTH)) == (1, 2)
    assert tokens.delete(db, NORTH, BOT)


def test_with_its_tenant_every_token_goes(db: Database, token: Token) -> None:
    installations.delete(db, NORTH)
    assert look(db.path, "SELECT DISTINCT tenant_id FROM tokens") == [(SOUTH.id,)]


def test_the_largest_token_fits_its_column_and_no_larger_one(db: Database, token: Token) -> None:
    largest = sealed(size=TOKEN_LIMIT + OVERHEAD_BYTES)
    tokens.save(db, NORTH, BOT, generation=2, pair=SealedPair(largest, largest, NOW, NOW, (), FINGERPRINTS), now=NOW)
    assert found(db).access == largest
    for size in (TOKEN_LIMIT + OVERHEAD_BYTES + 1, OVERHEAD_BYTES - 1):
        bad = SealedPair(sealed(size=size), None, None, None, (), FINGERPRINTS)
        with pytest.raises(StoreConstraintError):
            tokens.save(db, NORTH, BOT, generation=3, pair=bad, now=NOW)


@pytest.mark.parametrize(
    "bad",
    [
        SealedPair(sealed(), None, NOW, NOW, (), FINGERPRINTS),
        SealedPair(sealed(), sealed(), None, None, (), FINGERPRINTS),
    ],
    ids=["expiry", "refresh token"],
)
def test_an_expiry_without_a_refresh_token_or_the_reverse_is_not_stored(
    db: Database, token: Token, bad: SealedPair
) -> None:
    with pytest.raises(StoreConstraintError):
        tokens.save(db, NORTH, BOT, generation=2, pair=bad, now=NOW)


def test_a_token_without_a_tenant_is_not_stored(db: Database) -> None:
    with pytest.raises(StoreConstraintError):
        tokens.save(db, NORTH, BOT, generation=1, pair=pair(), now=NOW)
