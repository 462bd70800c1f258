"""Of what is given back each token is judged by itself; and what must wait, waits for so long, and holds up nobody."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slackapp.flows.removal import uninstall_tenant
from slackapp.host.store import quarantines
from slackapp.model import SCHEDULER
from tests.support.connecting import Person, ann, eve, make_host_world, run_upkeep, told
from tests.support.world import NORTH, World, north_tenant

MINUTE = 61


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Tokens do not rotate, so that whoever grants again gets the same."""
    with make_host_world(tmp_path, rotation=False) as made:
        yield made


def approve(person: Person, user: str = "admin", target: str = NORTH) -> str:
    """Somebody approves at Slack, after adding to the address that a token of that person is wanted, too."""
    return person.approve(f"{person.begin().authorize_url}&user_scope=users:read", target, user)


def living(world: World, tenant_id: str = NORTH) -> list[str]:
    """Whose tokens Slack takes."""
    tokens = world.slack.state.tokens.values()
    return sorted(str(each.kind) for each in tokens if each.tenant == tenant_id and not each.dead)


def expire(world: World) -> None:
    world.clock.advance(quarantines.LIFETIME + 1)
    run_upkeep(world)


@pytest.mark.claim("C-193")
@pytest.mark.parametrize("how", ["refused", "expired"])
def test_a_persons_token_that_is_stored_nowhere_does_not_stay_alive_beside_a_live_installation(
    world: World, how: str
) -> None:
    """I have a victim grant me more than the app asks for, in a workspace where the app is installed."""
    world.browser().install()
    person = ann(world)
    back = person.come_back(approve(person, user="member" if how == "refused" else "admin"))
    if how == "refused":
        assert told(back.location)["error"] == "installer_not_admin"
    else:
        assert living(world) == ["bot", "user"]
        expire(world)
    assert (living(world), world.status(), person.statuses()) == (["bot"], "active", ["failed"])
    world.mention()
    world.work()
    assert world.slack.messages(NORTH)


@pytest.mark.claim("C-193")
def test_a_persons_token_that_is_in_use_stays(tmp_path: Path) -> None:
    with make_host_world(tmp_path, rotation=False, SLACKAPP_USER_SCOPES="users:read") as world:
        world.browser().install()
        assert living(world) == ["bot", "user"]
        person = ann(world)
        person.come_back(approve(person))
        expire(world)
        assert (living(world), person.statuses()) == (["bot", "user"], ["failed"])
        assert [row["detail"] for row in world.facts("grant.given_back")] == ["left"]


@pytest.mark.claim("C-193")
def test_a_persons_token_that_another_grant_waits_with_stays_for_that_one(world: World) -> None:
    first, second = ann(world), eve(world)
    first.come_back(approve(first))
    world.clock.advance(300)
    second.come_back(approve(second))
    world.clock.advance(301)
    run_upkeep(world)
    assert (living(world), first.statuses()) == (["bot", "user"], ["failed"])
    expire(world)
    assert (living(world), second.statuses(), world.slack.installed) == ([], ["failed"], [])


@pytest.mark.claim("C-193")
def test_another_persons_token_is_not_spared_for_a_grant_that_waits(world: World) -> None:
    first, second = ann(world), eve(world)
    users = world.slack.accounts.users
    users["U0NORTH001MEM"] = replace(users["U0NORTH001MEM"], admin_of=(NORTH,))
    first.come_back(approve(first))
    world.clock.advance(300)
    second.come_back(approve(second, user="member"))
    assert living(world) == ["bot", "user", "user"]
    world.clock.advance(301)
    run_upkeep(world)
    assert (living(world), first.statuses(), second.statuses()) == (["bot", "user"], ["failed"], ["quarantined"])


@pytest.mark.claim("C-193")
def test_where_only_an_ended_connection_is_left_nothing_stays_alive(world: World) -> None:
    """A row of somebody's says that there was something once: no token of it is in use."""
    held = ann(world).connect()
    uninstall_tenant.run(world.service.app, north_tenant(), SCHEDULER, world.clock())
    assert (ann(world).statuses(), living(world)) == (["revoked"], [])
    person = eve(world)
    person.come_back(person.approve(person.begin().authorize_url))
    assert living(world) == ["bot"]
    expire(world)
    assert (living(world), person.statuses()) == ([], ["failed"])
    assert held.id


def exchanging(world: World) -> None:
    """Some exchange is under way, of whomever: at each moment one that has just begun."""
    if not world.rows("SELECT 1 FROM oauth_states WHERE outcome = ''"):
        world.browser().begin()
    with contextlib.closing(sqlite3.connect(world.settings.database)) as database, database:
        database.execute("UPDATE oauth_states SET used_at = ? WHERE outcome = ''", (world.clock(),))


@pytest.mark.claim("C-194")
def test_exchanges_that_never_end_hold_nothing_alive_for_ever(world: World) -> None:
    """I begin one exchange after the other, so that a grant that I could steal is never given back."""
    person = ann(world)
    person.come_back(person.approve(person.begin().authorize_url))
    world.clock.advance(quarantines.LIFETIME + 1)
    seen = []
    for _ in range(7):
        exchanging(world)
        run_upkeep(world)
        seen.append(len(living(world)))
        world.clock.advance(MINUTE)
    assert (seen, person.statuses()) == ([1, 1, 1, 1, 1, 0, 0], ["failed"])
    assert world.calls("apps.uninstall") == [], "this token alone: what is under way may be for the same workspace"
