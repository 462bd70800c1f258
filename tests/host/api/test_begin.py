"""`/api/v2/slack/auth`, `/sessions` and the end: an organization connects and disconnects, by API but for Slack."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slackapp.host.store import connections, sessions
from slackapp.localslack.model import Fault
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.support import connecting
from tests.support.connected import ACME, ANN, GLOBEX
from tests.support.connecting import HOST_URL, Person, led_to
from tests.support.host_world import ADMIN, AUDITOR, MEMBER, SCOPES, Host, told
from tests.support.world import NORTH, SOUTH, World

AUTH, SESSIONS, INTEGRATION = "slack/auth", "slack/sessions", "slack/integration"
PAGE = {"Content-Type": "application/x-www-form-urlencoded", "Origin": HOST_URL}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connecting.make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=SCOPES) as made:
        yield made


def begin(host: Host, **body: Any) -> dict[str, str]:
    """What is answered to whoever begins."""
    reply = host.of().post(AUTH, body)
    assert reply.status == 200, reply.text
    return reply.json


def sign_in(world: World, host: Host, member: str = ANN, role: str = "admin") -> Person:
    """A browser in which the host's page has sent the ticket that its backend was given."""
    ticket = host.post(SESSIONS, {"memberId": member, "role": role}).json["ticket"]
    person = Person(world, world.browser(), host.organization, member)
    assert person.post("/settings/session", {"ticket": ticket}, HOST_URL).status == 303
    return person


def connect(world: World, host: Host, target: str = NORTH) -> dict[str, str]:
    """The whole way; what was answered at its beginning."""
    begun = begin(host)
    person = Person(world, world.browser(), host.organization)
    person.come_back(person.approve(begun["authUrl"], target))
    ticket = host.post(SESSIONS, {"memberId": ANN, "role": "admin"}).json["ticket"]
    person.post("/settings/session", {"ticket": ticket}, HOST_URL)
    assert "status=success" in led_to(person.press("confirm"))
    return begun


# Beginning


def test_200_with_url(world: World, host: Host) -> None:
    """C163, C170: Slack's own address, with our client, scopes and redirect, and a state."""
    begun = begin(host, metadata={"returnUrl": "/done", "source": "settings", "plan": "pro"})
    url = urlsplit(begun["authUrl"])
    assert f"{url.scheme}://{url.netloc}" == world.slack_url
    asked = connecting.query_of(begun["authUrl"])
    assert asked["state"] == begun["state"]
    assert asked["redirect_uri"] == "http://localhost:3000/api/v2/slack/auth/callback"
    assert set(asked["scope"].split(",")) == set(SCOPES.split(","))
    assert world.calls() == []


def test_pending_with_state(world: World, host: Host) -> None:
    """C171, C181, C182, C183: a pending row under the id that was answered, with the hash of the state and its end."""
    begun = begin(host)
    found = connections.find(world.service.app.db, ACME, begun["connectionId"])
    assert found is not None
    assert (found.status, found.user_id, found.tenant) == ("pending", ANN, None)
    assert found.oauth_expires_at == world.clock() + world.settings.state_ttl
    assert begun["state"].encode() not in world.bytes_on_disk()
    assert host.of().get(INTEGRATION).json["integration"] is None


def test_auth_init_is_the_same_under_another_name(world: World, host: Host) -> None:
    assert set(host.of().post("slack/auth/init", {}).json) == {"connectionId", "authUrl", "state"}


def test_service_called_once_by_each_token(world: World, host: Host) -> None:
    """C166: a token that was seen begins nothing a second time."""
    headers = {"Authorization": f"Bearer {host.of().token()}"}
    assert host.call("POST", AUTH, {}, headers).status == 200
    assert told(host.call("POST", AUTH, {}, headers)) == (401, "UNAUTHENTICATED")
    assert len(world.rows("SELECT 1 FROM connections")) == 1


@pytest.mark.claim("C-148")
@pytest.mark.parametrize("path", [AUTH, SESSIONS])
def test_what_was_begun_is_on_the_disk_together_with_the_use_of_its_token(
    world: World, host: Host, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The power fails right after the answer, and I send the token that has gone by."""
    seen: list[object] = []
    db, use, opened = world.service.app.db, sessions.use_token_id, SqliteDatabase._open_transaction
    host.of().get(INTEGRATION)

    def note_use(*given: Any) -> bool:
        seen.append("used")
        return use(*given)

    def note_commit(self: SqliteDatabase, durable: bool, is_shared: bool = True) -> Any:
        seen.append(durable)
        return opened(self, durable, is_shared)

    monkeypatch.setattr(sessions, "use_token_id", note_use)
    monkeypatch.setattr(SqliteDatabase, "_open_transaction", note_commit)
    caller, body = (host.of(), {}) if path == AUTH else (host, {"memberId": ANN, "role": "admin"})
    assert caller.post(path, body).status == 200
    assert isinstance(db, SqliteDatabase)
    commits = [each for each in seen if each != "used"]
    assert (seen.count("used"), commits[-1]) == (1, True), "the last commit is flushed, and the log before it with it"


def test_throws_if_exists(world: World, host: Host) -> None:
    """C169."""
    connect(world, host)
    assert told(host.of().post(AUTH, {})) == (409, "INTEGRATION_EXISTS")
    held = host.of().get(INTEGRATION).json["integration"]["id"]
    assert host.of().post(AUTH, {"reconnect": held}).status == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"metadata": "x"}, 400, "metadata"),
        ({"metadata": {"source": 1}}, 400, None),
        ({"metadata": {"returnUrl": "//evil.example"}}, 400, None),
        ({"metadata": {"note": "x" * 2000}}, 413, None),
        ({"purpose": "nobodys"}, 400, "purpose"),
        ({"kind": "bot"}, 400, "kind"),
        ({"reconnect": "0" * 24}, 400, "reconnect"),
        ({"returnUrl": "/x"}, 400, "returnUrl"),
    ],
)
def test_a_wrong_beginning_is_refused_by_its_field(
    world: World, host: Host, body: dict[str, Any], status: int, field: str | None
) -> None:
    reply = host.of().post(AUTH, body)
    assert reply.status == status, reply.text
    assert field in (None, reply.json.get("field"))
    assert world.rows("SELECT 1 FROM connections") == []


def test_who_may_begin(world: World, host: Host) -> None:
    assert told(host.of("aud", AUDITOR).post(AUTH, {})) == (403, "FORBIDDEN")
    assert told(host.of("meg", MEMBER).post(AUTH, {})) == (403, "FORBIDDEN")
    assert told(host.post(AUTH, {})) == (403, "FORBIDDEN"), "a member connects, and not the host itself"


def test_a_member_asks_first_where_the_host_wants_approval(tmp_path: Path) -> None:
    with connecting.make_host_world(tmp_path, SLACKAPP_HOST_APPROVAL="yes") as world:
        assert told(Host(world).of("meg", MEMBER).post(AUTH, {})) == (409, "APPROVAL_REQUIRED")


def test_an_organization_of_another_region_begins_nothing(world: World, host: Host) -> None:
    host.put("organization", {"dataRegion": "eu"})
    assert told(host.of().post(AUTH, {})) == (409, "REGION_MISMATCH")
    assert world.calls() == []


def test_an_organization_connects_as_many_as_it_may(world: World, host: Host) -> None:
    host.put("organization", {"workspaceLimit": 2})
    connect(world, host)
    connect(world, host, SOUTH)
    assert told(host.of().post(AUTH, {})) == (409, "WORKSPACE_LIMIT_REACHED")


# Tickets


def test_a_ticket_opens_the_page_for_its_member_once(world: World, host: Host) -> None:
    ticket = host.post(SESSIONS, {"memberId": "new", "role": "member", "name": "New"}).json
    assert ticket["expiresAt"] == "2027-01-15T08:01:00Z"
    person = Person(world, world.browser(), ACME, "new")
    assert person.post("/settings/session", {"ticket": ticket["ticket"]}, HOST_URL).status == 303
    assert person.post("/settings/session", {"ticket": ticket["ticket"]}, HOST_URL).status == 401
    assert ticket["ticket"].encode() not in world.bytes_on_disk()


def test_a_ticket_is_for_the_host_alone_and_for_who_is_there(world: World, host: Host) -> None:
    assert told(host.of().post(SESSIONS, {"memberId": ANN, "role": "owner"})) == (403, "FORBIDDEN")
    host.post("members/ann/offboard")
    assert told(host.post(SESSIONS, {"memberId": ANN, "role": "admin"})) == (403, "FORBIDDEN")
    for body in ({}, {"memberId": "x"}, {"memberId": "a b", "role": "admin"}, {"memberId": "x", "role": "host"}):
        assert told(host.post(SESSIONS, body)) == (400, "BAD_REQUEST")


# The whole way, and back


def test_full_flow(world: World, host: Host) -> None:
    """C190: by API, with a database, to an active integration, and to its end."""
    begun = connect(world, host)
    integration = host.of().get(INTEGRATION).json["integration"]
    assert (integration["id"], integration["status"]) == (begun["connectionId"], "active")
    assert host.of("meg", MEMBER).get("slack/channels").json["complete"] is True
    assert Host(world, GLOBEX).get(INTEGRATION).json["integration"] is None
    assert host.of(role=ADMIN).call("DELETE", INTEGRATION).json == {"revokedAtSlack": True}
    assert host.of().get(INTEGRATION).json["integration"] is None
    assert told(host.of().call("DELETE", INTEGRATION)) == (404, "INTEGRATION_NOT_FOUND")
    assert world.status(NORTH) != "active"
    types = [each["type"] for each in host.get("events").json["events"]]
    assert types == ["connection.active", "connection.revoked"]


def test_a_disconnect_goes_on_where_slack_does_not_answer(world: World, host: Host) -> None:
    connect(world, host)
    world.slack.fault(Fault("*", "html500", times=-1))
    reply = host.of().call("DELETE", INTEGRATION)
    assert (reply.status, reply.json) == (200, {"revokedAtSlack": False})
    assert host.of().get(INTEGRATION).json["integration"] is None


def test_disconnect_is_for_admins_of_this_organization(world: World, host: Host) -> None:
    connect(world, host)
    held = host.of().get(INTEGRATION).json["integration"]["id"]
    theirs = Host(world, GLOBEX).of()
    assert told(theirs.call("DELETE", f"{INTEGRATION}?connectionId={held}")) == (404, "NOT_FOUND")
    assert told(theirs.call("DELETE", INTEGRATION)) == (404, "INTEGRATION_NOT_FOUND")
    assert told(host.of("meg", MEMBER).call("DELETE", INTEGRATION)) == (403, "FORBIDDEN")
    assert host.of().get(INTEGRATION).json["integration"]["status"] == "active"
