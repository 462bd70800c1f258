"""C192: for random organizations, members, roles and routes no answer holds a value of another organization."""

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slackapp.host.flows import change_connection
from slackapp.host.model import HostRole
from slackapp.host.openapi import codes_of
from slackapp.host.routes import API_ROUTES
from slackapp.host.rows import StatusReason
from tests.support import posting
from tests.support.connected import begin
from tests.support.host_world import Host, connect, make_host_world
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

TENANTS = {"acme": (NORTH, NORTH), "globex": (SOUTH, SOUTH), "initech": (ORG, ORG_TEAM)}
"""Each organization with the tenant that it holds, and a workspace of it."""


class Canaries:
    """What belongs to each organization: ids, names and texts that stand nowhere else."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: dict[str, str] = {}
        self.cursors: dict[str, list[str]] = {}
        self.messages: dict[str, str] = {}
        self.traces: dict[str, str] = {}
        for number, (organization, (tenant, team)) in enumerate(TENANTS.items(), start=1):
            host = Host(world, organization)
            self.ids[organization] = connect(world, host, tenant, number).id
            attempt = begin(world.service.app.db, 50 + number, organization)
            with world.service.app.db.transaction():
                change_connection.fail(world.service.app.db, attempt.key, StatusReason.ACCESS_DENIED, world.clock())
            host.of(f"canary-{organization}-member").get("slack/integration")
            purpose = {"id": f"canary-{organization}-purpose", "text": f"canary {organization} text"}
            provided = {"name": f"canary {organization} name", "purposes": [purpose]}
            assert host.put("organization", provided).status == 200
            allowed = [world.slack.workspaces[team].general]
            body = {"purpose": purpose["id"], "ownerId": f"canary-{organization}-member", "allowedChannels": allowed}
            assert host.of().put("slack/integration", body).status == 200
            saved = host.put(f"slack/templates/canary-{organization}-template", {"text": f"canary {organization} text"})
            assert saved.status == 200
            sender = host.of(f"canary-{organization}-member", HostRole.MEMBER)
            said = {"channel": allowed[0], "internalMessageId": f"canary {organization} id"}
            self.messages[organization] = posting.accepted(sender, f"canary {organization} text", **said)
            found = host.of().get(f"slack/channels?limit=1{'' if tenant == team else f'&teamId={team}'}").json
            pages = [found["cursor"], host.get("events?limit=1").json["cursor"]]
            pages.append(host.get("slack/messages?limit=1").json["cursor"])
            pages.append(host.get("slack/token-use?limit=1").json["cursor"])
            pages += [host.get(f"slack/inventory?limit=1{view}").json["cursor"] for view in ("", "&view=credentials")]
            self.traces[organization] = host.get("slack/token-use?limit=1").json["uses"][0]["traceId"]
            self.cursors[organization] = [*pages, host.get("slack/integrations?limit=1").json["cursor"]]

    def of(self, organization: str) -> set[str]:
        """What nobody else may be shown."""
        tenant, team = TENANTS[organization]
        stem = team.removeprefix("T")
        found = {
            self.ids[organization],
            self.messages[organization],
            f"canary-{organization}",
            f"canary {organization}",
            f'"{self.traces[organization]}"',
            tenant,
            team,
            stem,
        }
        return found | set(self.cursors[organization])


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    with make_host_world(tmp_path_factory.mktemp("isolation")) as made:
        yield Canaries(made)


GOES = {
    ("/api/v2/organization", "PUT"), ("/api/v2/organization", "DELETE"), ("/api/v2/slack/freeze", "POST"),
}  # fmt: skip
"""Where an organization loses what it is known by, or can be asked for."""
ORGANIZATIONS = st.sampled_from([*TENANTS, "nobody"])
CALLERS = st.tuples(st.sampled_from(["ann", "canary-acme-member", "stranger"]), st.sampled_from(HostRole)) | st.none()


def test_the_canaries_are_seen_by_those_whose_they_are(canaries: Canaries) -> None:
    """What is looked for below would be found."""
    for organization, (_, team) in TENANTS.items():
        host, channels = Host(canaries.world, organization), f"slack/channels?teamId={team}"
        shown = "".join(
            host.get(path).text
            for path in (
                "slack/integration",
                "slack/integrations",
                "organization",
                "events",
                "slack/messages",
                "slack/templates",
                "slack/token-use",
                "slack/inventory",
                channels,
            )
        )
        found = {value for value in canaries.of(organization) if value in shown}
        assert len(found) >= 6, (organization, found)


@given(data=st.data(), route=st.sampled_from(API_ROUTES), organization=ORGANIZATIONS, caller=CALLERS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_org_isolation(canaries: Canaries, data: st.DataObject, route, organization, caller) -> None:  # type: ignore[no-untyped-def]
    """C192"""
    world = canaries.world
    theirs = data.draw(st.sampled_from(sorted(TENANTS)))
    team = TENANTS[theirs][1]
    general = world.slack.workspaces[team].general
    named = data.draw(
        st.sampled_from(
            ["ann", f"canary-{theirs}-member", f"canary-{theirs}-template", general, canaries.messages[theirs]]
        )
    )
    parameters = {
        "connectionId": canaries.ids[theirs], "cursor": data.draw(st.sampled_from(canaries.cursors[theirs])) or "x",
        "teamId": team, "limit": "1", "search": "g", "status": "queued", "senderId": f"canary-{theirs}-member",
        "channel": world.slack.workspaces[team].general, "view": "credentials", "days": "7",
        "capability": "post", "method": "chat.postMessage",
        "purpose": f"canary-{theirs}-purpose", "traceId": canaries.traces[theirs], "from": "2026-01-01T00:00:00Z",
        "to": "2029-01-01T00:00:00Z",
    }  # fmt: skip
    chosen = [name for name in route.parameters if data.draw(st.booleans())]
    query = "&".join(f"{name}={parameters[name]}" for name in chosen)
    fields = {
        "ownerId": "ann", "purpose": f"canary-{theirs}-purpose",
        "defaultChannel": world.slack.workspaces[team].general, "allowedChannels": [], "maxAgeDays": 9,
        "metadata": {"source": "x"}, "kind": "workspace", "reconnect": canaries.ids[theirs],
        "memberId": "someone", "role": "owner",
        "reason": "why", "decision": "denied", "note": "no",
        "text": "hello", "blocks": [], "template": f"canary-{theirs}-template", "variables": {},
        "messages": [{"text": "x", "connectionId": canaries.ids[theirs]}], "outcome": "sent",
        "connectionId": canaries.ids[theirs], "threadOf": canaries.messages[theirs],
        "channel": world.slack.workspaces[team].general, "sendAt": "2027-06-01T00:00:00Z",
        "internalMessageId": f"canary {theirs} id",
        "name": "Another name", "workspaceLimit": 2, "dataRegion": "eu", "contentDays": 7, "trackReplies": True,
        "teamId": team, "delivery": "bot", "dueInDays": 7, "purposes": [],
    }  # fmt: skip
    body = {name: fields[name] for name in route.body or {} if data.draw(st.booleans())}
    if (theirs == organization and route.method != "GET") or (route.path, route.method) in GOES:
        organization = "nobody"  # the canaries must stay
    host = Host(world, organization)
    host = host.of(*caller) if caller is not None else host
    path = route.path.replace("{id}", named)
    key = {"Idempotency-Key": f"key-{next(posting.KEYS)}"}
    reply = host.call(route.method, f"{path}?{query}" if query else path, None if route.body is None else body, key)
    for other in TENANTS:
        if other != organization:
            said = reply.text + json.dumps(reply.headers)
            # What the caller has sent in the path comes back, and is no answer of ours about it.
            said = said.replace(named, "") if reply.status == route.status else said
            assert [value for value in canaries.of(other) if value and value in said] == []
    if reply.status != route.status:
        assert reply.json["code"] in codes_of(route)
    assert re.search(r"xox[bpe]", reply.text) is None
