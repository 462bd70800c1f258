"""Sessions of the pages and the confirming page: one ticket, one browser, one member, one button."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.flows.connect import open_session
from slackapp.host.model import HostRole
from slackapp.host.rows import Purpose
from slackapp.host.store import purposes, quarantines, sessions
from slackapp.localslack.model import Fault
from tests.support.callback_world import live_tokens, nothing_happens
from tests.support.connected import ACME, ANN, NOW, add_member, login
from tests.support.connecting import (
    HOST_URL,
    OURS,
    Person,
    ann,
    eve,
    form_token,
    led_to,
    make_host_world,
    run_upkeep,
    told,
)
from tests.support.world import NORTH, World

EVIL = "https://evil.example"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        yield made


def ticket(world: World) -> dict[str, str]:
    """A ticket for Ann, in a form."""
    return {"ticket": open_session.issue_ticket(world.service.app, login(), world.clock())}


def waiting(world: World) -> Person:
    """Ann, in whose browser a grant waits, and who is signed in."""
    person = ann(world)
    person.come_back(person.approve(person.begin().authorize_url))
    person.sign_in()
    return person


# The session


@pytest.mark.claim("C-145")
@pytest.mark.parametrize("origin", ["", "null", EVIL, OURS, HOST_URL + "/", "http://localhost:40001"])
def test_a_session_is_opened_from_the_hosts_own_page_alone(world: World, origin: str) -> None:
    fields, person = ticket(world), ann(world)
    with nothing_happens(world):
        assert person.post("/settings/session", fields, origin).status == 403
    assert person.browser.cookies == {}
    assert person.post("/settings/session", fields, HOST_URL).status == 303


@pytest.mark.claim("C-165")
def test_a_ticket_works_once_and_for_a_minute(world: World) -> None:
    fields = ticket(world)
    assert ann(world).post("/settings/session", fields, HOST_URL).status == 303
    assert ann(world).post("/settings/session", fields, HOST_URL).status == 401
    late = ticket(world)
    world.clock.advance(sessions.TICKET_SECONDS + 1)
    for wrong in (late, {"ticket": "x"}, {"other": "x"}):
        assert ann(world).post("/settings/session", wrong, HOST_URL).status == 401
    assert world.count("host_sessions") == 1


@pytest.mark.claim("C-165")
def test_without_a_session_there_is_no_page(world: World) -> None:
    person = ann(world)
    assert person.browser.get("/settings/connect").status == 401
    assert person.post("/settings/connect", {"step": "begin"}).status == 401
    person.sign_in()
    assert person.browser.get("/settings/connect").status == 200
    world.clock.advance(sessions.IDLE_SECONDS + 61)
    assert person.browser.get("/settings/connect").status == 401


@pytest.mark.claim("C-165")
def test_a_session_lasts_while_it_is_used_and_eight_hours_at_most(world: World) -> None:
    person = ann(world)
    person.sign_in()
    for _ in range(16):
        world.clock.advance(sessions.IDLE_SECONDS - 1)
        assert person.browser.get("/settings/connect").status == 200
    world.clock.advance(sessions.SESSION_SECONDS - 16 * (sessions.IDLE_SECONDS - 1) + 1)
    assert person.browser.get("/settings/connect").status == 401


def test_the_cookie_is_for_this_site_and_no_script(world: World) -> None:
    opened = ann(world).sign_in()
    value = opened.headers["set-cookie"]
    assert value.startswith("slackapp_session=")
    assert value.endswith("; Path=/; Max-Age=28800; HttpOnly; SameSite=Lax")


def test_over_https_the_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    from slackapp.checks.browser_binding import set_cookie

    assert set_cookie("x", True, 5, "session") == (
        "__Host-slackapp_session=x; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure"
    )


def test_what_is_no_form_is_refused(world: World) -> None:
    person = ann(world)
    headers = {"Origin": HOST_URL, "Content-Type": "application/json"}
    assert world.request("POST", "/settings/session", b"{}", headers).status == 415
    assert person.browser.cookies == {}


# The page


def test_the_page_names_what_is_connected_and_for_whom(world: World) -> None:
    db = world.service.app.db
    with db.transaction():
        purposes.save(db, ACME, Purpose("alerts", "Deployment <alerts>"), NOW)
    person = ann(world)
    person.come_back(person.approve(person.begin(purpose="alerts").authorize_url))
    person.sign_in()
    page = person.browser.get("/settings/connect")
    for name in ("Northwind", "Acme", "Deployment &lt;alerts&gt;"):
        assert name in page.text
    said = "<li><code>chat:write</code>: to send messages (used to <code>post</code>, <code>behaviour</code>)</li>"
    assert said in page.text
    assert page.text.count("<form") == 1
    assert "<script" not in page.text


def test_forms_go_to_ourselves_and_name_our_site(world: World) -> None:
    person = waiting(world)
    page = person.browser.get("/settings/connect")
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "same-origin"
    done = person.press("confirm")
    assert (done.status, "location" in done.headers) == (200, False)
    assert done.headers["referrer-policy"] == "no-referrer"


@pytest.mark.claim("C-145")
@pytest.mark.parametrize("origin", ["", "null", EVIL, HOST_URL])
def test_the_button_is_pressed_on_our_own_page_alone(world: World, origin: str) -> None:
    person = waiting(world)
    fields = {"form_token": form_token(person.browser.get("/settings/connect")), "step": "confirm"}
    assert person.post("/settings/connect", fields, origin).status == 403
    assert person.statuses() == ["quarantined"]


@pytest.mark.claim("C-166")
def test_a_form_of_another_session_presses_nothing(world: World) -> None:
    person, other = waiting(world), eve(world)
    other.sign_in()
    for token in ("", "x", "é", form_token(other.browser.get("/settings/connect"))):
        assert person.post("/settings/connect", {"form_token": token, "step": "confirm"}).status == 403
    assert person.post("/settings/connect", {"step": "confirm"}).status == 403
    assert person.statuses() == ["quarantined"]


def test_a_form_that_says_nothing_does_nothing(world: World) -> None:
    person = waiting(world)
    assert person.press("other").status == 400
    assert person.statuses() == ["quarantined"]


@pytest.mark.claim("C-171")
def test_a_grant_waits_for_ten_minutes(world: World) -> None:
    person = waiting(world)
    page = person.browser.get("/settings/connect")
    world.clock.advance(quarantines.LIFETIME + 1)
    done = person.post("/settings/connect", {"form_token": form_token(page), "step": "confirm"})
    assert (done.status, person.statuses(), live_tokens(world, NORTH)) == (403, ["failed"], [])


@pytest.mark.claim("C-167")
def test_a_session_that_ended_since_the_page_confirms_nothing(world: World) -> None:
    person = waiting(world)
    page = person.browser.get("/settings/connect")
    db = world.service.app.db
    with db.transaction():
        add_member(db, ACME, ANN, HostRole.AUDITOR, NOW + 1)
    done = person.post("/settings/connect", {"form_token": form_token(page), "step": "confirm"})
    assert (done.status, person.statuses()) == (401, ["quarantined"])


@pytest.mark.claim("C-167")
def test_a_session_that_ends_while_slack_is_asked_confirms_nothing(world: World) -> None:
    person = waiting(world)
    db, probe = world.service.app.db, world.slack.probe
    assert probe is not None

    def watching(method: str) -> None:
        probe(method)
        if method == "auth.test":
            with db.transaction():
                sessions.end_of_member(db, ACME, ANN)

    world.slack.probe = watching
    assert told(led_to(person.press("confirm"))) == {"status": "error", "error": "not_confirmed"}
    assert (person.statuses(), world.count("installations"), live_tokens(world, NORTH)) == (["failed"], 0, [])


def test_a_button_that_is_pressed_twice_at_once_connects_once(world: World) -> None:
    """The second comes while the first asks Slack; it shows what the first has done, and gives nothing back."""
    person = waiting(world)
    page = person.browser.get("/settings/connect")
    fields = {"form_token": form_token(page), "step": "confirm"}
    replies, probe = [], world.slack.probe
    assert probe is not None

    def watching(method: str) -> None:
        probe(method)
        if method == "auth.test" and not replies:
            replies.append(None)
            replies.append(Person(world, person.browser).post("/settings/connect", fields))

    world.slack.probe = watching
    last = person.post("/settings/connect", fields)
    for reply in (last, replies[1]):
        assert reply is not None
        assert told(led_to(reply))["status"] == "success"
    assert (person.statuses(), world.calls("apps.uninstall"), world.calls("auth.revoke")) == (["active"], [], [])
    assert len(live_tokens(world, NORTH)) == 1


def test_a_slack_that_is_down_leaves_the_button_where_it_is(world: World) -> None:
    person = waiting(world)
    world.slack.fault(Fault("auth.test", "html500"))
    assert person.press("confirm").status == 503
    assert person.statuses() == ["quarantined"]
    assert "status=success" in led_to(person.press("confirm"))


@pytest.mark.claim("C-158")
def test_each_look_at_the_grant_is_in_the_audit(world: World) -> None:
    person = waiting(world)
    person.browser.get("/settings/connect")
    person.browser.get("/settings/connect")
    assert [row["connection"] for row in world.facts("grant.read")] == [person.all()[0]["id"]] * 2


def test_the_domain_of_the_workspace_is_as_slack_says(world: World) -> None:
    held = ann(world).connect()
    assert held.team_domain
    assert held.team_name == "Northwind"
    assert held.token_vault_key == f"slack-token-{held.id}"
    run_upkeep(world)
