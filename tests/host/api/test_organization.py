"""`/api/v2/organization`, `/members` and `/events`: what the host provides, who has left, and what has happened."""

from typing import Any

import pytest

from slackapp.host.flows import change_connection, switch_host
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import StatusReason
from slackapp.host.store import connections, organizations, quarantines, sessions
from slackapp.model import Sealed, Tenant
from tests.support.connected import ACME, ANN, GLOBEX, begin, login
from tests.support.host_world import ADMIN, MEMBER, OPERATOR, OWNER, Host, add_member, connect, told
from tests.support.world import NORTH, SOUTH, World

ORGANIZATION, EVENTS = "organization", "events"
PLAIN = {
    "id": ACME, "name": "", "enabled": True, "frozen": False, "workspaceLimit": None, "dataRegion": "",
    "contentDays": 0, "trackReplies": False, "purposes": [], "createdAt": "2027-01-15T08:00:00Z",
}  # fmt: skip


# The organization


def test_an_organization_is_there_as_soon_as_the_host_names_it(world: World, host: Host) -> None:
    assert host.get(ORGANIZATION).json == PLAIN


def test_an_organization_is_changed_one_thing_at_a_time(world: World, host: Host) -> None:
    for body in (
        {"name": "Acme Ltd."},
        {"workspaceLimit": 3},
        {"dataRegion": "eu-west-1"},
        {"contentDays": 30},
        {"trackReplies": True},
        {"purposes": [{"id": "alerts", "text": "Deployment alerts"}, {"id": "billing", "text": "Reminders"}]},
        {"purposes": [{"id": "billing", "text": "Bills"}]},
        {"workspaceLimit": None, "dataRegion": ""},
        {},
    ):
        before = host.get(ORGANIZATION).json
        reply = host.put(ORGANIZATION, body)
        assert (reply.status, reply.json) == (200, before | body)
        assert host.get(ORGANIZATION).json == before | body
    assert Host(world, GLOBEX).get(ORGANIZATION).json == PLAIN | {"id": GLOBEX}


def test_a_name_that_the_host_has_set_is_not_undone_by_an_older_token(world: World, host: Host) -> None:
    old = host.token(orgName="Acme of old")
    world.clock.advance(30)
    host.put(ORGANIZATION, {"name": "Acme"})
    reply = world.request("GET", "/api/v2/organization", headers={"Authorization": f"Bearer {old}"})
    assert reply.json["name"] == "Acme"


def test_what_is_off_frozen_or_being_removed_is_told(world: World, host: Host) -> None:
    app = world.service.app
    assert host.get(ORGANIZATION).status == 200
    switch_host.disable(app, ACME, OPERATOR, world.clock())
    with app.db.transaction():
        organizations.freeze(app.db, ACME, world.clock())
    assert host.get(ORGANIZATION).json == PLAIN | {"enabled": False, "frozen": True}
    assert host.put(ORGANIZATION, {"name": "Acme"}).status == 200, "what posts nothing goes on"
    with app.db.transaction():
        organizations.begin_removal(app.db, ACME, world.clock())
    assert told(host.get(ORGANIZATION)) == (403, "FORBIDDEN")


@pytest.mark.claim("C-210")
def test_what_is_changed_is_noted_by_its_name_and_without_its_value(world: World, host: Host) -> None:
    purposes = [{"id": "alerts", "text": "Deployment alerts"}]
    for body in (
        {"name": "Acme Ltd.", "dataRegion": "eu"}, {"workspaceLimit": 3}, {"purposes": purposes}, {"workspaceLimit": 3},
        {}, {"purposes": [{"id": "alerts", "text": "Others"}]},
    ):  # fmt: skip
        assert host.put(ORGANIZATION, body).status == 200
    noted = world.facts("organization.changed")
    assert [fact["detail"] for fact in noted] == [
        "organization_name", "organization_region", "organization_limit", "organization_purposes",
        "organization_purposes",
    ]  # fmt: skip
    assert {(fact["actor"], fact["record_kind"], fact["record_id"]) for fact in noted} == {
        ("host", "organization", ACME)
    }
    assert "Acme Ltd." not in str(noted)


# A freeze


@pytest.mark.claim("C-157")
@pytest.mark.parametrize("who", ["host", "owner"])
def test_from_the_answer_on_no_token_of_a_frozen_organization_opens(world: World, host: Host, who: str) -> None:
    """My token may have leaked: stop everything, now, and also while the operator has switched us off."""
    connect(world, host)
    connect(world, Host(world, GLOBEX), SOUTH, 2)
    caller = host if who == "host" else host.of("zoe", OWNER)
    assert host.get("slack/channels").status == 200
    switch_host.disable(world.service.app, ACME, OPERATOR, world.clock())
    assert caller.post("slack/freeze").json == {"frozen": True}
    assert caller.post("slack/freeze").json == {"frozen": True}
    switch_host.enable(world.service.app, ACME, OPERATOR, world.clock())
    calls = world.calls()
    for reply in (host.get("slack/channels"), host.post("slack/integration/test")):
        assert told(reply) == (409, "INTEGRATION_INACTIVE")
        assert "is suspended" in reply.json["error"], "to connect again would not help"
    assert world.calls() == calls
    assert host.get("slack/integration").json["integration"]["statusReason"] == "freeze"
    assert host.get(ORGANIZATION).json["frozen"] is True
    assert Host(world, GLOBEX).get("slack/channels").status == 200
    assert Host(world, GLOBEX).call("DELETE", "slack/freeze").json == {"frozen": False}
    assert told(host.get("slack/channels")) == (409, "INTEGRATION_INACTIVE")
    assert caller.call("DELETE", "slack/freeze").json == {"frozen": False}
    assert host.post("slack/integration/test").status == 200
    kind = "host" if who == "host" else "member"
    for event in ("organization.frozen", "organization.unfrozen"):
        assert [(fact["actor"], fact["record_id"]) for fact in world.facts(event)] == [(kind, ACME)]


def test_what_ends_something_goes_on_in_a_frozen_organization(world: World, host: Host) -> None:
    connect(world, host)
    host.post("slack/freeze")
    assert host.post(f"members/{ANN}/offboard").status == 200
    assert host.call("DELETE", "slack/integration").json == {"revokedAtSlack": True}
    assert world.calls("apps.uninstall") == ["apps.uninstall"]
    assert host.get(ORGANIZATION).json["frozen"] is True, "what it connects next is frozen, too"
    assert host.call("DELETE", ORGANIZATION).json == {"deleted": True}
    assert host.get(ORGANIZATION).json["frozen"] is False, "a new one, of the same id"


# Who has left


def test_offboarding_ends_what_a_member_has(world: World, host: Host) -> None:
    connection = connect(world, host)
    db, now = world.service.app.db, world.clock()
    pending, quarantined = begin(db, 5), begin(db, 6)
    with db.transaction():
        sessions.add(db, b"s" * 32, login(), now)
        sessions.add_ticket(db, b"t" * 32, login(), now)
        connections.quarantine(db, quarantined.key, Tenant("T", SOUTH), "", now)
        quarantines.add(db, quarantined.id, b"c" * 32, Sealed(b"x" * 98), now + 600)
    world.clock.advance(1)
    assert host.post(f"members/{ANN}/offboard").json == {"id": ANN, "status": "offboarded", "ownerWanted": 1}
    assert told(host.of().get("slack/integration")) == (403, "FORBIDDEN"), "however new the token is"
    assert sessions.find(db, b"s" * 32, now) is None
    assert sessions.use_ticket(db, b"t" * 32, now) is None
    found = connections.find(db, ACME, pending.id)
    assert found is not None
    assert (found.status, found.status_reason) == ("failed", "not_confirmed")
    (given_back,) = quarantines.list_expired(db, world.clock(), world.clock.steady())
    assert given_back.connection_id == quarantined.id
    integration = host.get("slack/integration").json["integration"]
    assert (integration["id"], integration["status"]) == (connection.id, "active")
    assert integration["ownerMissingSince"] == "2027-01-15T08:00:01Z"
    (noted,) = world.facts("member.offboarded")
    assert (noted["actor"], noted["record_kind"], noted["record_id"], noted["count"]) == ("host", "member", ANN, 1)


def test_offboarding_twice_does_no_more(world: World, host: Host) -> None:
    connect(world, host)
    answers = [host.post(f"members/{ANN}/offboard").json for _ in range(2)]
    assert answers[0] == answers[1]
    types = [each["type"] for each in host.get(EVENTS).json["events"]]
    assert types == ["connection.active", "owner.missing"]


def test_a_member_is_reinstated_with_what_still_waits(world: World, host: Host) -> None:
    connection = connect(world, host)
    host.post(f"members/{ANN}/offboard")
    db = world.service.app.db
    with db.transaction():
        assert change_connection.set_status(
            db, connection.key, ConnectionStatus.SUSPENDED, StatusReason.OWNER, now=world.clock()
        )
    assert host.post(f"members/{ANN}/reinstate").json == {"id": ANN, "status": "active"}
    integration = host.of().get("slack/integration").json["integration"]
    assert (integration["status"], integration["ownerMissingSince"]) == ("active", None)
    assert world.facts("member.reinstated")[0]["record_id"] == ANN


def test_who_is_back_does_not_end_what_somebody_else_has_suspended(world: World, host: Host) -> None:
    connection = connect(world, host)
    db = world.service.app.db
    with db.transaction():
        change_connection.set_status(
            db, connection.key, ConnectionStatus.SUSPENDED, StatusReason.REVIEW, now=world.clock()
        )
    host.post(f"members/{ANN}/offboard")
    host.post(f"members/{ANN}/reinstate")
    assert host.get("slack/integration").json["integration"]["status"] == "suspended"


@pytest.mark.claim("C-188")
def test_nobody_offboards_themselves(world: World, host: Host) -> None:
    """I am the last owner, and leave an organization behind that nobody can open again."""
    owner = host.of("zoe", OWNER)
    assert told(owner.post("members/zoe/offboard")) == (403, "FORBIDDEN")
    assert owner.get("slack/integration").status == 200
    add_member(world, ACME, "bob", MEMBER)
    assert owner.post("members/bob/offboard").status == 200


@pytest.mark.claim("C-188")
def test_who_has_left_has_no_session_any_more(world: World, host: Host) -> None:
    """I keep the page open on which I worked until I left."""
    assert host.of().get("slack/integration").status == 200
    db, now = world.service.app.db, world.clock()
    with db.transaction():
        sessions.add(db, b"s" * 32, login(), now)
    assert sessions.find(db, b"s" * 32, now)
    host.post(f"members/{ANN}/offboard")
    host.post(f"members/{ANN}/reinstate")
    assert sessions.find(db, b"s" * 32, now) is None, "not even when back"


@pytest.mark.claim("C-182")
def test_a_member_of_another_organization_is_as_one_that_is_not_there(world: World, host: Host) -> None:
    """I offboard the owner of another organization."""
    add_member(world, GLOBEX, "gil")
    theirs, nobodys = host.post("members/gil/reinstate"), host.post("members/nobody/reinstate")
    assert told(theirs) == (404, "NOT_FOUND")
    assert theirs.body == nobodys.body
    theirs, nobodys = host.post("members/gil/offboard"), host.post("members/nobody/offboard")
    assert theirs.json | {"id": "nobody"} == nobodys.json
    assert host.of("gil", ADMIN, GLOBEX).get("slack/integration").status == 200


# An end


def test_an_organization_is_deleted_with_everything_of_it(world: World, host: Host) -> None:
    connect(world, host)
    host.put(ORGANIZATION, {"name": "Acme Ltd.", "purposes": [{"id": "alerts", "text": "Deployment alerts"}]})
    assert told(host.of("zoe", OWNER).call("DELETE", ORGANIZATION)) == (403, "FORBIDDEN")
    assert host.call("DELETE", ORGANIZATION).json == {"deleted": True}
    assert world.calls("apps.uninstall") == ["apps.uninstall"]
    assert world.count("organizations") + world.count("members") + world.count("connections") == 0
    for canary in (b"Acme Ltd.", b"Deployment alerts"):
        assert canary not in world.bytes_on_disk()
    assert host.get("slack/integration").json == {"enabled": True, "integration": None}, "the host may begin anew"


# What has happened


def test_events_are_read_behind_a_cursor_in_their_order(world: World, host: Host) -> None:
    first = host.get(EVENTS).json
    assert first["events"] == []
    connection = connect(world, host)
    db = world.service.app.db
    for status, reason in (
        (ConnectionStatus.SUSPENDED, StatusReason.FREEZE),
        (ConnectionStatus.ACTIVE, None),
        (ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD),
    ):
        found = connections.find(db, ACME, connection.id)
        assert found is not None
        with db.transaction():
            assert change_connection.set_status(db, found.key, status, reason, now=world.clock())
    told_events: list[dict[str, Any]] = []
    page = host.get(f"{EVENTS}?limit=3&cursor={first['cursor']}").json
    assert page["more"] is True
    told_events += page["events"]
    page = host.get(f"{EVENTS}?limit=3&cursor={page['cursor']}").json
    assert page["more"] is False
    told_events += page["events"]
    assert [(each["type"], each["reason"]) for each in told_events] == [
        ("connection.active", None), ("connection.suspended", "freeze"), ("connection.active", None),
        ("connection.needs_reconnect", "token_dead"),
    ]  # fmt: skip
    assert {each["connectionId"] for each in told_events} == {connection.id}
    assert len({each["id"] for each in told_events}) == 4
    again = host.get(f"{EVENTS}?cursor={page['cursor']}").json
    assert again == {"events": [], "cursor": page["cursor"], "more": False}


@pytest.mark.claim("C-189")
def test_an_organization_reads_its_own_events_alone(world: World, host: Host) -> None:
    """I read on behind my own cursor, and wait for what happens to others."""
    connect(world, host)
    theirs = Host(world, GLOBEX)
    cursor = theirs.get(EVENTS).json["cursor"]
    assert theirs.get(EVENTS).json["events"] == []
    assert theirs.get(f"{EVENTS}?cursor={cursor}").json["events"] == []
    mine = host.get(EVENTS).json
    assert len(mine["events"]) == 1
    assert told(theirs.get(f"{EVENTS}?cursor={mine['cursor']}")) == (400, "BAD_REQUEST")


def test_an_uninstall_at_slack_is_told(world: World, host: Host) -> None:
    connect(world, host)
    world.clock.advance(60)
    world.slack.uninstall(NORTH)
    world.event({"type": "app_uninstalled"}, "EvGone")
    world.work()
    assert [(each["type"], each["reason"]) for each in host.get(EVENTS).json["events"]][-1] == (
        "connection.revoked", "uninstalled",
    )  # fmt: skip
