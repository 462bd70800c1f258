"""What goes wrong when Bolt refreshes tokens with slack_sdk's own stores, and does not with these."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slackapp.localslack import Fault, LocalSlack
from tests.bolt.apps import ADMIN, MEMBER, BoltApp, bolt_app, both_read_first, local_slack
from tests.bolt.store_folder import Folder, Stores, builtin_rows
from tests.support.world import NORTH, Clock

SHORT, LONG = 600, 43_200
"""Seconds that a token lives: so short that Bolt refreshes it at the first event, and as Slack has it."""
ids = {"enterprise_id": None, "team_id": NORTH}


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    """It ends a refresh token as soon as it is used, as its documentation says."""
    with local_slack() as made:
        made.grace_seconds = -1
        yield made


@pytest.fixture
def managed(stores: Stores, slack: LocalSlack) -> Any:
    return stores.installations(slack_url=slack.base_url)


def due(slack: LocalSlack, store: Any, clock: Clock, *users: str) -> BoltApp:
    """An app that each of those users has installed, one after the other; every token lives, and is due."""
    slack.token_lifetime = SHORT
    clock.now = int(time.time())
    app = bolt_app(slack, store)
    for user in users:
        app.install(user=user)
    clock.advance(SHORT - 100)  # we refresh later than Bolt
    slack.token_lifetime = LONG
    return app


def separate(folder: Folder, user: str) -> None:
    """In slack_sdk's store an install of the same second has no order: this user's was an hour ago."""
    builtin_rows(
        folder, f"UPDATE slack_installations SET installed_at = datetime('now', '-1 hour') WHERE user_id = '{user}'"
    )


# Two events at once


def test_two_events_at_once_refresh_twice_in_slack_sdks_store_and_one_is_lost(
    slack: LocalSlack, builtin: Callable[..., Any], clock: Clock
) -> None:
    store = builtin("sqlite", wait=5)
    app = due(slack, store, clock, ADMIN)
    for _ in range(2):
        slack.mention(NORTH, "hello", user=ADMIN)
    with both_read_first(store):
        app.deliver_at_once()
    assert (app.refreshes().count(False), len(app.heard)) == (1, 1)


@pytest.mark.parametrize("number", [2, 8])
@pytest.mark.parametrize("managed_rotation", [True, False])
@pytest.mark.claim("C-105")
def test_events_at_once_refresh_once_and_none_is_lost(
    slack: LocalSlack, stores: Stores, clock: Clock, number: int, managed_rotation: bool
) -> None:
    store = stores.installations(slack_url=slack.base_url, managed_rotation=managed_rotation)
    app = due(slack, store, clock, ADMIN)
    for _ in range(number):
        slack.mention(NORTH, "hello", user=ADMIN)
    with both_read_first(store) if number == 2 else contextlib.nullcontext():
        assert app.deliver_at_once() == [200] * number
    assert (app.refreshes(), len(app.heard)) == ([True, True], number), "the bot's token and the person's"
    if managed_rotation:  # Bolt itself goes by the wall clock
        slack.expire_tokens(NORTH)
        clock.advance(LONG)
    assert app.mention(ADMIN), "and what is stored is the pair that lives"


# One event, of somebody who installed for themselves as well


def test_one_event_uses_the_same_refresh_token_twice_in_slack_sdks_store(
    slack: LocalSlack, builtin: Callable[..., Any], clock: Clock, folder: Folder
) -> None:
    app = due(slack, builtin("sqlite"), clock, MEMBER, ADMIN)
    separate(folder, MEMBER)
    assert not app.mention(MEMBER)
    assert app.refreshes() == [True, True, False]


@pytest.mark.parametrize("managed_rotation", [True, False])
def test_one_event_uses_each_refresh_token_once(
    slack: LocalSlack, stores: Stores, clock: Clock, managed_rotation: bool
) -> None:
    store = stores.installations(slack_url=slack.base_url, managed_rotation=managed_rotation)
    app = due(slack, store, clock, MEMBER, ADMIN)
    assert app.mention(MEMBER)
    whose = 3 if managed_rotation else 2  # the bot's token, the member's, and ours refreshes the admin's as well
    assert app.refreshes() == [True] * whose
    assert app.mention(MEMBER)
    assert len(app.refreshes()) == whose
    assert app.mention(ADMIN)
    assert app.refreshes() == [True] * 3


# The token of the user who installed, while somebody else is served


def test_somebody_elses_event_erases_the_installers_token_in_slack_sdks_store(
    slack: LocalSlack, builtin: Callable[..., Any], clock: Clock
) -> None:
    store = builtin("file")
    app = due(slack, store, clock, ADMIN)
    assert app.mention(MEMBER)
    found = store.find_installation(**ids, user_id=ADMIN)
    assert (found.user_token, found.user_refresh_token) == (None, None)


@pytest.mark.parametrize("managed_rotation", [False, True])
def test_somebody_elses_event_leaves_the_installers_token(
    slack: LocalSlack, stores: Stores, clock: Clock, managed_rotation: bool
) -> None:
    store = stores.installations(slack_url=slack.base_url, managed_rotation=managed_rotation)
    app = due(slack, store, clock, ADMIN)
    before = store.find_bot(**ids).bot_token if not managed_rotation else ""
    assert app.mention(MEMBER)
    found = store.find_installation(**ids, user_id=ADMIN)
    assert found.user_token.startswith("xoxe.xoxp-1-")
    assert found.bot_token != before
    assert app.mention(ADMIN), "and it works"
    assert all(app.refreshes())


# What Bolt makes of what it is told


def test_after_a_refused_refresh_bolt_takes_the_app_for_not_installed(
    slack: LocalSlack, managed: Any, clock: Clock
) -> None:
    app = due(slack, managed, clock, ADMIN)
    slack.invalidate_refresh_tokens(NORTH)
    assert app.mention(ADMIN), "the token lives"
    clock.advance(LONG)
    slack.mention(NORTH, "hello", user=ADMIN)
    assert (app.deliver(), app.refreshes(), len(app.heard)) == ([200], [False, False], 1)


def test_while_slack_fails_after_the_tokens_end_bolt_fails_too_so_that_the_event_comes_again(
    slack: LocalSlack, managed: Any, clock: Clock
) -> None:
    app = due(slack, managed, clock, ADMIN)
    clock.advance(LONG)
    slack.fault(Fault("oauth.v2.access", "html500", times=-1))
    slack.mention(NORTH, "hello", user=ADMIN)
    (body,) = app.events()
    assert (app.take(body).status, app.heard) == (500, [])
    slack.clear_faults()
    assert (app.take(body).status, app.heard) == (200, [ADMIN])


# Scopes


def test_slack_sdks_store_splits_scopes_into_letters(
    slack: LocalSlack, builtin: Callable[..., Any], clock: Clock, folder: Folder
) -> None:
    store = builtin("sqlite")
    app = due(slack, store, clock, MEMBER, ADMIN)
    separate(folder, MEMBER)
    assert store.find_installation(**ids, user_id=MEMBER).bot_scopes == "app_mentions:read,chat:write"
    app.mention(MEMBER)
    saved = builtin_rows(folder, "SELECT bot_scopes FROM slack_installations ORDER BY id DESC LIMIT 1")
    assert saved[0][0].startswith("a,p,p,_,m,e,n,t,i,o,n,s,")


@pytest.mark.parametrize("managed_rotation", [False, True])
def test_this_store_returns_the_saved_scopes(
    slack: LocalSlack, stores: Stores, clock: Clock, folder: Folder, managed_rotation: bool
) -> None:
    store = stores.installations(slack_url=slack.base_url, managed_rotation=managed_rotation)
    slack.grace_seconds = 60
    app = due(slack, store, clock, MEMBER, ADMIN)
    assert app.mention(MEMBER)
    assert True in app.refreshes()
    rows = folder.rows("SELECT holder_id, scopes FROM tokens ORDER BY holder_id")
    assert [tuple(row) for row in rows] == [
        ("", "app_mentions:read,chat:write"), (ADMIN, "users:read"), (MEMBER, "users:read"),
    ]  # fmt: skip
    found = store.find_installation(**ids, user_id=MEMBER)
    assert (found.bot_scopes, found.user_scopes) == (["app_mentions:read", "chat:write"], ["users:read"])
