"""Events that are claimed as they come, and handed over in memory to the threads that run them."""

import contextlib
import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from slackapp.behaviour import Context
from slackapp.errors import StoreBusyError
from slackapp.model import NO_TENANT, Tenant
from slackapp.runtime.hand_off import MAX_BODY_BYTES, PLACES, ClaimedEvent
from slackapp.store import installations
from slackapp.store.engine.database import Database
from slackapp.store.queue import LEASE
from tests.support.world import NORTH, ORG, SOUTH, World

MENTION = {"type": "app_mention", "user": "U0SOMEBODY"}


def change(world: World, sql: str, *parameters: object) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


def row(world: World, event_id: str = "Ev0001") -> tuple[object, ...]:
    """State, attempts, and whether somebody has it."""
    sql = "SELECT state, attempts, lease_owner <> '' FROM inbox WHERE event_id = ?"
    return tuple(world.rows(sql, event_id)[0])


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def open_world(ready: World, ran: list[str]) -> World:
    """Places in memory, and no thread: what was handed over waits until `work`."""

    def act(context: Context, event: Mapping[str, Any]) -> None:
        ran.append(context.tenant.id)

    ready.replace_parts(behaviour={"app_mention": act})
    ready.service.worker.hand_off.open()
    ready.event(MENTION, "EvFirst")  # from here on the installation is remembered
    ready.work()
    ran.clear()
    return ready


@pytest.mark.claim("C-46", "C-130")
def test_an_event_is_claimed_as_it_is_stored_and_run_without_being_looked_for(
    open_world: World, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_world.event(MENTION).status == 200
    assert row(open_world) == ("running", 1, True)
    found = open_world.service.worker.hand_off.take(NO_TENANT)
    assert found is not None
    assert (found.run.event_id, found.run.attempts, found.body["event"]["type"]) == ("Ev0001", 1, "app_mention")
    open_world.service.worker.hand_off.put(found)
    monkeypatch.setattr(open_world.service.app.keyring, "open", None)
    assert (open_world.work(), ran) == (1, [NORTH])
    assert row(open_world) == ("done", 1, False)
    assert open_world.rows("SELECT body, result FROM inbox WHERE event_id = 'Ev0001'")[0][:] == (None, "ok")


def test_what_finds_no_place_waits_in_the_table_and_is_run_all_the_same(open_world: World, ran: list[str]) -> None:
    for number in range(PLACES // 2 + 2):
        assert open_world.event(MENTION, f"Ev{number}").status == 200
    states = [each["state"] for each in open_world.rows("SELECT state FROM inbox WHERE event_id <> 'EvFirst'")]
    assert (states.count("ready"), states.count("running")) == (2, PLACES // 2)
    assert (open_world.work(), len(ran)) == (PLACES // 2 + 2, PLACES // 2 + 2)


def test_a_large_event_is_not_kept_in_memory(open_world: World, ran: list[str]) -> None:
    open_world.event({**MENTION, "text": "x" * MAX_BODY_BYTES})
    assert row(open_world) == ("ready", 0, False)
    assert (open_world.work(), ran) == (1, [NORTH])


@pytest.mark.claim("C-47")
def test_a_repeat_has_no_second_effect_and_takes_no_place(open_world: World, ran: list[str]) -> None:
    for _ in range(PLACES + 1):
        assert open_world.event(MENTION).status == 200
    assert (open_world.work(), ran) == (1, [NORTH])
    assert open_world.event(MENTION).status == 200
    assert (open_world.work(), ran) == (0, [NORTH])
    hand_off = open_world.service.worker.hand_off
    assert [hand_off.reserve(NO_TENANT, 1) for _ in range(PLACES // 2)] == [True] * (PLACES // 2)


OLD = {
    "suspect": "UPDATE installations SET status = 'suspect'",
    "suspended": "UPDATE installations SET status = 'suspended'",
    "needs a new install": "UPDATE installations SET status = 'needs_reinstall'",
    "installed again": "UPDATE installations SET generation = generation + 1",
    "at another time": "UPDATE installations SET installed_at = installed_at + 1",
    "another bot": "UPDATE installations SET bot_id = 'B0OTHER001'",
    "other scopes": "UPDATE installations SET scopes_granted = 'chat:write'",
    "of an enterprise now": "UPDATE installations SET enterprise_id = 'E0NEW00001'",
    "frozen": "INSERT INTO freezes SELECT tenant_kind, tenant_id, '', 1, 'operator', '' FROM installations",
}


@pytest.mark.claim("C-130")
@pytest.mark.parametrize("sql", OLD.values(), ids=OLD)
def test_what_is_remembered_of_a_tenant_counts_only_while_it_is_still_so(
    open_world: World, ran: list[str], sql: str
) -> None:
    """Another process has changed the tenant: the event waits for whoever looks it up anew."""
    change(open_world, sql)
    assert open_world.event(MENTION).status == 200
    assert row(open_world) == ("ready", 0, False)
    assert open_world.service.app.installation_cache.find(Tenant("T", NORTH)) is None, "and is read anew"


def test_a_tenant_that_was_purged_is_not_remembered_for_long(open_world: World, ran: list[str]) -> None:
    for table in ("tokens", "data_keys", "installations"):
        change(open_world, f"DELETE FROM {table} WHERE tenant_id = ?", NORTH)
    open_world.service.app.keyring.evict(Tenant("T", NORTH))
    assert open_world.event(MENTION).status == 200
    assert open_world.rows("SELECT 1 FROM inbox WHERE event_id = 'Ev0001'") == []
    assert (open_world.work(), ran) == (0, [])


@pytest.mark.claim("C-130")
def test_what_was_sealed_under_a_key_that_is_gone_is_not_stored(open_world: World) -> None:
    """It would never open: the tenant was given other keys, and this process has the old one in memory."""
    change(open_world, "DELETE FROM data_keys WHERE tenant_id = ?", NORTH)
    assert open_world.event(MENTION).status == 503, "Slack sends it again"
    assert open_world.rows("SELECT 1 FROM inbox WHERE event_id = 'Ev0001'") == []


def test_with_the_keys_of_a_purged_tenant_still_in_memory_nothing_is_stored_either(open_world: World) -> None:
    for table in ("tokens", "data_keys", "installations"):
        change(open_world, f"DELETE FROM {table} WHERE tenant_id = ?", NORTH)
    assert open_world.event(MENTION).status == 200
    assert open_world.rows("SELECT 1 FROM inbox WHERE event_id = 'Ev0001'") == []


@pytest.mark.claim("C-130")
def test_the_workspaces_own_installation_goes_before_the_one_that_covers_it(open_world: World, ran: list[str]) -> None:
    """The covering one must not be remembered in the place of a workspace that is installed later."""
    covered = {"team_id": SOUTH, "enterprise_id": ORG, "is_enterprise_install": True}
    open_world.browser().install(ORG)
    open_world.work()
    for event_id in ("EvA", "EvB"):
        open_world.event(MENTION, event_id, team_id=SOUTH, authorizations=[covered])
        open_world.work()
    open_world.browser().install(SOUTH)
    open_world.work()
    ran.clear()
    open_world.event(MENTION, "EvC", team_id=SOUTH, authorizations=[{**covered, "is_enterprise_install": False}])
    assert (open_world.work(), ran) == (1, [SOUTH])


# Between the claim and the run


@pytest.mark.claim("C-130")
def test_what_waited_for_a_thread_has_its_lease_anew_when_it_is_run(open_world: World, ran: list[str]) -> None:
    open_world.event(MENTION)
    open_world.clock.advance(LEASE - 1)
    held: list[int] = []

    def act(context: Context, event: Mapping[str, Any]) -> None:
        held.append(open_world.rows("SELECT lease_until FROM inbox WHERE event_id = 'Ev0001'")[0][0])

    open_world.replace_parts(behaviour={"app_mention": act})
    assert open_world.work() == 1
    assert held == [open_world.clock.steady() + LEASE]
    assert row(open_world) == ("done", 1, False)


WAITS = {
    "suspect": "UPDATE installations SET status = 'suspect'",
    "frozen": "INSERT INTO freezes (frozen_at, actor) VALUES (1, 'operator')",
    "installed again": "UPDATE installations SET generation = generation + 1",
}


@pytest.mark.claim("C-130")
@pytest.mark.parametrize("sql", WAITS.values(), ids=WAITS)
def test_what_waited_while_its_tenant_was_stopped_waits_on_without_having_had_its_attempt(
    open_world: World, ran: list[str], sql: str
) -> None:
    open_world.event(MENTION)
    change(open_world, sql)
    open_world.clock.advance(1)
    assert open_world.service.worker._run(open_world.service.app, _take(open_world))
    assert (ran, row(open_world)) == ([], ("ready", 0, False))


def _take(world: World) -> ClaimedEvent:
    found = world.service.worker.hand_off.take(NO_TENANT)
    assert found is not None
    return found


@pytest.mark.claim("C-130")
def test_what_waits_while_the_database_cannot_be_written_waits_on(
    open_world: World, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory, nobody would look for it before its lease has run out."""

    def fail(*_: object, **__: object) -> None:
        raise StoreBusyError("the database is busy")

    open_world.event(MENTION)
    open_world.clock.advance(1)
    with monkeypatch.context() as patch:
        patch.setattr(open_world.service.app.db, "commit_in_group", fail)
        with pytest.raises(StoreBusyError):
            open_world.work()
    assert (ran, row(open_world)) == ([], ("running", 1, True))
    assert (open_world.work(), ran) == (1, [NORTH])


@pytest.mark.claim("C-131")
def test_what_comes_while_the_service_ends_is_claimed_by_nobody(
    open_world: World, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end has given back what was claimed: what is claimed behind it would wait for its lease to run out."""
    database, hand_off = open_world.service.app.db, open_world.service.worker.hand_off
    commit = database.commit_in_group

    def end_first(*arguments: Any, **named: Any) -> Any:
        hand_off.close()
        return commit(*arguments, **named)

    monkeypatch.setattr(database, "commit_in_group", end_first)
    assert open_world.event(MENTION).status == 200
    assert row(open_world) == ("ready", 0, False)


@pytest.mark.claim("C-51", "C-130")
def test_what_waited_for_longer_than_its_lease_is_run_by_whoever_took_it(open_world: World, ran: list[str]) -> None:
    open_world.event(MENTION)
    open_world.clock.advance(LEASE + 1)
    until = open_world.clock.steady() + LEASE
    change(open_world, "UPDATE inbox SET lease_owner = 'other:1', lease_until = ? WHERE state = 'running'", until)
    open_world.work()
    assert (ran, row(open_world)) == ([], ("running", 1, True))


@pytest.mark.claim("C-130")
@pytest.mark.parametrize("seconds", [0, 1])
def test_of_a_tenant_that_was_purged_meanwhile_nothing_is_run(open_world: World, ran: list[str], seconds: int) -> None:
    open_world.clock.advance(400)
    open_world.event(MENTION)
    open_world.event({"type": "app_uninstalled"}, "EvGone")
    open_world.clock.advance(seconds)
    open_world.work()
    assert (ran, open_world.status()) == ([], "")
    assert open_world.rows("SELECT state, result, body FROM inbox WHERE event_id = 'Ev0001'")[0][:] == (
        "done",
        "purged",
        None,
    )


def test_a_call_of_a_run_that_was_handed_over_has_its_intent_and_its_end_is_on_the_disk(
    open_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[object] = []

    def act(context: Context, event: Mapping[str, Any]) -> None:
        context.call("chat.postMessage", {"channel": event["channel"], "text": "hello"})
        states.append(row(open_world)[0])

    open_world.replace_parts(behaviour={"app_mention": act})
    open_world.mention()
    monkeypatch.setattr(open_world.service.app.db, "defer", None)
    assert (open_world.work(), states, row(open_world)[0]) == (1, ["calling"], "done")


@pytest.mark.claim("C-97")
def test_table_and_memory_have_their_turn_one_after_the_other(open_world: World, ran: list[str]) -> None:
    """Many rows of one tenant in the table do not keep another's waiting that was handed over, nor the reverse."""
    open_world.browser().install(SOUTH)
    open_world.work()
    for number in range(3):
        open_world.event({**MENTION, "text": "x" * MAX_BODY_BYTES}, f"EvTable{number}")
    for number in range(3):
        open_world.event(MENTION, f"EvMemory{number}", team_id=SOUTH)
    assert (open_world.work(), ran) == (6, [NORTH, SOUTH] * 3)


# The end of a row without a call


@pytest.mark.claim("C-49")
def test_its_mark_rides_along_with_the_next_commit(open_world: World, ran: list[str]) -> None:
    open_world.event(MENTION)
    open_world.service.worker._run_all(open_world.service.app)
    assert (ran, row(open_world)) == ([NORTH], ("running", 1, True))
    open_world.event(MENTION, "Ev0002")
    assert (row(open_world), row(open_world, "Ev0002")) == (("done", 1, False), ("running", 1, True))


def test_a_tenant_that_is_used_all_the_time_is_written_once_a_minute(
    open_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    note = installations.note_used

    def noting(db: Database, tenant: Tenant, now: int) -> None:
        told.append(now)
        note(db, tenant, now)

    monkeypatch.setattr(installations, "note_used", noting)
    minutes = []
    for minute in range(2):
        open_world.clock.advance(60)
        minutes.append(open_world.clock())
        for number in range(3):
            open_world.event(MENTION, f"Ev{minute}{number}")
            open_world.work()
    assert told == minutes
    assert open_world.rows("SELECT last_used_at FROM installations")[0][0] == minutes[-1]
