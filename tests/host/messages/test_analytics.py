"""Numbers of messages: counted with each change of a status, shown to whoever may see what all members did."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.flows import upkeep
from slackapp.localslack.model import Fault
from tests.host.messages.test_post import sweep
from tests.host.pages.test_settings import of_role
from tests.support import posting
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import make_host_world
from tests.support.host_world import ADMIN, AUDITOR, MEMBER, OWNER, SCOPES, Host, connect, told
from tests.support.posting import MESSAGES, accepted, send_due
from tests.support.world import World

ANALYTICS, PAGE = "slack/analytics", "/settings/analytics"
DAY = 86_400


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One to whose pages people sign in."""
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=SCOPES) as made:
        connect(made, Host(made))
        posting.join(made, "general", "random")
        yield made


@pytest.mark.claim("C-328", "C-329", "C-330")
def test_messages_are_counted_by_day_reason_and_channel(world: World, host: Host, general: str, random: str) -> None:
    nothing = host.get(ANALYTICS).json
    assert (nothing["sent"], nothing["successRate"], nothing["channels"], len(nothing["days"])) == (0, None, [], 30)
    for _ in range(2):
        accepted(host, "a-canary", channel=general, internalMessageId=f"=cmd {world.clock()}")
        send_due(world)
        world.clock.advance(DAY)
    world.slack.fault(Fault("chat.postMessage", "error", error="is_archived"))
    accepted(host, channel=random)
    send_due(world)
    world.slack.fault(Fault("chat.postMessage", "lost_answer"))
    unclear = accepted(host, channel=general)
    send_due(world)
    assert host.post(f"{MESSAGES}/{unclear}/settlement", {"outcome": "sent"}).status == 200
    report = host.of("aud", AUDITOR).get(f"{ANALYTICS}?days=3").json
    assert report["days"] == [
        {"day": "2027-01-15", "sent": 1, "failed": 0, "parked": 0, "unclear": 0},
        {"day": "2027-01-16", "sent": 1, "failed": 0, "parked": 0, "unclear": 0},
        {"day": "2027-01-17", "sent": 1, "failed": 1, "parked": 0, "unclear": 1},
    ]
    assert (report["sent"], report["failed"], report["successRate"]) == (3, 1, 0.75)
    assert report["failures"] == [{"reason": "channel", "number": 1}]
    assert [(each["channel"], each["sent"], each["failed"]) for each in report["channels"]] == [
        (general, 3, 0), (random, 0, 1),
    ]  # fmt: skip
    assert report["connects"]["begun"] == 1
    assert host.get(f"{ANALYTICS}?days=1").json["sent"] == 1
    as_file = host.call("GET", f"{ANALYTICS}?days=3", headers={"Accept": "text/csv"})
    assert as_file.text.splitlines()[1:] == ['"2027-01-15",1,0,0,0', '"2027-01-16",1,0,0,0', '"2027-01-17",1,1,0,1']
    history = host.call("GET", f"{MESSAGES}?limit=3", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(history.text)))
    assert [row["status"] for row in rows] == ["sent", "failed", "sent"]
    assert rows[2]["internalMessageId"].startswith("'=cmd ")
    assert ("a-canary" in history.text, 'rel="next"' in history.headers["link"]) == (False, True)
    assert host.of("bob", OWNER, GLOBEX).get(ANALYTICS).json["sent"] == 0
    assert told(host.of("meg", MEMBER).get(ANALYTICS)) == (403, "FORBIDDEN")
    person = of_role(world, ADMIN)
    page = person.browser.get(PAGE).text
    assert ("75.0 %" in page, "2027-01-17" in page, general in page) == (True, True, True)
    assert "The channel is gone or archived" in page
    assert person.browser.get(f"{PAGE}.csv").text.splitlines()[-1] == '"2027-01-17",1,1,0,1'
    assert "'=cmd" in person.browser.get("/settings/messages.csv?status=sent").text
    for address in (PAGE, f"{PAGE}.csv"):
        assert of_role(world, MEMBER).browser.get(address).status == 403
    assert general not in of_role(world, OWNER, GLOBEX).browser.get(PAGE).text
    world.clock.advance(401 * DAY)
    upkeep.sweep(world.service.app, world.clock())
    assert world.rows("SELECT * FROM message_counts WHERE organization_id = ?", ACME) == []


@pytest.mark.claim("C-330")
def test_what_a_restart_or_a_purge_ends_is_counted_too(world: World, host: Host, general: str) -> None:
    accepted(host, channel=general, sendAt="2027-02-01T00:00:00Z")
    assert host.call("DELETE", "slack/integration").status == 200
    sweep(world)
    report = host.get(ANALYTICS).json
    assert (report["failures"], report["channels"]) == ([{"reason": "revoked", "number": 1}], [])
