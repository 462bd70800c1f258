"""One database for the service and for Bolt's stores: the same tenants, the same tokens, the same way out."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import ConfigError
from slackapp.flows.backup import key_backup
from slackapp.flows.keys import reencrypt_tenant
from slackapp.flows.removal import purge_tenant, uninstall_tenant
from slackapp.flows.tokens import validate_tenant
from slackapp.flows.upkeep import list_tenants
from slackapp.model import Actor, ActorKind, Tenant
from tests.bolt.store_folder import TEAM, Folder, Stores, an_installation, by_a_user, for_an_enterprise, here, rotated
from tests.flows.tokens.rotation import ask, row
from tests.support.operator import CommandLine, open_shell
from tests.support.world import APP_ID, NORTH, ORG, SOUTH, World, make_world, north_tenant

ADMIN = "U0NORTH001ADM"
SCOPES = "app_mentions:read,chat:write,incoming-webhook"
ids = {"enterprise_id": None, "team_id": NORTH}
ACTOR = Actor(ActorKind.OPERATOR, "r1")


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A service with a key backup, and the stores' clock is its."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES=SCOPES, SLACKAPP_KEY_BACKUP_DIR=str(keys)) as world:
        monkeypatch.setattr("slackapp.bolt.stores.system_clock", world.clock)
        yield world


@pytest.fixture
def at(shared: World) -> Iterator[Stores]:
    stores = Stores(Folder(shared.folder))
    yield stores
    stores.close()


@pytest.fixture
def store(shared: World, at: Stores) -> Any:
    return at.installations(slack_url=shared.slack_url, key_backup_dir=shared.folder / "keys")


def inventory(world: World) -> list[tuple[object, ...]]:
    """What `slackapp tenants` shows of each."""
    return [
        tuple(entry[name] for name in ("tenant", "kind", "name", "status", "installer", "scopes"))
        for entry in list_tenants.run(world.service.app)
    ]


def issued(world: World, kind: str) -> str:
    return [token for token in world.slack.issued_tokens if token.startswith(kind)][-1]


# Both ways


def test_what_the_service_installed_the_store_finds(shared: World, store: Any) -> None:
    shared.browser().install()
    found = store.find_installation(**ids)
    assert (found.app_id, found.team_id, found.team_name, found.user_id) == (APP_ID, NORTH, "Northwind", ADMIN)
    assert (found.bot_token, found.bot_scopes) == (issued(shared, "xoxe.xoxb-"), SCOPES.split(","))
    assert (found.bot_user_id, found.token_type, found.installed_at) == ("U0NORTH001BOT", "bot", shared.clock())
    assert found.incoming_webhook_url == issued(shared, "http")
    assert found.incoming_webhook_channel == "#general"
    assert (found.enterprise_id, found.is_enterprise_install, found.custom_values) == (None, False, {})
    assert store.find_installation(**ids, user_id="U0SOMEBODY") is None
    assert store.find_bot(**ids).bot_token == found.bot_token
    shared.browser().install(ORG)
    enterprise = store.find_installation(enterprise_id=ORG, team_id=None)
    assert (enterprise.is_enterprise_install, enterprise.enterprise_name, enterprise.team_id) == (
        True,
        "Evergreen",
        None,
    )


def test_what_the_store_saved_the_service_lists_and_uses(shared: World, at: Stores, store: Any) -> None:
    shared.browser().install()
    found = at.installations(managed_rotation=False).find_installation(**ids)
    store.delete_all(**ids)
    assert inventory(shared) == []
    store.save(rotated(found, custom_values={"plan": "gold"}))
    store.save(for_an_enterprise(enterprise_name="An Org"))
    store.save(by_a_user(team_id="T222"))
    assert inventory(shared) == [
        ("EO111", "E", "An Org", "active", "U111", "chat:write"),
        (NORTH, "T", "Northwind", "active", ADMIN, SCOPES),
        ("T222", "T", "T222", "active", "U111", ""),
    ]
    shared.slack.called.clear()
    assert ask(shared)["ok"], "the very token"
    assert shared.calls() == ["auth.test"]
    shared.mention()
    assert shared.work() == 1
    assert shared.slack.messages(NORTH)


def test_the_pair_that_one_of_them_refreshed_is_the_others(shared: World, store: Any) -> None:
    shared.browser().install()
    for refresh, use in ((lambda: ask(shared), store.find_bot), (lambda: store.find_bot(**ids), store.find_bot)):
        shared.clock.advance(43_200 - 100)
        refresh()
        generation = row(shared)["generation"]
        assert use(**ids).bot_token == issued(shared, "xoxe.xoxb-")
        assert ask(shared)["ok"]
        assert row(shared)["generation"] == generation


def test_neither_a_refresh_nor_a_check_puts_the_scopes_of_a_bolt_app_into_another_order(
    shared: World, at: Stores, store: Any
) -> None:
    shared.browser().install()
    plain = at.installations(managed_rotation=False)
    found, order = plain.find_installation(**ids), SCOPES.split(",")[::-1]
    plain.save(rotated(found, bot_scopes=order, installed_at=found.installed_at + 1))
    shared.clock.advance(43_200 - 100)
    assert validate_tenant.run(shared.service.app, north_tenant(), ACTOR)[0].result == "ok"
    assert row(shared)["generation"] == 3, "installed twice, refreshed once"
    assert [known.find_bot(**ids).bot_scopes for known in (plain, store)] == [order] * 2
    assert "scopes.changed" not in shared.audit()


def test_an_install_by_the_other_one_replaces(shared: World, store: Any) -> None:
    store.save(an_installation(enterprise_id=None, team_id=NORTH, user_id=ADMIN, custom_values={"plan": "gold"}))
    shared.browser().install()
    found = store.find_installation(**ids)
    assert (found.bot_token, found.custom_values) == (issued(shared, "xoxe.xoxb-"), {})
    assert found.incoming_webhook_url == issued(shared, "http")
    store.save(an_installation(enterprise_id=None, team_id=NORTH, user_id=ADMIN, bot_token="xoxb-bolts"))
    again = store.find_installation(**ids)
    assert (again.bot_token, again.incoming_webhook_url) == ("xoxb-bolts", None)


def test_a_webhook_is_whose_install_brought_it(shared: World, store: Any) -> None:
    users = (ADMIN, "U0NORTH001MEM", "U0SOMEBODY")

    def hooks() -> list[str | None]:
        found = [store.find_installation(**ids, user_id=user) for user in users]
        return [one.incoming_webhook_url if one is not None else None for one in found]

    shared.browser().install(user="admin")
    store.save(by_a_user(enterprise_id=None, team_id=NORTH, user_id="U0SOMEBODY"))
    assert hooks() == [issued(shared, "http"), None, None]
    shared.browser().install(user="member")
    assert hooks() == [None, issued(shared, "http"), None]
    url = "https://hooks.slack.com/services/x"
    fields = {"enterprise_id": None, "team_id": NORTH, "user_id": "U0SOMEBODY", "installed_at": float(shared.clock())}
    store.save(an_installation(**fields, incoming_webhook_url=url))
    assert hooks() == [None, None, url]


def test_an_install_of_a_users_token_alone_leaves_the_services_webhook_and_bot(shared: World, store: Any) -> None:
    shared.browser().install()
    row_of = "SELECT webhook, bot_user_id, scopes_granted FROM installations"
    before = tuple(shared.rows(row_of)[0])
    store.save(by_a_user(enterprise_id=None, team_id=NORTH, user_id="U0SOMEBODY"))
    assert tuple(shared.rows(row_of)[0]) == before


def test_a_copy_of_the_bot_that_the_service_installed_is_a_copy(shared: World, at: Stores) -> None:
    shared.browser().install()
    plain = at.installations(managed_rotation=False)
    before = plain.find_installation(**ids)
    plain.save_bot(rotated(plain.find_bot(**ids), bot_token="xoxb-2", bot_refresh_token="xoxe-2"))
    assert vars(plain.find_installation(**ids)) == vars(before) | {
        "bot_token": "xoxb-2", "bot_refresh_token": "xoxe-2",
    }  # fmt: skip
    assert [event for event in shared.audit() if not event.endswith(".read")][-1] == "pair.saved"
    assert "reinstalled" not in shared.audit()


def test_after_the_service_uninstalled_nothing_is_found(shared: World, store: Any) -> None:
    shared.browser().install()
    store.find_bot(**ids)
    uninstall_tenant.run(shared.service.app, north_tenant(), ACTOR, shared.clock())
    assert store.find_bot(**ids) is None
    assert store.find_installation(**ids) is None


def test_with_the_bot_the_services_webhook_goes_too(shared: World, store: Any) -> None:
    shared.browser().install()
    assert store.find_installation(**ids).incoming_webhook_url is not None
    store.delete_bot(**ids)
    found = store.find_installation(**ids)
    assert (found.user_id, found.bot_token, found.incoming_webhook_url) == (ADMIN, None, None)
    assert shared.rows("SELECT 1 FROM installations WHERE webhook IS NOT NULL") == []


# Whose database


def test_a_database_is_one_apps_by_app_id_and_by_client_id(
    shared: World, at: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given in ({"app_id": "A0ANOTHER1"}, {"client_id": "1000000001.9"}):
        for make in (at.installations, at.states):
            with pytest.raises(ConfigError, match=f"^database= .* belongs to the app {APP_ID} with the client id 1000"):
                make(**given)
    plain = at.installations(managed_rotation=False, app_id="", client_secret="")
    plain.save(an_installation())
    shared.restart()
    assert at.installations().find_bot(**here()) is not None


def test_the_service_takes_a_database_that_bolt_made_with_or_without_the_app_id(tmp_path: Path) -> None:
    for number, app_id in enumerate((APP_ID, "")):
        place = tmp_path / str(number)
        place.mkdir()
        stores = Stores(Folder(place))
        plain = stores.installations(managed_rotation=False, app_id=app_id)
        plain.save(an_installation(app_id=None, custom_values={"plan": "gold"}))
        with make_world(place) as world:
            assert [entry["tenant"] for entry in list_tenants.run(world.service.app)] == [TEAM]
            managed = stores.installations()
            assert managed.find_installation(**here()).custom_values == {"plan": "gold"}
            managed.save(an_installation(team_id="T222"))
            assert plain.find_installation(**here(team_id="T222")).app_id == APP_ID
            world.restart()
        with (
            pytest.raises(ConfigError, match=r"^SLACKAPP_DATABASE: .* belongs to the app"),
            make_world(place, SLACK_CLIENT_ID="1.2"),
        ):
            pass
        stores.close()


# The way out


def test_of_what_was_erased_nothing_is_left_in_the_database_its_log_and_the_key_backup(
    shared: World, store: Any
) -> None:
    app = shared.service.app
    for target in (NORTH, SOUTH):
        shared.browser().install(target)
    shared.work()
    store.save(rotated(store.find_installation(**ids), custom_values={"plan": "gold"}))
    key_backup.write(app)
    assert key_backup.tenants_in_backup(app) == {north_tenant(), Tenant("T", SOUTH)}
    blobs = [
        blob
        for sql in ("SELECT access, refresh FROM tokens", "SELECT details, webhook FROM installers",
                    "SELECT wrapped FROM data_keys")
        for found in shared.rows(f"{sql} WHERE tenant_id = ?", NORTH)
        for blob in found if blob is not None
    ]  # fmt: skip
    assert len(blobs) >= 4 + 3
    store.delete_all(**ids)
    with store._vault.opened() as (inside, _):
        assert north_tenant() not in inside.keyring._cache
    assert set(purge_tenant.verify(app).values()) == {0}
    assert key_backup.tenants_in_backup(app) == {Tenant("T", SOUTH)}
    assert purge_tenant.count_remaining(app, north_tenant()) == 0
    assert "purge.complete" in shared.audit()
    on_disk = shared.bytes_on_disk()
    assert not any(blob in on_disk for blob in blobs)


def test_an_erasure_that_a_reader_of_the_log_held_up_is_completed_by_the_next_one(shared: World, store: Any) -> None:
    shared.browser().install()
    shared.work()
    reader = sqlite3.connect(shared.settings.database, isolation_level=None)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tokens").fetchone()
        store.delete_all(**ids)
        assert store.find_bot(**ids) is None, "the rows are gone"
        assert [entry["status"] for entry in list_tenants.run(shared.service.app)] == [
            "purging: a reader holds the write-ahead log"
        ]
    finally:
        reader.close()
    shared.browser().install()
    shared.work()
    store.delete_all(**ids)
    assert list_tenants.run(shared.service.app) == []
    assert set(purge_tenant.verify(shared.service.app).values()) == {0}


def test_new_data_keys_seal_anew_all_that_a_store_saved(shared: World, at: Stores) -> None:
    plain = at.installations(managed_rotation=False)
    plain.save(an_installation(
        custom_values={"plan": "gold"}, incoming_webhook_url="https://hooks.slack.com/x", user_token="xoxp-1"
    ))  # fmt: skip
    before = vars(plain.find_installation(**here()))
    sealed = [tuple(found) for found in shared.rows("SELECT details, webhook FROM installers WHERE holder_id <> ''")]
    assert reencrypt_tenant.run(shared.service.app, Tenant("T", TEAM), "local", ACTOR) == 2 + 2 + 1
    assert vars(plain.find_installation(**here())) == before
    after = [tuple(found) for found in shared.rows("SELECT details, webhook FROM installers WHERE holder_id <> ''")]
    assert not set(sealed[0]) & set(after[0])


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    with open_shell(tmp_path, tenants=()) as made:
        yield made


def test_a_backup_brings_back_all_that_a_store_saved_and_nothing_that_it_erased_since(shell: CommandLine) -> None:
    stores = Stores(Folder(shell.folder))
    plain = stores.installations(managed_rotation=False, key_backup_dir=shell.folder / "key-backup")
    for team in ("T222", TEAM):
        plain.save(an_installation(
            team_id=team, custom_values={"plan": team}, incoming_webhook_url="https://hooks.slack.com/x"
        ))  # fmt: skip
    before = vars(plain.find_installation(**here()))
    assert "T222" in shell.good("tenants")
    shell.good("backup", str(shell.folder / "b0"))
    plain.delete_all(**here(team_id="T222"))
    plain.delete_installation(**here())
    plain.close()
    assert shell.restore(str(shell.folder / "b0")).status == 0
    assert vars(plain.find_installation(**here())) == before
    assert plain.find_bot(**here(team_id="T222")) is None, "its keys are in no backup"
    assert shell.run("purge", "--verify").status == 0
    stores.close()
