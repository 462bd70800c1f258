"""What is noted of a connect: one row of the audit for each thing that happens, numbers of the day, and metrics."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.flows.tokens import refresh_token
from slackapp.host.flows import delete_organization, upkeep
from slackapp.host.flows.connect import disconnect
from slackapp.host.flows.note_caller import note_member
from slackapp.host.model import HostRole, MemberStatus
from slackapp.host.rows import Member, UsageAction
from slackapp.host.store import organizations
from slackapp.host.store.organizations import OrganizationUsage
from slackapp.localslack.model import Fault
from slackapp.model import BOT, SCHEDULER, InstallationStatus
from slackapp.store import tokens
from tests.runtime.test_metrics import Samples, parse
from tests.support.connected import ACME, ANN, GLOBEX
from tests.support.connecting import Person, ann, eve, make_host_world, run_upkeep, told
from tests.support.world import World, north_tenant

OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}
BEGUN, COMPLETED, FAILED, CALL = UsageAction
FLOWS = "slackapp_oauth_flows_total"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        yield made


def used(world: World, organization: str = ACME) -> dict[UsageAction, int]:
    """What is counted of an organization."""
    found = organizations.list_usage(world.service.app.db, world.clock())
    return dict({each.organization_id: each.numbers for each in found}.get(organization, {}))


def scrape(world: World) -> Samples:
    """What Prometheus gets."""
    return parse(world.request("GET", "/metrics", headers=OPERATOR).text)


def flows(world: World) -> dict[str, float]:
    """How many connects went how."""
    found: dict[str, float] = {}
    for (name, labels), value in scrape(world).items():
        if name == FLOWS:
            key = " ".join(filter(None, (dict(labels)["result"], dict(labels)["reason"])))
            found[key] = value
    return found


def events(world: World) -> list[str]:
    """The events of the audit that are about connecting, in order."""
    return [each for each in world.audit() if each.startswith(("oauth.", "integration.", "role."))]


def test_what_is_begun_is_noted_with_its_member_and_purpose(world: World) -> None:
    begun = ann(world).begin()
    (row,) = world.facts("oauth.initiated")
    assert (row["actor_id"], row["organization"], row["connection"]) == (ANN, ACME, begun.connection_id)
    assert used(world) == {BEGUN: 1}
    assert flows(world) == {"begun": 1}


def test_what_is_completed_is_noted_and_so_is_a_connection_that_was_not_there(world: World) -> None:
    person = ann(world)
    connection = person.connect()
    assert events(world) == ["oauth.initiated", "oauth.completed", "integration.created"]
    (row,) = world.facts("oauth.completed")
    assert (row["connection"], row["tenant_id"]) == (connection.id, north_tenant().id)
    person.connect(reconnect=connection.id)
    assert events(world)[3:] == ["oauth.initiated", "oauth.completed"], "it was there before"
    assert {name: used(world)[name] for name in (BEGUN, COMPLETED)} == {BEGUN: 2, COMPLETED: 2}


def decline(world: World, person: Person) -> None:
    begun = person.begin()
    assert told(person.come_back(person.approve(begun.authorize_url, decision="deny")).location)["status"] == "error"


def lose(world: World, person: Person) -> None:
    begun = person.begin()
    location = person.approve(begun.authorize_url)
    world.slack.fault(Fault("oauth.v2.access", "error", 1, error="invalid_code"))
    person.come_back(location)


def be_refused(world: World, person: Person) -> None:
    begun = person.begin()
    person.come_back(person.approve(begun.authorize_url, user="member"))


def forget(world: World, person: Person) -> None:
    person.begin()
    world.clock.advance(601)
    run_upkeep(world)


def leave(world: World, person: Person) -> None:
    begun = person.begin()
    person.come_back(person.approve(begun.authorize_url))
    world.clock.advance(601)
    run_upkeep(world)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (decline, "access_denied"), (lose, "exchange_failed"), (be_refused, "installer_not_admin"),
        (forget, "not_confirmed"), (leave, "not_confirmed"),
    ],
)  # fmt: skip
def test_what_fails_is_noted_once_with_its_reason(world: World, happens: object, reason: str) -> None:
    assert callable(happens)
    happens(world, ann(world))
    (row,) = world.facts("oauth.failed")
    assert (row["result"], row["detail"], row["connection"]) == ("failed", reason, ann(world).all()[0]["id"])
    assert used(world) == {BEGUN: 1, FAILED: 1}
    assert flows(world) == {"begun": 1, f"failed {reason}": 1}


def test_a_connection_that_is_ended_is_noted(world: World) -> None:
    person = ann(world)
    connection = person.connect()
    disconnect.run(world.service.app, person.caller, connection.id, world.clock())
    (row,) = world.facts("integration.deleted")
    assert (row["actor_id"], row["connection"]) == (ANN, connection.id)


def test_a_token_that_is_refreshed_is_noted(world: World) -> None:
    ann(world).connect()
    app = world.service.app
    token = tokens.find(app.db, north_tenant(), BOT)
    assert token is not None
    world.clock.advance(11 * 3600)
    statuses = frozenset({InstallationStatus.ACTIVE})
    refresh_token.run(app, token, SCHEDULER, statuses=statuses, wait=False)
    (row,) = world.facts("token.refreshed")
    assert row["tenant_id"] == north_tenant().id


def test_a_role_that_changes_is_noted(world: World) -> None:
    said = Member(ACME, ANN, "Ann", HostRole.AUDITOR, world.clock() + 5, MemberStatus.ACTIVE)
    note_member(world.service.app, said, ann(world).caller, world.clock())
    (row,) = world.facts("role.changed")
    assert (row["organization"], row["record_id"]) == (ACME, ANN)


def test_time_to_connect_is_a_histogram_in_minutes(world: World) -> None:
    """People need longer than machines: what took forty seconds is not in the last bucket."""
    person = ann(world)
    begun = person.begin()
    world.clock.advance(40)
    person.come_back(person.approve(begun.authorize_url))
    person.sign_in()
    person.press("confirm")
    text = world.request("GET", "/metrics", headers=OPERATOR).text
    assert 'slackapp_oauth_flow_seconds_bucket{le="30.0"} 0\n' in text
    assert 'slackapp_oauth_flow_seconds_bucket{le="60.0"} 1\n' in text
    assert "slackapp_oauth_flow_seconds_sum 40.0\n" in text


def test_numbers_outlive_a_restart_are_of_one_organization_each_and_go_with_it(world: World) -> None:
    ann(world).begin()
    eve(world).begin()
    world.service.app.metrics.persist(world.service.app.db, world.service.app.log)
    world.restart()
    app = world.service.app
    assert [each.organization_id for each in organizations.list_usage(app.db, world.clock())] == [ACME, GLOBEX]
    assert flows(world) == {"begun": 2}
    delete_organization.run(app, ACME, SCHEDULER, world.clock())
    assert organizations.list_usage(app.db, world.clock()) == [OrganizationUsage(GLOBEX, {BEGUN: 1})]


def test_errors_are_counted_by_their_code(world: World) -> None:
    world.request("GET", "/api/v2/slack/integration")
    world.request("GET", "/api/v2/slack/integration")
    text = world.request("GET", "/metrics", headers=OPERATOR).text
    assert 'slackapp_errors_total{code="UNAUTHENTICATED"} 2\n' in text


def test_a_minute_in_which_nothing_is_over_writes_nothing_and_old_numbers_go(world: World) -> None:
    app = world.service.app
    ann(world).begin()
    world.clock.advance(601)
    upkeep.sweep(app, world.clock())
    written: list[str] = []
    begin = app.db.transaction

    def noted() -> object:
        written.append("begun")
        return begin()

    app.db.transaction = noted  # type: ignore[method-assign, assignment]
    upkeep._delete_old(app, world.clock())
    assert written == []
    later = world.clock() + 401 * organizations.DAY
    upkeep.sweep(app, later)
    assert written
    assert organizations.list_usage(app.db, 0) == []
