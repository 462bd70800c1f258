"""A fresh token on demand: for the host alone, where it is allowed, and loud; and never a stale one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.flows import freeze_organization
from slackapp.host.model import HostRole
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import ann, find_dead, make_host_world
from tests.support.host_world import Host, told
from tests.support.personal import SCOPES, connect, make_person
from tests.support.world import World


@pytest.fixture
def rotation() -> bool:
    return True


@pytest.fixture
def world(tmp_path: Path, rotation: bool) -> Iterator[World]:
    changes = {"SLACKAPP_HOST_USER_SCOPES": SCOPES, "SLACKAPP_HOST_TOKEN_ORGANIZATIONS": ACME}
    with make_host_world(tmp_path, rotation, **changes) as made:
        for organization in (ACME, GLOBEX):
            purposes = {"purposes": [{"id": "alerts", "text": "Alerts"}]}
            assert Host(made, organization).put("organization", purposes).status == 200
        yield made


ASKED = {"purpose": "alerts"}
HOST = Actor(ActorKind.HOST, "r1", organization=ACME)


@pytest.mark.claim("C-182", "C-353", "C-354")
def test_the_host_is_given_one_and_everybody_is_told(world: World) -> None:
    carl = make_person(world)
    held, own = ann(world).connect(), connect(carl)
    host = Host(world)
    for connection in (held, own):
        reply = host.post(f"slack/connections/{connection.id}/token", ASKED)
        assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
        assert set(reply.json) == {"active", "connectionId", "token", "scopes", "expiresAt"}
        known = world.slack.state.tokens[reply.json["token"]]
        assert (known.kind, reply.json["scopes"]) == ("bot" if connection is held else "user", list(connection.scopes))
        (fact,) = [each for each in world.facts("token.revealed") if each["connection"] == connection.id]
        assert (fact["purpose"], fact["actor"]) == ("alerts", "host")
    read = [each for each in world.facts("token.read") if each["capability"] == "reveal"]
    assert [each["purpose"] for each in read] == ["alerts", "alerts"]
    told_of = [each for each in host.get("events").json["events"] if each["type"] == "token.revealed"]
    assert [each["connectionId"] for each in told_of] == [held.id, own.id]
    path = f"slack/connections/{own.id}/token"
    for member, role in (("carl", HostRole.MEMBER), ("olga", HostRole.OWNER)):
        assert told(host.of(member, role).post(path, ASKED)) == (403, "FORBIDDEN")
    assert told(Host(world, GLOBEX).post(path, ASKED)) == (403, "FORBIDDEN"), "nobody has allowed it"
    assert told(host.post(f"slack/connections/{'0' * 24}/token", ASKED)) == (404, "NOT_FOUND")
    assert told(host.post(path, {"purpose": "gossip"})) == (400, "BAD_REQUEST")
    assert told(host.post(path, {})) == (400, "BAD_REQUEST")
    one = host.token()
    headers = {"Authorization": f"Bearer {one}"}
    assert host.call("POST", path, ASKED, headers).status == 200
    assert told(host.call("POST", path, ASKED, headers)) == (401, "UNAUTHENTICATED")
    assert len(world.facts("token.revealed")) == 3


@pytest.mark.claim("C-355")
def test_what_does_not_serve_or_would_be_stale_is_not_given(world: World) -> None:
    carl = make_person(world)
    held, own = ann(world).connect(), connect(carl)
    host, path = Host(world), f"slack/connections/{own.id}/token"
    first = host.post(path, ASKED).json["token"]
    world.clock.advance(11 * 3600)
    assert host.post(path, ASKED).json["token"] != first, "little of its life was left"
    world.clock.advance(11 * 3600)
    world.slack.fault(Fault("oauth.v2.access", "html500", times=-1))
    refused = host.post(path, ASKED)
    assert (told(refused), refused.json["active"]) == ((503, "TOKEN_UNAVAILABLE"), False)
    world.slack.clear_faults()
    assert host.post(path, ASKED).status == 200
    find_dead(world)
    refused = host.post(f"slack/connections/{held.id}/token", ASKED)
    assert (told(refused), refused.json["active"]) == ((409, "INTEGRATION_INACTIVE"), False)
    assert refused.json["reconnectUrl"].endswith("/settings/integrations")
    assert host.post(path, ASKED).status == 200, "a member's own goes on without the bot"
    freeze_organization.run(carl.app, ACME, HOST, world.clock())
    assert told(host.post(path, ASKED)) == (409, "INTEGRATION_INACTIVE")
    freeze_organization.end(carl.app, ACME, HOST, world.clock())
    assert host.of("carl", HostRole.MEMBER).call("DELETE", f"slack/connections/{own.id}").status == 200
    assert told(host.post(path, ASKED)) == (404, "NOT_FOUND")


@pytest.mark.claim("C-356")
@pytest.mark.parametrize("rotation", [False], ids=["long-lived"])
def test_one_that_does_not_expire_is_never_given(world: World) -> None:
    own = connect(make_person(world))
    refused = Host(world).post(f"slack/connections/{own.id}/token", ASKED)
    assert (told(refused), refused.json["active"]) == ((409, "INTEGRATION_INACTIVE"), False)
    assert world.facts("token.revealed") == []
