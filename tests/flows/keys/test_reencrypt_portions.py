"""New data keys for a tenant with many rows: in portions, the old keys whole until the last record is sealed anew."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from slackapp.crypto import records
from slackapp.errors import StoreFullError
from slackapp.flows import queue_data
from slackapp.flows.events import receive_event
from slackapp.flows.keys import reencrypt_tenant
from slackapp.model import SCHEDULER
from slackapp.store import inbox, installations, queue
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.store.inbox import IncomingEvent
from tests.support.operator import CommandLine, opens_everything, tenant
from tests.support.world import NORTH

ROWS = 10
"""Rows of one transaction, here."""
EVENTS = 35
Act = Callable[[], object]


def receive(shell: CommandLine, event_id: str) -> str:
    """An event comes, at a process that has the tenant's keys in memory."""
    app, now = shell.world.service.app, shell.world.clock()
    installation = installations.find(app.db, tenant(NORTH))
    assert installation is not None
    arrival = IncomingEvent(event_id, tenant(NORTH), "app_mention", now)
    received = receive_event.ReceivedEvent(arrival, b"{}", {}, installation)
    return receive_event.store_event(app, received, SCHEDULER, now)


@pytest.fixture
def many(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A tenant of whom so many events wait."""
    for module in (reencrypt_tenant, queue_data):
        monkeypatch.setattr(module, "PORTION_ROWS", ROWS)
    for number in range(EVENTS):
        assert receive(shell, f"Ev{number:03}") == "kept"
    return shell


def bodies_open(shell: CommandLine) -> int:
    """How many bodies a process opens that has nothing in memory; each that is there must."""
    assert opens_everything(shell.world)
    app, opened = shell.world.service.app, 0
    for row in shell.world.rows("SELECT event_id FROM inbox WHERE body IS NOT NULL AND tenant_id = ?", NORTH):
        body = queue.body_of(app.db, inbox.QUEUE, tenant(NORTH), row["event_id"])
        assert body is not None
        app.keyring.open(records.event_body_context(tenant(NORTH), row["event_id"]), body)
        opened += 1
    return opened


def key_ids(shell: CommandLine, state: str) -> set[int]:
    rows = shell.world.rows("SELECT key_id FROM data_keys WHERE tenant_id = ? AND state = ?", NORTH, state)
    return {row["key_id"] for row in rows}


@contextlib.contextmanager
def watched(monkeypatch: pytest.MonkeyPatch, between: Act = lambda: None) -> Iterator[list[int]]:
    """Counts the records that each transaction seals anew; `between` happens after the first."""
    transaction, execute, counts, left = SqliteDatabase.transaction, SqliteDatabase.execute, list[int](), [between]

    @contextlib.contextmanager
    def watching(self: SqliteDatabase) -> Iterator[None]:
        if counts[-1:] == [ROWS] and left:
            left.pop()()
        with transaction(self):
            counts.append(0)
            yield

    def noting(self: SqliteDatabase, name: str, parameters: Mapping[str, Any]) -> int:
        if "reseal" in name:
            counts[-1] += 1
        return execute(self, name, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteDatabase, "transaction", watching)
        patch.setattr(SqliteDatabase, "execute", noting)
        yield counts


def test_no_transaction_moves_more_than_a_portion(many: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is everybody's: however much one tenant has, the others' events are taken meanwhile."""
    before = key_ids(many, "active")
    with watched(monkeypatch) as counts:
        many.good("keys", "reencrypt", "--tenant", NORTH)
    portions = [count for count in counts if count]
    assert (max(portions), portions[:-1]) == (ROWS, [ROWS] * (len(portions) - 1))
    assert sum(portions) >= EVENTS
    assert key_ids(many, "active").isdisjoint(before)
    assert (key_ids(many, "retired"), bodies_open(many)) == (set(), EVENTS + 1)
    assert many.world.facts("keys.reencrypted")[-1]["count"] == sum(portions)


def test_killed_in_any_portion_everything_opens_and_the_next_run_ends_it(
    many: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, left, ended = SqliteDatabase.execute, [0], None

    def dying(self: SqliteDatabase, name: str, parameters: Mapping[str, Any]) -> int:
        if "reseal" in name or name in ("retire_keys", "delete_retired_keys"):
            left[0] -= 1
            if left[0] == 0:
                raise StoreFullError("the process ends here")
        return execute(self, name, parameters)

    old = key_ids(many, "active")
    with monkeypatch.context() as patch:
        patch.setattr(SqliteDatabase, "execute", dying)
        for step in range(3, 100, 7):
            left[0] = step
            ended = many.run("keys", "reencrypt", "--tenant", NORTH)
            if left[0] > 0:
                break
            assert (ended.status != 0, old <= key_ids(many, "active") | key_ids(many, "retired")) == (True, True), step
            assert bodies_open(many) == EVENTS + 1, step
    assert ended is not None
    assert (ended.status, step > 30, key_ids(many, "retired"), bodies_open(many)) == (0, True, set(), EVENTS + 1)


def test_what_comes_in_between_is_sealed_under_the_new_keys(many: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes to a process that has only the old keys in memory, and stands before all that is read after that."""
    outcomes: list[str] = []
    receive(many, "before")

    with watched(monkeypatch, lambda: outcomes.append(receive(many, "Earlier"))):
        many.good("keys", "reencrypt", "--tenant", NORTH)
    assert (outcomes, bodies_open(many)) == (["kept"], EVENTS + 3)


def test_what_is_erased_in_between_does_not_come_back(many: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row had been read, and was run before its portion's turn."""
    with watched(monkeypatch, lambda: many.change("UPDATE inbox SET body = NULL WHERE event_id >= 'Ev'")):
        many.good("keys", "reencrypt", "--tenant", NORTH)
    assert bodies_open(many) == 0


@pytest.mark.claim("C-132")
def test_what_was_not_sealed_anew_keeps_the_old_keys(many: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    old = key_ids(many, "active")
    with monkeypatch.context() as patch:
        patch.setattr(queue, "reseal_body", lambda *arguments, **named: None)
        ended = many.run("keys", "reencrypt", "--tenant", NORTH)
    assert (ended.status, "not sealed anew: event_body; its old keys stay" in ended.error) == (1, True)
    assert (key_ids(many, "retired"), bodies_open(many)) == (old, EVENTS + 1)
    many.good("keys", "reencrypt", "--tenant", NORTH)
    assert (key_ids(many, "retired"), bodies_open(many)) == (set(), EVENTS + 1)
