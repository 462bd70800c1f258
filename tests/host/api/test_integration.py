"""`/api/v2/slack/integration`: what it shows, what may be set, and whether it works."""

import contextlib
import json
import sqlite3
from typing import Any

import pytest

from slackapp.host.flows import change_connection, switch_host
from slackapp.host.memory import SLACK_PLACES, host_memory
from slackapp.host.model import ConnectionStatus, MemberStatus
from slackapp.host.rows import Connection, Member, StatusReason
from slackapp.host.store import connections, members
from slackapp.localslack.model import Fault
from slackapp.model import SCHEDULER
from slackapp.store import freezes
from tests.host.keys import HOST_URL
from tests.support.connected import ACME, ANN, GLOBEX, begin
from tests.support.host_world import MEMBER, OPERATOR, SCOPES, Host, add_member, connect, told
from tests.support.world import NORTH, ORG, SOUTH, World

INTEGRATION = "slack/integration"
RECONNECT = f"{HOST_URL}/settings/integrations"


def shown(host: Host, query: str = "") -> Any:
    """The integration as it is shown."""
    reply = host.of().get(INTEGRATION + query)
    assert (reply.status, reply.json["enabled"]) == (200, True)
    return reply.json["integration"]


def move(world: World, connection: Connection, status: ConnectionStatus, reason: StatusReason) -> None:
    """The connection in another status."""
    db = world.service.app.db
    with db.transaction():
        assert change_connection.set_status(db, connection.key, status, reason, now=world.clock())


def revoke(world: World, connection: Connection) -> None:
    """The connection as it is after an uninstall at Slack."""
    db = world.service.app.db
    with db.transaction():
        assert change_connection.revoke(db, connection.key, StatusReason.UNINSTALLED, world.clock())


# What is shown


def test_null_if_none(world: World, host: Host) -> None:
    """C180."""
    assert host.of().get(INTEGRATION).json == {"enabled": True, "integration": None}
    begin(world.service.app.db, 1)
    assert shown(host) is None, "an attempt is nothing that is connected"


def test_active_for_organization(world: World, host: Host) -> None:
    """C178: with state, missing scopes, owner, purpose and times."""
    connection = connect(world, host)
    world.clock.advance(60)
    assert shown(host) == {
        "id": connection.id,
        "status": "active",
        "statusReason": None,
        "workspace": {
            "teamId": NORTH, "enterpriseId": None, "name": "Northwind", "domain": "t0north001-domain",
        },
        "scopes": SCOPES.split(","),
        "missingScopes": [],
        "ownerId": ANN,
        "ownerMissingSince": None,
        "purpose": "alerts",
        "defaultChannel": None,
        "delivery": "bot",
        "webhookChannel": None,
        "allowedChannels": [],
        "defaultChannelTeamId": None,
        "unavailableChannels": [],
        "maxAgeDays": None,
        "installedAt": "2027-01-15T08:00:00Z",
        "lastUsedAt": None,
        "lastValidatedAt": "2027-01-15T08:00:00Z",
        "expiresAt": None,
        "createdAt": "2027-01-15T08:00:00Z",
        "updatedAt": "2027-01-15T08:00:00Z",
        "reconnectUrl": None,
    }  # fmt: skip
    assert shown(host.of(organization=GLOBEX)) is None


def test_a_scope_that_is_asked_for_and_not_granted_is_shown_as_missing(world: World, host: Host) -> None:
    connect(world, host)
    world.restart(bot_scopes=(*SCOPES.split(","), "reactions:write"))
    assert shown(host)["missingScopes"] == ["reactions:write"]


def test_deleted_excluded(world: World, host: Host) -> None:
    """C179: what was uninstalled at Slack is shown as revoked, and what was disconnected is not shown at all."""
    connection = connect(world, host)
    revoke(world, connection)
    found = shown(host)
    assert (found["status"], found["statusReason"], found["reconnectUrl"]) == ("revoked", "uninstalled", RECONNECT)
    assert (found["scopes"], found["missingScopes"], found["workspace"]["name"]) == ([], [], "")
    db = world.service.app.db
    with db.transaction():
        assert connections.delete(db, ACME, connection.id, world.clock())
    assert shown(host) is None
    assert told(host.of().get(f"{INTEGRATION}?connectionId={connection.id}")) == (404, "NOT_FOUND")
    assert host.of().get("slack/integrations").json == {"integrations": [], "cursor": None}


def test_an_attempt_is_not_shown_even_by_its_id(world: World, host: Host) -> None:
    assert shown(host) is None
    attempt = begin(world.service.app.db, 1)
    assert told(host.of().get(f"{INTEGRATION}?connectionId={attempt.id}")) == (404, "NOT_FOUND")


@pytest.mark.claim("C-220")
def test_while_it_is_rolled_out_it_is_off_for_all_but_those_that_are_named(world: World, host: Host) -> None:
    world.restart(host_organizations=(GLOBEX,))
    assert host.of().get(INTEGRATION).json == {"enabled": False}
    for refused in (host.of().post("slack/auth", {}), host.of().post("slack/integration/test")):
        assert told(refused) == (503, "INTEGRATION_DISABLED")
    assert host.of(organization=GLOBEX).get(INTEGRATION).json["enabled"] is True
    assert host.of(organization=GLOBEX).post("slack/auth", {}).status == 200


def test_disabled_handled(world: World, host: Host) -> None:
    """C187: off, nothing is told but that; what only reads goes on, and the rest is refused in the PRD's words."""
    connect(world, host)
    switch_host.disable(world.service.app, ACME, OPERATOR, world.clock())
    assert host.of().get(INTEGRATION).json == {"enabled": False}
    reply = host.of().post("slack/integration/test")
    assert reply.json == {"error": "Slack integration is not enabled", "code": "INTEGRATION_DISABLED", "status": 503}
    assert reply.status == 503
    assert host.of(organization=GLOBEX).get(INTEGRATION).json["enabled"] is True
    switch_host.enable(world.service.app, ACME, OPERATOR, world.clock())
    world.restart(integration_enabled=False)
    assert host.of().get(INTEGRATION).json == {"enabled": False}


def test_of_several_workspaces_the_call_says_which(world: World, host: Host) -> None:
    north, south = connect(world, host), connect(world, host, SOUTH, 2)
    reply = host.of().get(INTEGRATION)
    assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), "connectionId")
    for connection, team in ((north, NORTH), (south, SOUTH)):
        assert shown(host, f"?connectionId={connection.id}")["workspace"]["teamId"] == team
    revoke(world, south)
    assert shown(host)["id"] == north.id, "one that is held comes before those that were"


def test_an_org_wide_installation_has_an_enterprise_and_no_team(world: World, host: Host) -> None:
    connect(world, host, ORG)
    assert shown(host)["workspace"]["teamId"] is None
    assert shown(host)["workspace"]["enterpriseId"] == ORG


@pytest.mark.claim("C-182")
def test_cross_org(world: World, host: Host) -> None:
    """C209: I ask for the connection of another organization by its id: the answer is that of what is not there."""
    connection = connect(world, host)
    stranger, before = host.of(organization=GLOBEX), world.calls()
    for method, path, body in (
        ("GET", "slack/integration", None),
        ("PUT", "slack/integration", {"maxAgeDays": 1}),
        ("POST", "slack/integration/test", None),
        ("GET", "slack/channels", None),
        ("POST", f"slack/channels/{world.slack.workspaces[NORTH].general}/join", None),
    ):
        theirs = stranger.call(method, f"{path}?connectionId={connection.id}", body)
        nobodys = stranger.call(method, f"{path}?connectionId={'0' * 24}", body)
        assert theirs.status == 404
        assert theirs.body == nobodys.body
    assert shown(host)["maxAgeDays"] is None
    assert world.calls() == before


def test_all_workspaces_are_listed_a_page_at_a_time(world: World, host: Host) -> None:
    ids = [connect(world, host, NORTH).id]
    world.clock.advance(1)
    ids.append(connect(world, host, SOUTH, 2).id)
    first = host.of().get("slack/integrations?limit=1").json
    assert [each["id"] for each in first["integrations"]] == ids[:1]
    second = host.of().get(f"slack/integrations?limit=1&cursor={first['cursor']}").json
    assert [each["id"] for each in second["integrations"]] == ids[1:]
    last = host.of().get(f"slack/integrations?limit=1&cursor={second['cursor']}").json
    assert last == {"integrations": [], "cursor": None}
    assert [each["id"] for each in host.of().get("slack/integrations").json["integrations"]] == ids
    theirs = host.of(organization=GLOBEX)
    assert theirs.get("slack/integrations").json["integrations"] == []
    assert told(theirs.get(f"slack/integrations?cursor={first['cursor']}")) == (400, "BAD_REQUEST")


# What may be set


def test_settings_are_changed_one_by_one(world: World, host: Host) -> None:
    connection = connect(world, host)
    general, random = world.slack.workspaces[NORTH].general, world.slack.workspaces[NORTH].random
    add_member(world, ACME, "bob", MEMBER)
    host.put("organization", {"purposes": [{"id": "billing", "text": "Reminders"}]})
    for body, changed in (
        ({"ownerId": "bob"}, {"ownerId": "bob"}),
        ({"purpose": "billing"}, {"purpose": "billing"}),
        ({"allowedChannels": [general, random, general]}, {"allowedChannels": [general, random]}),
        ({"defaultChannel": random}, {"defaultChannel": random, "lastUsedAt": "2027-01-15T08:00:00Z"}),
        ({"maxAgeDays": 30}, {"maxAgeDays": 30, "expiresAt": "2027-02-14T08:00:00Z"}),
        ({"defaultChannel": None, "maxAgeDays": None}, {"defaultChannel": None, "maxAgeDays": None, "expiresAt": None}),
        ({}, {}),
    ):
        before = shown(host)
        reply = host.of().put(INTEGRATION, body)
        assert (reply.status, reply.json["integration"]) == (200, before | changed)
        assert shown(host) == before | changed
    noted = world.facts("integration.changed")
    assert [row["connection"] for row in noted] == [connection.id] * 7
    assert (noted[0]["actor"], noted[0]["actor_id"], noted[0]["organization"]) == ("member", ANN, ACME)


@pytest.mark.claim("C-187")
def test_whoever_answers_for_it_is_a_member_of_this_organization_who_has_not_left(world: World, host: Host) -> None:
    """I name somebody of another organization, somebody who has left, or nobody."""
    connect(world, host)
    db = world.service.app.db
    add_member(world, GLOBEX, "eve")
    add_member(world, ACME, "gone")
    gone = members.find(db, ACME, "gone")
    assert isinstance(gone, Member)
    with db.transaction():
        members.set_status(db, gone, MemberStatus.OFFBOARDED, world.clock())
    for owner in ("eve", "gone", "nobody"):
        reply = host.of().put(INTEGRATION, {"ownerId": owner})
        assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), "ownerId")
    assert shown(host)["ownerId"] == ANN


def test_a_purpose_that_the_organization_has_not_is_refused(world: World, host: Host) -> None:
    connect(world, host)
    Host(world, GLOBEX).put("organization", {"purposes": [{"id": "theirs", "text": "Theirs"}]})
    reply = host.of().put(INTEGRATION, {"purpose": "theirs"})
    assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), "purpose")
    assert host.of().put(INTEGRATION, {"purpose": "alerts"}).status == 200, "what it has already may stay"


def test_a_default_channel_is_one_that_slack_knows_and_that_is_allowed(world: World, host: Host) -> None:
    connect(world, host)
    team = world.slack.workspaces[NORTH]
    for channel in ("C0NOSUCH01", team.private, world.slack.workspaces[SOUTH].general):
        assert told(host.of().put(INTEGRATION, {"defaultChannel": channel})) == (422, "INVALID_CHANNEL")
    world.slack.fault(Fault("conversations.info", "patch", patch={"channel": {"is_archived": True}}))
    assert told(host.of().put(INTEGRATION, {"defaultChannel": team.random})) == (422, "INVALID_CHANNEL")
    asked = len(world.calls("conversations.info"))
    body = {"defaultChannel": team.random, "allowedChannels": [team.general]}
    reply = host.of().put(INTEGRATION, body)
    assert (told(reply), reply.json["field"]) == ((422, "INVALID_CHANNEL"), "defaultChannel")
    assert len(world.calls("conversations.info")) == asked, "what is not allowed is not asked for"
    assert shown(host)["defaultChannel"] is None


def test_a_default_channel_is_stored_unseen_where_nobody_may_look(world: World, host: Host) -> None:
    connection = connect(world, host)
    with_scope(world, connection, "chat:write")
    assert host.of().put(INTEGRATION, {"defaultChannel": "C0NOSUCH01"}).status == 200
    assert world.calls("conversations.info") == []


def with_scope(world: World, connection: Connection, scope: str) -> None:
    """The connection with other scopes, as another grant would have brought them."""
    with contextlib.closing(sqlite3.connect(world.settings.database)) as database, database:
        database.execute("UPDATE connections SET scope = ? WHERE id = ?", (scope, connection.id))


def test_a_change_that_meets_another_one_is_told_so_and_nothing_is_lost(world: World, host: Host) -> None:
    """While Slack is asked about a channel, somebody else changes the purpose."""
    connect(world, host)
    general = world.slack.workspaces[NORTH].general
    host.put("organization", {"purposes": [{"id": "billing", "text": "Reminders"}]})
    app = world.service.app
    called = app.slack.call

    def meanwhile(*arguments: Any) -> Any:
        if arguments[0] == "conversations.info":
            assert host.of().put(INTEGRATION, {"purpose": "billing"}).status == 200
        return called(*arguments)

    app.slack.call = meanwhile  # type: ignore[method-assign]
    reply = host.of().put(INTEGRATION, {"defaultChannel": general})
    assert (told(reply), reply.headers["retry-after"]) == ((503, "BUSY"), "1")
    assert (shown(host)["purpose"], shown(host)["defaultChannel"]) == ("billing", None)


def test_a_new_owner_ends_a_suspension_for_want_of_one(world: World, host: Host) -> None:
    connection = connect(world, host)
    for member in ("bob", "carol"):
        add_member(world, ACME, member)
    assert host.of().put(INTEGRATION, {"ownerId": "carol"}).status == 200
    assert host.post("members/carol/offboard", {}).status == 200
    move(world, connection, ConnectionStatus.SUSPENDED, StatusReason.OWNER)
    assert host.of().put(INTEGRATION, {"maxAgeDays": 3}).json["integration"]["status"] == "suspended"
    assert host.of().put(INTEGRATION, {"ownerId": "bob"}).json["integration"]["status"] == "active"


def test_a_new_owner_ends_no_other_suspension(world: World, host: Host) -> None:
    connection = connect(world, host)
    move(world, connection, ConnectionStatus.SUSPENDED, StatusReason.REVIEW)
    add_member(world, ACME, "bob")
    assert host.of().put(INTEGRATION, {"ownerId": "bob"}).json["integration"]["status"] == "suspended"


def test_what_is_not_connected_cannot_be_set(world: World, host: Host) -> None:
    assert told(host.of().put(INTEGRATION, {})) == (404, "INTEGRATION_NOT_FOUND")
    connection = connect(world, host)
    move(world, connection, ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD)
    assert host.of().put(INTEGRATION, {"maxAgeDays": 3}).status == 200
    reply = host.of().put(INTEGRATION, {"defaultChannel": world.slack.workspaces[NORTH].general})
    assert (told(reply), reply.json["reconnectUrl"]) == ((409, "INTEGRATION_INACTIVE"), RECONNECT)
    found = connections.find(world.service.app.db, ACME, connection.id)
    assert found is not None
    revoke(world, found)
    assert told(host.of().put(INTEGRATION, {"maxAgeDays": 4})) == (409, "INTEGRATION_INACTIVE")


# Whether it works


def test_slack_is_asked_now_whether_it_works(world: World, host: Host) -> None:
    connect(world, host)
    asked = len(world.calls("auth.test"))
    world.clock.advance(60)
    reply = host.of("meg", MEMBER).post("slack/integration/test")
    assert reply.json == {
        "ok": True,
        "workspace": {"teamId": NORTH, "enterpriseId": None, "name": "Northwind", "domain": "t0north001-domain"},
        "botUserId": "U0NORTH001BOT",
        "missingScopes": [],
        "validatedAt": "2027-01-15T08:01:00Z",
    }
    assert len(world.calls("auth.test")) == asked + 1
    assert (shown(host)["lastUsedAt"], shown(host)["lastValidatedAt"]) == ("2027-01-15T08:01:00Z",) * 2
    read = world.facts("token.read")[-1]
    assert {name: read[name] for name in ("actor", "actor_id", "organization", "capability", "method", "purpose")} == {
        "actor": "member", "actor_id": "meg", "organization": ACME, "capability": "validate", "method": "auth.test",
        "purpose": "alerts",
    }  # fmt: skip


@pytest.mark.claim("C-183")
def test_what_does_not_serve_is_not_used(world: World, host: Host) -> None:
    """I go on with a workspace that a review has suspended: its token would still work."""
    connection = connect(world, host)
    move(world, connection, ConnectionStatus.SUSPENDED, StatusReason.REVIEW)
    calls = world.calls()
    for method, path in (
        ("POST", "slack/integration/test"),
        ("GET", "slack/channels"),
        ("POST", f"slack/channels/{world.slack.workspaces[NORTH].general}/join"),
    ):
        reply = host.of().call(method, path)
        assert (told(reply), reply.json["reconnectUrl"]) == ((409, "INTEGRATION_INACTIVE"), RECONNECT)
    assert world.calls() == calls


def test_a_dead_token_says_that_it_is_connected_again(world: World, host: Host) -> None:
    connect(world, host)
    world.slack.fault(Fault("*", "error", times=-1, error="account_inactive"))
    for _ in range(2):
        reply = host.of().post("slack/integration/test")
        assert (told(reply), reply.json["reconnectUrl"]) == ((409, "INTEGRATION_INACTIVE"), RECONNECT)
    assert (shown(host)["status"], shown(host)["statusReason"]) == ("needs_reconnect", "token_dead")


@pytest.mark.parametrize("kind", ["html500", "cut"])
def test_network_failure(world: World, host: Host, kind: str) -> None:
    """C201: the token stays, and the next call may do better."""
    connect(world, host)
    world.slack.fault(Fault("auth.test", kind, times=-1))
    assert told(host.of().post("slack/integration/test")) == (502, "SLACK_ERROR")
    world.slack.clear_faults()
    assert host.of().post("slack/integration/test").status == 200


def test_rate_limit(world: World, host: Host) -> None:
    """C204: for as long as Slack wants no more, it is not asked again."""
    connect(world, host)
    world.slack.fault(Fault("auth.test", "ratelimited", retry_after=7))
    asked = len(world.calls("auth.test"))
    for _ in range(2):
        reply = host.of().post("slack/integration/test")
        assert (told(reply), reply.headers["retry-after"]) == ((429, "RATE_LIMITED"), "7")
    assert len(world.calls("auth.test")) == asked + 1
    world.clock.advance(7)
    assert host.of().post("slack/integration/test").status == 200


FAULTS = {
    "forbidden": (Fault("auth.test", "error", error="access_denied"), (502, "SLACK_ERROR")),
    "missing scope": (Fault("auth.test", "error", error="missing_scope"), (409, "INTEGRATION_INACTIVE")),
    "unsure": (Fault("*", "error", times=-1, error="invalid_auth"), (503, "TOKEN_UNAVAILABLE")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_slack_fails_with_is_one_code(world: World, host: Host, name: str) -> None:
    fault, expected = FAULTS[name]
    connect(world, host)
    world.slack.fault(fault)
    assert told(host.of().post("slack/integration/test")) == expected
    assert shown(host)["status"] == "active"


def test_a_frozen_tenant_is_not_asked_about(world: World, host: Host) -> None:
    connection = connect(world, host)
    assert connection.tenant is not None
    with world.service.app.db.transaction():
        freezes.add(world.service.app.db, connection.tenant, SCHEDULER, world.clock())
    before = world.calls()
    assert told(host.of().post("slack/integration/test")) == (503, "TOKEN_UNAVAILABLE")
    assert world.calls() == before


@pytest.mark.claim("C-184")
def test_an_organization_does_not_take_every_place_for_calls_to_slack(world: World, host: Host) -> None:
    """I ask again and again while Slack is slow: others still find a place."""
    connect(world, host)
    limit = host_memory(world.service.app).slack_limit
    with contextlib.ExitStack() as held:
        taken = [held.enter_context(limit.acquire(ACME)) for _ in range(SLACK_PLACES)]
        assert taken.count(True) == SLACK_PLACES // 2
        before = world.calls()
        reply = host.of().post("slack/integration/test")
        assert (told(reply), reply.headers["retry-after"]) == ((503, "BUSY"), "2")
        assert world.calls() == before
        assert held.enter_context(limit.acquire(GLOBEX))
    assert host.of().post("slack/integration/test").status == 200


def test_token_exposure(world: World, host: Host) -> None:
    """C208: no answer, header, log line or row of the audit holds a token, or a part of one."""
    connect(world, host)
    answers = [
        host.of().get(INTEGRATION), host.of().get("slack/integrations"), host.of().post("slack/integration/test"),
        host.of().get("slack/channels"), host.get("organization"), host.get("events"),
        host.of().put(INTEGRATION, {"maxAgeDays": 3}),
    ]  # fmt: skip
    said = "".join(answer.text + json.dumps(answer.headers) for answer in answers) + world.log.getvalue()
    said += repr([tuple(row) for row in world.rows("SELECT * FROM audit")])
    assert world.slack.state.tokens
    for token in (*world.slack.state.tokens, *world.slack.state.refreshes):
        assert token not in said
        assert token[-12:] not in said
