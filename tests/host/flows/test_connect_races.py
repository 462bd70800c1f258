"""Connects that come beside one another, without a bot, or too often."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.flows.removal import uninstall_tenant
from slackapp.host.flows.connect import give_back
from slackapp.host.rows import StatusReason
from slackapp.host.store import quarantines
from slackapp.localslack.model import Fault
from slackapp.model import HOST_CALLBACK_PATH, SCHEDULER
from tests.support.callback_world import live_tokens
from tests.support.connecting import ann, eve, led_to, make_host_world, run_upkeep, told
from tests.support.world import NORTH, SOUTH, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        yield made


def during(world: World, method: str, do: Callable[[], object]) -> None:
    """Does something once, while Slack is being asked for that method."""
    probe, done = world.slack.probe, list[str]()
    assert probe is not None

    def watching(called: str) -> None:
        probe(called)
        if called == method and not done:
            done.append(called)
            do()

    world.slack.probe = watching


@pytest.mark.claim("C-151")
def test_of_two_that_wait_for_the_same_workspace_the_first_to_confirm_has_it(world: World) -> None:
    first, second = ann(world), eve(world)
    for person in (first, second):
        person.come_back(person.approve(person.begin().authorize_url))
        person.sign_in()
    assert told(led_to(first.press("confirm")))["status"] == "success"
    assert told(led_to(second.press("confirm"))) == {"status": "error", "error": "workspace_taken"}
    assert (first.statuses(), second.statuses(), world.calls("apps.uninstall")) == (["active"], ["failed"], [])
    assert len(live_tokens(world, NORTH)) == 1


@pytest.mark.claim("C-167")
def test_while_a_grant_of_the_workspace_is_given_back_another_waits(world: World) -> None:
    late, person = eve(world), ann(world)
    late.come_back(late.approve(late.begin().authorize_url))
    world.clock.advance(300)
    person.come_back(person.approve(person.begin().authorize_url))
    person.sign_in()
    world.clock.advance(301)
    replies = []
    during(world, "auth.revoke", lambda: replies.append(person.press("confirm")))
    run_upkeep(world)
    assert [reply.status for reply in replies] == [503]
    assert told(led_to(person.press("confirm")))["status"] == "success"


@pytest.mark.claim("C-164")
def test_two_processes_give_a_grant_back_once(world: World) -> None:
    person = ann(world)
    person.come_back(person.approve(person.begin().authorize_url))
    world.clock.advance(quarantines.LIFETIME + 1)
    found = quarantines.list_expired(world.service.app.db, world.clock(), world.clock.steady())

    def again() -> None:
        give_back.run(world.service.app, found[0], StatusReason.NOT_CONFIRMED, SCHEDULER, now=world.clock())

    during(world, "apps.uninstall", again)
    again()
    assert (world.calls("apps.uninstall"), person.statuses()) == (["apps.uninstall"], ["failed"])


@pytest.mark.claim("C-169")
def test_on_the_page_another_session_of_the_same_member_is_not_the_one_that_began(world: World) -> None:
    person, elsewhere = ann(world), ann(world)
    person.sign_in()
    elsewhere.sign_in()
    to_slack = led_to(person.begin_on_page())
    back = elsewhere.come_back(elsewhere.approve(to_slack))
    assert told(back.location) == {"status": "error", "error": "not_confirmed"}
    assert (person.statuses(), live_tokens(world, NORTH)) == (["failed"], [])


@pytest.mark.claim("C-170")
def test_a_grant_without_a_bot_is_none(world: World) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    gone = dict.fromkeys(("access_token", "token_type", "refresh_token", "expires_in", "bot_user_id", "scope"))
    user = {"id": "U0NORTH001ADM", "access_token": "xoxp-1", "token_type": "user", "scope": "users:read"}
    world.slack.fault(Fault("oauth.v2.access", "patch", patch={**gone, "authed_user": user}))
    assert told(person.come_back(approved).location) == {"status": "error", "error": "invalid_scope"}
    assert world.count("installations") == 0
    world.clock.advance(7200)
    run_upkeep(world)
    assert person.statuses() == ["failed"]


@pytest.mark.claim("C-72")
def test_codes_that_are_made_up_use_up_their_share(world: World) -> None:
    person = ann(world)
    for _ in range(10):
        reply = person.browser.get(f"{HOST_CALLBACK_PATH}?state={person.begin().state}&code=made-up")
        assert told(reply.location)["error"] == "exchange_failed"
    calls = world.calls()
    assert person.browser.get(f"{HOST_CALLBACK_PATH}?state={person.begin().state}&code=made-up").status == 503
    assert world.calls() == calls


@pytest.mark.claim("C-72")
def test_an_address_asks_only_so_often(tmp_path: Path) -> None:
    """Also for what is no refusal: the outcome of a connect, and sessions for good tickets."""
    with make_host_world(tmp_path, SLACKAPP_RATE_PER_MINUTE="10") as world:
        person = ann(world)
        approved = person.approve(person.begin().authorize_url)
        back = [person.come_back(approved).status for _ in range(12)]
        opened = [person.sign_in().status for _ in range(12)]
        assert (back[:10], back[-1], opened[:10], opened[-1]) == ([302] * 10, 429, [303] * 10, 429)


class Killed(BaseException):
    """Stands for a process that is killed there: nothing of ours catches it."""


def kill(*args: object, **named: object) -> None:
    raise Killed


def test_a_kill_before_it_is_given_back_loses_nothing_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url, user="member")
    with monkeypatch.context() as patched:
        patched.setattr(give_back, "run", kill)
        with pytest.raises(Killed):
            person.come_back(approved)
    assert (person.statuses(), len(live_tokens(world, NORTH))) == (["quarantined"], 1)
    world.restart()
    run_upkeep(world)
    assert (person.statuses(), live_tokens(world, NORTH), world.slack.installed) == (["failed"], [], [])


def test_a_kill_while_slack_is_asked_to_remove_it_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = ann(world)
    person.come_back(person.approve(person.begin().authorize_url))
    world.clock.advance(quarantines.LIFETIME + 1)
    with monkeypatch.context() as patched:
        patched.setattr(give_back, "_uninstall", kill)
        with pytest.raises(Killed):
            run_upkeep(world)
    world.restart()
    run_upkeep(world)
    assert person.statuses() == ["quarantined"]  # its lease still stands
    world.clock.advance(61)
    run_upkeep(world)
    assert (person.statuses(), live_tokens(world, NORTH)) == (["failed"], [])


def test_a_kill_after_a_move_to_another_workspace_leaves_the_first_to_the_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = ann(world)
    first = person.connect()
    person.come_back(person.approve(person.begin(reconnect=first.id).authorize_url, SOUTH))
    person.sign_in()
    with monkeypatch.context() as patched:
        patched.setattr(uninstall_tenant, "finish", kill)
        with pytest.raises(Killed):
            person.press("confirm")
    assert (person.held(SOUTH).id, world.status(NORTH), world.status(SOUTH)) == (first.id, "purging", "active")
    world.restart()
    world.clock.advance(61)
    world.work()
    assert (world.status(NORTH), world.slack.installed, live_tokens(world, NORTH)) == ("", [SOUTH], [])


@pytest.mark.claim("C-195")
def test_a_rate_of_slacks_that_another_exchange_has_met_keeps_no_attempt_open(world: World) -> None:
    """While my code is refused, Slack wants no more exchanges of anybody's: my attempt is over all the same."""
    mine, other = ann(world), eve(world)
    approved, others = (each.approve(each.begin().authorize_url) for each in (mine, other))

    def meet_a_limit() -> None:
        world.slack.fault(Fault("oauth.v2.access", "ratelimited", retry_after=30))
        assert other.come_back(others).status == 503

    during(world, "users.info", meet_a_limit)
    world.slack.fault(Fault("users.info", "error", error="user_not_found"))
    assert told(mine.come_back(approved).location) == {"status": "error", "error": "installer_not_admin"}
    assert (mine.statuses(), other.statuses()) == (["failed"], ["pending"])
    world.clock.advance(31)
    assert other.come_back(others).status == 302
    assert other.statuses() == ["quarantined"]


@pytest.mark.claim("C-195")
def test_a_code_that_slack_refuses_beside_somebody_elses_limit_ends_its_attempt(world: World) -> None:
    mine, other = ann(world), eve(world)
    approved, others = (each.approve(each.begin().authorize_url) for each in (mine, other))
    world.slack.fault(Fault("oauth.v2.access", "error", error="invalid_code"))

    def meet_a_limit() -> None:
        world.service.app.cooldowns.start("oauth.v2.access", 30, world.clock())

    during(world, "oauth.v2.access", meet_a_limit)
    assert told(mine.come_back(approved).location) == {"status": "error", "error": "exchange_failed"}
    assert (mine.statuses(), others != approved, other.statuses()) == (["failed"], True, ["pending"])
