"""Who may is asked before Slack is asked anything but for the code."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.host.model import HostRole
from slackapp.host.store import organizations, switches
from slackapp.model import SCHEDULER
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME, ANN, NOW, add_member
from tests.support.connecting import Person, ann, form_token, led_to, make_host_world, told
from tests.support.world import NORTH, SOUTH, World

GIVEN_BACK = ["apps.uninstall"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        yield made


def db_of(world: World) -> Any:
    return world.service.app.db


def _fill(world: World) -> None:
    """The one place that the organization has is taken, by a workspace of somebody else's attempt."""
    Person(world, world.browser(), member="ben").connect(SOUTH)
    world.slack.called.clear()


def set_region(world: World) -> None:
    organization = organizations.find(db_of(world), ACME)
    assert organization is not None
    organizations.save(db_of(world), organization._replace(data_region="eu"), NOW)


CHANGES: dict[str, tuple[Callable[[World], object], str]] = {
    "switched off": (lambda world: switches.disable(db_of(world), ACME, SCHEDULER, NOW), "not_confirmed"),
    "removed": (lambda world: organizations.begin_removal(db_of(world), ACME, NOW), "not_confirmed"),
    "of another region": (set_region, "region_mismatch"),
    "fewer rights": (lambda world: add_member(db_of(world), ACME, ANN, HostRole.AUDITOR, NOW + 1), "not_confirmed"),
}


@pytest.mark.claim("C-192")
@pytest.mark.parametrize("change", [*CHANGES, "full"])
@pytest.mark.parametrize("way", ["api", "page"])
def test_back_from_slack_nothing_is_asked_but_for_the_code(world: World, way: str, change: str) -> None:
    person = ann(world)
    if way == "page":
        person.sign_in()
        approved = person.approve(led_to(person.begin_on_page()))
    else:
        approved = person.approve(person.begin().authorize_url)
    told_as = do(world, change)
    assert told(person.come_back(approved).location) == {"status": "error", "error": told_as}
    assert world.calls() == ["oauth.v2.access", *GIVEN_BACK]
    assert (person.statuses()[0], live_tokens(world, NORTH)) == ("failed", [])


@pytest.mark.claim("C-192")
@pytest.mark.parametrize("change", [change for change in [*CHANGES, "full"] if change != "fewer rights"])
def test_the_button_asks_slack_nothing_for_who_may_not(world: World, change: str) -> None:
    """A role that has fallen ends the session, and no button is pressed any more."""
    person = ann(world)
    person.come_back(person.approve(person.begin().authorize_url))
    person.sign_in()
    token = form_token(person.browser.get("/settings/connect"))
    told_as = do(world, change)
    world.slack.called.clear()
    done = person.post("/settings/connect", {"form_token": token, "step": "confirm"})
    assert told(led_to(done)) == {"status": "error", "error": told_as}
    assert (world.calls(), person.statuses()[0]) == (GIVEN_BACK, "failed")


def do(world: World, change: str) -> str:
    """Changes it; what the host is told then."""
    if change == "full":
        _fill(world)
        return "workspace_limit_reached"
    act, told_as = CHANGES[change]
    with db_of(world).transaction():
        act(world)
    return told_as
