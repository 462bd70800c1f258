"""Templates: saved by those who manage, used by whoever posts, of one's own organization alone."""

import json
from typing import Any

import pytest

from slackapp.host.flows.messages import change_template
from slackapp.host.store.messaging import templates
from slackapp.host.store.messaging.templates import Template
from tests.support.connected import ACME, GLOBEX
from tests.support.host_world import AUDITOR, MEMBER, Host, told
from tests.support.posting import MESSAGES, accepted, post, said, send_all, shown
from tests.support.world import World

TEMPLATES = "slack/templates"
DEPLOYED = {"text": "Deployed *$version* by $who"}
CANARY = "a-canary-in-a-variable"


def field_of(host: Host, body: dict[str, Any]) -> tuple[int, str, str]:
    """How a post is refused: status, code and field."""
    reply = post(host, body)
    return *told(reply), reply.json["field"]


@pytest.mark.claim("C-320", "C-324")
def test_a_template_is_saved_used_changed_and_deleted(world: World, host: Host, general: str) -> None:
    ann, meg = host.of(), host.of("meg", MEMBER)
    saved = ann.put(f"{TEMPLATES}/deploy", DEPLOYED)
    assert saved.json == {
        "name": "deploy",
        "variables": ["version", "who"],
        "changedBy": "ann",
        "createdAt": "2027-01-15T08:00:00Z",
        "updatedAt": "2027-01-15T08:00:00Z",
        "text": DEPLOYED["text"],
        "blocks": None,
    }
    assert meg.get(f"{TEMPLATES}/deploy").json == saved.json
    listed = meg.get(TEMPLATES).json["templates"]
    assert [(each["name"], "text" in each) for each in listed] == [("deploy", False)]
    said_by = {"template": "deploy", "variables": {"version": 7, "who": f"<!channel> {CANARY}"}, "channel": general}
    assert post(meg, said_by).status == 202
    assert CANARY.encode() not in world.bytes_on_disk(), "what fills it in is sealed with it"
    later = accepted(meg, "", **{**said_by, "sendAt": "2027-01-15T08:01:00Z"})
    bulk = post(meg, {"messages": [said_by, {**said_by, "variables": {}}]}, path=f"{MESSAGES}/bulk").json["results"]
    assert [(each["status"], each["field"]) for each in bulk] == [("queued", None), (None, "/variables/version")]
    first = host.get(f"{MESSAGES}?limit=1").json["messages"][0]["id"]
    answer = {"template": "deploy", "variables": said_by["variables"]}
    assert post(meg, answer, path=f"{MESSAGES}/{first}/replies").status == 202
    world.clock.advance(5)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "$version"}}]
    changed = host.put(f"{TEMPLATES}/deploy", {"blocks": blocks}).json
    assert (changed["blocks"], changed["text"], changed["changedBy"]) == (blocks, None, None)
    assert (changed["createdAt"], changed["updatedAt"]) == ("2027-01-15T08:00:00Z", "2027-01-15T08:00:05Z")
    assert ann.call("DELETE", f"{TEMPLATES}/deploy").json == {"deleted": True}
    assert told(ann.call("DELETE", f"{TEMPLATES}/deploy")) == (404, "NOT_FOUND")
    send_all(world, 70)
    assert said(world) == [f"Deployed *7* by &lt;!channel&gt; {CANARY}"] * 4, f"{later} goes out as it was accepted"
    assert [each["detail"] for each in world.facts("organization.changed")] == ["organization_templates"] * 3
    assert len(shown(world)) == 4


@pytest.mark.claim("C-320", "C-322", "C-323")
def test_what_cannot_be_said_is_refused_where_it_is_saved_or_used(world: World, host: Host, general: str) -> None:
    ann, meg, to = host.of(), host.of("meg", MEMBER), {"channel": general}
    for name, content, refused in (
        ("bad", {"text": "costs $5"}, (422, "INVALID_CONTENT", "/text")),
        ("bad", {"text": "\x1b"}, (422, "INVALID_CONTENT", "/text")),
        ("bad", {}, (422, "INVALID_CONTENT", "/text")),
        ("bad", {"text": "x", "name": "y"}, (400, "BAD_REQUEST", "name")),
        ("no.id", {"text": "x"}, (400, "BAD_REQUEST", "name")),
    ):
        reply = ann.put(f"{TEMPLATES}/{name}", content)
        assert (*told(reply), reply.json["field"]) == refused, content
    assert ann.put(f"{TEMPLATES}/deploy", DEPLOYED).status == 200
    values = {"version": "1", "who": "meg"}
    for body, refused in (
        ({"template": "deploy"}, (422, "INVALID_CONTENT", "/variables/version")),
        ({"template": "deploy", "variables": {"version": "1"}}, (422, "INVALID_CONTENT", "/variables/who")),
        ({"template": "deploy", "variables": {**values, "x": ""}}, (422, "INVALID_CONTENT", "/variables/x")),
        (
            {"template": "deploy", "variables": {**values, "who": "x" * 4000}},
            (422, "INVALID_CONTENT", "/template/text"),
        ),
        ({"template": "deploy", "variables": {**values, "who": "\x1b"}}, (422, "INVALID_CONTENT", "/template/text")),
        ({"template": "other", "variables": values}, (404, "NOT_FOUND", "template")),
        ({"template": "deploy", "variables": values, "text": "x"}, (400, "BAD_REQUEST", "text")),
        ({"text": "x", "variables": values}, (400, "BAD_REQUEST", "template")),
    ):
        assert field_of(meg, {**body, **to}) == refused, body
    other = host.of("bob", MEMBER, GLOBEX)
    assert told(other.get(f"{TEMPLATES}/deploy")) == (404, "NOT_FOUND")
    assert other.get(TEMPLATES).json == {"templates": []}
    assert told(meg.put(f"{TEMPLATES}/deploy", DEPLOYED)) == (403, "FORBIDDEN")
    assert told(meg.call("DELETE", f"{TEMPLATES}/deploy")) == (403, "FORBIDDEN")
    assert told(host.of("aud", AUDITOR).get(TEMPLATES)) == (403, "FORBIDDEN")
    assert json.loads(world.rows("SELECT content FROM templates")[0]["content"]) == DEPLOYED
    db, now = world.service.app.db, world.clock()
    with db.transaction():
        for number in range(1, change_template.MAX_TEMPLATES):
            assert templates.save(db, ACME, Template(f"t{number}", DEPLOYED, "ann", created_at=now, updated_at=now))
    reply = ann.put(f"{TEMPLATES}/more", DEPLOYED)
    assert (*told(reply), "100 templates" in reply.text) == (400, "BAD_REQUEST", True)
    assert ann.put(f"{TEMPLATES}/deploy", DEPLOYED).status == 200, "what is there may be changed"
