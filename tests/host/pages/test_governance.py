"""The pages of reviews, and of what an owner stops: in every state words and a next step, for each role its own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.flows import change_connection
from slackapp.host.model import HostRole
from slackapp.host.rows import ConnectionSettings
from tests.host.pages.test_settings import ADMIN, AUDITOR, MEMBER, OWNER, SCOPES, connected, forms, of_role
from tests.support.callback_world import nothing_happens
from tests.support.client import Reply
from tests.support.connecting import Person, make_host_world
from tests.support.world import World

REVIEWS, FREEZE, ALL = "/settings/reviews", "/settings/freeze", "/settings/integrations"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=SCOPES, SLACKAPP_HOST_WORKSPACES="9") as made:
        yield made


def act(person: Person, path: str, **fields: str) -> Reply:
    return person.post(path, {"form_token": forms(person), **fields})


@pytest.mark.claim("C-235", "C-236")
def test_a_review_is_opened_answered_and_closed_on_its_page(world: World) -> None:
    _, workspace = connected(world)
    connection = workspace.rpartition("/")[2]
    people = {role: of_role(world, role) for role in HostRole}
    owner, admin = people[OWNER], people[ADMIN]
    for role, person in people.items():
        assert (person.browser.get(REVIEWS).status == 200) is (role is not MEMBER), role
        assert ('href="/settings/reviews"' in person.browser.get(ALL).text) is (role is not MEMBER)
        if role in (MEMBER, AUDITOR):
            with nothing_happens(world):
                assert act(person, REVIEWS, step="open", days="7").status == 403
    assert "Nobody has reviewed yet what is connected." in owner.browser.get(REVIEWS).text
    assert act(admin, REVIEWS, step="open", days="5").status == 400
    opened = act(admin, REVIEWS, step="open", days="7")
    path = opened.location.removeprefix("http://localhost:3000")
    assert (opened.status, path.startswith(f"{REVIEWS}/")) == (303, True)
    assert "Begin a review" not in owner.browser.get(REVIEWS).text
    page = owner.browser.get(path).text
    assert "1 of 1 wait for an answer" in page
    assert "It is needed</button>" in page
    auditors = people[AUDITOR].browser.get(path).text
    assert ("Waits" in auditors, "<form" in auditors, "1 of 1 wait" in auditors) == (False, False, True)
    said = {"connection": connection, "note": "posts <our> releases"}
    for role in (MEMBER, AUDITOR):
        with nothing_happens(world):
            assert act(people[role], path, step="attest", **said).status == 403
            assert act(people[role], path, step="close_now").status == 403
    assert people[MEMBER].browser.get(path).status == 403
    for note in ("", "x" * 201):
        assert act(owner, path, **{**said, "step": "attest", "note": note}).status == 400
    assert act(owner, path, **{**said, "step": "nonsense"}).status == 400
    asked = act(owner, path, step="close").text
    assert ("Close the review?" in asked, "1 connection has no answer" in asked) == (True, True)
    assert act(owner, path, step="close_now").status == 303
    page = owner.browser.get(path).text
    assert "1 without an answer are suspended until somebody says that they are needed." in page
    assert "Suspended after a review" in page
    assert act(owner, path, step="attest", **said).status == 303
    page = owner.browser.get(path).text
    assert ("posts &lt;our&gt; releases" in page, "Needed</span>" in page, "The-Owner" in page) == (True, True, True)
    assert "It is needed</button>" not in page
    assert "Connected" in owner.browser.get(workspace).text
    second = act(owner, REVIEWS, step="open", days="30").location.removeprefix("http://localhost:3000")
    asked = act(admin, second, step="revoke", **said).text
    assert ("This cannot be undone." in asked, "Disconnect and erase" in asked) == (True, True)
    assert re.findall(r'name="note" value="([^"]*)"', asked) == ["posts &lt;our&gt; releases"]
    assert world.slack.installed != []
    assert act(admin, second, step="revoke_now", **said).status == 303
    assert world.slack.installed == []
    page = owner.browser.get(second).text
    assert ("Every connection has its answer." in page, "Disconnected</span>" in page) == (True, True)
    assert act(owner, second, step="close").status == 303


@pytest.mark.claim("C-235", "C-236")
def test_an_owner_stops_all_use_and_ends_that(world: World) -> None:
    _, workspace = connected(world)
    people = {role: of_role(world, role) for role in HostRole}
    owner = people[OWNER]
    assert "Stop all use of Slack" in owner.browser.get(ALL).text
    for role in (ADMIN, MEMBER, AUDITOR):
        assert "Stop all use of Slack" not in people[role].browser.get(ALL).text
        assert people[role].browser.get(FREEZE).status == 403
        with nothing_happens(world):
            assert act(people[role], FREEZE, step="freeze").status == 403
    assert "For an emergency" in owner.browser.get(FREEZE).text
    assert act(owner, FREEZE, step="nonsense").status == 400
    assert act(owner, FREEZE, step="freeze").status == 303
    for role, person in people.items():
        page = person.browser.get(ALL).text
        assert "All use of Slack is stopped for your organization, until an owner ends that." in page
        assert ("Use Slack again" in page) is (role is OWNER)
    assert "Stopped" in owner.browser.get(workspace).text
    assert "Use Slack again?" in owner.browser.get(FREEZE).text
    assert act(owner, FREEZE, step="lift").status == 303
    assert "Stop all use of Slack" in owner.browser.get(ALL).text
    assert "It works" in owner.browser.get(workspace).text


def test_what_nobody_answers_for_says_until_when_and_is_taken_over(world: World) -> None:
    person, workspace = connected(world)
    app, admin = world.service.app, of_role(world, ADMIN)
    with app.db.transaction():
        nobody = ConnectionSettings("nobody", "alerts", default_channel_id="C0GENERAL01")
        assert change_connection.configure(app.db, person.held(), nobody, world.clock())
    page = admin.browser.get(workspace).text
    assert "nobody answers for it" in page
    assert "in 14 days" in page
    assert act(admin, workspace, step="take_over").status == 303
    page = admin.browser.get(workspace).text
    assert ("nobody answers for it" in page, "the-admin" in page.casefold()) == (False, True)
