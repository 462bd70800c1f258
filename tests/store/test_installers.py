"""Who installed: one row per user, and one for the bot."""

import pytest

from slackapp import model
from slackapp.crypto.envelope import OVERHEAD_BYTES
from slackapp.crypto.records import LIMITS
from slackapp.errors import StoreConstraintError
from slackapp.model import Holder, Tenant
from slackapp.store import installations, installers
from slackapp.store.engine.database import Database
from slackapp.store.installers import Installer
from tests.store.rows import NORTH, NOW, ORG, SOUTH, install, sealed

FIRST, LATER = Holder.user("U0PERSON02"), Holder.user("U0PERSON01")
BOT = Installer(model.BOT, 1, NOW)
USER = Installer(FIRST, 1, NOW + 0.25, sealed(b"details"), sealed(b"hook"))


@pytest.fixture
def known(db: Database) -> Database:
    """A bot and a user in the north, and the same user in the south."""
    for tenant in (NORTH, SOUTH):
        install(db, tenant)
    for tenant, installer in ((NORTH, BOT), (NORTH, USER), (SOUTH, USER)):
        installers.save(db, tenant, installer)
    return db


def south(db: Database) -> list[Installer]:
    return installers.list_by_tenant(db, SOUTH)


def test_an_installer_is_found_as_it_was_saved(known: Database) -> None:
    assert (installers.find(known, NORTH, FIRST), installers.find(known, NORTH, model.BOT)) == (USER, BOT)
    assert installers.list_by_tenant(known, NORTH) == [BOT, USER]
    for tenant, holder in ((NORTH, LATER), (SOUTH, model.BOT), (ORG, FIRST), (Tenant("E", NORTH.id), FIRST)):
        assert installers.find(known, tenant, holder) is None


def test_who_installs_again_replaces_what_was_known(known: Database) -> None:
    again = Installer(FIRST, 2, NOW + 9)
    installers.save(known, NORTH, again)
    assert (installers.list_by_tenant(known, NORTH), south(known)) == ([BOT, again], [USER])


def test_the_latest_is_the_user_of_the_greatest_generation_and_never_the_bot(known: Database) -> None:
    """Two installs in one second, or a clock that was set back, have an order all the same."""
    later = Installer(LATER, 2, NOW - 100)
    installers.save(known, NORTH, later)
    installers.save(known, NORTH, BOT._replace(generation=3))
    assert (installers.latest(known, NORTH), installers.latest(known, SOUTH)) == (later, USER)
    installers.delete(known, SOUTH, FIRST)
    installers.save(known, SOUTH, BOT)
    assert installers.latest(known, SOUTH) is None


def test_details_are_sealed_anew_only_in_their_own_generation(known: Database) -> None:
    installers.reseal_details(known, NORTH, USER, sealed(b"anew"))
    assert installers.find(known, NORTH, FIRST) == USER._replace(details=sealed(b"anew"))
    installers.reseal_webhook(known, NORTH, USER, sealed(b"hook anew"))
    assert installers.find(known, NORTH, FIRST) == USER._replace(details=sealed(b"anew"), webhook=sealed(b"hook anew"))
    newer = USER._replace(generation=2)
    installers.save(known, NORTH, newer)
    installers.reseal_details(known, NORTH, USER, sealed(b"late"))
    installers.reseal_webhook(known, NORTH, USER, sealed(b"late"))
    assert (installers.find(known, NORTH, FIRST), south(known)) == (newer, [USER])


def test_one_user_is_deleted(known: Database) -> None:
    assert installers.delete(known, NORTH, FIRST)
    assert not installers.delete(known, NORTH, FIRST)
    assert (installers.list_by_tenant(known, NORTH), south(known)) == ([BOT], [USER])


def test_with_its_tenant_every_installer_goes(known: Database) -> None:
    installations.delete(known, NORTH)
    assert (installers.list_by_tenant(known, NORTH), south(known)) == ([], [USER])


def test_nobody_installs_where_there_is_no_tenant(db: Database) -> None:
    with pytest.raises(StoreConstraintError):
        installers.save(db, NORTH, USER)


@pytest.mark.parametrize(
    ("field", "kind", "largest"), [("details", "installer", 65_634), ("webhook", "installer_webhook", 32_768)]
)
def test_the_largest_value_fits_its_column_and_no_larger_one(
    known: Database, field: str, kind: str, largest: int
) -> None:
    assert LIMITS[kind] + OVERHEAD_BYTES <= largest
    saved = USER._replace(**{field: sealed(size=largest)})
    installers.save(known, NORTH, saved)
    assert installers.find(known, NORTH, FIRST) == saved
    for size in (largest + 1, OVERHEAD_BYTES - 1):
        with pytest.raises(StoreConstraintError):
            installers.save(known, NORTH, USER._replace(**{field: sealed(size=size)}))
