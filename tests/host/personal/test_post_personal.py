"""Messages as a member: by that member's own connection, and nobody else's."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.flows import change_connection
from slackapp.host.flows.events import note_channel
from slackapp.host.flows.messages import settle_message
from slackapp.host.model import ChannelState, HostRole
from slackapp.host.rows import ConnectionSettings
from slackapp.host.store import connections
from slackapp.localslack.model import Fault
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import ann, make_host_world
from tests.support.host_world import Host, told
from tests.support.personal import SCOPES, api, connect, make_person, tenant_of, token_of
from tests.support.posting import accepted, join, look, post, said, send_all, shown
from tests.support.world import NORTH, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path, SLACKAPP_HOST_USER_SCOPES=SCOPES, SLACKAPP_HOST_PURPOSE="alerts") as made:
        yield made


@pytest.mark.claim("C-352")
def test_a_member_posts_as_its_own_user_and_nobody_else_does(world: World) -> None:
    carl = make_person(world)
    ann(world).connect()
    own = connect(carl)
    general = world.slack.workspaces[NORTH].general
    message = accepted(api(carl), "as carl", connectionId=own.id, channel=general)
    send_all(world, 3)
    assert [(each["text"], each["user"]) for each in shown(world)] == [("as carl", own.installed_by_slack_user_id)]
    body = {"text": "x", "connectionId": own.id, "channel": general}
    for member, role in (("ben", HostRole.MEMBER), ("olga", HostRole.OWNER)):
        assert told(post(api(make_person(world, member, role=role)), body)) == (404, "NOT_FOUND")
        path = f"slack/messages/{message}"
        changed = api(make_person(world, member, role=role)).call("PATCH", path, {"text": "not carl"})
        assert told(changed) in ((403, "FORBIDDEN"), (404, "NOT_FOUND"))
    assert told(post(api(carl).of(None, None), body)) == (404, "NOT_FOUND")
    known = [{"id": each, "text": each} for each in ("alerts", "billing")]
    assert Host(world).put("organization", {"purposes": known}).status == 200
    assert told(post(api(carl), {**body, "purpose": "billing"})) == (400, "BAD_REQUEST")
    assert api(carl).call("PATCH", f"slack/messages/{message}", {"text": "carl again"}).status == 202
    send_all(world, 3)
    assert said(world) == ["carl again"]
    assert {row["holder_kind"] for row in world.facts("token.read") if row["method"].startswith("chat.")} == {
        "connection"
    }


@pytest.mark.claim("C-352")
def test_without_the_scope_nothing_goes_out_and_after_its_end_neither(world: World) -> None:
    carl, ben = make_person(world), make_person(world, "ben")
    own = connect(carl)
    waits = accepted(api(carl), "later", connectionId=own.id, channel=world.slack.workspaces[NORTH].general)
    # ben takes a box away on the consent page
    world.slack.app = dataclasses.replace(world.slack.app, optional_scopes=("chat:write",))
    less = connect(ben, user="guest")
    body = {"text": "x", "channel": world.slack.workspaces[NORTH].general}
    refused = post(api(ben), {**body, "connectionId": less.id})
    assert (told(refused), "reconnectUrl" in refused.json) == ((409, "INTEGRATION_INACTIVE"), True)
    assert api(ben).get(f"slack/connections/{less.id}").json["missingScopes"] == ["chat:write"]
    assert api(carl).call("DELETE", f"slack/connections/{own.id}").status == 200
    send_all(world, 3)
    assert (said(world), token_of(world, own.id)) == ([], None)
    assert told(post(api(carl), {**body, "connectionId": own.id})) == (404, "NOT_FOUND")
    assert api(carl).get(f"slack/messages/{waits}").json["status"] == "failed"


@pytest.mark.claim("C-305")
def test_what_a_member_of_another_organization_posts_changes_nothing_of_the_bots(world: World) -> None:
    held, general = ann(world).connect(), world.slack.workspaces[NORTH].general
    gus = make_person(world, "gus", GLOBEX)
    own = connect(gus)
    db, acme = world.service.app.db, api(ann(world))
    with db.transaction():
        found = connections.find(db, ACME, held.id)
        assert found is not None
        settings = ConnectionSettings("ann", "alerts", general, NORTH, ())
        assert change_connection.configure(db, found, settings, world.clock())

    def states() -> list[str]:
        told = acme.get("slack/integration").json["integration"]["unavailableChannels"]
        return [each["state"] for each in told]

    world.slack.faults.add(Fault("chat.postMessage", "error", error="not_in_channel"))
    failed = accepted(api(gus), "outside", connectionId=own.id, channel=general)
    send_all(world, 3)
    assert (look(api(gus), failed)["slackError"], states()) == ("not_in_channel", [])
    with db.transaction():
        note_channel.note(db, tenant_of(), general, ChannelState.LEFT, world.clock())
    accepted(api(gus), "inside", connectionId=own.id, channel=general)
    send_all(world, 3)
    assert (said(world), states()) == (["inside"], ["left"])


@pytest.mark.claim("C-272")
def test_what_is_unclear_is_looked_for_by_its_own_connection(world: World) -> None:
    ann(world).connect()
    general = join(world, "general")[0]
    gus = make_person(world, "gus", GLOBEX)
    own = connect(gus)
    for host, asked in ((api(ann(world)), {}), (api(gus), {"connectionId": own.id})):
        world.slack.faults.add(Fault("chat.postMessage", "lost_answer"))
        accepted(host, "perhaps", channel=general, **asked)
        send_all(world, 3)
    world.clock.advance(60)
    settle_message.look_for_all(world.service.app, lambda: False)
    looked = {row["connection"] for row in world.facts("token.read") if row["capability"] == "settle"}
    assert looked == {own.id}, "the bot has no scope to look"
    assert [row["status"] for row in world.rows("SELECT status FROM messages ORDER BY number")] == ["unclear", "sent"]
