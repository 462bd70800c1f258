"""A connect is begun: who may, what is refused before Slack is asked, and that nothing of what works is touched."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.connect.begin_connect import MAX_ATTEMPTS
from slackapp.host.model import HostRole, MemberStatus
from slackapp.host.rows import ApprovalStatus, Purpose
from slackapp.host.store import approvals, members, organizations, purposes, switches
from slackapp.model import SCHEDULER
from tests.support.callback_world import nothing_happens
from tests.support.client import query_of
from tests.support.connected import ACME, ANN, NOW, add_member
from tests.support.connecting import Person, ann, eve, led_to, make_host_world, told
from tests.support.world import NORTH, SOUTH, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        yield made


def refused(world: World, person: Person, **asked: Any) -> tuple[object, str | None]:
    """Why a connect is not begun; no row has changed then, and Slack was not asked."""
    with nothing_happens(world), pytest.raises(Refused) as found:
        person.begin(**asked)
    return found.value.refusal, found.value.field if isinstance(found.value, HostRefused) else None


def change(world: World, do: Callable[[], object]) -> None:
    with world.service.app.db.transaction():
        do()


def test_a_pending_row_a_state_and_slacks_own_address(world: World) -> None:
    begun = ann(world).begin()
    asked = query_of(begun.authorize_url)
    assert begun.authorize_url.startswith(world.slack_url + "/oauth/v2/authorize?")
    assert asked["state"] == begun.state
    assert asked["redirect_uri"] == "http://localhost:3000/api/v2/slack/auth/callback"
    assert asked["scope"] == "app_mentions:read,chat:write,commands,users:read"
    assert "user_scope" not in asked
    (row,) = ann(world).all()
    assert (row["id"], row["status"], row["way"], row["user_id"]) == (begun.connection_id, "pending", "api", ANN)
    assert row["oauth_expires_at"] == NOW + world.settings.state_ttl
    assert begun.state.encode() not in world.bytes_on_disk()
    assert world.facts("oauth.initiated") == [
        {"actor": "member", "actor_id": ANN, "organization": ACME, "connection": begun.connection_id, "result": "ok"}
    ]


def test_what_the_host_says_beside_it_is_sealed(world: World) -> None:
    ann(world).begin(metadata={"source": "a-secret-campaign", "projectId": "p1"})
    assert b"a-secret-campaign" not in world.bytes_on_disk()


@pytest.mark.claim("C-163")
@pytest.mark.parametrize(
    ("asked", "refusal", "field"),
    [
        ({"kind": "team"}, HostRefusal.CONNECT_FIELD, "kind"),
        ({"kind": 1}, HostRefusal.CONNECT_FIELD, "kind"),
        ({"purpose": "unknown"}, HostRefusal.CONNECT_FIELD, "purpose"),
        ({"purpose": ["x"]}, HostRefusal.CONNECT_FIELD, "purpose"),
        ({"purpose": ""}, HostRefusal.CONNECT_FIELD, "purpose"),
        ({"reconnect": "x" * 65}, HostRefusal.CONNECT_FIELD, "reconnect"),
        ({"reconnect": "0" * 24}, HostRefusal.CONNECT_FIELD, "reconnect"),
        ({"metadata": {"returnUrl": "//evil.example"}}, HostRefusal.RETURN_URL, "metadata.returnUrl"),
        ({"metadata": []}, HostRefusal.METADATA, "metadata"),
        ({"metadata": {"x": "y" * 1024}}, HostRefusal.METADATA_SIZE, "metadata"),
    ],
)
def test_a_field_that_says_nothing_is_named(world: World, asked: Any, refusal: HostRefusal, field: str) -> None:
    assert refused(world, ann(world), **asked) == (refusal, field)


@pytest.mark.claim("C-163")
def test_without_a_purpose_it_is_for_what_the_operator_has_set(world: World) -> None:
    world.restart(host_purpose="notifications")
    change(world, lambda: purposes.save(world.service.app.db, ACME, Purpose("alerts", "Deployment alerts"), NOW))
    ann(world).begin()
    ann(world).begin(purpose="alerts")
    assert [row["purpose_id"] for row in ann(world).all()] == ["notifications", "alerts"]
    assert [fact["purpose"] for fact in world.facts("oauth.initiated")] == ["notifications", "alerts"]
    assert refused(world, ann(world), purpose="unknown") == (HostRefusal.CONNECT_FIELD, "purpose")


def test_a_purpose_of_the_organizations_own_list_is_kept(world: World) -> None:
    change(world, lambda: purposes.save(world.service.app.db, ACME, Purpose("alerts", "Deployment alerts"), NOW))
    ann(world).begin(purpose="alerts")
    assert ann(world).all()[0]["purpose_id"] == "alerts"
    assert refused(world, eve(world), purpose="alerts") == (HostRefusal.CONNECT_FIELD, "purpose")


@pytest.mark.claim("C-163")
def test_without_the_hosts_page_nothing_is_begun_by_api(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_HOST_COMPLETE_PATH="") as world:
        assert refused(world, ann(world)) == (HostRefusal.DISABLED, None)
        person = ann(world)
        person.sign_in()
        assert led_to(person.begin_on_page()).startswith(world.slack_url)


@pytest.mark.claim("C-163")
def test_an_organization_has_so_many_attempts_at_a_time(world: World) -> None:
    person = ann(world)
    for _ in range(MAX_ATTEMPTS):
        person.begin()
    assert refused(world, person) == (HostRefusal.ATTEMPTS, None)
    eve(world).begin()


@pytest.mark.claim("C-162")
@pytest.mark.parametrize("role", [HostRole.MEMBER, HostRole.AUDITOR, None])
def test_who_has_no_such_role_begins_nothing(world: World, role: HostRole | None) -> None:
    person = Person(world, world.browser(), role=role)  # type: ignore[arg-type]
    assert refused(world, person) == (HostRefusal.ROLE, None)


@pytest.mark.claim("C-161")
def test_who_has_left_begins_nothing(world: World) -> None:
    db = world.service.app.db
    member = members.find(db, ACME, ANN)
    assert member is not None
    change(world, lambda: members.set_status(db, member, MemberStatus.OFFBOARDED, NOW))
    assert refused(world, ann(world)) == (HostRefusal.ROLE, None)


@pytest.mark.claim("C-161")
def test_an_organization_that_is_removed_begins_nothing(world: World) -> None:
    change(world, lambda: organizations.begin_removal(world.service.app.db, ACME, NOW))
    assert refused(world, ann(world)) == (HostRefusal.DISABLED, None)


@pytest.mark.claim("C-153", "C-161")
@pytest.mark.parametrize("whose", [ACME, switches.EVERYBODY])
def test_what_an_operator_has_switched_off_begins_nothing(world: World, whose: str) -> None:
    change(world, lambda: switches.disable(world.service.app.db, whose, SCHEDULER, NOW))
    assert refused(world, ann(world)) == (HostRefusal.DISABLED, None)
    assert HostRefusal.DISABLED.code == "INTEGRATION_DISABLED"
    if whose == ACME:
        eve(world).begin()


@pytest.mark.claim("C-161")
def test_where_the_integration_is_off_nothing_begins(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACK_INTEGRATION_ENABLED="false") as world:
        assert refused(world, ann(world)) == (HostRefusal.DISABLED, None)


@pytest.mark.claim("C-161")
def test_an_organization_of_another_region_is_refused_before_any_call(world: World) -> None:
    organization = organizations.find(world.service.app.db, ACME)
    assert organization is not None
    change(world, lambda: organizations.save(world.service.app.db, organization._replace(data_region="eu"), NOW))
    assert refused(world, ann(world)) == (HostRefusal.REGION, None)
    eve(world).begin()


@pytest.mark.claim("C-161")
def test_one_workspace_and_no_second_one(world: World) -> None:
    person = ann(world)
    connected = person.connect()
    assert refused(world, person) == (HostRefusal.EXISTS, None)
    assert HostRefusal.EXISTS.code == "INTEGRATION_EXISTS"
    person.begin(reconnect=connected.id)
    assert refused(world, eve(world), reconnect=connected.id) == (HostRefusal.CONNECT_FIELD, "reconnect")


@pytest.mark.claim("C-161")
def test_as_many_workspaces_as_the_organization_may(world: World) -> None:
    """C189"""
    person = ann(world)
    organization = organizations.find(world.service.app.db, ACME)
    assert organization is not None
    change(world, lambda: organizations.save(world.service.app.db, organization._replace(workspace_limit=2), NOW))
    person.connect()
    person.connect(SOUTH)
    assert person.statuses() == ["active", "active"]
    assert refused(world, person) == (HostRefusal.LIMIT, None)
    assert HostRefusal.LIMIT.code == "WORKSPACE_LIMIT_REACHED"


@pytest.mark.claim("C-161")
def test_two_connects_at_once_do_not_pass_the_limit(world: World) -> None:
    """C193: Both are begun while there is room; the second to come back is given back."""
    person, other = ann(world), ann(world)
    first, second = person.begin(), other.begin()
    other.come_back(other.approve(second.authorize_url, SOUTH))
    person.come_back(person.approve(first.authorize_url))
    for one in (person, other):
        one.sign_in()
    assert "status=success" in led_to(person.press("confirm"))
    assert told(led_to(other.press("confirm"))) == {"status": "error", "error": "workspace_limit_reached"}
    assert (world.status(NORTH), world.status(SOUTH), world.slack.installed) == ("active", "", [NORTH])


def test_beginning_touches_nothing_of_what_works(world: World) -> None:
    person = ann(world)
    connected = person.connect()
    before = world.snapshot()
    person.begin(reconnect=connected.id)
    after = world.snapshot()
    for table in ("installations", "tokens", "data_keys", "inbox"):
        assert after[table] == before[table]
    assert before["connections"][0] in after["connections"]


# Approval


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Person]:
    """A member who may ask."""
    with make_host_world(tmp_path, SLACKAPP_HOST_APPROVAL="yes") as world:
        db = world.service.app.db
        with db.transaction():
            add_member(db, ACME, "mia", HostRole.MEMBER)
        yield Person(world, world.browser(), ACME, "mia", HostRole.MEMBER)


def approve(person: Person, decision: ApprovalStatus = ApprovalStatus.APPROVED) -> None:
    db, now = person.app.db, person.world.clock()
    with db.transaction():
        approvals.add(db, "a" * 24, ACME, person.member, reason="for alerts", now=now)
        wish = approvals.find(db, ACME, "a" * 24)
        assert wish is not None
        assert approvals.decide(db, wish, decision, by=ANN, note="", now=now)


@pytest.mark.claim("C-162")
def test_a_member_connects_once_with_an_approval(asking: Person) -> None:
    world = asking.world
    assert refused(world, asking) == (HostRefusal.APPROVAL, None)
    approve(asking)
    connected = asking.connect()
    assert (connected.user_id, asking.statuses()) == ("mia", ["active"])
    assert world.rows("SELECT status FROM approvals")[0]["status"] == "used"
    assert refused(world, asking, reconnect=connected.id) == (HostRefusal.APPROVAL, None)


@pytest.mark.claim("C-162")
def test_one_approval_does_not_serve_two_connects(asking: Person) -> None:
    world = asking.world
    approve(asking)
    other = Person(world, world.browser(), ACME, "mia", HostRole.MEMBER)
    first, second = asking.begin(), other.begin()
    for person, begun, target in ((asking, first, NORTH), (other, second, SOUTH)):
        person.come_back(person.approve(begun.authorize_url, target))
        person.sign_in()
    assert "status=success" in led_to(asking.press("confirm"))
    assert told(led_to(other.press("confirm"))) == {"status": "error", "error": "not_confirmed"}
    assert world.slack.installed == [NORTH]


@pytest.mark.claim("C-162")
def test_a_wish_that_was_denied_or_is_old_connects_nothing(asking: Person) -> None:
    approve(asking, ApprovalStatus.DENIED)
    assert refused(asking.world, asking) == (HostRefusal.APPROVAL, None)


def test_the_limit_of_states_holds_here_too(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_STATE_LIMIT="3") as world:
        for _ in range(3):
            ann(world).begin()
        assert refused(world, eve(world)) == (Refusal.STATE_LIMIT, None)
