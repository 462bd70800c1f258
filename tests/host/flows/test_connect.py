"""A workspace is connected, on the page and by API, and what the host is told of it."""

from pathlib import Path

import pytest

from tests.support.connecting import COMPLETE, HOST_URL, ann, led_to, make_host_world, told
from tests.support.world import NORTH, World


@pytest.fixture(params=[True, False], ids=["rotating", "long-lived"])
def world(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    with make_host_world(tmp_path, request.param) as made:
        yield made


def test_by_api_it_waits_for_the_members_own_login_and_one_button(world: World) -> None:
    person = ann(world)
    begun = person.begin(metadata={"returnUrl": "/apps?tab=slack"})
    back = person.come_back(person.approve(begun.authorize_url))
    assert (back.status, back.location) == (302, COMPLETE)
    assert (person.statuses(), world.count("installations")) == (["quarantined"], 0)
    opened = person.sign_in()
    assert (opened.status, opened.location) == (303, "http://localhost:3000/settings")
    assert person.browser.get("/settings").location == "http://localhost:3000/settings/connect"
    page = person.browser.get("/settings/connect")
    assert "North" in page.text
    assert "Acme" in page.text
    done = person.press("confirm")
    assert led_to(done).startswith(f"{HOST_URL}/apps?tab=slack&status=success&workspace=")
    assert (person.statuses(), world.status()) == (["active"], "active")
    assert world.count("quarantines") == 0


def test_on_the_page_it_is_active_when_the_browser_is_back(world: World) -> None:
    person = ann(world)
    person.sign_in()
    to_slack = led_to(person.begin_on_page())
    back = person.come_back(person.approve(to_slack))
    assert told(back.location)["status"] == "success"
    assert (person.statuses(), world.status()) == (["active"], "active")
    assert person.held(NORTH).installed_by_slack_user_id
