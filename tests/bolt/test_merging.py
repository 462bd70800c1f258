"""An install replaces; a copy that Bolt saves after a refresh brings tokens, and changes nothing else."""

from typing import Any

import pytest

from tests.bolt.store_folder import Folder, a_bot, an_installation, by_a_user, here, rotated
from tests.support.world import START, Clock

PAIRS = {
    "bot_refresh_token": "xoxe-b1",
    "bot_token_expires_at": START + 600,
    "user_token": "xoxp-1",
    "user_scopes": ["users:read"],
    "user_refresh_token": "xoxe-u1",
    "user_token_expires_at": START + 600,
}
HOOK = {"incoming_webhook_url": "https://hooks.slack.com/services/T111/B111/x", "incoming_webhook_channel": "#general"}
NO_USER = {"user_token": None, "user_refresh_token": None, "user_token_expires_at": None, "user_scopes": None}
NEW_BOT = {"bot_token": "xoxb-2", "bot_refresh_token": "xoxe-b2", "bot_token_expires_at": START + 43_200}
BOT = ("bot_token", "bot_refresh_token", "bot_token_expires_at")
USER = ("user_token", "user_refresh_token", "user_token_expires_at")


def values(entity: Any, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(entity, name) for name in names)


def generations(folder: Folder) -> dict[str, int]:
    return {row["holder_id"]: row["generation"] for row in folder.rows("SELECT holder_id, generation FROM installers")}


def test_a_refreshed_copy_is_found_at_once(plain: Any) -> None:
    plain.save(an_installation(**PAIRS, **HOOK, custom_values={"plan": "gold"}))
    found = plain.find_installation(**here())
    plain.save(rotated(found, **NEW_BOT, user_token="xoxp-2", user_refresh_token="xoxe-u2"))
    again = plain.find_installation(**here())
    assert vars(again) == vars(found) | {**NEW_BOT, "user_token": "xoxp-2", "user_refresh_token": "xoxe-u2"}
    assert values(plain.find_bot(**here()), *BOT) == tuple(NEW_BOT.values())


def test_a_refreshed_copy_of_the_bot_is_found_at_once(plain: Any) -> None:
    plain.save(an_installation(**PAIRS, **HOOK, custom_values={"plan": "gold"}))
    found, before = plain.find_bot(**here()), plain.find_installation(**here())
    plain.save_bot(rotated(found, **NEW_BOT))
    assert vars(plain.find_bot(**here())) == vars(found) | NEW_BOT
    assert vars(plain.find_installation(**here())) == vars(before) | NEW_BOT


def test_a_copy_without_the_users_token_does_not_erase_it(plain: Any) -> None:
    plain.save(an_installation(**PAIRS))
    plain.save(rotated(plain.find_installation(**here()), **NEW_BOT, **NO_USER))
    found = plain.find_installation(**here())
    assert values(found, *USER) == ("xoxp-1", "xoxe-u1", START + 600)
    assert found.bot_token == "xoxb-2"


def test_a_copy_without_the_bot_does_not_erase_it(plain: Any) -> None:
    plain.save(an_installation(**PAIRS))
    copy = rotated(plain.find_installation(**here()), bot_token=None, bot_refresh_token=None, bot_token_expires_at=None)
    plain.save(copy)
    assert values(plain.find_bot(**here()), *BOT) == ("xoxb-111", "xoxe-b1", START + 600)


def test_an_install_without_a_users_token_erases_the_one_of_before(plain: Any) -> None:
    plain.save(an_installation(**PAIRS, **HOOK, custom_values={"plan": "gold"}))
    plain.save(an_installation(installed_at=float(START)))
    found = plain.find_installation(**here())
    assert values(found, *USER, "user_scopes") == (None,) * 4
    assert values(found, *BOT) == ("xoxb-111", None, None)
    assert (found.incoming_webhook_url, found.custom_values) == (None, {})


def test_an_install_leaves_the_tokens_of_other_users(plain: Any) -> None:
    plain.save(an_installation(**PAIRS))
    plain.save(an_installation(user_id="U222", installed_at=float(START)))
    assert plain.find_installation(**here(user_id="U111")).user_token == "xoxp-1"


def test_a_copy_of_an_earlier_install_does_not_become_the_latest_one(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**PAIRS))
    plain.save(an_installation(user_id="U222", bot_token="xoxb-222", installed_at=float(START)))
    before = generations(folder)
    plain.save(rotated(plain.find_installation(**here(user_id="U111")), **NEW_BOT))
    assert plain.find_installation(**here()).user_id == "U222"
    known = folder.rows("SELECT installer_id, generation, installed_at FROM installations")
    assert (tuple(known[0]), generations(folder)) == (("U222", 2, START), before)
    assert values(plain.find_bot(**here()), "bot_token", "installed_at") == ("xoxb-2", float(START))


def test_a_copy_of_a_bot_does_not_make_it_newer_than_the_installs_since(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**PAIRS))
    plain.save(by_a_user(user_id="U222"))
    plain.save(rotated(plain.find_installation(**here(user_id="U111")), **NEW_BOT))
    assert generations(folder) == {"": 1, "U111": 1, "U222": 2}


def test_a_bot_alone_says_nothing_of_who_installed(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**PAIRS))
    plain.save_bot(a_bot(bot_token="xoxb-2", installed_at=float(START)))
    assert folder.rows("SELECT installer_id FROM installations")[0][0] == "U111"
    found = plain.find_installation(**here())
    assert values(found, "user_id", "bot_token", "user_token") == ("U111", "xoxb-2", "xoxp-1")


def test_after_a_copy_of_one_users_install_a_copy_of_the_bot_is_still_one(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**PAIRS, **HOOK))
    plain.save(an_installation(user_id="U222", installed_at=float(START)))
    bot = plain.find_bot(**here())
    plain.save(rotated(plain.find_installation(**here(user_id="U111"))))
    before = generations(folder)
    plain.save_bot(rotated(bot, **NEW_BOT))
    assert generations(folder) == before
    assert folder.events()[-1] != "reinstalled"


def test_the_time_of_a_users_grant_stays_when_a_copy_comes(plain: Any, folder: Folder, clock: Clock) -> None:
    plain.save(an_installation(**PAIRS))
    clock.advance(300)
    plain.save(rotated(plain.find_installation(**here()), **NEW_BOT))
    times = "SELECT granted_at, issued_at, (SELECT installed_at FROM installations) FROM tokens WHERE holder_id = ''"
    assert tuple(folder.rows(times)[0]) == (START, START + 300, START - 60)
    clock.advance(300)
    plain.save(an_installation(**PAIRS, installed_at=float(clock.now)))
    assert tuple(folder.rows(times)[0]) == (START + 600, START + 600, START + 600)


def test_what_bolt_hands_back_without_the_refresh_token_does_not_cost_the_refresh_token(stores: Any) -> None:
    """A Bolt app may save what it found, with a value of its own in it."""
    managed = stores.installations()
    managed.save(an_installation(**PAIRS))
    found = managed.find_installation(**here())
    found.set_custom_value("plan", "gold")
    managed.save(found)
    assert managed.find_installation(**here()).custom_values == {"plan": "gold"}
    seen = stores.installations(managed_rotation=False).find_installation(**here())
    assert values(seen, *BOT, *USER) == ("xoxb-111", "xoxe-b1", START + 600, "xoxp-1", "xoxe-u1", START + 600)


def test_a_copy_replaces_a_dead_token(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**PAIRS))
    found = plain.find_installation(**here())
    folder.change("UPDATE tokens SET status = 'dead'")
    assert values(plain.find_installation(**here()), "bot_token", "user_token") == (None, None)
    assert plain.find_bot(**here()) is None
    plain.save(rotated(found, **NEW_BOT))
    assert plain.find_bot(**here()).bot_token == "xoxb-2"


@pytest.mark.claim("C-81")
def test_a_copy_brings_no_token_back_that_was_another_tenants_and_an_install_does(plain: Any, folder: Folder) -> None:
    """A Bolt app that had looked it up before refreshes it, and saves what has come of it."""
    plain.save(an_installation(**PAIRS))
    found = plain.find_installation(**here())
    folder.change("UPDATE tokens SET status = 'dead', reason = 'foreign_token'")
    theirs = {"user_token": "xoxp-2", "user_refresh_token": "xoxe-u2", "user_token_expires_at": START + 43_200}
    plain.save(rotated(found, **NEW_BOT, **theirs))
    assert plain.find_bot(**here()) is None
    assert values(plain.find_installation(**here()), "bot_token", "user_token") == (None, None)
    plain.save(an_installation(**PAIRS, installed_at=float(START)))
    assert plain.find_bot(**here()).bot_token == "xoxb-111"


# What comes late


@pytest.mark.parametrize("managed_rotation", [True, False])
@pytest.mark.claim("C-106")
def test_an_older_pair_never_replaces_a_newer_one(stores: Any, plain: Any, managed_rotation: bool) -> None:
    """Two threads have refreshed, one after the other's lease had run out; the first one saves last."""
    store = stores.installations(managed_rotation=managed_rotation)
    store.save(an_installation(**PAIRS, **HOOK))
    late, bot = plain.find_installation(**here()), plain.find_bot(**here())
    newer = {"user_token": "xoxp-2", "user_refresh_token": "xoxe-u2", "user_token_expires_at": START + 43_200}
    store.save(rotated(late, **NEW_BOT, **newer))
    before = vars(plain.find_installation(**here()))
    older = {"bot_token": "xoxb-0", "bot_refresh_token": "xoxe-b0", "bot_token_expires_at": START + 43_199}
    users = {"user_token": "xoxp-0", "user_refresh_token": "xoxe-u0", "user_token_expires_at": START + 43_199}
    for outdated in (rotated(late, **older, **users), late, rotated(late, custom_values={})):
        store.save(outdated)
        assert vars(plain.find_installation(**here())) == before
    store.save_bot(rotated(bot, **older))
    assert vars(plain.find_installation(**here())) == before
    assert before["bot_token"] == "xoxb-2"


@pytest.mark.claim("C-106")
def test_a_copy_of_an_install_that_the_same_user_has_repeated_since_changes_nothing(
    plain: Any, folder: Folder, clock: Clock
) -> None:
    plain.save(an_installation(**PAIRS))
    late, bot = plain.find_installation(**here()), plain.find_bot(**here())
    clock.advance(600)
    plain.save(an_installation(**HOOK, installed_at=float(clock.now), bot_token="xoxb-new"))
    before = plain.find_installation(**here())
    plain.save(rotated(late, **NEW_BOT))
    plain.save_bot(rotated(bot, **NEW_BOT))
    assert vars(plain.find_installation(**here())) == vars(before)
    assert [event for event in folder.events() if not event.endswith(".read")][-2:] == ["pair.outdated"] * 2


def test_an_install_after_the_clock_was_set_back_counts(plain: Any, clock: Clock) -> None:
    plain.save(an_installation(**PAIRS, installed_at=float(START)))
    clock.now = START - 86_400
    plain.save(an_installation(bot_token="xoxb-new", installed_at=float(clock.now)))
    assert plain.find_bot(**here()).bot_token == "xoxb-new"


def test_a_copy_of_a_dead_pair_brings_it_back_to_nobody(plain: Any, stores: Any, folder: Folder) -> None:
    plain.save(an_installation(**PAIRS))
    whole, part = plain.find_installation(**here()), stores.installations().find_installation(**here())
    folder.change("UPDATE tokens SET status = 'dead'")
    for copy in (whole, part):
        plain.save(rotated(copy, custom_values={"plan": "gold"}))
        assert [row["status"] for row in folder.rows("SELECT status FROM tokens")] == ["dead", "dead"]
    assert plain.find_bot(**here()) is None


@pytest.mark.parametrize("status", ["suspect", "suspended", "purging"])
def test_a_copy_ends_no_suspicion_and_stops_no_removal(plain: Any, folder: Folder, status: str) -> None:
    plain.save(an_installation(**PAIRS))
    installation, bot = plain.find_installation(**here()), plain.find_bot(**here())
    folder.change("UPDATE installations SET status = ?", status)
    plain.save(rotated(installation, **NEW_BOT))
    plain.save_bot(rotated(bot, **NEW_BOT))
    assert folder.rows("SELECT status FROM installations")[0][0] == status


@pytest.mark.parametrize("status", ["suspect", "suspended", "purging", "needs_reinstall"])
def test_an_install_makes_a_workspace_active_again_but_one_without_a_bot_brings_no_dead_bot_back(
    plain: Any, folder: Folder, status: str
) -> None:
    plain.save(an_installation(**PAIRS))
    folder.change("UPDATE installations SET status = ?", status)
    plain.save(by_a_user(user_id="U222"))
    expected = "needs_reinstall" if status == "needs_reinstall" else "active"
    assert folder.rows("SELECT status FROM installations")[0][0] == expected
    plain.save(an_installation(**PAIRS, installed_at=float(START)))
    assert folder.rows("SELECT status FROM installations")[0][0] == "active"


def test_a_workspace_without_a_bot_needs_a_new_install_until_one_comes(plain: Any, folder: Folder) -> None:
    plain.save(an_installation())
    plain.delete_bot(**here())
    found = folder.rows("SELECT status, status_reason FROM installations")
    assert tuple(found[0]) == ("needs_reinstall", "bot deleted")
    plain.save_bot(a_bot(bot_token="xoxb-2", installed_at=float(START)))
    assert plain.find_installation(**here()).bot_token == "xoxb-2"
    assert folder.rows("SELECT status FROM installations")[0][0] == "active"


def test_each_save_says_in_the_audit_what_it_was(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**PAIRS))
    plain.save(rotated(plain.find_installation(**here()), **NEW_BOT))
    plain.save(an_installation(installed_at=float(START)))
    rows = folder.rows("SELECT * FROM audit WHERE event NOT LIKE '%.read' ORDER BY id")
    assert [(row["event"], row["actor"], row["tenant_id"]) for row in rows] == [
        ("installed", "bolt", "T111"), ("pair.saved", "bolt", "T111"), ("reinstalled", "bolt", "T111"),
    ]  # fmt: skip
    assert (rows[0]["generation"], rows[0]["holder_id"], rows[0]["detail"]) == (1, "U111", "")
