"""Installs of one tenant beside each other: what is stored at the end works at Slack, in whatever order they end.

Slack keeps two rotating access tokens alive: two further installs end the pair of a third one. Here they come in at one
moment of it, whole, from within its call to Slack; so the order is always the same.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from slackapp.localslack.model import Fault
from slackapp.model import Secret, SlackResponse
from tests.support.callback_world import approved, live_tokens, only, opened, outcome, state_outcomes, token
from tests.support.world import NORTH, World, make_world, north_tenant

EXCHANGE, ASK = "oauth.v2.access", "auth.test"
USERS = {"SLACKAPP_USER_SCOPES": "emoji:read"}


class InterleavingSlack:
    """The client, which once lets something happen after a call was answered, before the answer is handed on."""

    def __init__(self, slack: Any, method: str, happens: Callable[[], None]) -> None:
        self._slack, self._method, self._happens = slack, method, [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._slack, name)

    def call(self, method: str, token: Secret, params: Mapping[str, Any]) -> SlackResponse:
        return self._after(method, self._slack.call(method, token, params))

    def call_as_app(self, method: str, params: Mapping[str, Any]) -> SlackResponse:
        return self._after(method, self._slack.call_as_app(method, params))

    def _after(self, method: str, answer: SlackResponse) -> SlackResponse:
        if method == self._method and self._happens:
            self._happens.pop()()
        return answer


def between(world: World, method: str, *users: str) -> None:
    """So many installs, one after the other, come in after the next call of that method."""

    def install() -> None:
        for user in users:
            assert world.browser().install(NORTH, user).status == 303

    world.replace_parts(slack=InterleavingSlack(world.service.app.slack, method, install))


def assert_lives(world: World, user_id: str = "") -> None:
    """Slack takes the access token that is stored, as it is: nothing rests on what a refresh token may still do."""
    assert opened(world, north_tenant(), user_id)[0] in live_tokens(world)


@pytest.mark.claim("C-13")
@pytest.mark.claim("C-87")
def test_an_install_that_is_overtaken_leaves_the_pair_that_works(world: World) -> None:
    """Held up between Slack's answer and the commit, while two others come and go."""
    way = approved(world, user="member")
    between(world, EXCHANGE, "admin", "guest")
    assert way.finish().status == 303, "whoever installed sees that it worked"
    assert len(world.calls("auth.revoke")) == 1, "what is not kept is given back"
    assert_lives(world)
    assert (token(world, north_tenant())["generation"], state_outcomes(world)) == (2, ["installed"] * 3)
    assert (world.status(), only(world, "SELECT installer_id FROM installations")["installer_id"][-3:]) == (
        "active", "MEM",
    )  # fmt: skip
    world.mention()
    world.work()
    assert (world.slack.calls[-1].method, world.slack.calls[-1].ok) == ("chat.postMessage", True)


@pytest.mark.claim("C-87")
def test_an_install_that_is_overtaken_after_it_asked_asks_again(world: World) -> None:
    assert world.browser().install().status == 303
    way = approved(world, user="member")
    between(world, ASK, "admin", "guest")
    assert way.finish().status == 303
    assert_lives(world)
    assert token(world, north_tenant())["generation"] == 3, "the stored one stays"


def test_a_reinstall_alone_asks_once_and_replaces(world: World) -> None:
    assert world.browser().install().status == 303
    before, calls = opened(world, north_tenant()), len(world.calls())
    assert world.browser().install().status == 303
    assert world.calls()[calls:] == [EXCHANGE, ASK]
    assert opened(world, north_tenant()) != before
    assert_lives(world)


@pytest.mark.parametrize("dead", [True, False], ids=["the stored one is dead", "nothing is stored"])
def test_an_install_without_a_stored_pair_makes_no_auth_test(world: World, dead: bool) -> None:
    if dead:
        assert world.browser().install().status == 303
        world.slack.uninstall(NORTH)
        world.mention()
        world.work()
        assert token(world, north_tenant())["status"] == "dead"
    calls = len(world.calls())
    assert world.browser().install().status == 303
    assert world.calls()[calls:] == [EXCHANGE]
    assert_lives(world)


def test_where_slack_takes_neither_pair_the_new_one_is_stored(world: World) -> None:
    """Its refresh token was never tried."""
    assert world.browser().install().status == 303
    way = approved(world)
    world.slack.fault(Fault(ASK, "error", error="token_revoked", times=2))
    world.slack.invalidate_refresh_tokens(NORTH)
    assert way.finish().status == 303
    assert token(world, north_tenant())["generation"] >= 2
    assert world.status() == "active"
    assert_lives(world)


@pytest.mark.parametrize("fault", [Fault(ASK, "html500"), Fault(ASK, "ratelimited", retry_after=5)])
def test_a_slack_that_cannot_say_leaves_what_is_stored_and_gets_the_new_one_back(world: World, fault: Fault) -> None:
    assert world.browser().install().status == 303
    before, way = opened(world, north_tenant()), approved(world)
    world.slack.fault(fault)
    reply = way.finish()
    assert (reply.status, reply.headers["retry-after"], outcome(world)) == (503, "5", "slack_unreachable")
    assert (opened(world, north_tenant()), live_tokens(world)) == (before, [before[0]])


@pytest.mark.claim("C-87")
def test_a_pair_of_a_user_is_judged_by_itself(tmp_path: Path) -> None:
    """The bot's is overtaken by two others; the user's own is not."""
    with make_world(tmp_path, **USERS) as world:
        way = approved(world, user="member")
        between(world, EXCHANGE, "admin", "guest")
        assert way.finish().status == 303
        assert_lives(world)
        people = [row["holder_id"] for row in world.rows("SELECT holder_id FROM tokens WHERE holder_id <> ''")]
        assert len(people) == 3, "each person's own is stored"
        for person in people:
            assert_lives(world, person)


@pytest.mark.claim("C-87")
def test_a_user_who_installs_three_times_at_once_keeps_one_that_works(tmp_path: Path) -> None:
    with make_world(tmp_path, **USERS) as world:
        way = approved(world, user="member")
        between(world, EXCHANGE, "member", "member")
        assert way.finish().status == 303
        (person,) = [row["holder_id"] for row in world.rows("SELECT holder_id FROM tokens WHERE holder_id <> ''")]
        assert_lives(world)
        assert_lives(world, person)


def test_tokens_that_do_not_rotate_are_one_and_the_same_and_nobody_is_asked(tmp_path: Path) -> None:
    with make_world(tmp_path, rotation=False, **USERS) as world:
        way = approved(world, user="member")
        between(world, EXCHANGE, "admin", "member")
        assert way.finish().status == 303
        assert ASK not in world.calls()
        assert_lives(world)
        for row in world.rows("SELECT holder_id FROM tokens WHERE holder_id <> ''"):
            assert_lives(world, row["holder_id"])


@pytest.mark.claim("C-87")
def test_an_install_beside_an_uninstall_begins_anew(world: World) -> None:
    """The tenant is erased between the question and the commit."""
    assert world.browser().install().status == 303
    way = approved(world)

    def erase() -> None:
        world.event({"type": "app_uninstalled"}, "EvGone", event_time=world.clock.now + 301)

    world.replace_parts(slack=InterleavingSlack(world.service.app.slack, ASK, erase))
    assert way.finish().status == 303
    assert (world.status(), token(world, north_tenant())["generation"]) == ("active", 1)
    assert_lives(world)
