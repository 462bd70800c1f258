"""Tenants, and the settings of the database itself."""

from typing import Any

import pytest

from slackapp.crypto.envelope import OVERHEAD_BYTES
from slackapp.crypto.records import LIMITS
from slackapp.errors import StoreConstraintError
from slackapp.model import Installation, Sealed, Tenant
from slackapp.store import installations, meta
from slackapp.store.engine.database import Database
from tests.store.rows import NORTH, NOW, ORG, SOUTH, change, install, installation, look, sealed


def save(db: Database, saved: Installation, webhook: Sealed | None = None, keep: bool = False) -> None:
    installations.save(db, saved, webhook, keep_webhook=keep)


def test_an_installation_is_found_as_it_was_saved(db: Database) -> None:
    for saved in (installation(), installation(ORG, team_name="", enterprise_name="Evergreen")):
        save(db, saved)
        assert installations.find(db, saved.tenant) == saved
    assert installations.find(db, SOUTH) is None
    assert installations.find(db, Tenant("E", NORTH.id)) is None


def test_the_first_of_several_tenants_that_is_there_is_found(db: Database) -> None:
    save(db, installation(ORG))
    assert installations.find_first(db, []) is None
    assert installations.find_first(db, [NORTH, SOUTH]) is None
    found = installations.find_first(db, [NORTH, ORG])
    assert found is not None
    assert found.tenant == ORG


def test_a_reinstall_replaces_everything_and_makes_it_active_again(db: Database) -> None:
    install(db, SOUTH)
    save(db, installation(), sealed(b"hook"))
    installations.set_status(db, NORTH, "active", "needs_reinstall", "token_revoked")
    newer = installation(
        generation=2,
        installed_at=NOW + 5,
        app_id="A0OTHER001",
        enterprise_id=ORG.id,
        enterprise_name="Evergreen",
        team_name="Renamed",
        bot_user_id="U0BOT00002",
        installer_id="U0ADMIN002",
        scopes_asked=("a",),
        scopes_granted=(),
    )
    save(db, newer)
    assert installations.find(db, NORTH) == newer
    assert installations.find_webhook(db, NORTH) is None
    assert installations.find(db, SOUTH) == installation(SOUTH)


def test_a_webhook_is_found_with_the_generation_that_it_is_bound_to(db: Database) -> None:
    save(db, installation(generation=3), sealed(b"hook"))
    save(db, installation(SOUTH, generation=4), sealed(b"other"))
    assert installations.find_webhook(db, NORTH) == (sealed(b"hook"), 3)
    assert installations.find_webhook(db, ORG) is None


def test_a_webhook_stays_with_its_generation_only_where_it_is_to_be_kept(db: Database) -> None:
    save(db, installation(generation=3), sealed(b"hook"))
    save(db, installation(generation=4), keep=True)
    assert installations.find_webhook(db, NORTH) == (sealed(b"hook"), 3)
    save(db, installation(generation=5), sealed(b"new"), keep=True)
    assert installations.find_webhook(db, NORTH) == (sealed(b"new"), 5)
    save(db, installation(generation=6))
    assert installations.find_webhook(db, NORTH) is None


def test_a_webhook_is_sealed_anew_in_its_own_row(db: Database) -> None:
    save(db, installation(generation=3), sealed(b"hook"))
    save(db, installation(SOUTH, generation=4), sealed(b"other"))
    installations.reseal_webhook(db, NORTH, 3, sealed(b"anew"))
    installations.reseal_webhook(db, SOUTH, 3, sealed(b"of another generation"))
    assert installations.find_webhook(db, NORTH) == (sealed(b"anew"), 3)
    assert installations.find_webhook(db, SOUTH) == (sealed(b"other"), 4)


def test_the_largest_webhook_fits_its_column(db: Database) -> None:
    save(db, installation(), sealed(size=LIMITS["webhook"] + OVERHEAD_BYTES))
    assert installations.find_webhook(db, NORTH) is not None


@pytest.mark.claim("C-64")
def test_a_status_is_set_only_from_the_expected_one(db: Database) -> None:
    install(db, NORTH)
    install(db, SOUTH)
    assert not installations.set_status(db, NORTH, "suspect", "active")
    assert installations.set_status(db, NORTH, "active", "suspect")
    assert look(db.path, "SELECT tenant_id, status FROM installations ORDER BY tenant_id") == [
        (NORTH.id, "suspect"),
        (SOUTH.id, "active"),
    ]


def test_a_status_comes_with_its_reason_and_the_next_one_takes_it_away(db: Database) -> None:
    install(db, NORTH)
    install(db, SOUTH)

    def reasons() -> list[tuple[str, str]]:
        return [(each.status, each.status_reason) for each in installations.list_all(db)]

    assert installations.set_status(db, NORTH, "active", "needs_reinstall", "token_revoked")
    assert reasons() == [("needs_reinstall", "token_revoked"), ("active", "")]
    assert not installations.set_status(db, NORTH, "active", "needs_reinstall", "account_inactive")
    assert reasons()[0] == ("needs_reinstall", "token_revoked")
    found = installations.find(db, NORTH)
    assert found is not None
    assert found.status_reason == "token_revoked"
    assert installations.set_status(db, NORTH, "needs_reinstall", "suspect")
    assert reasons()[0] == ("suspect", "")


# Checks of the tokens


def test_each_tenant_is_checked_by_one_at_a_time_the_longest_unchecked_first(db: Database) -> None:
    for tenant, later in ((ORG, 2), (NORTH, 1), (SOUTH, 0)):
        save(db, installation(tenant, installed_at=NOW + later))
    assert installations.claim_checks(db, NOW, 10, NOW + 100) == []
    change(db.path, "DROP INDEX installations_unchecked")  # which is for speed, and does not make the order
    assert installations.claim_checks(db, NOW + 2, 1, NOW + 100) == [SOUTH]
    assert installations.claim_checks(db, NOW + 2, 10, NOW + 100) == [NORTH]
    assert installations.claim_checks(db, NOW + 3, 10, NOW + 100) == [ORG]
    assert installations.claim_checks(db, NOW + 100, 10, NOW + 200) == []
    assert set(installations.claim_checks(db, NOW + 101, 10, NOW + 200)) == {ORG, NORTH, SOUTH}


def test_of_two_that_saw_the_same_tenant_one_checks_it(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    install(db, NORTH)
    many = db.many

    def overtaken(name: str, parameters: Any) -> Any:
        found = many(name, parameters)
        change(db.path, "UPDATE installations SET check_begun_at = ?", NOW + 5)
        return found

    monkeypatch.setattr(db, "many", overtaken)
    assert installations.claim_checks(db, NOW + 1, 10, NOW + 10) == []


@pytest.mark.parametrize("status", ["suspect", "suspended", "needs_reinstall", "purging"])
def test_only_active_tenants_are_checked(db: Database, status: str) -> None:
    install(db, NORTH)
    install(db, SOUTH)
    installations.set_status(db, NORTH, "active", status)
    assert installations.claim_checks(db, NOW + 1, 10, NOW + 10) == [SOUTH]


def test_an_install_counts_as_a_check(db: Database) -> None:
    save(db, installation(installed_at=NOW))
    save(db, installation(generation=2, installed_at=NOW + 50))
    assert installations.claim_checks(db, NOW + 50, 10, NOW + 60) == []


def test_what_a_check_found_is_noted_in_the_row_of_its_tenant(db: Database) -> None:
    install(db, NORTH)
    install(db, SOUTH)
    installations.note_validated(db, installation(), NOW + 7)
    installations.set_granted_scopes(db, NORTH, ("a", "b"))
    installations.join_enterprise(db, NORTH, ORG.id)
    expected = installation(last_validated_at=NOW + 7, scopes_granted=("a", "b"), enterprise_id=ORG.id)
    assert installations.find(db, NORTH) == expected
    assert installations.find(db, SOUTH) == installation(SOUTH)


@pytest.mark.parametrize("since", [{"generation": 2}, {"installed_at": NOW + 50}])
def test_what_a_check_found_is_not_noted_where_the_tenant_was_installed_again_since(
    db: Database, since: dict[str, int]
) -> None:
    save(db, installation())
    asked = installations.find(db, NORTH)
    assert asked is not None
    save(db, installation(**since))
    installations.note_validated(db, asked, NOW + 60)
    found = installations.find(db, NORTH)
    assert found is not None
    assert found.last_validated_at == 0
    installations.note_validated(db, found, NOW + 60)
    again = installations.find(db, NORTH)
    assert again is not None
    assert again.last_validated_at == NOW + 60


def test_an_enterprise_joins_no_enterprise(db: Database) -> None:
    save(db, installation(ORG))
    installations.join_enterprise(db, ORG, "E0ANOTHER1")
    assert installations.find(db, ORG) == installation(ORG)


def test_the_last_use_only_moves_forward(db: Database) -> None:
    install(db, NORTH)
    install(db, SOUTH)
    installations.note_used(db, NORTH, NOW)
    installations.note_used(db, NORTH, NOW - 1)
    assert look(db.path, "SELECT last_used_at FROM installations ORDER BY tenant_id") == [(NOW,), (0,)]


def test_all_installations_are_listed_and_those_in_a_status(db: Database) -> None:
    for tenant in (SOUTH, ORG, NORTH):
        install(db, tenant)
    installations.set_status(db, SOUTH, "active", "suspended")
    assert [each.tenant for each in installations.list_all(db)] == [ORG, NORTH, SOUTH]
    assert installations.list_by_status(db, "active") == [ORG, NORTH]
    assert installations.list_by_status(db, "suspended") == [SOUTH]


@pytest.mark.claim("C-59")
def test_one_tenant_is_deleted(db: Database) -> None:
    install(db, NORTH)
    install(db, SOUTH)
    assert installations.delete(db, NORTH) == 1
    assert installations.delete(db, NORTH) == 0
    assert installations.find(db, SOUTH) is not None


@pytest.mark.parametrize(
    "bad",
    [
        installation()._replace(team_id=SOUTH.id),
        installation(ORG)._replace(team_id=NORTH.id),
        installation(ORG)._replace(enterprise_id=""),
        installation()._replace(tenant=Tenant("X", NORTH.id)),
        installation()._replace(tenant=Tenant("T", "T1"), team_id="T1"),
        installation()._replace(tenant=Tenant("T", "T" * 22), team_id="T" * 22),
        installation()._replace(generation=0),
    ],
    ids=["another team", "org with a team", "org without org", "kind", "short id", "long id", "generation"],
)
def test_an_installation_that_contradicts_itself_is_not_stored(db: Database, bad: Installation) -> None:
    with pytest.raises(StoreConstraintError):
        save(db, bad)


# Settings of the database


def test_a_value_is_set_and_replaced(db: Database) -> None:
    assert meta.get(db, "a") is None
    meta.put(db, "a", "1")
    meta.put(db, "b", "2")
    meta.put(db, "a", "3")
    assert (meta.get(db, "a"), meta.get(db, "b")) == ("3", "2")


def test_a_value_that_must_not_change_does_not(db: Database) -> None:
    assert meta.put_once(db, "a", "1")
    assert not meta.put_once(db, "a", "2")
    assert meta.get(db, "a") == "1"
