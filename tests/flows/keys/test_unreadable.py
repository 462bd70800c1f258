"""A record that does not open: that one request fails, it is told and counted, and nothing is deleted."""

import pytest

from slackapp.errors import Refusal, Refused
from tests.support.client import Reply
from tests.support.operator import ACTOR, CommandLine, tenant
from tests.support.token_use import call_as
from tests.support.world import NORTH, SOUTH

UNAVAILABLE = "slackapp_token_unavailable_total"


def spoil(shell: CommandLine, table: str, column: str, where: str) -> None:
    """Flips one bit in the middle."""
    (row,) = shell.world.rows(f"SELECT {column} FROM {table} WHERE {where}")
    blob = bytearray(row[0])
    blob[len(blob) // 2] ^= 1
    assert shell.change(f"UPDATE {table} SET {column} = ? WHERE {where}", bytes(blob)) == 1


def metrics(shell: CommandLine) -> str:
    token = "an-operator-token-of-forty-characters-xx"
    return shell.world.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"}).text


def use(shell: CommandLine, tenant_id: str = NORTH) -> Refusal | None:
    try:
        app = shell.world.service.app
        call_as(app, tenant(tenant_id), ACTOR)
    except Refused as refused:
        return refused.refusal
    return None


def test_a_token_that_does_not_open_is_unavailable_told_counted_and_still_there(shell: CommandLine) -> None:
    spoil(shell, "tokens", "access", f"tenant_id = '{NORTH}' AND holder_id = ''")
    before = shell.world.snapshot()
    assert use(shell) is Refusal.TOKEN_UNAVAILABLE
    assert (Refusal.TOKEN_UNAVAILABLE.status, Refusal.TOKEN_UNAVAILABLE.code) == (503, "token_unavailable")
    assert (shell.world.snapshot(), shell.world.calls()) == (before, [])
    (row,) = shell.world.rows("SELECT * FROM audit WHERE event = 'token.unavailable'")
    assert (row["tenant_id"], row["actor"], row["result"]) == (NORTH, "operator", "failed")
    assert (row["record_kind"], row["holder_kind"], row["generation"]) == ("bot_access", "bot", 1)
    assert f"{UNAVAILABLE} 1\n" in metrics(shell)
    assert use(shell, SOUTH) is None


def test_there_is_no_second_copy_to_fall_back_on(shell: CommandLine) -> None:
    spoil(shell, "tokens", "access", f"tenant_id = '{NORTH}' AND holder_id = ''")
    for _ in range(3):
        assert use(shell) is Refusal.TOKEN_UNAVAILABLE
    assert shell.world.calls() == []


def test_a_refresh_token_that_does_not_open_leaves_the_access_token_in_use(shell: CommandLine) -> None:
    spoil(shell, "tokens", "refresh", f"tenant_id = '{NORTH}' AND holder_id = ''")
    shell.world.clock.advance(42_000)
    assert (use(shell), shell.world.calls()) == (None, ["auth.test"])
    assert "token.unavailable" in shell.world.audit()
    shell.world.clock.advance(2_000)
    assert use(shell) is Refusal.TOKEN_UNAVAILABLE, "expired, and no refresh came about"
    assert shell.world.rows("SELECT status FROM tokens WHERE tenant_id = ? AND holder_id = ''", NORTH)[0][0] == "live"


def refused_event(shell: CommandLine) -> Reply:
    shell.good("keys", "flush")
    shell.world.service.app.keyring.reload()  # as the scheduler does every second
    return shell.world.mention("EvNew")


def test_an_event_for_a_tenant_whose_data_key_does_not_open_is_answered_503(shell: CommandLine) -> None:
    spoil(shell, "data_keys", "wrapped", f"tenant_id = '{NORTH}' AND purpose = 'data'")
    before = {table: rows for table, rows in shell.world.snapshot().items() if table != "meta"}
    refused = refused_event(shell)
    assert (refused.status, refused.json["error"]) == (503, "token_unavailable")
    assert {table: rows for table, rows in shell.world.snapshot().items() if table != "meta"} == before
    (row,) = shell.world.rows("SELECT * FROM audit WHERE event = 'token.unavailable'")
    assert (row["tenant_id"], row["actor"], row["record_id"]) == (NORTH, "slack", "EvNew")
    assert f"{UNAVAILABLE} 1\n" in metrics(shell)
    shell.world.work()
    assert shell.answers(SOUTH, "EvSouth")


def test_a_body_that_does_not_open_is_put_aside_and_kept(shell: CommandLine) -> None:
    spoil(shell, "inbox", "body", "event_id = 'EvWaits0'")
    shell.world.work()
    (row,) = shell.world.rows("SELECT state, result, body FROM inbox WHERE event_id = 'EvWaits0'")
    assert (row["state"], row["result"], len(row["body"]) > 98) == ("dead", "the body does not open", True)
    (told,) = shell.world.rows("SELECT * FROM audit WHERE event = 'event.unavailable'")
    assert (told["tenant_id"], told["record_id"]) == (NORTH, "EvWaits0")
    assert 'slackapp_inbox_total{result="dead"} 1' in metrics(shell)
    assert [call.team for call in shell.world.slack.calls] == [SOUTH], "the other one was answered"


def test_an_event_whose_token_does_not_open_is_tried_again_and_then_put_aside(shell: CommandLine) -> None:
    spoil(shell, "tokens", "access", f"tenant_id = '{NORTH}' AND holder_id = ''")
    for _ in range(10):
        shell.world.work()
        shell.world.clock.advance(400)
    (row,) = shell.world.rows("SELECT state, result, body FROM inbox WHERE event_id = 'EvWaits0'")
    assert (row["state"], row["result"]) == ("dead", "token_unavailable")
    assert row["body"] is not None


@pytest.mark.parametrize("purpose", ["state", "audit", "label"])
def test_a_key_of_the_services_own_that_does_not_open_stops_the_start_with_one_line(
    shell: CommandLine, purpose: str
) -> None:
    spoil(shell, "data_keys", "wrapped", f"tenant_id = '' AND purpose = '{purpose}'")
    ended = shell.run("tenants")
    assert (ended.status != 0, ended.out, len(ended.error.splitlines())) == (True, "", 1)
