"""Messages at a purge, a restore, new keys, a disconnect and the deletion of an organization, wherever they are."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.flows import tenant_data
from slackapp.flows.keys import reencrypt_tenant
from slackapp.host.checks.message_transitions import NEXT, require_change
from slackapp.host.flows import delete_organization
from slackapp.host.model import MessageStatus
from slackapp.host.store import messages
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind, Tenant
from tests.support.connected import ACME
from tests.support.host_world import Host, connect
from tests.support.posting import MESSAGES, accepted, join, look, post, said, send_all, send_due
from tests.support.world import NORTH, SOUTH, World

TENANT = Tenant("T", NORTH)  # type: ignore[arg-type]
CANARY = "a-canary-of-a-message"
LATER = "2027-01-16T08:00:00Z"


def fill(world: World, host: Host, general: str) -> dict[str, str]:
    """One message of each status, but for what is under way just now."""
    (private,) = join(world, "private")
    sent = accepted(host, f"{CANARY} sent", channel=general)
    send_due(world)
    failed = accepted(host, f"{CANARY} failed", channel="C0NOTTHERE")
    world.slack.faults.add(Fault("chat.postMessage", "lost_answer"))
    world.clock.advance(1)
    unclear = accepted(host, f"{CANARY} unclear", channel=private)
    send_all(world, 2)
    scheduled = accepted(host, f"{CANARY} later", channel=general, sendAt=LATER)
    queued = [accepted(host, f"{CANARY} {number}", channel=general) for number in range(2)]
    found = {"sent": sent, "failed": failed, "unclear": unclear, "scheduled": scheduled, "queued": queued[1]}
    assert {name: look(host, each)["status"] for name, each in found.items()} == {name: name for name in found}
    return found


def statuses(world: World) -> list[tuple[str, str]]:
    return [(row["status"], row["reason"]) for row in world.rows("SELECT status, reason FROM messages ORDER BY number")]


@pytest.mark.claim("C-250")
def test_a_purge_erases_content_channels_threads_and_senders(world: World, host: Host, general: str) -> None:
    app, found = world.service.app, fill(world, host, general)
    assert host.of().call("DELETE", "slack/integration").status == 200
    world.work()
    left = "SELECT status, channel_id, message_ts, thread_ts, permalink, sender_id, body FROM messages"
    for row in world.rows(left):
        assert row["status"] in ("sent", "failed")
        assert [row[name] for name in ("channel_id", "message_ts", "thread_ts", "permalink", "sender_id")] == [""] * 5
        assert row["body"] is None
    assert tenant_data.count(app, TENANT) == 0
    assert look(host, found["sent"])["status"] == "sent"
    assert look(host, found["queued"])["reason"] == "revoked"
    before = said(world)
    send_all(world, 3)
    world.clock.advance(2 * 86_400)
    send_due(world)
    assert said(world) == before
    assert world.count("send_rates") == 0


@pytest.mark.claim("C-250")
def test_a_purge_takes_another_tenants_messages_for_nobodys(world: World, host: Host, general: str) -> None:
    app = world.service.app
    fill(world, host, general)
    before = world.rows("SELECT * FROM messages")
    other = Tenant("T", "T0SOUTH001")  # type: ignore[arg-type]
    with app.db.transaction():
        assert messages.erase(app.db, other, world.clock()) == 0
    assert list(map(tuple, world.rows("SELECT * FROM messages"))) == list(map(tuple, before))


@pytest.mark.claim("C-251")
def test_what_waited_is_unclear_after_a_restore_and_does_not_go_out(world: World, host: Host, general: str) -> None:
    app = world.service.app
    fill(world, host, general)
    with app.db.transaction():
        rows = [row for data in app.tenant_data for row in data.restored(app.db, world.clock())]
    assert len({row.event_id for row in rows}) == len(rows)
    assert [status for status, _ in statuses(world)] == ["sent", "failed", "unclear", "unclear", "unclear", "unclear"]
    assert [reason for _, reason in statuses(world)][3:] == ["restored"] * 3
    before = said(world)
    world.clock.advance(2 * 86_400)
    send_all(world, 3)
    assert said(world) == before


@pytest.mark.claim("C-267")
def test_new_keys_open_what_waits(world: World, host: Host, general: str) -> None:
    app = world.service.app
    found = fill(world, host, general)
    before = {row["id"]: row["body"] for row in world.rows("SELECT id, body FROM messages WHERE body IS NOT NULL")}
    reencrypt_tenant.run(app, TENANT, "local", Actor(ActorKind.OPERATOR, "r1"))
    after = {row["id"]: row["body"] for row in world.rows("SELECT id, body FROM messages WHERE body IS NOT NULL")}
    assert before.keys() == after.keys()
    assert found["queued"] in after
    assert all(before[each] != after[each] for each in after)
    send_all(world, 4)
    assert said(world)[-1] == f"{CANARY} 1"


def test_an_export_names_fields_and_shows_nothing_that_is_sealed(world: World, host: Host, general: str) -> None:
    app = world.service.app
    fill(world, host, general)
    data = next(each for each in app.tenant_data if each.name == "messages")
    told = list(data.export(app.db, TENANT))
    exported = [each for each in told if "body" in each]
    assert len(exported) == 6
    assert {each["body"] for each in exported} == {None, "sealed"}
    assert {each["channel_id"] for each in told if "free_at" in each} >= {"", general}
    assert CANARY not in str(told)


@pytest.mark.claim("C-298")
def test_the_host_is_told_of_each_message_that_an_end_takes_with_it(world: World, host: Host, general: str) -> None:
    accepted(host, "sent", channel=general)
    send_due(world)
    waiting = [accepted(host, "a", channel=general), accepted(host, "b", channel=general, sendAt=LATER)]
    assert host.of().call("DELETE", "slack/integration").status == 200
    events = [each for each in host.get("events").json["events"] if each["type"] == "message.failed"]
    assert [(each["messageId"], each["reason"]) for each in events] == [(each, "revoked") for each in waiting]


@pytest.mark.claim("C-304")
def test_what_was_answered_goes_with_the_last_workspace_alone(world: World, host: Host, general: str) -> None:
    second = connect(world, host, SOUTH, number=2)
    first = next(row["id"] for row in world.rows("SELECT id FROM connections WHERE tenant_id = ?", NORTH))
    body = {"text": "hello", "channel": general, "connectionId": first}
    before = post(host, body, "one-key").json
    assert host.of().call("DELETE", f"slack/integration?connectionId={second.id}").status == 200
    world.work()
    assert post(host, body, "one-key").json == before, "nothing may go out twice for what is still held"
    assert host.of().call("DELETE", f"slack/integration?connectionId={first}").status == 200
    world.work()
    assert world.count("idempotency_keys") == 0


def test_nothing_of_it_stays_when_the_organization_is_deleted(world: World, host: Host, general: str) -> None:
    app = world.service.app
    fill(world, host, general)
    the_host = Actor(ActorKind.HOST, "r1", organization=ACME)
    assert delete_organization.run(app, ACME, the_host, world.clock())
    assert world.count("messages") == 0
    assert CANARY.encode() not in world.bytes_on_disk()


@pytest.mark.claim("C-248")
def test_what_is_over_is_in_no_file(world: World, host: Host, general: str, tmp_path: Path) -> None:
    """Sent, taken back, edited, refused, dropped: no file has it in clear at any time, and sealed none afterwards."""
    app, long = world.service.app, f"{CANARY} " * 150
    sealed: set[bytes] = set()

    def look_into_files() -> None:
        sealed.update(row["body"] for row in world.rows("SELECT body FROM messages WHERE body IS NOT NULL"))
        assert CANARY.encode() not in world.bytes_on_disk()

    ids = [accepted(host, long, channel=channel) for channel in (general, general, "C0NOTTHERE")]
    ids.append(accepted(host, long, channel=general, sendAt=LATER))
    look_into_files()
    assert host.call("PATCH", f"{MESSAGES}/{ids[3]}", {"text": long}).status == 202
    look_into_files()
    world.slack.faults.add(Fault("chat.postMessage", "lost_answer"))
    send_all(world, 3)
    look_into_files()
    assert host.of().post(f"{MESSAGES}/{ids[0]}/settlement", {"outcome": "dropped"}).status == 200
    assert host.call("DELETE", f"{MESSAGES}/{ids[3]}").status == 202
    assert [look(host, each)["status"] for each in ids] == ["failed", "sent", "failed", "canceled"]
    with pytest.raises(sqlite3.IntegrityError), writing(world) as database:
        database.execute("UPDATE messages SET body = zeroblob(200)")
    app.log.flush()
    assert CANARY not in world.log.getvalue()
    world.service.stop()  # who closes the database last empties its log into it
    files = [file.read_bytes() for file in world.folder.rglob("*") if file.is_file()]
    assert len(sealed) == 5
    assert [each for each in sealed for content in files if each[-64:] in content] == []


@contextlib.contextmanager
def writing(world: World) -> Iterator[sqlite3.Connection]:
    """The database, past all of our own code."""
    with contextlib.closing(sqlite3.connect(world.settings.database)) as database:
        yield database


@pytest.mark.claim("C-247")
@pytest.mark.parametrize("before", MessageStatus)
def test_the_table_and_the_database_allow_the_same_changes(
    world: World, host: Host, general: str, before: MessageStatus
) -> None:
    accepted(host, channel=general)
    allowed = set()
    with writing(world) as database:
        database.execute("DROP TRIGGER messages_change_as_allowed")
        body = {"body": None, "parked_at": 1 if before == "parked" else None, "send_at": 1, "status": str(before)}
        change = "UPDATE messages SET status = :status, body = :body, parked_at = :parked_at, send_at = :send_at"
        database.execute(change, body)
        database.execute(trigger())
        for after in MessageStatus:
            with contextlib.suppress(sqlite3.IntegrityError):
                database.execute("SAVEPOINT one")
                parked = 1 if after == "parked" else None
                database.execute("UPDATE messages SET status = ?, parked_at = ?", (str(after), parked))
                allowed.add(after)
            database.execute("ROLLBACK TO one")
    assert allowed == {*NEXT[before], before}


def trigger() -> str:
    """The text of the trigger, as the migration has it."""
    (file,) = (Path(__file__).parents[3] / "sql" / "migrations").glob("*_messages.sql")
    text = file.read_text()
    start = text.index("CREATE TRIGGER messages_change_as_allowed")
    return text[start : text.index("END;", start) + 4]


@pytest.mark.claim("C-247")
def test_a_change_that_may_not_follow_is_a_bug(world: World, host: Host, general: str) -> None:
    app = world.service.app
    message_id = accepted(host, channel=general)
    send_due(world)
    sent = messages.find(app.db, ACME, message_id)
    assert sent is not None
    with pytest.raises(ValueError, match="a message that is sent does not become queued"):
        require_change(MessageStatus.SENT, MessageStatus.QUEUED)
    with app.db.transaction():
        queued: Any = sent._replace(status=MessageStatus.QUEUED)
        assert not messages.set_status(app.db, queued, MessageStatus.CANCELED, now=1)
        sending: Any = sent._replace(status=MessageStatus.SENDING)
        assert not messages.set_sent(app.db, sending, messages.SentPlace(general, "1.2"), now=1)
