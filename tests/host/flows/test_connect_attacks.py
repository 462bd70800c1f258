"""Somebody connects for somebody else: nothing of the victim's is ever usable by it, and all is given back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.callback_world import live_tokens
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import (
    BEN,
    COMPLETE,
    RETURN,
    Person,
    ann,
    eve,
    find_dead,
    form_token,
    led_to,
    make_host_world,
    run_upkeep,
    told,
)
from tests.support.world import NORTH, World

MODES = pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])


@pytest.fixture
def world(tmp_path: Path, rotation: bool) -> Iterator[World]:
    with make_host_world(tmp_path, rotation) as made:
        yield made


def nothing_is_eves(world: World, others: int = 0) -> None:
    """No connection of the attacker's holds anything, no grant waits, and Slack takes no token but those of others."""
    rows = world.rows("SELECT status, tenant_id, team_name FROM connections WHERE organization_id = ?", GLOBEX)
    assert {row["status"] for row in rows} <= {"failed", "pending"}
    assert {(row["tenant_id"], row["team_name"]) for row in rows} <= {("", "")}
    assert world.count("quarantines") == 0
    assert len(live_tokens(world, NORTH)) == others


@pytest.mark.claim("C-171")
@MODES
def test_by_api_a_victim_who_approves_an_attackers_link_and_is_logged_in_connects_nothing(world: World) -> None:
    attacker, victim = eve(world), ann(world)
    begun = attacker.begin(metadata={"returnUrl": "/evil"})
    assert victim.come_back(victim.approve(begun.authorize_url)).location == COMPLETE
    assert len(live_tokens(world, NORTH)) == 1
    victim.sign_in()
    page = victim.browser.get("/settings/connect")
    assert (page.status, "form_token" in page.text) == (403, False)
    nothing_is_eves(world)
    assert world.slack.installed == []
    assert "/evil" not in page.text
    assert ACME not in page.text


@pytest.mark.claim("C-171")
@MODES
def test_a_victim_who_presses_the_button_that_it_was_shown_before_connects_nothing(world: World) -> None:
    """The page of another connect is open; its form is sent when the attacker's grant waits in the browser."""
    attacker, victim = eve(world), ann(world)
    victim.sign_in()
    page = victim.browser.get("/settings/connect")
    victim.come_back(victim.approve(attacker.begin().authorize_url))
    done = victim.post("/settings/connect", {"form_token": form_token(page), "step": "confirm"})
    assert done.status == 403
    nothing_is_eves(world)


@pytest.mark.claim("C-171")
@MODES
def test_another_member_of_the_same_organization_does_not_confirm_either(world: World) -> None:
    begun = ann(world).begin()
    ben = Person(world, world.browser(), ACME, BEN)
    ben.come_back(ben.approve(begun.authorize_url))
    ben.sign_in()
    assert ben.browser.get("/settings/connect").status == 403
    assert ben.statuses() == ["failed"]
    assert live_tokens(world, NORTH) == []


@pytest.mark.claim("C-169")
@MODES
def test_on_the_page_a_victim_who_approves_an_attackers_link_connects_nothing(world: World) -> None:
    attacker, victim = eve(world), ann(world)
    attacker.sign_in()
    to_slack = led_to(attacker.begin_on_page())
    victim.sign_in()
    back = victim.come_back(victim.approve(to_slack))
    assert (back.location.partition("?")[0], told(back.location)) == (
        RETURN, {"status": "error", "error": "not_confirmed"}
    )  # fmt: skip
    nothing_is_eves(world)
    assert world.slack.installed == []


@pytest.mark.claim("C-169")
@MODES
def test_the_attackers_own_browser_gets_nothing_of_what_the_victim_approved(world: World) -> None:
    """The attacker opens the callback again, in the session that began, with the same state."""
    attacker, victim = eve(world), ann(world)
    attacker.sign_in()
    to_slack = led_to(attacker.begin_on_page())
    approved = victim.approve(to_slack)
    victim.come_back(approved)
    assert told(attacker.come_back(approved).location) == {"status": "error", "error": "not_confirmed"}
    nothing_is_eves(world)


@pytest.mark.claim("C-171")
@MODES
def test_the_attacker_has_no_cookie_of_the_victims_grant(world: World) -> None:
    attacker, victim = eve(world), ann(world)
    approved = victim.approve(attacker.begin().authorize_url)
    victim.come_back(approved)
    attacker.sign_in()
    assert attacker.come_back(approved).location == COMPLETE
    page = attacker.browser.get("/settings/connect")
    assert "Connect Slack" in page.text
    assert "North" not in page.text
    assert attacker.press("confirm").status == 200
    assert (attacker.statuses(), world.count("installations")) == (["quarantined"], 0)
    world.clock.advance(601)
    run_upkeep(world)
    nothing_is_eves(world)


@pytest.mark.claim("C-164")
@MODES
@pytest.mark.parametrize("status", ["active", "needs_reinstall"])
def test_a_victims_installation_lives_on_where_the_attackers_connect_is_refused(world: World, status: str) -> None:
    """Also one that waits for somebody to install again."""
    victim, attacker = ann(world), eve(world)
    victim.connect()
    if status == "needs_reinstall":
        find_dead(world)
    assert world.status() == status
    before = live_tokens(world, NORTH)
    back = attacker.come_back(attacker.approve(attacker.begin().authorize_url))
    assert told(back.location) == {"status": "error", "error": "workspace_taken"}
    assert (world.status(), world.slack.installed) == (status, [NORTH])
    assert set(before) <= set(live_tokens(world, NORTH))
    assert world.calls("apps.uninstall") == []
    assert victim.statuses() == ["active" if status == "active" else "needs_reconnect"]
    rows = world.rows("SELECT status, tenant_id FROM connections WHERE organization_id = ?", GLOBEX)
    assert [tuple(row) for row in rows] == [("failed", "")]


@pytest.mark.claim("C-170")
@MODES
@pytest.mark.parametrize("user", ["member", "guest"])
def test_who_is_no_admin_of_the_workspace_connects_nothing(world: World, user: str) -> None:
    person = ann(world)
    person.sign_in()
    for to_slack in (person.begin().authorize_url, led_to(person.begin_on_page())):
        back = person.come_back(person.approve(to_slack, user=user))
        assert told(back.location) == {"status": "error", "error": "installer_not_admin"}
    assert person.statuses() == ["failed", "failed"]
    assert (world.count("installations"), live_tokens(world, NORTH)) == (0, [])


@pytest.mark.claim("C-170")
@MODES
def test_a_squatter_on_a_workspace_that_was_installed_publicly_gets_nothing(world: World) -> None:
    """Whoever may be a member there is no admin; and the public install works on, whatever is refused."""
    world.browser().install()
    before = live_tokens(world, NORTH)
    attacker = eve(world)
    back = attacker.come_back(attacker.approve(attacker.begin().authorize_url, user="member"))
    assert told(back.location)["error"] == "installer_not_admin"
    assert (world.status(), set(before) <= set(live_tokens(world, NORTH))) == ("active", True)
    assert world.calls("apps.uninstall") == []
    assert attacker.statuses() == ["failed"]
