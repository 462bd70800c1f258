"""What the audit tells: a row for everything that touches a token, a key or a tenant; and no secret in any."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.cli.terminal.table import format_time
from slackapp.crypto import envelope
from slackapp.errors import Refused, StoreFullError
from slackapp.flows.keys import suspend_tenant
from slackapp.store import audit
from slackapp.vault import command_provider
from tests.support.operator import ACTOR, CommandLine, Ended, open_shell, tenant
from tests.support.token_use import call_as
from tests.support.world import NORTH, SIGNING_SECRET, SOUTH, facts_of
from tests.vault.providers import FaultyProvider


def everything_that_happens(shell: CommandLine, provider: FaultyProvider) -> None:
    """Once through all that the audit must tell of."""
    world = shell.world
    world.work()
    world.browser().install(NORTH)
    world.clock.advance(42_000)  # of 43,200: a refresh is due
    world.mention("EvRefresh")
    world.work()
    assert world.request("GET", "/slack/oauth_redirect?code=1.2.3&state=forged").status == 400
    assert world.request("POST", "/slack/events", b"{}", {"Content-Type": "application/json"}).status == 401
    for words in (
        ("keys", "rotate"), ("keys", "retire", "1"), ("keys", "reencrypt", "--tenant", SOUTH),
        ("keys", "assign", NORTH, "own"), ("keys", "flush"),
    ):  # fmt: skip
        assert shell.run(*words).status == 0
    provider.mood = "revoked"
    assert world.mention("EvRefused").status == 403
    provider.mood = ""
    suspend_tenant.restore_all(world.service.app)
    assert shell.run("backup", str(shell.folder / "b0")).status == 0
    assert shell.restore(str(shell.folder / "b0")).status == 0
    shell.change("UPDATE tokens SET access = zeroblob(200) WHERE tenant_id = ? AND holder_id = ''", NORTH)
    with pytest.raises(Refused):
        call_as(world.service.app, tenant(NORTH), ACTOR)
    shell.good("purge", SOUTH)
    assert shell.run("uninstall", NORTH).status == 0


@pytest.fixture(scope="module")
def told(memory_folder: Path) -> Iterator[CommandLine]:
    provider = FaultyProvider("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_provider, "CommandProvider", lambda name, program: provider)
        with open_shell(memory_folder, SLACKAPP_KEY_COMMANDS="own=/opt/kms") as shell:
            everything_that_happens(shell, provider)
            yield shell


def rows(shell: CommandLine, event: str) -> list[sqlite3.Row]:
    return shell.world.rows("SELECT * FROM audit WHERE event = ? ORDER BY id", event)


ROUTE = {"record_kind": "route", "result": "refused"}
LOGGED: dict[str, dict[str, object]] = {
    # event: what its first row says, in the columns that are filled
    "installed": {"actor": "anyone", "tenant_id": NORTH, "generation": 1, "holder_kind": "user"},
    "reinstalled": {"actor": "anyone", "tenant_id": NORTH, "generation": 2, "holder_kind": "user"},
    "token.refreshed": {"actor": "worker", "tenant_id": NORTH, "holder_kind": "bot", "generation": 3},
    "refused.state.malformed": {"actor": "unverified", "record_id": "/slack/oauth_redirect", **ROUTE},
    "refused.signature.malformed": {"actor": "unverified", "record_id": "/slack/events", **ROUTE},
    "refused.key_revoked": {"actor": "slack", "actor_id": "1", "record_id": "/slack/events", **ROUTE},
    "keys.promoted": {"actor": "operator", "record_kind": "master_key", "record_id": "2"},
    "keys.rewrapped": {"actor": "operator", "record_kind": "master_key", "record_id": "2", "count": 13},
    "keys.retired": {"actor": "operator", "record_kind": "master_key", "record_id": "1"},
    "keys.reencrypted": {
        "actor": "operator", "tenant_id": SOUTH, "record_kind": "key_provider", "record_id": "local", "count": 5,
    },
    "keys.flushed": {"actor": "operator"},
    "tenant.suspended": {"actor": "slack", "actor_id": "1", "tenant_id": NORTH},
    "tenant.restored": {"actor": "worker", "tenant_id": NORTH},
    "backup.restored": {"actor": "operator", "record_kind": "backup", "count": 0},
    "token.unavailable": {
        "actor": "operator", "tenant_id": NORTH, "holder_kind": "bot", "record_kind": "bot_access",
        "purpose": "test", "method": "auth.test", "result": "failed",
    },
    "purge.begun": {"actor": "operator", "tenant_id": SOUTH, "count": 8, "detail": "operator"},
    "purge.complete": {"actor": "worker", "tenant_id": SOUTH, "count": 0},
    "uninstall.begun": {"actor": "operator", "tenant_id": NORTH},
    "uninstalled": {"actor": "operator", "tenant_id": NORTH, "detail": "accepted"},
}  # fmt: skip


@pytest.mark.parametrize("event", LOGGED)
def test_each_operation_writes_an_audit_row_with_actor_tenant_and_event(told: CommandLine, event: str) -> None:
    row = rows(told, event)[0]
    assert facts_of(row).items() >= LOGGED[event].items()
    assert row["request_id"] or row["actor"] == "worker"


def test_a_backup_writes_an_audit_row(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    (row,) = rows(shell, "backup.made")
    assert (row["actor"], row["tenant_id"], row["result"]) == ("operator", "", "ok")


def test_the_audit_chain_verifies_after_all_operations(told: CommandLine) -> None:
    assert told.good("audit", "verify").startswith("all rows up to ")


@pytest.mark.claim("C-25")
def test_each_read_of_a_token_says_who_why_which_tenant_and_which_token(shell: CommandLine) -> None:
    shell.world.clock.advance(42_000)
    assert shell.world.work() == 2
    first = [row for row in rows(shell, "token.read") if row["tenant_id"] == NORTH][-2:]
    assert [(row["actor"], row["request_id"]) for row in first] == [("worker", "EvWaits0")] * 2
    whose = ("purpose", "method", "record_kind", "holder_kind", "holder_id", "generation")
    assert [tuple(row[name] for name in whose) for row in first] == [
        ("refresh", "oauth.v2.access", "bot_refresh", "bot", "", 1),
        ("app_mention", "chat.postMessage", "bot_access", "bot", "", 2),
    ]


def test_each_read_of_a_token_says_under_which_data_key(shell: CommandLine) -> None:
    (access,) = shell.world.rows("SELECT access FROM tokens WHERE tenant_id = ? AND holder_id = ''", NORTH)
    shell.world.work()
    read = [row for row in rows(shell, "token.read") if row["tenant_id"] == NORTH][-1]
    assert read["key_id"] == envelope.key_id_of(access["access"])


@pytest.mark.claim("C-25")
def test_there_is_one_row_for_each_call_that_carried_a_token(shell: CommandLine) -> None:
    before = len(rows(shell, "token.read"))
    shell.world.slack.called.clear()
    shell.world.work()
    called = [call.team for call in shell.world.slack.calls]
    assert sorted(row["tenant_id"] for row in rows(shell, "token.read")[before:]) == sorted(called) == [NORTH, SOUTH]


def test_no_token_is_read_when_the_row_cannot_be_written(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """I fill the disk, so that nobody sees what I do."""
    app = shell.world.service.app

    def full(*arguments: object, **named: object) -> None:
        raise StoreFullError

    opened: list[object] = []
    monkeypatch.setattr(audit, "append_read", full)
    monkeypatch.setattr(envelope, "open_sealed", lambda *arguments, **_: opened.append(arguments))
    with pytest.raises(StoreFullError):
        call_as(app, tenant(NORTH), ACTOR)
    assert (opened, shell.world.calls("auth.test")) == ([], [])


def rows_at_each_opening(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each token of a bot that is opened: how many rows the audit had then."""
    seen: list[int] = []
    open_sealed = envelope.open_sealed

    def watched(key: bytes, key_id: int, context: bytes, blob: bytes, limit: int) -> bytes:
        if b"bot_access" in context:
            seen.append(shell.world.count("audit"))
        return open_sealed(key, key_id, context, blob, limit)

    monkeypatch.setattr(envelope, "open_sealed", watched)
    return seen


@pytest.mark.claim("C-25")
def test_the_trial_of_a_backup_tells_that_it_reads_tokens_before_it_does(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I may make backups: nobody sees that each of them opens every token."""
    seen = rows_at_each_opening(shell, monkeypatch)
    before = shell.world.count("audit")
    shell.good("backup", str(shell.folder / "b0"))
    assert seen
    assert min(seen) > before


@pytest.mark.claim("C-25")
def test_new_data_keys_tell_that_tokens_are_read_before_they_are(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = rows_at_each_opening(shell, monkeypatch)
    before = shell.world.count("audit")
    shell.good("keys", "reencrypt", "--tenant", NORTH)
    assert min(seen) > before


def test_no_secret_and_no_content_is_in_any_row(told: CommandLine) -> None:
    """I am an auditor and get the audit, and nothing else."""
    text = "\n".join(str(tuple(row)) for row in told.world.rows("SELECT * FROM audit"))
    for secret in (*told.world.slack.issued_tokens, SIGNING_SECRET, "a-client-secret-for-tests", "hello", "xox"):
        assert secret not in text
    assert NORTH in text


def test_tail_shows_the_last_rows_and_filters_by_tenant_event_and_time(told: CommandLine) -> None:
    def tail(*words: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in told.good("audit", "tail", "--json", *words).splitlines()]

    every = told.world.rows("SELECT * FROM audit ORDER BY id")
    assert [row["id"] for row in tail("--number", "3")] == [row["id"] for row in every[-3:]]
    assert [row["id"] for row in tail("--number", "9999")] == [row["id"] for row in every]
    assert {row["tenant_id"] for row in tail("--tenant", SOUTH, "--number", "9999")} == {SOUTH}
    assert {row["event"] for row in tail("--event", "token.read", "--number", "9999")} == {"token.read"}
    late = [row["id"] for row in every if row["at"] >= told.world.clock()]
    assert 0 < len(late) < len(every)
    assert [row["id"] for row in tail("--since", "2027-01-15T19:40:00", "--number", "9999")] == late
    assert tail("--since", "2027-01-16") == []
    assert told.run("audit", "tail", "--since", "2027-01-16") == Ended(0, "", "no row is like that\n")


def test_tail_gives_each_column_that_is_filled_by_its_name(told: CommandLine) -> None:
    (row,) = [json.loads(line) for line in told.good("audit", "tail", "--json", "--event", "reinstalled").splitlines()]
    (stored,) = rows(told, "reinstalled")
    filled = {name: stored[name] for name in stored.keys() if stored[name] not in ("", None)}  # noqa: SIM118
    del filled["chain"]
    assert row == {**filled, "at": format_time(stored["at"])}


def test_the_table_of_tail_fits_a_terminal_and_shows_every_column_where_it_may_be_wide(told: CommandLine) -> None:
    every = told.world.rows("SELECT * FROM audit ORDER BY id")
    head, *lines = told.good("audit", "tail").splitlines()
    assert len(lines) == min(50, len(every))
    assert head.split() == ["id", "at", "event", "tenant_id", "result", "about"]
    assert all(len(line) <= 80 for line in (head, *lines))
    assert "uninstalled" in told.good("audit", "tail", "--limit", "3")
    wide = told.good("audit", "tail", "--wide", "--number", "9999")
    assert set(wide.splitlines()[0].split()) == {*every[0].keys()} - {"chain"}
    assert all(row["record_id"] in wide for row in every)


@pytest.mark.parametrize(
    "words",
    [
        ("tail", "--since", "yesterday"),
        ("verify", "--head", "12"),
        ("verify", "--head", "x:00"),
        ("verify", "--head", f"{'9' * 30}:{'00' * 32}"),
        ("verify", "--head", f"1:{'0 ' * 32}"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(told: CommandLine, words: tuple[str, ...]) -> None:
    ended = told.run("audit", *words)
    assert (ended.status, ended.out, len(ended.error.splitlines())) == (2, "", 1)
    assert words[1] in ended.error
