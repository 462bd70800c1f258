"""A member connects a workspace for itself: who may, what is granted, whose it is, and who sees it."""

from pathlib import Path

import pytest

from slackapp.host.model import HostRole
from slackapp.model import BOT, Holder
from slackapp.store import installations, tokens
from tests.support.callback_world import live_tokens
from tests.support.connected import GLOBEX
from tests.support.connecting import BEN, ann, make_host_world, told
from tests.support.host_world import told as told_by_api
from tests.support.personal import CARL, SCOPES, api, approve, connect, keys_of, make_person, tenant_of, token_of
from tests.support.world import NORTH, SOUTH, World

MODES = pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])


@MODES
def test_a_member_connects_a_workspace_where_nobody_has_installed_the_app(world: World) -> None:
    carl = make_person(world)
    found = connect(carl)
    token = token_of(world, found.id)
    assert token is not None
    assert (token.holder, token.scopes) == (Holder.connection(found.id), tuple(SCOPES.split(",")))
    assert (keys_of(world, found.id), tokens.list_by_tenant(carl.app.db, tenant_of())) == (1, [token])
    assert (found.user_id, found.owner_id, found.bot_user_id) == (CARL, CARL, "")
    installed = installations.find(carl.app.db, tenant_of())
    assert installed is not None
    assert (installed.status, installed.bot_user_id, world.count("installers")) == ("active", "", 0)
    assert len(live_tokens(world, NORTH)) == 1, "no bot was asked for, and none came"


@pytest.mark.claim("C-351")
def test_it_is_shown_to_its_member_and_that_it_is_there_to_who_may_see_all(world: World) -> None:
    carl, ben = make_person(world), make_person(world, BEN)
    found = connect(carl)
    assert (
        api(carl)
        .call("PATCH", f"slack/connections/{found.id}", {"defaultChannel": world.slack.workspaces[NORTH].general})
        .status
        == 200
    )
    shown = api(carl).get(f"slack/connections/{found.id}").json
    assert (shown["memberId"], shown["status"], shown["scopes"]) == (CARL, "active", SCOPES.split(","))
    assert (shown["workspace"]["teamId"], shown["missingScopes"]) == (NORTH, [])
    assert [each["id"] for each in api(carl).get("slack/connections").json["connections"]] == [found.id]
    assert api(ben).get("slack/connections").json["connections"] == []
    path = f"slack/connections/{found.id}"
    for method, body in (("GET", None), ("PATCH", {"purpose": "alerts"}), ("DELETE", None)):
        assert told_by_api(api(ben).call(method, path, body)) == (404, "NOT_FOUND")
    for role in (HostRole.OWNER, HostRole.ADMIN, HostRole.AUDITOR):
        chief = make_person(world, f"chief-{role}", role=role)
        assert [each["id"] for each in api(chief).get("slack/connections").json["connections"]] == [found.id]
        seen = api(chief).get(path).json
        assert (seen["memberId"], seen["defaultChannel"], seen["allowedChannels"]) == (CARL, None, [])
        assert told_by_api(api(chief).call("PATCH", path, {"maxAgeDays": 3})) == (403, "FORBIDDEN")
    assert told_by_api(api(chief).call("DELETE", path)) == (403, "FORBIDDEN")
    other = make_person(world, "eve", GLOBEX, HostRole.OWNER)
    assert told_by_api(api(other).get(path)) == (404, "NOT_FOUND")
    # nor is it taken for the organization's workspace
    assert api(carl).get("slack/integration").json["integration"] is None
    assert told_by_api(api(carl).get(f"slack/integration?connectionId={found.id}")) == (404, "NOT_FOUND")


@pytest.mark.claim("C-340")
def test_without_scopes_for_it_there_are_no_personal_connections(tmp_path: Path) -> None:
    with make_host_world(tmp_path) as world:
        assert told_by_api(api(make_person(world)).post("slack/connections", {})) == (503, "INTEGRATION_DISABLED")


def test_who_may_begin_one(world: World) -> None:
    auditor = make_person(world, "audrey", role=HostRole.AUDITOR)
    assert told_by_api(api(auditor).post("slack/connections", {})) == (403, "FORBIDDEN")
    host = api(auditor).of(None, None)
    assert told_by_api(host.post("slack/connections", {})) == (403, "FORBIDDEN")
    begun = api(make_person(world)).post("slack/connections", {})
    assert begun.status == 200
    assert "&scope=" not in begun.json["authUrl"]


def test_a_member_needs_an_approval_where_they_are_asked_for(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_HOST_USER_SCOPES=SCOPES, SLACKAPP_HOST_APPROVAL="yes") as world:
        asked = api(make_person(world))
        assert told_by_api(asked.post("slack/connections", {})) == (409, "APPROVAL_REQUIRED")
        approval = asked.post("slack/approvals", {"reason": "my own alerts"}).json["id"]
        chief = api(make_person(world, "olga", role=HostRole.OWNER))
        assert chief.post(f"slack/approvals/{approval}/decision", {"decision": "approved"}).status == 200
        connect(make_person(world))
        assert told_by_api(asked.post("slack/connections", {})) == (409, "APPROVAL_REQUIRED")


def test_a_member_has_as_many_as_the_organization_may_have_workspaces(world: World) -> None:
    carl = make_person(world)
    connect(carl)
    assert told_by_api(api(carl).post("slack/connections", {})) == (409, "INTEGRATION_EXISTS")
    assert approve(make_person(world, BEN), SOUTH)["status"] == "success"


@pytest.mark.claim("C-170")
@MODES
def test_a_bot_that_was_not_asked_for_is_given_back(world: World) -> None:
    carl = make_person(world)
    begun = carl.begin(kind="personal")
    widened = f"{begun.authorize_url}&scope=chat:write,users:read"
    assert told(carl.come_back(carl.approve(widened, NORTH, "admin")).location)["error"] == "invalid_scope"
    assert (carl.statuses(), live_tokens(world, NORTH), world.count("installations")) == (["failed"], [], 0)


@pytest.mark.claim("C-348")
@MODES
def test_a_user_has_one_connection_whoever_asks(world: World) -> None:
    carl = make_person(world)
    first = connect(carl)
    eve = make_person(world, "eve", GLOBEX)
    assert approve(eve)["error"] == "workspace_taken"
    assert approve(make_person(world, BEN))["error"] == "workspace_taken"
    assert (eve.statuses(), carl.statuses()) == (["failed"], ["active", "failed"])
    assert api(carl).call("GET", f"slack/connections/{first.id}").json["status"] == "active"
    assert len(live_tokens(world, NORTH)) == 1, "what eve and ben were granted is given back, and carl's is not"
    # another user of that workspace is somebody else's
    assert approve(eve, user="admin")["status"] == "success"
    assert approve(carl, user="guest", reconnect=first.id)["error"] == "workspace_taken"


@pytest.mark.claim("C-347")
@MODES
def test_only_its_member_brings_it_back_to_the_same_workspace_or_another(world: World) -> None:
    carl, ben = make_person(world), make_person(world, BEN)
    first = connect(carl)
    assert told_by_api(api(ben).post("slack/connections", {"reconnect": first.id})) == (400, "BAD_REQUEST")
    assert told_by_api(api(carl).post("slack/auth", {"reconnect": first.id}))[0] in (400, 403)
    there = connect(carl, SOUTH, reconnect=first.id)
    assert (there.id, carl.statuses()) == (first.id, ["active"])
    assert (token_of(world, first.id, NORTH), keys_of(world, first.id, NORTH)) == (None, 0)
    assert (live_tokens(world, NORTH), keys_of(world, first.id, SOUTH)) == ([], 1)


@MODES
def test_the_workspace_and_its_members_are_connected_beside_each_other(world: World) -> None:
    carl = make_person(world)
    own = connect(carl)
    held = ann(world).connect()
    app = world.service.app
    assert {each.holder for each in tokens.list_by_tenant(app.db, tenant_of())} == {BOT, Holder.connection(own.id)}
    eve = make_person(world, "eve", GLOBEX)
    connect(eve, user="guest")
    assert (held.status, len(live_tokens(world, NORTH))) == ("active", 3)
