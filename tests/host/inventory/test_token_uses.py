"""What tokens were used for: each use with who, where and what for; told to those whose it is; as JSON and as CSV."""

import csv
import io
from typing import Any

import pytest

from slackapp.checks.capabilities import DISCOVER, POST
from slackapp.errors import Refusal, Refused
from slackapp.flows.tokens import use_token
from slackapp.host.model import HostRole
from slackapp.model import BOT, SCHEDULER, Actor, ActorKind, Tenant, TenantKind
from tests.support.host_world import AUDITOR, Host, told
from tests.support.token_use import make_use
from tests.support.world import NORTH, SOUTH, World

PATH = "slack/token-use"


def uses(world: World, query: str = "", organization: str = "acme") -> list[dict[str, Any]]:
    """The uses as an auditor of that organization is told of them, the oldest first."""
    reply = Host(world, organization).of("aud", AUDITOR).get(f"{PATH}{query}")
    assert reply.status == 200, reply.text
    found: list[dict[str, Any]] = reply.json["uses"]
    return found[::-1]


@pytest.mark.claim("C-361")
def test_each_use_tells_who_where_and_what_for(used: World) -> None:
    found = uses(used)
    assert {use["connectionId"] for use in found} == {f"{1:024}"}
    assert {use["workspaceId"] for use in found} == {NORTH}
    said = [(use["actorKind"], use["actorId"], use["capability"], use["method"], use["purpose"]) for use in found]
    assert said == [
        ("member", "ann", "discover", "conversations.list", "alerts"),
        ("worker", None, "post", "conversations.info", "alerts"),
        ("worker", None, "post", "chat.postMessage", "alerts"),
        # What the service and the app's own function did, the organization is told, too.
        ("worker", None, "validate", "auth.test", "check"),
        ("worker", None, "behaviour", "chat.postMessage", "app_mention"),
    ]
    assert {use["channel"] for use in found if use["capability"] == "post"} == {used.slack.workspaces[NORTH].general}
    assert all(use["result"] == "ok" and use["credential"] == "bot_access" and use["keyId"] for use in found)


def test_one_trace_leads_from_the_message_to_its_uses_calls_and_events(used: World) -> None:
    """An auditor asks what became of one message, and which token was opened for it."""
    (message,) = Host(used).of("aud", AUDITOR).get("slack/messages").json["messages"]
    found = uses(used, f"?traceId={message['traceId']}")
    assert [use["method"] for use in found] == ["conversations.info", "chat.postMessage"]
    assert {(use["channel"], use["purpose"]) for use in found} == {(message["channel"], message["purpose"])}
    rows = used.rows("SELECT method FROM audit WHERE trace_id = ? AND capability <> '' ORDER BY id", message["traceId"])
    assert [row["method"] for row in rows] == [use["method"] for use in found]
    (sent,) = (each for each in Host(used).get("events").json["events"] if each["type"] == "message.sent")
    assert sent["messageId"] == message["id"]
    assert f'"request": "{message["traceId"]}"' in used.log.getvalue()


@pytest.mark.claim("C-362")
def test_nobody_is_told_of_another_organizations_uses(used: World) -> None:
    found = uses(used, organization="globex")
    assert {use["workspaceId"] for use in found} == {SOUTH}
    assert Host(used, "globex").get(f"{PATH}?connectionId={1:024}").status == 404
    trace = uses(used, "?capability=post")[0]["traceId"]
    assert uses(used, f"?traceId={trace}", "globex") == []
    assert uses(used, organization="initech") == []


def test_uses_are_filtered_and_paged(used: World) -> None:
    everything = uses(used)
    for query, number in (
        ("?capability=post", 2), ("?method=auth.test", 1), ("?purpose=alerts", 3),
        ("?capability=post&method=auth.test", 0),
        (f"?connectionId={1:024}", 5), ("?from=2027-01-15T08:00:01Z&to=2027-01-15T08:00:09Z", 2),
        ("?to=2027-01-15T08:00:00Z", 0),
    ):  # fmt: skip
        assert len(uses(used, query)) == number, query
    host, cursor, seen = Host(used).of("aud", AUDITOR), "", []
    while cursor is not None:
        page = host.get(f"{PATH}?limit=2{cursor and f'&cursor={cursor}'}").json
        seen += page["uses"]
        cursor = page["cursor"]
    assert seen[::-1] == everything
    for query, field in (("?from=2027-13-45T00:00:00Z", "from"), ("?to=x", "to"), ("?method=%20", "method")):
        reply = host.get(PATH + query)
        assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), field)


def test_a_table_says_the_same_and_names_its_next_page(used: World) -> None:
    host, found = Host(used).of("aud", AUDITOR), uses(used)
    reply = host.call("GET", f"{PATH}?limit=4&purpose=alerts", headers={"Accept": "text/csv"})
    assert reply.headers["content-type"].startswith("text/csv")
    assert 'filename="token-use.csv"' in reply.headers["content-disposition"]
    heads, *rows = csv.reader(io.StringIO(reply.text, newline=""))
    alike = [use for use in found[::-1] if use["purpose"] == "alerts"]
    assert rows == [["" if use[head] is None else str(use[head]) for head in heads] for use in alike]
    first = host.call("GET", f"{PATH}?limit=2", headers={"Accept": "text/csv"})
    target = first.headers["link"].partition(">")[0].removeprefix("<http://localhost:3000")
    second = host.call("GET", target, headers={"Accept": "text/csv"})
    assert len(list(csv.reader(io.StringIO(second.text)))) == 3
    assert "link" not in reply.headers


def test_members_are_told_nothing(used: World) -> None:
    assert told(Host(used).of("meg", HostRole.MEMBER).get(PATH)) == (403, "FORBIDDEN")


@pytest.mark.claim("C-361", "C-363", "C-364")
def test_a_use_outside_its_capability_is_refused_written_down_and_counted(used: World) -> None:
    """I have a thread list all channels, and a message revoke the token."""
    app, calls = used.service.app, used.calls()
    foreign = Actor(ActorKind.WORKER, "r9", organization="umbrella")
    for actor, capability, method in (
        (SCHEDULER, POST, "auth.revoke"), (SCHEDULER, DISCOVER, "conversations.list"), (foreign, POST, "auth.revoke")
    ):  # fmt: skip
        with pytest.raises(Refused) as caught:
            use_token.call(
                app, make_use(Tenant(TenantKind.WORKSPACE, SOUTH), actor, BOT, method, capability=capability), {}
            )
        assert caught.value.refusal is Refusal.CAPABILITY
    assert used.calls() == calls
    (row, *_) = used.facts("refused.capability")[-1:]
    assert (row["organization"], row.get("connection", "")) == ("umbrella", ""), "it is no use by globex's connection"
    refused = [use for use in uses(used, organization="globex") if use["event"] == "refused.capability"]
    assert [(use["capability"], use["method"], use["result"]) for use in refused] == [
        ("post", "auth.revoke", "refused"), ("discover", "conversations.list", "refused"),
    ]  # fmt: skip
    labels = {"capability": "discover", "reason": "capability"}
    assert app.metrics.value("slackapp_token_uses_refused_total", labels) == 1
