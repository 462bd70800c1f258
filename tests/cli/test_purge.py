"""`slackapp purge`: erases, proves it, and calls nothing done that is not."""

import json

import pytest

from tests.support.operator import CommandLine
from tests.support.world import NORTH, SOUTH, reading

PLACES = (
    "data keys without a tenant",
    "event bodies without a tenant",
    "tenants in the key backup that are not installed",
    "write-ahead log not emptied",
    "working copies with their keys inside",
)
CLEAN = "".join(f"     0  {place}\n" for place in PLACES)


def counts(out: str) -> dict[str, int]:
    return {line.strip().partition("  ")[2]: int(line.split()[0]) for line in out.splitlines()}


def pending(desk: CommandLine) -> int:
    reply = desk.world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    return int(reply.json["purges_pending"])


def test_a_purge_erases_one_tenant_and_proves_that_nothing_is_left(desk: CommandLine) -> None:
    desk.good("backup", str(desk.folder / "b0"))
    gone, stays = desk.blobs(NORTH), desk.blobs(SOUTH)
    assert desk.good("purge", NORTH) == CLEAN
    files = desk.world.bytes_on_disk() + desk.slot.read_bytes()
    assert [blob for blob in gone if blob in files] == []
    assert (desk.blobs(NORTH), desk.blobs(SOUTH), desk.world.status(SOUTH)) == (set(), stays, "active")
    assert desk.answers(SOUTH, "EvAfter") is False, "what waited was run as well"
    assert desk.answers(SOUTH, "EvAfter2")
    assert desk.world.mention("EvGone", team_id=NORTH).status == 200, "acknowledged, and nothing is done"
    assert desk.world.work() == 0


def test_slack_is_not_told(desk: CommandLine) -> None:
    desk.good("purge", NORTH)
    assert desk.world.calls() == []


def test_verify_finds_nothing_where_nothing_is_left(desk: CommandLine) -> None:
    desk.good("purge", NORTH)
    assert desk.good("purge", "--verify") == CLEAN


def test_verify_counts_a_data_key_that_is_left(desk: CommandLine) -> None:
    kept = [tuple(row) for row in desk.world.rows("SELECT * FROM data_keys WHERE tenant_id = ?", NORTH)]
    desk.good("purge", NORTH)
    desk.change("INSERT INTO data_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *kept[0])
    ended = desk.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["data keys without a tenant"]) == (1, 1)


def test_verify_counts_a_body_that_is_left(desk: CommandLine) -> None:
    desk.good("purge", NORTH)
    assert desk.change("UPDATE inbox SET body = zeroblob(200) WHERE event_id = 'EvWaits0'") == 1
    ended = desk.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["event bodies without a tenant"]) == (1, 1)


def test_verify_counts_a_tenant_that_is_left_in_the_key_backup(desk: CommandLine) -> None:
    """I put an older key backup back in its place."""
    desk.good("backup", str(desk.folder / "b0"))
    old = desk.slot.read_bytes()
    desk.good("purge", NORTH)
    desk.slot.write_bytes(old)
    ended = desk.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["tenants in the key backup that are not installed"]) == (1, 1)


def test_verify_counts_a_log_that_a_reader_holds(desk: CommandLine) -> None:
    with reading(desk.world):
        desk.world.mention("EvMore")
        ended = desk.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["write-ahead log not emptied"]) == (1, 1)


@pytest.mark.long
def test_while_a_reader_holds_the_log_a_purge_is_pending_seen_and_retried(desk: CommandLine) -> None:
    with reading(desk.world):
        ended = desk.run("purge", NORTH)
        assert (ended.status, counts(ended.out)["write-ahead log not emptied"]) == (75, 1)
        assert ended.error == f"{NORTH}: the purge is pending: a reader holds the write-ahead log\n"
        assert (desk.world.status(NORTH), desk.blobs(NORTH)) == ("", set()), "but everything is gone at once"
        shown = {row["tenant"]: row["status"] for row in json.loads(desk.good("tenants", "--json"))}
        assert shown == {NORTH: "purging: a reader holds the write-ahead log", SOUTH: "active"}
        assert pending(desk) == 1
        desk.world.clock.advance(60)
        desk.world.work()
        assert (pending(desk), "purge.complete" in desk.world.audit()) == (1, False)
    assert desk.run("purge", "--verify").status == 75
    desk.world.clock.advance(60)
    desk.world.work()
    assert (pending(desk), desk.world.audit().count("purge.complete")) == (0, 1)
    assert desk.good("purge", "--verify") == CLEAN
    assert [row["tenant"] for row in json.loads(desk.good("tenants", "--json"))] == [SOUTH]


def test_a_pending_purge_of_a_tenant_that_came_back_is_seen_too(desk: CommandLine) -> None:
    with reading(desk.world):
        assert desk.run("purge", NORTH).status == 75
        desk.world.browser().install(NORTH)
        shown = [row["status"] for row in json.loads(desk.good("tenants", "--json")) if row["tenant"] == NORTH]
    assert pending(desk) == 1
    assert any("purging" in status for status in shown), shown
    assert any("active" in status for status in shown), shown


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ((), 2, "slackapp purge: name a tenant, or give --verify"),
        ((NORTH, "--verify"), 2, "slackapp purge: name a tenant, or give --verify"),
        (("T0NOWHERE1",), 1, "T0NOWHERE1: is not installed; see `slackapp tenants`"),
        (("../etc",), 1, "../etc: is not installed; see `slackapp tenants`"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(
    desk: CommandLine, words: tuple[str, ...], status: int, sentence: str
) -> None:
    before = desk.world.snapshot()
    ended = desk.run("purge", *words)
    assert (ended.status, ended.out, ended.error) == (status, "", f"slackapp: {sentence}\n")
    assert desk.world.snapshot() == before
