"""Grants that wait: who finds one, when it is over, and who gives it back."""

import pytest

from slackapp.errors import StoreConstraintError
from slackapp.host.store import connections, quarantines
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import NORTH, SOUTH, change, sealed
from tests.support.connected import ACME, GLOBEX, NOW, begin

STEADY = 5000
MINE, OTHER = b"m" * 32, b"o" * 32


def wait_for(db: SqliteDatabase, number: int, cookie: bytes, expires_at: int = NOW + 600) -> str:
    attempt = begin(db, number)
    assert connections.quarantine(db, attempt.key, NORTH, "", NOW)
    quarantines.add(db, attempt.id, cookie, sealed(b"grant"), expires_at)
    return attempt.id


def test_a_grant_is_found_by_its_browser_and_by_its_organization_alone(db: SqliteDatabase) -> None:
    """I bring another browser's cookie, or the id of another organization's attempt."""
    connection_id = wait_for(db, 1, MINE)
    found = quarantines.find_by_cookie(db, MINE)
    assert found is not None
    assert (found.organization_id, found.connection_id, found.expires_at) == (ACME, connection_id, NOW + 600)
    assert quarantines.find(db, ACME, connection_id) == found
    assert quarantines.find(db, GLOBEX, connection_id) is None
    assert quarantines.find_by_cookie(db, OTHER) is None
    with pytest.raises(StoreConstraintError):
        wait_for(db, 2, MINE)


def test_what_is_over_is_given_back_by_one_at_a_time(db: SqliteDatabase) -> None:
    """Two processes find the same grant to give back."""
    over, waiting = wait_for(db, 1, MINE, NOW - 1), wait_for(db, 2, OTHER)

    def due(steady: int = STEADY) -> list[str]:
        return [each.connection_id for each in quarantines.list_expired(db, NOW, steady)]

    assert due() == [over]
    assert not quarantines.is_being_given_back(db, NORTH, STEADY)
    assert quarantines.take_lease(db, over, "one", STEADY)
    assert not quarantines.take_lease(db, over, "two", STEADY + quarantines.LEASE)
    assert due() == []
    assert quarantines.is_being_given_back(db, NORTH, STEADY)
    assert not quarantines.is_being_given_back(db, SOUTH, STEADY)
    assert due(STEADY + quarantines.LEASE + 1) == [over], "its process has died"
    assert not quarantines.is_being_given_back(db, NORTH, STEADY + quarantines.LEASE + 1)
    assert due(100) == [over], "of an earlier boot"
    quarantines.delete(db, over)
    quarantines.expire(db, waiting, NOW)
    quarantines.expire(db, waiting, NOW + 50)
    assert due() == [waiting]
    assert [each.connection_id for each in quarantines.list_expired(db, NOW - 90_000, STEADY)] == [waiting], "ahead"


@pytest.mark.claim("C-194")
def test_who_waits_again_comes_after_all_that_were_not_tried(db: SqliteDatabase) -> None:
    """I let twenty grants wait that nobody can give back just now: the others are not held up."""
    made = [wait_for(db, number, bytes([number]) * 32, NOW - 90 + number) for number in range(1, 23)]

    def due(steady: int) -> list[str]:
        return [each.connection_id for each in quarantines.list_expired(db, NOW, steady)]

    first = due(STEADY)
    assert first == made[:20]
    for each in first:
        assert quarantines.take_lease(db, each, "one", STEADY)
        quarantines.release(db, each, "two", STEADY)
        assert quarantines.is_any_given_back(db, STEADY), "it is not theirs"
        quarantines.release(db, each, "one", STEADY)
    assert not quarantines.is_any_given_back(db, STEADY)
    assert due(STEADY + 60) == [*made[20:], *made[:18]]


@pytest.mark.claim("C-193")
def test_whether_anybody_else_waits_with_the_same_token(db: SqliteDatabase) -> None:
    attempt, other = begin(db, 1), begin(db, 2, GLOBEX)
    for each, cookie, installer in ((attempt, MINE, "U1"), (other, OTHER, "U2")):
        assert connections.quarantine(db, each.key, NORTH, "", NOW)
        quarantines.add(db, each.id, cookie, sealed(), NOW + 600, installer_id=installer)
    assert quarantines.has_other(db, NORTH, "", attempt.id), "the bot's is one"
    assert quarantines.has_other(db, NORTH, "U2", attempt.id)
    assert not quarantines.has_other(db, NORTH, "U1", attempt.id)
    assert not quarantines.has_other(db, SOUTH, "", attempt.id)
    change(db.path, "UPDATE quarantines SET installer_id = ''")
    assert quarantines.has_other(db, NORTH, "U1", attempt.id), "of before it was noted"
