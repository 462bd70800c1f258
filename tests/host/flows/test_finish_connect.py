"""The browser is back from Slack: what it must bring, what is told to the host, and what a reload shows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from slackapp.host.flows import change_connection
from slackapp.host.model import HostRole
from slackapp.host.rows import StatusReason
from slackapp.host.store import connections, organizations, sessions, switches
from slackapp.localslack.model import Fault
from slackapp.model import HOST_CALLBACK_PATH, SCHEDULER, Tenant
from tests.support.callback_world import live_tokens, nothing_happens
from tests.support.connected import ACME, ANN, NOW, add_member
from tests.support.connecting import (
    COMPLETE,
    RETURN,
    ann,
    eve,
    form_token,
    led_to,
    make_host_world,
    run_upkeep,
    told,
)
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

MODES = pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])


@pytest.fixture
def rotation() -> bool:
    return True


@pytest.fixture
def world(tmp_path: Path, rotation: bool) -> Iterator[World]:
    with make_host_world(tmp_path, rotation) as made:
        yield made


def callback(world: World, **query: str) -> dict[str, str]:
    """What the host is told of a callback with these parameters."""
    reply = world.request("GET", f"{HOST_CALLBACK_PATH}?{urlencode(query)}")
    assert (reply.status, reply.location.partition("?")[0]) == (302, RETURN)
    return told(reply.location)


INVALID = {"status": "error", "error": "invalid_state"}


@pytest.mark.claim("C-168")
def test_a_state_that_is_none_of_ours_changes_nothing(world: World) -> None:
    begun = ann(world).begin()
    forged = begun.state[:-1] + ("A" if begun.state[-1] != "A" else "B")
    install = world.browser().begin().query["state"]
    with nothing_happens(world):
        for query in ({}, {"state": "x"}, {"state": forged}, {"state": install}):
            assert callback(world, **{"code": "c", **query}) == INVALID
        assert callback(world, state=begun.state) == INVALID
        assert callback(world, state=begun.state, code="c", error="access_denied") == INVALID
        assert callback(world, state=begun.state, code="x" * 513) == INVALID


@pytest.mark.claim("C-168")
def test_a_state_of_ours_installs_nothing_at_the_public_callback(world: World) -> None:
    begun = ann(world).begin()
    browser = world.browser()
    browser.begin()
    reply = browser.get(f"/slack/oauth_redirect?state={quote(begun.state)}&code=c")
    assert (reply.status, world.calls()) == (400, [])


def test_an_expired_state_is_refused_before_slack_is_asked(world: World) -> None:
    person = ann(world)
    begun = person.begin()
    world.clock.advance(world.settings.state_ttl + 1)
    assert callback(world, state=begun.state, code="c") == INVALID
    assert world.calls() == []
    world.clock.advance(1)
    run_upkeep(world)
    assert person.statuses() == ["failed"]
    assert person.all()[0]["oauth_metadata"] is None
    assert callback(world, state=begun.state, code="c") == {"status": "error", "error": "not_confirmed"}


@pytest.mark.parametrize(
    ("error", "told_as"),
    [("access_denied", "access_denied"), ("invalid_scope", "invalid_scope"), ("<b>", "exchange_failed")],
)
def test_an_error_of_slacks_ends_the_attempt(world: World, error: str, told_as: str) -> None:
    person = ann(world)
    begun = person.begin()
    assert callback(world, state=begun.state, error=error) == {"status": "error", "error": told_as}
    assert (person.statuses(), world.calls()) == (["failed"], [])
    assert callback(world, state=begun.state, error=error) == {"status": "error", "error": told_as}


@pytest.mark.claim("C-168")
@MODES
def test_reload_and_back_show_the_outcome_and_give_nothing_back(world: World) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    person.come_back(approved)
    again = person.come_back(approved)
    assert (again.location, "set-cookie" in again.headers) == (COMPLETE, False)
    person.sign_in()
    person.press("confirm")
    calls = world.calls()
    assert told(person.come_back(approved).location) == {"status": "success", "workspace": "Northwind"}
    assert "Nothing to confirm" in person.press("confirm").text
    assert (world.calls(), person.statuses(), world.status()) == (calls, ["active"], "active")


@MODES
def test_reload_and_back_on_the_page(world: World) -> None:
    person = ann(world)
    person.sign_in()
    approved = person.approve(led_to(person.begin_on_page()))
    first, calls = person.come_back(approved), world.calls()
    assert told(first.location) == told(person.come_back(approved).location)
    assert (world.calls(), person.statuses()) == (calls, ["active"])


@pytest.mark.claim("C-168")
def test_a_second_callback_waits_while_the_first_is_under_way(world: World) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    second: list[Any] = []
    probe = world.slack.probe
    assert probe is not None

    def watching(method: str) -> None:
        probe(method)
        if method == "oauth.v2.access":
            second.append(ann(world).come_back(approved))

    world.slack.probe = watching
    assert person.come_back(approved).location == COMPLETE
    assert [(reply.status, reply.headers["retry-after"]) for reply in second] == [(503, "5")]
    assert world.calls("oauth.v2.access") == ["oauth.v2.access"]


@pytest.mark.claim("C-151")
@MODES
@pytest.mark.parametrize(("first", "second"), [(NORTH, NORTH), (ORG, ORG_TEAM), (ORG_TEAM, ORG)])
def test_a_tenant_that_another_organization_holds_or_the_enterprise_over_it(
    world: World, first: str, second: str
) -> None:
    world.slack.org_install_rules = False
    ann(world).connect(first)
    before = world.slack.installed
    other = eve(world)
    back = other.come_back(other.approve(other.begin().authorize_url, second))
    assert told(back.location) == {"status": "error", "error": "workspace_taken"}
    assert (ann(world).statuses(), other.statuses(), world.status(first)) == (["active"], ["failed"], "active")
    assert set(before) <= set(world.slack.installed)


def test_a_whole_enterprise_is_connected(world: World) -> None:
    held = ann(world).connect(ORG)
    assert (held.tenant, held.team_id, held.enterprise_id, held.team_name) == (Tenant("E", ORG), "", ORG, "Evergreen")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "told_as"),
    [
        (Fault("oauth.v2.access", "error", error="invalid_code"), "exchange_failed"),
        (Fault("oauth.v2.access", "html500"), "exchange_failed"),
        (Fault("oauth.v2.access", "lost_answer"), "exchange_failed"),
        (Fault("oauth.v2.access", "patch", patch={"app_id": "A0OTHER001"}), "exchange_failed"),
        (Fault("oauth.v2.access", "patch", patch={"team": {"id": 5}}), "exchange_failed"),
        (Fault("users.info", "html500"), "exchange_failed"),
        (Fault("users.info", "error", error="user_not_found"), "installer_not_admin"),
    ],
)
def test_what_slack_does_wrong_ends_the_attempt(world: World, fault: Fault, told_as: str) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    world.slack.fault(fault)
    assert told(person.come_back(approved).location) == {"status": "error", "error": told_as}
    assert (person.statuses(), world.count("quarantines"), world.count("installations")) == (["failed"], 0, 0)
    if fault.kind != "lost_answer":
        assert live_tokens(world, NORTH) == []
    assert told(person.come_back(approved).location) == {"status": "error", "error": told_as}


def test_a_limited_rate_of_slacks_gives_the_state_back(world: World) -> None:
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    world.slack.fault(Fault("oauth.v2.access", "ratelimited", retry_after=5))
    assert person.come_back(approved).status == 503
    assert person.statuses() == ["pending"]
    world.clock.advance(6)
    assert person.come_back(approved).location == COMPLETE


@pytest.mark.claim("C-170")
def test_workspaces_that_the_operator_does_not_serve(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_ALLOWED_TEAMS=SOUTH) as world:
        person = ann(world)
        back = person.come_back(person.approve(person.begin().authorize_url))
        assert told(back.location)["error"] == "exchange_failed"
        assert world.slack.installed == []


def db_of(world: World) -> Any:
    return world.service.app.db


def set_region(world: World) -> None:
    organization = organizations.find(db_of(world), ACME)
    assert organization is not None
    organizations.save(db_of(world), organization._replace(data_region="eu"), NOW)


CHANGES: dict[str, tuple[Callable[[World], object], str]] = {
    "switched off": (lambda world: switches.disable(db_of(world), ACME, SCHEDULER, NOW), "not_confirmed"),
    "removed": (lambda world: organizations.begin_removal(db_of(world), ACME, NOW), "not_confirmed"),
    "of another region": (set_region, "region_mismatch"),
    "fewer rights": (lambda world: add_member(db_of(world), ACME, ANN, HostRole.AUDITOR, NOW + 1), "not_confirmed"),
    "logged out": (lambda world: sessions.end_of_member(db_of(world), ACME, ANN), "not_confirmed"),
}
"""What happens to the organization or the member while the browser is at Slack, and what the host is told."""


@pytest.mark.claim("C-161", "C-167")
@MODES
@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_meanwhile_counts_on_the_page(world: World, change: str) -> None:
    person = ann(world)
    person.sign_in()
    approved = person.approve(led_to(person.begin_on_page()))
    do, told_as = CHANGES[change]
    with db_of(world).transaction():
        do(world)
    assert told(person.come_back(approved).location) == {"status": "error", "error": told_as}
    assert (person.statuses(), world.count("installations"), live_tokens(world, NORTH)) == (["failed"], 0, [])


@pytest.mark.claim("C-161", "C-167")
@MODES
@pytest.mark.parametrize("change", ["switched off", "removed", "of another region"])
def test_what_has_changed_meanwhile_counts_by_api(world: World, change: str) -> None:
    person = ann(world)
    begun = person.begin()
    person.come_back(person.approve(begun.authorize_url))
    person.sign_in()
    page = person.browser.get("/settings/connect")
    do, told_as = CHANGES[change]
    with db_of(world).transaction():
        do(world)
    done = person.post("/settings/connect", {"form_token": form_token(page), "step": "confirm"})
    assert told(led_to(done)) == {"status": "error", "error": told_as}
    assert (person.statuses(), world.count("installations"), live_tokens(world, NORTH)) == (["failed"], 0, [])


@pytest.mark.claim("C-167")
@MODES
def test_what_was_ended_while_the_code_is_exchanged_is_given_back(world: World) -> None:
    """The member is offboarded, say: the attempt fails while Slack is being asked."""
    person = ann(world)
    approved = person.approve(person.begin().authorize_url)
    probe = world.slack.probe
    assert probe is not None

    def watching(method: str) -> None:
        probe(method)
        if method == "oauth.v2.access":
            found = connections.find(db_of(world), ACME, person.all()[0]["id"])
            assert found is not None
            with db_of(world).transaction():
                change_connection.fail(db_of(world), found.key, StatusReason.NOT_CONFIRMED, NOW)

    world.slack.probe = watching
    assert told(person.come_back(approved).location) == {"status": "error", "error": "not_confirmed"}
    assert (live_tokens(world, NORTH), world.count("quarantines")) == ([], 0)


def test_the_return_url_of_an_attacker_is_never_followed_before_the_login(world: World) -> None:
    attacker = eve(world)
    begun = attacker.begin(metadata={"returnUrl": "/attackers/page"})
    victim = ann(world)
    assert victim.come_back(victim.approve(begun.authorize_url, user="member")).location.startswith(RETURN)
    begun = attacker.begin(metadata={"returnUrl": "/attackers/page"})
    assert callback(world, state=begun.state, error="access_denied")["error"] == "access_denied"
