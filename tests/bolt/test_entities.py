"""Every field of what Bolt saves comes back; what cannot be kept is refused, and changes nothing."""

from typing import Any

import pytest
from slack_bolt.error import BoltError
from slack_sdk.oauth.installation_store import Installation

from tests.bolt.store_folder import (  # fmt: skip
    EVERYTHING,
    LIFE,
    ROTATING,
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
    rotated,
)
from tests.support.world import APP_ID, START, Clock

REFRESHING = ("bot_refresh_token", "bot_token_expires_at", "user_refresh_token", "user_token_expires_at")


def is_managed(store: Any) -> bool:
    return store._managed is True


OF_EACH_KIND = {
    "of a workspace in an org": an_installation(**EVERYTHING),
    "of a workspace": an_installation(**{**EVERYTHING, "enterprise_id": None, "enterprise_name": None}),
    "of an org": for_an_enterprise(**{**EVERYTHING, "team_name": None}),
    "of a person alone": by_a_user(**USERS, token_type="user"),
    "of a bot and no person": an_installation(user_scopes=None),
}


@pytest.mark.parametrize("saved", OF_EACH_KIND.values(), ids=OF_EACH_KIND)
def test_every_field_comes_back_as_it_was_saved(store: Any, saved: Installation) -> None:
    store.save(saved)
    expected = vars(saved) | (dict.fromkeys(REFRESHING) if is_managed(store) else {})
    ids = {"enterprise_id": saved.enterprise_id, "team_id": saved.team_id}
    assert vars(store.find_installation(**ids)) == expected
    assert vars(store.find_installation(**ids, user_id="U111")) == expected
    if saved.bot_token is not None:
        bot = {name: value for name, value in expected.items() if name in vars(saved.to_bot())}
        assert vars(store.find_bot(**ids)) == bot


def test_every_field_of_a_bot_alone_comes_back_as_it_was_saved(store: Any) -> None:
    saved = a_bot(**EVERYTHING)
    store.save_bot(saved)
    refreshing = dict.fromkeys(REFRESHING[:2]) if is_managed(store) else {}
    assert vars(store.find_bot(**here())) == vars(saved) | refreshing


def test_scopes_come_back_as_lists_in_the_order_saved_however_they_were_given(store: Any) -> None:
    two = ["chat:write", "app_mentions:read"]
    given_as = ((",".join(two), two), (two, two), (two[::-1], two[::-1]), ([*two, two[0]], two))
    for given, expected in (*given_as, ("", []), ([], []), (None, [])):
        store.save(an_installation(bot_scopes=given, user_token="xoxp-1", user_scopes=given))
        found = [store.find_installation(**here()), store.find_installation(**here(user_id="U111"))]
        assert [entity.bot_scopes for entity in (*found, store.find_bot(**here()))] == [expected] * 3, given
        assert [entity.user_scopes for entity in found] == [expected] * 2, given
    raw = an_installation(user_token="xoxp-1")
    raw.bot_scopes = raw.user_scopes = "chat:write, app_mentions:read"  # as slack_sdk's SQLite store hands them out
    store.save(raw)
    found = store.find_installation(**here())
    assert (found.bot_scopes, found.user_scopes) == (two, two)


def test_whoever_changes_what_was_found_changes_nothing_here(store: Any) -> None:
    store.save(an_installation(**EVERYTHING))
    for _ in range(2):
        found, bot = store.find_installation(**here()), store.find_bot(**here())
        assert (found.user_token, found.bot_scopes[0], found.custom_values["seats"]) == (
            "xoxp-111", "app_mentions:read", 12,
        )  # fmt: skip
        assert bot.custom_values["deep"]["list"][0] == 1
        found.user_token = found.bot_token = bot.bot_token = None
        found.bot_scopes.clear()
        found.custom_values["seats"] = bot.custom_values["deep"]["list"][0] = 0


@pytest.mark.parametrize("name", REFRESHING)
def test_a_refresh_token_or_an_expiry_alone_comes_back_alone(store: Any, name: str) -> None:
    value = START + 60 if name.endswith("_at") else "xoxe-alone"
    store.save(an_installation(**USERS, **{name: value}))
    found, bot = store.find_installation(**here()), store.find_bot(**here())
    expected = dict.fromkeys(REFRESHING) | {name: None if is_managed(store) else value}
    assert {each: getattr(found, each) for each in REFRESHING} == expected
    bots = {each: expected[each] for each in REFRESHING[:2]}
    assert {each: getattr(bot, each) for each in REFRESHING[:2]} == bots
    store.save_bot(a_bot(team_id="T222", **({name: value} if name in bots else {})))
    assert {each: getattr(store.find_bot(**here(team_id="T222")), each) for each in bots} == bots


def test_an_expiry_is_not_moved_by_the_time_that_saving_takes(stores: Stores, clock: Clock) -> None:
    store = stores.installations(managed_rotation=False)

    def ticking() -> int:
        clock.advance(1)
        return clock.now

    equip(store, clock=ticking)
    store.save(an_installation(**EVERYTHING))
    store.save_bot(a_bot(**ROTATING, team_id="T222"))
    found = store.find_installation(**here())
    assert (found.bot_token_expires_at, found.user_token_expires_at) == (START + LIFE, START + LIFE + 5)
    assert store.find_bot(**here(team_id="T222")).bot_token_expires_at == START + LIFE


# What cannot be kept


class Unspeakable:
    """A value that JSON has no word for."""


CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE


UNSPEAKABLE = {
    "an object": {"x": Unspeakable()},
    "a set": {"x": {1, 2}},
    "bytes": {"x": b"bytes"},
    "not a number": {"x": float("nan")},
    "a circle": CIRCLE,
    "too large": {"x": "x" * 70_000},
}
UNPLACED = (
    {"team_id": None, "enterprise_id": None}, {"team_id": "", "enterprise_id": ""}, {"team_id": "T"},
    {"team_id": "t111"}, {"team_id": "T" + "1" * 30}, {"team_id": "E111"},
    {"is_enterprise_install": True, "enterprise_id": None}, {"is_enterprise_install": True, "enterprise_id": TEAM},
    {"app_id": "A0ANOTHER1"},
)  # fmt: skip


def refused(store: Any, **changes: Any) -> None:
    """Neither as an installation nor as a bot."""
    for save, entity in (("save", an_installation), ("save_bot", a_bot)):
        with pytest.raises(BoltError, match="slackapp: "):
            getattr(store, save)(entity(bot_token="xoxb-new", **changes))


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
def test_values_that_cannot_be_kept_are_refused_and_nothing_is_changed(store: Any, folder: Folder, known: bool) -> None:
    store.save(an_installation(**({} if known else {"team_id": "T222"})))
    before = folder.snapshot()
    for custom_values in UNSPEAKABLE.values():
        refused(store, custom_values=custom_values)
    assert folder.snapshot() == before


def test_a_token_that_cannot_be_kept_is_refused_and_not_told(store: Any, folder: Folder) -> None:
    before = folder.snapshot()
    for token in ("xoxb-canary" * 2_000, "xoxb-canary\ud800"):
        for changes in ({"bot_token": token}, {"user_token": token}, {**ROTATING, "bot_refresh_token": token}):
            with pytest.raises(BoltError, match="slackapp: ") as caught:
                store.save(an_installation(**changes))
            assert "canary" not in str(caught.value)
    assert folder.snapshot() == before


def test_an_install_that_names_no_workspace_or_another_app_is_refused(store: Any, folder: Folder) -> None:
    store.save(an_installation())
    before = folder.snapshot()
    for changes in UNPLACED:
        refused(store, **changes)
    assert folder.snapshot() == before


def test_an_install_by_nobody_is_refused_so_that_nobodys_token_passes_for_the_bots(store: Any) -> None:
    store.save(an_installation())
    for user_id in (None, ""):
        with pytest.raises(BoltError, match="names no user"):
            store.save(an_installation(user_id=user_id, **USERS))
    assert store.find_bot(**here()).bot_token == "xoxb-111"


def test_an_install_without_an_app_id_gets_the_stores(store: Any) -> None:
    store.save(an_installation(app_id=None))
    assert store.find_installation(**here()).app_id == APP_ID


def test_a_copy_that_bolt_made_of_a_copy_is_the_same_installation(plain: Any) -> None:
    """The entity travels through datetimes, which have no more than microseconds."""
    plain.save(an_installation(installed_at=1_799_999_999.1234567, **USERS))
    found = plain.find_installation(**here())
    plain.save(rotated(found, user_token=None, user_refresh_token=None))
    assert plain.find_installation(**here()).user_token == "xoxp-111"
