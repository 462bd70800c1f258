"""`slackapp purge`: erases, proves it, and calls nothing done that is not."""

import json

import pytest

from tests.support.operator import CommandLine
from tests.support.world import NORTH, SOUTH, reading

PLACES = (
    "data keys without a tenant",
    "tokens and webhooks without a tenant",
    "event bodies without a tenant",
    "connections without a tenant",
    "turns of messages without a tenant",
    "messages without a tenant",
    "contents of messages without a tenant",
    "replies to messages without a tenant",
    "tenants in the key backup that are not installed",
    "write-ahead log not emptied",
    "working copies with their keys inside",
)
CLEAN = "".join(f"     0  {place}\n" for place in PLACES)


def counts(out: str) -> dict[str, int]:
    return {line.strip().partition("  ")[2]: int(line.split()[0]) for line in out.splitlines()}


def pending(shell: CommandLine) -> int:
    reply = shell.world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    return int(reply.json["purges_pending"])


def test_a_purge_erases_one_tenant_and_proves_that_nothing_is_left(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    gone, stays = shell.blobs(NORTH), shell.blobs(SOUTH)
    assert shell.good("purge", NORTH) == CLEAN
    files = shell.world.bytes_on_disk() + shell.slot.read_bytes()
    assert [blob for blob in gone if blob in files] == []
    assert (shell.blobs(NORTH), shell.blobs(SOUTH), shell.world.status(SOUTH)) == (set(), stays, "active")
    assert shell.answers(SOUTH, "EvAfter") is False, "what waited was run as well"
    assert shell.answers(SOUTH, "EvAfter2")
    assert shell.world.mention("EvGone", team_id=NORTH).status == 200, "acknowledged, and nothing is done"
    assert shell.world.work() == 0


def test_slack_is_not_told(shell: CommandLine) -> None:
    shell.good("purge", NORTH)
    assert shell.world.calls() == []


def test_verify_finds_nothing_where_nothing_is_left(shell: CommandLine) -> None:
    shell.good("purge", NORTH)
    assert shell.good("purge", "--verify") == CLEAN


def test_verify_counts_a_data_key_that_is_left(shell: CommandLine) -> None:
    kept = [tuple(row) for row in shell.world.rows("SELECT * FROM data_keys WHERE tenant_id = ?", NORTH)]
    shell.good("purge", NORTH)
    shell.change("INSERT INTO data_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *kept[0])
    ended = shell.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["data keys without a tenant"]) == (1, 1)


def test_verify_counts_a_body_that_is_left(shell: CommandLine) -> None:
    shell.good("purge", NORTH)
    assert shell.change("UPDATE inbox SET body = zeroblob(200) WHERE event_id = 'EvWaits0'") == 1
    ended = shell.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["event bodies without a tenant"]) == (1, 1)


def test_verify_counts_a_tenant_that_is_left_in_the_key_backup(shell: CommandLine) -> None:
    """I put an older key backup back in its place."""
    shell.good("backup", str(shell.folder / "b0"))
    old = shell.slot.read_bytes()
    shell.good("purge", NORTH)
    shell.slot.write_bytes(old)
    ended = shell.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["tenants in the key backup that are not installed"]) == (1, 1)


def test_verify_counts_a_log_that_a_reader_holds(shell: CommandLine) -> None:
    with reading(shell.world):
        shell.world.mention("EvMore")
        ended = shell.run("purge", "--verify")
    assert (ended.status, counts(ended.out)["write-ahead log not emptied"]) == (1, 1)


@pytest.mark.long
def test_while_a_reader_holds_the_log_a_purge_is_pending_seen_and_retried(shell: CommandLine) -> None:
    with reading(shell.world):
        ended = shell.run("purge", NORTH)
        assert (ended.status, counts(ended.out)["write-ahead log not emptied"]) == (75, 1)
        assert ended.error == f"{NORTH}: the purge is pending: a reader holds the write-ahead log\n"
        assert (shell.world.status(NORTH), shell.blobs(NORTH)) == ("", set()), "but everything is gone at once"
        shown = {row["tenant"]: row["status"] for row in json.loads(shell.good("tenants", "--json"))}
        assert shown == {NORTH: "purging: a reader holds the write-ahead log", SOUTH: "active"}
        assert pending(shell) == 1
        shell.world.clock.advance(60)
        shell.world.work()
        assert (pending(shell), "purge.complete" in shell.world.audit()) == (1, False)
    assert shell.run("purge", "--verify").status == 75
    shell.world.clock.advance(60)
    shell.world.work()
    assert (pending(shell), shell.world.audit().count("purge.complete")) == (0, 1)
    assert shell.good("purge", "--verify") == CLEAN
    assert [row["tenant"] for row in json.loads(shell.good("tenants", "--json"))] == [SOUTH]


def test_a_pending_purge_of_a_tenant_that_came_back_is_seen_too(shell: CommandLine) -> None:
    with reading(shell.world):
        assert shell.run("purge", NORTH).status == 75
        shell.world.browser().install(NORTH)
        shown = [row["status"] for row in json.loads(shell.good("tenants", "--json")) if row["tenant"] == NORTH]
    assert pending(shell) == 1
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
    shell: CommandLine, words: tuple[str, ...], status: int, sentence: str
) -> None:
    before = shell.world.snapshot()
    ended = shell.run("purge", *words)
    assert (ended.status, ended.out, ended.error) == (status, "", f"slackapp: {sentence}\n")
    assert shell.world.snapshot() == before
