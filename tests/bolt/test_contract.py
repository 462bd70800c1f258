"""What slack_sdk's interface of an installation store promises, and what its own tests hold its stores to."""

import asyncio
import inspect
import threading
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Bot, Installation, InstallationStore
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

from slackapp.app import system_entropy
from slackapp.bolt import EncryptedInstallationStore
from tests.bolt.store_folder import (  # fmt: skip
    EVERYTHING,
    HOOK,
    ORG,
    TEAM,
    USERS,
    Folder,
    Stores,
    a_bot,
    an_installation,
    by_a_user,
    equip,
    for_an_enterprise,
    here,
)
from tests.support.world import START


def both(store: Any, **ids: Any) -> tuple[bool, bool]:
    """Whether there is a bot, and an installation."""
    return store.find_bot(**ids) is not None, store.find_installation(**ids) is not None


# Whom two ids name


def looked_up(store: Any, *asked: tuple[Any, ...]) -> dict[tuple[Any, ...], tuple[bool, bool]]:
    """What comes of each enterprise id, team id, and perhaps flag."""
    names = ("enterprise_id", "team_id", "is_enterprise_install")
    return {ids: both(store, **dict(zip(names, ids, strict=False))) for ids in asked}


STORED, MISSING = (True, True), (False, False)


def test_a_workspace_of_an_enterprise_is_found_by_both_of_its_ids(store: Any) -> None:
    store.save(an_installation())
    expected = {
        ("E111", TEAM): STORED, ("E111", TEAM, None): STORED, (None, TEAM): MISSING, ("", TEAM): MISSING,
        ("E222", TEAM): MISSING, ("E111", "T222"): MISSING, ("E111", None): MISSING, ("E111", ""): MISSING,
        ("E111", TEAM, True): MISSING, (None, None): MISSING, ("", ""): MISSING,
    }  # fmt: skip
    assert looked_up(store, *expected) == expected


def test_a_workspace_that_was_in_no_enterprise_is_found_with_any_because_it_may_have_joined_one(store: Any) -> None:
    store.save(an_installation(enterprise_id=None))
    expected = {(enterprise_id, TEAM): STORED for enterprise_id in (None, "", "E999")}
    expected |= {(enterprise_id, "T222"): MISSING for enterprise_id in (None, "", "E999")}
    assert looked_up(store, *expected) == expected


def test_an_enterprise_is_found_without_a_team_or_where_the_event_says_enterprise_wide(store: Any) -> None:
    store.save(for_an_enterprise())
    expected = {
        (ORG, None, True): STORED, (ORG, None, False): STORED, (ORG, "", None): STORED, (ORG, "TO222", True): STORED,
        (ORG, "TO222", False): MISSING, (ORG, "TO222", None): MISSING, ("EO222", None, True): MISSING,
        (None, None, True): MISSING, (None, "TO222", True): MISSING,
    }  # fmt: skip
    assert looked_up(store, *expected) == expected


def test_an_enterprise_wide_install_that_names_a_team_is_the_enterprises(store: Any) -> None:
    store.save(for_an_enterprise(team_id="TO222", team_name="One of many"))
    found = store.find_installation(enterprise_id=ORG, team_id=None, is_enterprise_install=True)
    assert (found.bot_token, found.team_id, found.team_name, found.is_enterprise_install) == (
        "xoxb-O111", None, None, True,
    )  # fmt: skip
    assert both(store, enterprise_id=ORG, team_id="TO222") == (False, False)


def test_an_install_with_an_enterprise_and_no_team_is_the_enterprises_even_without_the_flag(store: Any) -> None:
    store.save(for_an_enterprise(is_enterprise_install=None))
    assert both(store, enterprise_id=ORG, team_id=None) == (True, True)


def test_none_the_empty_text_and_nothing_are_the_same_id_and_come_back_as_none(store: Any) -> None:
    bot = {"user_id": "U111", "bot_token": "xoxb-1", "bot_id": "B1", "bot_user_id": "UB1"}
    for fields in ({}, {"enterprise_id": None, "enterprise_name": None}, {"enterprise_id": "", "enterprise_name": ""}):
        store.save(Installation(team_id=TEAM, **bot, **fields))
        store.save(Installation(enterprise_id=ORG, **bot, **({"team_id": fields["enterprise_id"]} if fields else {})))
        for asked in (None, ""):
            found = store.find_installation(enterprise_id=asked, team_id=TEAM)
            assert (found.enterprise_id, found.enterprise_name, found.team_name) == (None, None, None)
            assert store.find_bot(enterprise_id=asked, team_id=TEAM).enterprise_id is None
            assert store.find_installation(enterprise_id=ORG, team_id=asked).team_id is None


def test_a_workspace_and_its_enterprise_are_two_installs(store: Any) -> None:
    store.save(an_installation(enterprise_id=ORG))
    store.save(for_an_enterprise())
    tokens = [store.find_bot(enterprise_id=ORG, team_id=team).bot_token for team in (TEAM, None)]
    assert tokens == ["xoxb-111", "xoxb-O111"]
    store.delete_all(enterprise_id=ORG, team_id=None)
    assert both(store, enterprise_id=ORG, team_id=None) == (False, False)
    assert both(store, enterprise_id=ORG, team_id=TEAM) == (True, True)


# Whose installation


def test_the_latest_install_is_found_without_a_user_and_that_users_with_one(store: Any) -> None:
    store.save(an_installation(user_id="U111", user_token="xoxp-1"))
    store.save(an_installation(user_id="U222", user_token="xoxp-2", bot_token="xoxb-222", installed_at=float(START)))
    assert store.find_installation(**here()).user_token == "xoxp-2"
    found = store.find_installation(**here(user_id="U111"))
    assert (found.user_id, found.user_token, found.bot_token) == ("U111", "xoxp-1", "xoxb-222")
    assert store.find_installation(**here(user_id="U333")) is None
    assert store.find_installation(**here(user_id="")) is None


def test_what_came_last_counts_and_not_what_says_the_later_time(store: Any) -> None:
    store.save(an_installation(user_id="U111"))
    store.save(an_installation(user_id="U222", installed_at=float(START - 9_999)))
    assert store.find_installation(**here()).user_id == "U222"
    store.save(an_installation(user_id="U333", installed_at=float(START - 10_000)))
    assert store.find_installation(**here()).user_id == "U333"


def test_an_install_of_a_users_token_alone_does_not_hide_the_bot(store: Any) -> None:
    store.save(an_installation(**HOOK, bot_scopes=["chat:write"]))
    store.save(by_a_user(user_id="U222", user_token="xoxp-222", installed_at=float(START)))
    found = store.find_installation(**here())
    assert (found.user_id, found.user_token, found.bot_token) == ("U222", "xoxp-222", "xoxb-111")
    assert (found.bot_id, found.bot_user_id, found.bot_scopes) == ("B111", "UB111", ["chat:write"])
    assert store.find_bot(**here()).bot_token == "xoxb-111"
    assert store.find_installation(**here(user_id="U111")).incoming_webhook_url == HOOK["incoming_webhook_url"]


def test_an_install_of_a_users_token_alone_needs_no_bot(store: Any) -> None:
    store.save(by_a_user())
    found = store.find_installation(**here())
    assert (found.user_token, found.bot_token, found.bot_scopes) == ("xoxp-111", None, None)
    assert store.find_bot(**here()) is None


def test_a_bot_alone_is_a_bot_and_nobodys_installation(store: Any) -> None:
    store.save_bot(a_bot())
    assert both(store, **here()) == (True, False)


def test_a_bot_without_a_token_is_not_saved_and_changes_nothing(store: Any, folder: Folder) -> None:
    store.save(an_installation())
    before = folder.snapshot()
    store.save_bot(a_bot(bot_token=None))
    store.save_bot(a_bot(bot_token=None, team_id="T222"))
    assert folder.snapshot() == before


# What is erased


def test_without_its_bot_an_installation_is_found_with_no_bot_and_no_webhook(store: Any) -> None:
    store.save(an_installation(**EVERYTHING))
    store.delete_bot(**here())
    assert store.find_bot(**here()) is None
    found = store.find_installation(**here())
    gone = {name for name, value in vars(found).items() if value is None}
    assert {name for name in gone if name.startswith(("bot_", "incoming_"))} == {
        name for name in vars(found) if name.startswith(("bot_", "incoming_"))
    }
    assert (found.user_token, found.custom_values) == ("xoxp-111", EVERYTHING["custom_values"])


def test_nothing_is_erased_by_ids_that_do_not_find_it(store: Any, folder: Folder) -> None:
    store.save(for_an_enterprise())
    store.save(an_installation())
    before = folder.snapshot()
    for how in ("delete_bot", "delete_installation", "delete_all"):
        for enterprise_id, team_id in ((ORG, "TO222"), ("E222", TEAM), (None, TEAM), ("E111", None), (None, None)):
            getattr(store, how)(enterprise_id=enterprise_id, team_id=team_id)
    assert folder.snapshot() == before
    assert both(store, enterprise_id=ORG, team_id=None) == (True, True)


def test_when_the_only_user_is_erased_nobodys_installation_is_left_but_the_bot_is(store: Any) -> None:
    store.save(an_installation(**USERS))
    store.delete_installation(**here(user_id="U111"))
    assert store.find_installation(**here()) is None
    assert store.find_installation(**here(user_id="U111")) is None
    assert store.find_bot(**here()).bot_token == "xoxb-111"


def test_when_one_user_of_two_is_erased_the_other_one_stays(store: Any) -> None:
    store.save(an_installation(user_id="U111", user_token="xoxp-1"))
    store.save(an_installation(user_id="U1112", user_token="xoxp-2", installed_at=float(START)))
    store.delete_installation(**here(user_id="U1112"))
    found = store.find_installation(**here())
    assert (found.user_id, found.user_token, found.bot_token) == ("U111", "xoxp-1", "xoxb-111")
    store.delete_installation(**here(user_id=""))
    assert both(store, **here()) == (True, True)


def test_without_a_user_all_users_are_erased_and_the_bot_stays(store: Any, folder: Folder) -> None:
    for user in ("U111", "U222"):
        store.save(an_installation(user_id=user, user_token=f"xoxp-{user}", custom_values={"plan": "gold"}))
    bot = vars(store.find_bot(**here()))
    store.delete_installation(**here())
    assert store.find_installation(**here()) is None
    assert vars(store.find_bot(**here())) == bot
    assert [row["holder_id"] for row in folder.rows("SELECT holder_id FROM tokens")] == [""]


def test_delete_all_leaves_nothing_of_the_workspace_and_all_of_the_others(store: Any, folder: Folder) -> None:
    store.save(an_installation(**EVERYTHING))
    store.save(an_installation(enterprise_id="E111", team_id="T222"))
    store.delete_all(**here())
    assert both(store, **here()) == (False, False)
    for table in ("installations", "installers", "tokens", "data_keys"):
        left = folder.rows(f"SELECT DISTINCT tenant_id FROM {table} WHERE tenant_kind <> ''")
        assert [row["tenant_id"] for row in left] == ["T222"], table
    assert both(store, enterprise_id="E111", team_id="T222") == (True, True)


def test_when_the_last_of_a_workspace_is_erased_its_keys_go_too(store: Any, folder: Folder) -> None:
    store.save(an_installation(**USERS))
    store.delete_installation(**here(user_id="U111"))
    store.delete_bot(**here())
    assert folder.rows("SELECT 1 FROM data_keys WHERE tenant_id = ?", TEAM) == []
    assert folder.rows("SELECT 1 FROM installations") == []


# The interface


METHODS = [
    name
    for name in vars(SQLite3InstallationStore)
    if name.removeprefix("async_").startswith(("save", "find_", "delete_"))
]


@pytest.mark.parametrize("name", [*METHODS, "delete_all", "async_delete_all"])
def test_each_method_takes_what_it_takes_in_slack_sdk(name: str) -> None:
    model = getattr(SQLite3InstallationStore, name)
    ours = getattr(EncryptedInstallationStore, name)
    assert inspect.iscoroutinefunction(ours) is inspect.iscoroutinefunction(model) is name.startswith("async_")
    theirs = {one.name: (one.kind, one.default) for one in inspect.signature(model).parameters.values()}
    assert {one.name: (one.kind, one.default) for one in inspect.signature(ours).parameters.values()} == theirs


def test_a_store_is_one_of_slack_sdks_for_both_kinds_of_app(stores: Stores) -> None:
    store = stores.installations()
    assert isinstance(store, InstallationStore)
    assert isinstance(store, AsyncInstallationStore)
    assert store.logger.name == "slackapp.bolt"
    assert isinstance(store.find_bot(**here()), Bot | None)


def test_the_methods_for_asyncio_do_not_hold_up_the_loop(plain: Any) -> None:
    threads: list[threading.Thread] = []

    def entropy(number: int) -> bytes:
        threads.append(threading.current_thread())
        return system_entropy(number)

    equip(plain, entropy=entropy)

    async def all_of_them() -> None:
        await plain.async_save(an_installation())
        await plain.async_save_bot(a_bot())
        assert await plain.async_find_bot(**here()) is not None
        assert await plain.async_find_installation(**here(user_id="U111")) is not None
        await plain.async_delete_installation(**here(user_id="U111"))
        await plain.async_delete_bot(**here())
        await plain.async_delete_all(**here())

    asyncio.run(all_of_them())
    assert len(threads) >= 7
    assert threading.main_thread() not in threads
