"""A host key that is retired takes with it all that was opened under it, wherever that was killed in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host import keys
from slackapp.host.flows import change_host_key
from slackapp.model import Actor, ActorKind
from tests.host.keys import KEY_ID, write_keys
from tests.support.callback_world import live_tokens
from tests.support.connecting import Person, ann, eve, led_to, make_host_world, run_upkeep, told
from tests.support.world import NORTH, SOUTH, World

OPERATOR = Actor(ActorKind.OPERATOR, "r1")
NEXT = {"4e5f6a7b": "n" * 43}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        write_keys(tmp_path, **{KEY_ID: "k" * 43}, **NEXT)
        yield made


def retire(world: World, killed: bool) -> None:
    """The key is retired; or the process ends when the file is written, before the database knows of it."""
    if killed:
        keys.retire_host_key(world.settings, KEY_ID)
    else:
        change_host_key.retire(world.service.app, KEY_ID, OPERATOR, world.clock())


def ended(world: World, person: Person) -> bool:
    """Nothing of it is active, waits, or lives at Slack."""
    run_upkeep(world)
    return (person.statuses(), live_tokens(world, NORTH), world.status()) == (["failed"], [], "")


KILLED = pytest.mark.parametrize("killed", [False, True], ids=["retired", "killed"])


@pytest.mark.claim("C-196")
@KILLED
def test_what_was_begun_on_the_page_does_not_become_active(world: World, killed: bool) -> None:
    """I have copied the key, opened a session, and am on Slack's page when you take it out."""
    person = ann(world)
    person.sign_in()
    approved = person.approve(led_to(person.begin_on_page()))
    retire(world, killed)
    assert told(person.come_back(approved).location) == {"status": "error", "error": "invalid_state"}
    world.clock.advance(world.settings.state_ttl + 1)
    assert ended(world, person)
    assert world.calls() == []


@pytest.mark.claim("C-196")
@KILLED
@pytest.mark.parametrize("when", ["begun", "waits", "shown"])
def test_what_was_begun_by_api_does_not_either(world: World, killed: bool, when: str) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    if when != "begun":
        person.come_back(approved)
        person.sign_in()
    if when == "shown":
        person.browser.get("/settings/connect")
    retire(world, killed)
    if when == "begun":
        assert told(person.come_back(approved).location) == {"status": "error", "error": "invalid_state"}
    else:
        assert person.browser.get("/settings/connect").status == 401
    world.clock.advance(world.settings.state_ttl + 1 if killed or when == "begun" else 1)
    assert ended(world, person)


@pytest.mark.claim("C-196")
@KILLED
def test_a_session_under_the_next_key_does_not_confirm_what_the_old_one_began(world: World, killed: bool) -> None:
    person = ann(world)
    person.come_back(person.approve(person.begin().authorize_url))
    retire(world, killed)
    person.sign_in(key_id=next(iter(NEXT)))
    if killed:
        assert person.browser.get("/settings/connect").status == 200
        assert told(led_to(person.press("confirm"))) == {"status": "error", "error": "not_confirmed"}
    else:
        world.clock.advance(1)
        assert person.browser.get("/settings/connect").status == 403
    assert ended(world, person)


@pytest.mark.claim("C-196")
def test_what_another_key_has_begun_goes_on(world: World) -> None:
    person = ann(world)
    person.come_back(person.approve(person.begin().authorize_url))
    change_host_key.retire(world.service.app, next(iter(NEXT)), OPERATOR, world.clock())
    person.sign_in()
    assert told(led_to(person.press("confirm")))["status"] == "success"


@pytest.mark.claim("C-196")
def test_all_that_waits_ends_and_what_serves_goes_on(world: World) -> None:
    """What waits for its confirmation stays in the list until it is given back: that has an end all the same."""
    person, other = ann(world), eve(world)
    other.connect(SOUTH)
    for _ in range(3):
        person.come_back(person.approve(person.begin().authorize_url))
    assert change_host_key.retire(world.service.app, KEY_ID, OPERATOR, world.clock()) == 5
    world.clock.advance(1)
    run_upkeep(world)
    assert (person.statuses(), live_tokens(world, NORTH)) == (["failed"] * 3, [])
    assert (other.statuses(), len(live_tokens(world, SOUTH))) == (["active"], 1)
