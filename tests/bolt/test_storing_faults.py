"""What slack_sdk's own stores keep wrongly, in clear or for ever, and these do not."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slackapp.flows.install import save_external
from slackapp.store import audit
from tests.bolt.store_folder import (  # fmt: skip
    ORG,
    TEAM,
    Folder,
    Stores,
    a_bot,
    an_installation,
    builtin_rows,
    by_a_user,
    for_an_enterprise,
    here,
    rotated,
)
from tests.support.world import START, Clock

SECRETS = ("xoxb-CANARY", "xoxp-CANARY", "xoxe-1-CANARYB", "xoxe-1-CANARYU", "hooks.slack.com", "CANARY-custom")
WITH_SECRETS = {
    "bot_token": "xoxb-CANARY",
    "user_token": "xoxp-CANARY",
    "bot_refresh_token": "xoxe-1-CANARYB",
    "bot_token_expires_at": START + 43_200,
    "user_refresh_token": "xoxe-1-CANARYU",
    "user_token_expires_at": START + 43_200,
    "incoming_webhook_url": "https://hooks.slack.com/services/T111/B111/CANARY",
    "custom_values": {"password": "CANARY-custom"},
}

# Two installs in one second


def test_of_two_installs_in_a_second_slack_sdks_store_gives_the_token_of_the_first(
    builtin: Callable[..., Any], folder: Folder
) -> None:
    store = builtin("sqlite")
    for token in ("xoxb-old", "xoxb-new"):
        store.save(an_installation(bot_token=token))
    builtin_rows(folder, "UPDATE slack_installations SET installed_at = '2027-01-15 08:00:00'")
    assert store.find_installation(**here()).bot_token == "xoxb-old"


@pytest.mark.parametrize("user_id", ["U111", "U222"])
@pytest.mark.parametrize("apart", [0.000002, 0.0])
def test_of_two_installs_in_a_second_the_last_one_counts(store: Any, user_id: str, apart: float) -> None:
    store.save(an_installation(bot_token="xoxb-old", installed_at=float(START)))
    store.save(an_installation(bot_token="xoxb-new", installed_at=START + apart, user_id=user_id))
    found = store.find_installation(**here())
    assert (found.user_id, found.bot_token) == (user_id, "xoxb-new")
    assert store.find_bot(**here()).bot_token == "xoxb-new"


# Enterprises


def test_slack_sdks_store_does_not_find_an_enterprise_whose_install_named_a_team(builtin: Callable[..., Any]) -> None:
    store = builtin("sqlite")
    store.save(for_an_enterprise(team_id="TO222"))
    assert store.find_bot(enterprise_id=ORG, team_id="TO222", is_enterprise_install=True) is None


def test_an_enterprise_whose_install_named_a_team_is_found(store: Any) -> None:
    store.save(for_an_enterprise(team_id="TO222"))
    assert store.find_bot(enterprise_id=ORG, team_id="TO222", is_enterprise_install=True).bot_token == "xoxb-O111"


def test_slack_sdks_store_does_not_find_a_workspace_that_joined_an_enterprise(builtin: Callable[..., Any]) -> None:
    store = builtin("sqlite")
    store.save(an_installation(enterprise_id=None))
    assert store.find_bot(enterprise_id="E999", team_id=TEAM) is None


def test_a_workspace_that_joined_an_enterprise_is_found_refreshed_and_erased(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(enterprise_id=None))
    joined = {"enterprise_id": "E999", "team_id": TEAM}
    plain.save(rotated(plain.find_installation(**joined), bot_token="xoxb-2"))
    assert plain.find_bot(**joined).bot_token == "xoxb-2"
    plain.delete_all(**joined)
    assert folder.count() | {"data_keys": 0, "oauth_states": 0} == dict.fromkeys(folder.count(), 0)


# A cache


def test_behind_slack_sdks_cache_an_install_is_not_seen_and_callers_change_each_others_entities(
    builtin: Callable[..., Any],
) -> None:
    store = builtin("cached")
    store.save(an_installation(user_token="xoxp-1"))
    store.find_installation(**here()).user_token = None
    store.save(an_installation(bot_token="xoxb-new", user_token="xoxp-1", installed_at=float(START)))
    found = store.find_installation(**here())
    assert (found.bot_token, found.user_token) == ("xoxb-111", None)


def test_what_one_process_saves_or_erases_the_others_see_at_once(stores: Stores) -> None:
    one, other = (stores.installations(managed_rotation=managed) for managed in (False, True))
    one.save(an_installation(user_token="xoxp-1"))
    other.find_installation(**here()).user_token = None
    one.save(an_installation(bot_token="xoxb-new", user_token="xoxp-1", installed_at=float(START)))
    found = other.find_installation(**here())
    assert (found.bot_token, found.user_token) == ("xoxb-new", "xoxp-1")
    one.delete_bot(**here())
    assert other.find_installation(**here()).bot_token is None
    one.delete_all(**here())
    assert other.find_installation(**here()) is None
    other.save(an_installation(bot_token="xoxb-again"))
    assert one.find_bot(**here()).bot_token == "xoxb-again", "under keys that are new"


# What is lost


def test_slack_sdks_store_cannot_save_an_install_of_a_users_token_alone(builtin: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        builtin("sqlite").save(by_a_user())


def test_slack_sdks_store_loses_the_apps_own_values(builtin: Callable[..., Any]) -> None:
    store = builtin("sqlite")
    store.save(an_installation(custom_values={"plan": "gold"}))
    assert store.find_installation(**here()).custom_values == {}


def test_an_install_of_a_users_token_alone_is_saved_with_the_apps_own_values(store: Any) -> None:
    store.save(by_a_user(custom_values={"plan": "gold"}))
    found = store.find_installation(**here())
    assert (found.user_token, found.custom_values) == ("xoxp-111", {"plan": "gold"})


class KilledError(BaseException):
    """The process ends here."""


def kill(*arguments: object, **named: object) -> None:
    raise KilledError


def test_killed_in_a_save_slack_sdks_store_has_an_installation_without_its_bot(
    builtin: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = builtin("sqlite")
    monkeypatch.setattr(store, "save_bot", kill)
    with pytest.raises(KilledError):
        store.save(an_installation())
    assert store.find_installation(**here()) is not None
    assert store.find_bot(**here()) is None


PLACES = ("installations.save", "installers.save", "tokens.save", "tokens.delete", "audit.append")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
def test_a_save_that_is_killed_changes_nothing(
    plain: Any, folder: Folder, monkeypatch: pytest.MonkeyPatch, place: str, known: bool
) -> None:
    if known:
        plain.save(an_installation(**WITH_SECRETS))
    before = folder.snapshot()
    with monkeypatch.context() as patch:
        module, _, function = place.partition(".")
        patch.setattr({**vars(save_external), "audit": audit}[module], function, kill)
        with pytest.raises(KilledError):
            plain.save(an_installation(bot_token="xoxb-new", installed_at=float(START)))
    assert folder.snapshot() == before
    plain.save(an_installation(bot_token="xoxb-new", installed_at=float(START)))
    assert plain.find_bot(**here()).bot_token == "xoxb-new"


# What is readable


@contextlib.contextmanager
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(("kind", "kept"), [("sqlite", SECRETS[:5]), ("file", SECRETS)])
def test_slack_sdks_stores_keep_secrets_in_clear_in_files_that_all_can_read(
    builtin: Callable[..., Any], folder: Folder, kind: str, kept: tuple[str, ...]
) -> None:
    with usual_umask():
        builtin(kind).save(an_installation(**WITH_SECRETS))
    files = [file for file in folder.path.rglob("builtin*/**/*" if kind == "file" else "builtin.db") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o644}
    content = b"".join(file.read_bytes() for file in files)
    assert [secret for secret in kept if secret.encode() in content] == list(kept)


def test_no_secret_lies_in_clear_in_any_file_and_nobody_else_can_read_them(
    tmp_path: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Folder(tmp_path)
    stores = Stores(bare)
    with usual_umask():
        store, states = stores.installations(managed_rotation=False), stores.states()
        state = states.issue()
        store.save(an_installation(**WITH_SECRETS))
        store.save(rotated(store.find_installation(**here()), bot_token="xoxb-CANARY2"))
        store.save_bot(a_bot(**WITH_SECRETS, team_id="T222"))
        store.find_bot(**here())
        names = {file.name for file in bare.path.iterdir()}
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in bare.path.iterdir()}
        assert {"slackapp.db", "slackapp.db-wal", "slackapp.db-shm"} <= names
        assert set(modes.values()) == {0o600}, modes
        found = bare.bytes()
        stores.close()
        found += bare.bytes()
    assert b"T222" in found
    assert [secret for secret in (*SECRETS, *state.split(".")) if secret.encode() in found] == []


# What grows


def test_slack_sdks_store_keeps_two_rows_for_every_install_and_refresh(
    builtin: Callable[..., Any], folder: Folder
) -> None:
    store = builtin("sqlite")
    for number in range(20):
        store.save(an_installation(bot_token=f"xoxb-{number}"))
    assert builtin_rows(
        folder, "SELECT (SELECT count(*) FROM slack_installations) + (SELECT count(*) FROM slack_bots)"
    ) == [(40,)]


def test_a_hundred_installs_and_refreshes_take_no_more_rows_than_one(plain: Any, folder: Folder, clock: Clock) -> None:
    plain.save(an_installation(**WITH_SECRETS, installed_at=float(clock.now)))
    rows = folder.count()
    assert rows == {"installations": 1, "installers": 2, "tokens": 2, "data_keys": 9, "oauth_states": 0}
    for number in range(50):
        clock.advance(1)
        plain.save(an_installation(**WITH_SECRETS, installed_at=float(clock.now)))
        plain.save(rotated(plain.find_installation(**here()), bot_token=f"xoxb-{number}"))
    assert folder.count() == rows
    assert plain.find_bot(**here()).bot_token == "xoxb-49"
