"""What a message said stays where its organization wishes that, for so many days, and is shown to few."""

import json

import pytest

from slackapp.flows import tenant_data
from slackapp.flows.keys import reencrypt_tenant
from slackapp.host.flows import upkeep
from slackapp.host.store.messaging import contents
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind, Tenant
from tests.support.host_world import ADMIN, AUDITOR, MEMBER, OWNER, Host
from tests.support.posting import MESSAGES, accepted, look, said, send_all, send_due
from tests.support.world import NORTH, World

CANARY = "a-canary-that-is-kept"
TENANT = Tenant("T", NORTH)  # type: ignore[arg-type]
DAY = 86_400


def keep(host: Host, days: int) -> None:
    assert host.put("organization", {"contentDays": days}).json["contentDays"] == days


def content(host: Host, message_id: str) -> object:
    """What the caller is told of what a message says, by the message and by the list."""
    listed = next(each for each in host.get(MESSAGES).json["messages"] if each["id"] == message_id)
    told = host.get(f"{MESSAGES}/{message_id}").json["content"]
    assert listed["content"] == told
    return told


@pytest.mark.claim("C-300")
def test_nothing_is_kept_where_nobody_wishes_it_and_a_wish_is_for_what_comes(
    world: World, host: Host, general: str
) -> None:
    before = accepted(host, CANARY, channel=general)
    send_due(world)
    assert world.count("message_contents") == 0
    keep(host, 7)
    assert content(host, before) is None
    noted = [fact["detail"] for fact in world.facts("organization.changed")]
    assert noted[-1] == "organization_content"
    assert host.put("organization", {"contentDays": 366}).json["field"] == "contentDays"


@pytest.mark.claim("C-300", "C-302")
def test_it_is_kept_for_its_days_and_shown_to_admins_and_the_sender(world: World, host: Host, general: str) -> None:
    app = world.service.app
    keep(host, 7)
    message_id = accepted(host, CANARY, channel=general)
    waiting = accepted(host, "waits", channel=general)
    assert content(host.of("meg", MEMBER), waiting) == {"text": "waits"}
    send_due(world)
    for caller in (host, host.of("ann", OWNER), host.of("abe", ADMIN), host.of("meg", MEMBER)):
        assert content(caller, message_id) == {"text": CANARY}
    for caller in (host.of("max", MEMBER), host.of("aud", AUDITOR)):
        assert content(caller, message_id) is None
    assert CANARY.encode() not in world.bytes_on_disk()
    world.clock.advance(7 * DAY - 1)
    upkeep.sweep(app, world.clock())
    assert content(host, message_id) == {"text": CANARY}
    world.clock.advance(1)
    assert content(host, message_id) is None, "from that second on, whoever has swept or not"
    upkeep.sweep(app, world.clock())
    assert [row["message_id"] for row in world.rows("SELECT message_id FROM message_contents")] == []


@pytest.mark.claim("C-300")
def test_fewer_days_are_for_what_is_there_too(world: World, host: Host, general: str) -> None:
    keep(host, 7)
    message_id = accepted(host, CANARY, channel=general)
    send_due(world)
    world.clock.advance(2 * DAY)
    keep(host, 3)
    assert content(host, message_id) == {"text": CANARY}
    keep(host, 1)
    keep(host, 30)
    assert content(host, message_id) is None
    again = accepted(host, CANARY, channel=general)
    send_all(world, 2)
    assert content(host, again) == {"text": CANARY}
    keep(host, 0)
    upkeep.sweep(world.service.app, world.clock())
    assert world.count("message_contents") == 0


@pytest.mark.claim("C-301")
def test_what_is_deleted_at_slack_is_kept_nowhere(world: World, host: Host, general: str) -> None:
    keep(host, 7)
    meg, message_id = host.of("meg", MEMBER), accepted(host, CANARY, channel=general)
    other = accepted(host, "another one", channel=general)
    send_all(world, 2)
    change = meg.call("PATCH", f"{MESSAGES}/{message_id}", {"text": "other words"}).json["id"]
    send_all(world, 2)
    assert content(meg, message_id) == {"text": CANARY}
    assert content(meg, change) == {"text": "other words"}
    assert meg.call("DELETE", f"{MESSAGES}/{message_id}").status == 202
    send_all(world, 2)
    assert said(world) == ["another one"]
    assert (content(meg, message_id), content(meg, change)) == (None, None)
    assert content(meg, other) == {"text": "another one"}


@pytest.mark.claim("C-302")
def test_while_it_is_frozen_nobody_is_shown_anything(world: World, host: Host, general: str) -> None:
    keep(host, 7)
    message_id = accepted(host, CANARY, channel=general)
    send_due(world)
    assert host.post("slack/freeze").json == {"frozen": True}
    assert content(host, message_id) is None
    assert host.call("DELETE", "slack/freeze").json == {"frozen": False}
    assert content(host, message_id) == {"text": CANARY}


@pytest.mark.claim("C-267", "C-300")
def test_new_keys_an_export_and_a_purge_know_it(world: World, host: Host, general: str) -> None:
    app = world.service.app
    keep(host, 7)
    message_id = accepted(host, CANARY, channel=general)
    send_due(world)
    before = world.rows("SELECT body FROM message_contents")[0]["body"]
    reencrypt_tenant.run(app, TENANT, "local", Actor(ActorKind.OPERATOR, "r1"))
    assert world.rows("SELECT body FROM message_contents")[0]["body"] != before
    assert content(host, message_id) == {"text": CANARY}
    (data,) = (each for each in app.tenant_data if each.name == "contents of messages")
    (told,) = data.export(app.db, TENANT)
    assert (told["message_id"], told["body"]) == (message_id, "sealed")
    with app.db.transaction():
        assert contents.erase(app.db, Tenant("T", "T0SOUTH001")) == 0  # type: ignore[arg-type]
    assert world.count("message_contents") == 1
    assert host.of().call("DELETE", "slack/integration").status == 200
    world.work()
    assert world.count("message_contents") == 0
    assert tenant_data.count(app, TENANT) == 0


# Its address at Slack


def test_its_address_is_asked_for_once_and_kept(world: World, host: Host, general: str) -> None:
    message_id = accepted(host, channel=general)
    assert look(host, message_id)["permalink"] is None
    send_due(world)
    aud = host.of("aud", AUDITOR)
    assert aud.get(f"{MESSAGES}/{message_id}").json["permalink"] is None, "an auditor has nobody's token used"
    told = look(host, message_id)
    assert told["permalink"].endswith(f"/archives/{general}/p{told['ts'].replace('.', '')}")
    assert aud.get(f"{MESSAGES}/{message_id}").json["permalink"] == told["permalink"]
    assert look(host, message_id) == told
    assert len(world.calls("chat.getPermalink")) == 1
    read = world.facts("token.read")[-1]
    assert (read["capability"], read["method"], read["channel"]) == ("post", "chat.getPermalink", general)


@pytest.mark.parametrize("fault", [
    Fault("chat.getPermalink", "html500"), Fault("chat.getPermalink", "error", error="message_not_found"),
    Fault("chat.getPermalink", "patch", patch={"permalink": "javascript:alert(1)"}),
], ids=lambda fault: json.dumps(fault.patch) + fault.kind)  # fmt: skip
def test_an_address_that_cannot_be_had_fails_nothing_and_is_asked_for_later(
    world: World, host: Host, general: str, fault: Fault
) -> None:
    message_id = accepted(host, channel=general)
    send_due(world)
    world.slack.faults.add(fault)
    assert look(host, message_id)["permalink"] is None
    assert look(host, message_id)["permalink"] is None, "not within the same minute"
    assert len(world.calls("chat.getPermalink")) == 1
    world.clock.advance(61)
    assert look(host, message_id)["permalink"] is not None
