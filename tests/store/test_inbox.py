"""What is to be done once: kept once, claimed by one, erased with its tenant."""

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from slackapp.crypto.envelope import BODY_LIMIT, OVERHEAD_BYTES
from slackapp.model import NO_TENANT, NewKey, QueueEntry, QueueKind, Tenant, UnclearRow
from slackapp.store import data_keys, inbox, installations, queue
from slackapp.store.engine.database import Database
from slackapp.store.inbox import QUEUE, IncomingEvent
from slackapp.store.queue import LeaseLostError, Run
from tests.store.rows import NORTH, NOW, SOUTH, change, install, look, sealed
from tests.support.world import Clock

ARRIVAL = IncomingEvent("Ev1", NORTH, "message", NOW - 5)
BODY = sealed(b"body")
KEYS = {NORTH: 7, SOUTH: 8}
LEASE = queue.LEASE


@pytest.fixture
def db(db: Database) -> Database:
    """Two tenants are there, with a key for bodies each."""
    for tenant, key_id in KEYS.items():
        install(db, tenant)
        data_keys.add(db, tenant, NewKey(key_id, "data", "local", 1, bytes(130)), NOW)
    return db


def receive(db: Database, event_id: str = "Ev1", tenant: Tenant = NORTH, kind: str = "message", now: int = NOW) -> bool:
    arrival = ARRIVAL._replace(event_id=event_id, tenant=tenant, type=kind)
    return inbox.add_event(db, arrival, BODY, key_id=KEYS.get(tenant, 7), now=now)


def lifecycle(db: Database, event_id: str = "Ev1", state: str = "ready", result: str = "") -> None:
    inbox.add_lifecycle_event(
        db, ARRIVAL._replace(event_id=event_id, type="tokens_revoked"), "bot", state=state, result=result, now=NOW
    )


def claim(db: Database, owner: str = "me", now: int = NOW) -> Run | None:
    found = queue.list_due(db, QUEUE, NO_TENANT, NO_TENANT, now=now, steady=now, limit=1)
    return queue.claim(db, QUEUE, found[0], owner=owner, steady=now) if found else None


def claimed(db: Database, owner: str = "me", now: int = NOW) -> str:
    """The id of what was claimed; empty for nothing."""
    row = claim(db, owner, now)
    return row.event_id if row is not None else ""


def held(event_id: str = "Ev1", owner: str = "me", tenant: Tenant = NORTH) -> Run:
    """What its worker has in hand."""
    return Run(
        queue=QUEUE, event_id=event_id, kind=QueueKind.EVENT, tenant=tenant, type="message", named="", body=None,
        removes=False, attempts=1, event_time=NOW, received_at=NOW, lease_owner=owner,
    )  # fmt: skip


def intend(db: Database, run: Run, steady: int) -> bool:
    """Whether the intent of a call was noted."""
    with contextlib.suppress(LeaseLostError):
        queue.note_intent(db, run, Clock(steady, set_by=0))
    return run.has_intent


def row(db: Database, event_id: str = "Ev1") -> tuple[object, ...]:
    """State, attempts, lease owner, result, and whether there is a body."""
    sql = "SELECT state, attempts, lease_owner, result, body IS NOT NULL FROM inbox WHERE event_id = ?"
    return look(db.path, sql, event_id)[0]


# Keeping


def released(db: Database, process: str, now: int, died: bool = False) -> list[UnclearRow]:
    return queue.release_leases(db, QUEUE, process, died=died, now=now)


def test_an_event_is_kept_once(db: Database) -> None:
    """Slack sends the same event again, because my answer came late."""
    assert receive(db)
    assert not receive(db)
    assert look(db.path, "SELECT event_id, tenant_id, event_time, received_at FROM inbox") == [
        ("Ev1", NORTH.id, NOW - 5, NOW)
    ]
    assert queue.is_known(db, QUEUE, NORTH, "Ev1")
    assert not queue.is_known(db, QUEUE, NORTH, "Ev2")


@pytest.mark.claim("C-96")
def test_two_tenants_events_of_one_id_are_two_events(db: Database) -> None:
    """Slack names its ids unique, and I am the tenant whose event is taken for yours all the same, and never run."""
    assert receive(db)
    assert not queue.is_known(db, QUEUE, SOUTH, "Ev1")
    assert receive(db, tenant=SOUTH)
    assert not receive(db, tenant=SOUTH)
    for tenant in (NORTH, SOUTH):
        found = claim(db)
        assert found is not None
        assert (found.event_id, found.tenant) == ("Ev1", tenant)
    queue.finish(db, held(tenant=SOUTH), "dead", "why", now=NOW)
    assert intend(db, held(), NOW)
    queue.mark_not_called(db, held(tenant=SOUTH))
    assert look(db.path, "SELECT tenant_id, state FROM inbox ORDER BY 1") == [
        (NORTH.id, "calling"),
        (SOUTH.id, "dead"),
    ]
    queue.finish(db, held(), "unclear", "why", now=NOW)
    assert queue.drop(db, QUEUE, (SOUTH, "Ev1"), NOW)
    assert queue.retry(db, QUEUE, (NORTH, "Ev1"), NOW)
    assert (queue.body_of(db, QUEUE, NORTH, "Ev1"), queue.body_of(db, QUEUE, SOUTH, "Ev1")) == (BODY, None)
    assert [(entry.tenant, entry.state) for entry in queue.find(db, QUEUE, "Ev1")] == [
        (NORTH, "ready"),
        (SOUTH, "done"),
    ]
    queue.erase_portion(db, QUEUE, NORTH, limit=500, now=NOW)
    assert [entry.result for entry in queue.find(db, QUEUE, "Ev1")] == ["purged", "dropped by the operator"]


@pytest.mark.claim("C-48")
def test_an_event_of_a_tenant_that_is_not_there_is_not_kept(db: Database) -> None:
    assert not receive(db, tenant=Tenant("T", "T0ABSENT01"))
    assert not receive(db, tenant=Tenant("E", NORTH.id))
    assert installations.set_status(db, NORTH, "active", "purging")
    assert not receive(db)
    assert not queue.is_known(db, QUEUE, NORTH, "Ev1")


@pytest.mark.parametrize("status", ["suspect", "needs_reinstall", "suspended"])
def test_an_event_of_a_tenant_that_cannot_be_served_just_now_is_kept(db: Database, status: str) -> None:
    installations.set_status(db, NORTH, "active", status)
    assert receive(db)


@pytest.mark.parametrize("key_id", [0, 8, 9])
@pytest.mark.claim("C-48")
def test_a_body_is_kept_only_while_its_key_is_there(db: Database, key_id: int) -> None:
    """Stops a body sealed under a key that a purge took away in between: it would never open."""
    assert not inbox.add_event(db, ARRIVAL, BODY, key_id=key_id, now=NOW)
    assert inbox.add_event(db, ARRIVAL, BODY, key_id=7, now=NOW)


def test_the_kind_of_a_tenant_tells_two_of_one_id_apart(db: Database) -> None:
    """I get an enterprise whose id is that of your team."""
    twin = Tenant("E", NORTH.id)
    data_keys.add(db, twin, NewKey(9, "data", "local", 1, bytes(130)), NOW)
    assert not inbox.add_event(db, ARRIVAL, BODY, key_id=9, now=NOW)
    assert not inbox.add_event(db, ARRIVAL._replace(tenant=twin), BODY, key_id=9, now=NOW)
    install(db, twin)
    installations.set_status(db, NORTH, "active", "suspect")
    assert inbox.add_event(db, ARRIVAL._replace(tenant=twin), BODY, key_id=9, now=NOW)
    assert claimed(db) == "Ev1"


def test_the_largest_body_is_kept(db: Database) -> None:
    assert inbox.add_event(db, ARRIVAL, sealed(size=BODY_LIMIT + OVERHEAD_BYTES), key_id=7, now=NOW)


def test_a_lifecycle_event_is_kept_once_whoever_it_is_about(db: Database) -> None:
    absent = ARRIVAL._replace(tenant=Tenant("T", "T0ABSENT01"))
    inbox.add_lifecycle_event(db, absent, "everything", state="ready", result="", now=NOW)
    inbox.add_lifecycle_event(db, absent, "everything", state="done", result="again", now=NOW)
    assert len(look(db.path, "SELECT event_id FROM inbox")) == 1
    assert row(db) == ("ready", 0, "", "", 0)
    found = claim(db)
    assert found is not None
    assert (found.tenant.id, found.named, found.body) == ("T0ABSENT01", "everything", None)


def test_a_lifecycle_event_that_is_done_already_is_never_claimed(db: Database) -> None:
    lifecycle(db, "Ev1", "done", "purged")
    assert row(db) == ("done", 0, "", "purged", 0)
    assert look(db.path, "SELECT finished_at FROM inbox") == [(NOW,)]
    assert claim(db, now=NOW + 10_000) is None
    lifecycle(db, "Ev2")
    assert look(db.path, "SELECT finished_at FROM inbox WHERE event_id = 'Ev2'") == [(None,)]


# Claiming


@pytest.mark.claim("C-77")
def test_a_row_is_claimed_by_one_until_its_lease_runs_out(db: Database) -> None:
    receive(db)
    first = claim(db)
    assert first is not None
    assert (first.event_id, first.kind, first.tenant, first.type) == ("Ev1", "event", NORTH, "message")
    assert (first.body, first.named, first.attempts, first.lease_owner) == (BODY, "", 1, "me")
    assert first.received_at == NOW
    assert claim(db, "another", NOW + LEASE) is None
    second = claim(db, "another", NOW + LEASE + 1)
    assert second is not None
    assert (second.attempts, second.lease_owner) == (2, "another")


@pytest.mark.claim("C-77")
def test_of_two_workers_that_saw_a_row_one_claims_it(db: Database) -> None:
    receive(db)
    assert queue.claim(db, QUEUE, (NORTH, "Ev1"), owner="me", steady=NOW) is not None
    assert queue.claim(db, QUEUE, (NORTH, "Ev1"), owner="another", steady=NOW) is None
    assert queue.claim(db, QUEUE, (NORTH, "Ev1"), owner="another", steady=NOW + LEASE) is None
    assert queue.claim(db, QUEUE, (NORTH, "Ev1"), owner="another", steady=NOW + LEASE + 1) is not None


@pytest.mark.claim("C-52")
@pytest.mark.parametrize("state", ["calling", "unclear", "dead", "done"])
def test_whoever_saw_a_row_before_it_was_in_a_call_or_over_does_not_take_it(db: Database, state: str) -> None:
    receive(db)
    claim(db)
    if state == "calling":
        intend(db, held(), NOW)
    else:
        queue.finish(db, held(), state, "", now=NOW)
    assert queue.claim(db, QUEUE, (NORTH, "Ev1"), owner="another", steady=NOW + 10 * LEASE) is None


def seen(
    db: Database, after: Tenant = NO_TENANT, full: Tenant = NO_TENANT, now: int = NOW, steady: int = NOW
) -> list[str]:
    """The ids of what is due."""
    return [event_id for _, event_id in queue.list_due(db, QUEUE, after, full, now=now, steady=steady, limit=9)]


@pytest.mark.claim("C-97")
def test_each_tenant_has_its_turn_however_many_rows_of_another_were_there_before(db: Database) -> None:
    """I am a tenant with thousands of rows, and came first."""
    for number in range(4):
        receive(db, f"Ev{number}", now=NOW - 9)
    receive(db, "EvSouth", SOUTH)
    assert seen(db) == ["Ev0", "Ev1", "Ev2", "Ev3", "EvSouth"]
    assert seen(db, after=NORTH) == ["EvSouth"]
    assert seen(db, after=SOUTH) == []
    assert seen(db, full=NORTH) == ["EvSouth"]
    assert seen(db, full=SOUTH) == ["Ev0", "Ev1", "Ev2", "Ev3"]


def crowd(db: Database, number: int) -> None:
    """So many events of NORTH: half of them are due, and half are postponed."""
    sql = (
        "INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, state, event_time, received_at, next_at)"
        " VALUES (?, 'event', 'T', 'T0NORTH001', 'message', 'ready', 1, 1, ?)"
    )
    rows = [(f"EvMany{each:04}", NOW + 60 if each % 2 else NOW - 60) for each in range(number)]
    with contextlib.closing(sqlite3.connect(db.path)) as connection, connection:
        connection.executemany(sql, rows)


@contextlib.contextmanager
def in_few_steps(db: Database) -> Iterator[None]:
    """What is done meanwhile takes less than 2,000 steps of SQLite's machine."""
    counted: list[int] = []
    connection = db._connection()
    connection.set_progress_handler(lambda: counted.append(1), 1000)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
    assert len(counted) < 2


@pytest.mark.parametrize("after", [NO_TENANT, NORTH], ids=["from the first", "behind it"])
@pytest.mark.parametrize("status", ["active", "suspended"])
def test_what_is_due_of_one_tenant_is_found_without_reading_the_rows_of_another(
    db: Database, after: Tenant, status: str
) -> None:
    """I have 5,000 events here, and every turn of every tenant would read them all."""
    crowd(db, 5000)
    receive(db, "EvSouth", SOUTH)
    change(db.path, "UPDATE installations SET status = ? WHERE tenant_id = ?", status, NORTH.id)
    with in_few_steps(db):
        assert seen(db, after=after, full=NORTH if status == "active" else NO_TENANT) == ["EvSouth"]
    assert ("EvMany0000" in seen(db)) is (status == "active")
    lifecycle(db, "EvGone")
    with in_few_steps(db):
        assert seen(db)[0] == "EvGone", "what removes a tenant does not wait"


def test_what_is_done_to_one_tenant_or_to_what_runs_reads_no_other_ones_rows(db: Database) -> None:
    crowd(db, 5000)
    receive(db, "EvSouth", SOUTH)
    with db.transaction(), in_few_steps(db):
        assert queue.mark_unclear(db, QUEUE, now=NOW, steady=NOW) == released(db, "me", NOW) == []
        assert (
            queue.erase_running(db, QUEUE, SOUTH, NOW),
            queue.erase_portion(db, QUEUE, SOUTH, limit=500, now=NOW),
        ) == (0, 1)


@pytest.mark.claim("C-98")
def test_no_row_waits_for_a_time_to_which_a_clock_was_wrong(db: Database) -> None:
    """The clock was a day ahead for a minute."""
    day = 86_400
    receive(db, "Ev1", now=NOW + day)
    receive(db, "Ev2")
    claim(db)
    queue.postpone(db, held("Ev2"), "limited", now=NOW, wait=QUEUE.max_wait, refund_attempt=True)
    assert seen(db) == ["Ev1"], "and what Slack has put off waits"
    assert seen(db, now=NOW - 1) == ["Ev2", "Ev1"], "put off for longer than anything is: nobody means that"
    assert seen(db, now=NOW + QUEUE.max_wait) == ["Ev2", "Ev1"]


@pytest.mark.claim("C-98")
def test_a_row_that_is_put_off_for_longer_than_any_waits_that_long_and_never_runs_at_once(db: Database) -> None:
    """Slack asks for half a day, which nobody tells from a clock that was ahead."""
    receive(db)
    claim(db)
    queue.postpone(db, held("Ev1", "me"), "ratelimited", now=NOW, wait=43_200, refund_attempt=True)
    assert [seen(db, now=NOW + wait) for wait in (0, 1, QUEUE.max_wait - 1)] == [[], [], []]
    assert seen(db, now=NOW + QUEUE.max_wait) == ["Ev1"]


@pytest.mark.claim("C-98")
def test_a_lease_of_an_earlier_boot_is_void_and_one_of_this_boot_is_not(db: Database) -> None:
    """The clock that leases go by begins anew when the machine does."""
    receive(db)
    assert queue.claim(db, QUEUE, (NORTH, "Ev1"), owner="before", steady=500_000) is not None
    for steady, free in ((500_000, False), (499_999, True), (3, True)):
        assert seen(db, steady=steady) == (["Ev1"] if free else [])
    assert intend(db, held(owner="before"), 500_000)
    assert queue.mark_unclear(db, QUEUE, now=NOW, steady=500_000) == []
    assert [row.event_id for row in queue.mark_unclear(db, QUEUE, now=NOW, steady=3)] == ["Ev1"]
    receive(db, "Ev2")
    assert queue.claim(db, QUEUE, (NORTH, "Ev2"), owner="before", steady=500_000) is not None
    assert queue.claim(db, QUEUE, (NORTH, "Ev2"), owner="me", steady=500_000) is None
    assert queue.claim(db, QUEUE, (NORTH, "Ev2"), owner="me", steady=3) is not None


def test_the_row_that_is_due_first_is_claimed_first(db: Database) -> None:
    inbox.add_job(db, "job2", inbox.PURGE, NORTH, now=NOW, next_at=NOW + 2)
    inbox.add_job(db, "job1", inbox.PURGE, NORTH, now=NOW, next_at=NOW + 1)
    assert [claimed(db, now=NOW), claimed(db, now=NOW + 1), claimed(db, now=NOW + 2)] == ["", "job1", "job2"]
    inbox.add_job(db, "job4", inbox.PURGE, NORTH, now=NOW, next_at=NOW + 4)
    inbox.add_job(db, "job3", inbox.PURGE, NORTH, now=NOW, next_at=NOW + 3)
    assert [claimed(db, now=NOW + 9), claimed(db, now=NOW + 9)] == ["job3", "job4"]


def test_a_job_for_a_time_further_off_than_any_row_waits_is_refused(db: Database) -> None:
    """It would pass for one that a wrong clock has put off, and run at once."""
    latest = NOW + QUEUE.max_wait
    with pytest.raises(ValueError, match="a job waits for 7200 seconds at most"):
        inbox.add_job(db, "late", inbox.INSTALLED, NORTH, now=NOW, next_at=latest + 1)
    inbox.add_job(db, "job", inbox.INSTALLED, NORTH, now=NOW, next_at=latest)
    assert (seen(db, now=NOW), seen(db, now=latest)) == ([], ["job"])


def test_a_job_is_added_once(db: Database) -> None:
    assert inbox.add_job(db, "job", inbox.PURGE, NORTH, now=NOW)
    assert not inbox.add_job(db, "job", inbox.UNINSTALL, NORTH, now=NOW)
    assert look(db.path, "SELECT kind, type, tenant_id FROM inbox") == [("job", inbox.PURGE, NORTH.id)]
    assert inbox.add_job(db, "job", inbox.PURGE, SOUTH, now=NOW)
    receive(db, "EvTaken", SOUTH)
    assert not inbox.add_job(db, "EvTaken", inbox.INSTALLED, SOUTH, now=NOW)


@pytest.mark.parametrize("state", ["calling", "unclear", "dead", "done"])
@pytest.mark.claim("C-52")
def test_what_is_in_a_call_or_over_is_not_claimed(db: Database, state: str) -> None:
    receive(db)
    claim(db)
    if state == "calling":
        intend(db, held("Ev1", "me"), NOW)
    else:
        queue.finish(db, held("Ev1", "me"), state, "", now=NOW)
    assert claim(db, now=NOW + LEASE + 1) is None


@pytest.mark.parametrize("status", ["suspect", "suspended"])
def test_the_rows_of_a_suspect_tenant_wait_but_not_what_resolves_the_suspicion(db: Database, status: str) -> None:
    installations.set_status(db, NORTH, "active", status)
    receive(db, "Ev1")
    receive(db, "Ev2", SOUTH)
    lifecycle(db, "Ev3")
    for job in (inbox.UNINSTALL, inbox.PURGE, inbox.INSTALLED):
        inbox.add_job(db, job, job, NORTH, now=NOW)
    assert {claimed(db) for _ in range(5)} == {"Ev2", "Ev3", inbox.UNINSTALL, inbox.PURGE, ""}
    installations.set_status(db, NORTH, status, "active")
    assert {claimed(db), claimed(db)} == {"Ev1", inbox.INSTALLED}


def test_one_row_is_claimed_by_name_unless_somebody_has_it(db: Database) -> None:
    receive(db, "Ev1")
    receive(db, "Ev2")
    found = queue.claim(db, QUEUE, (NORTH, "Ev2"), owner="me", steady=NOW)
    assert found is not None
    assert (found.event_id, found.attempts, found.lease_owner) == ("Ev2", 1, "me")
    assert queue.claim(db, QUEUE, (NORTH, "Ev2"), owner="another", steady=NOW) is None
    assert queue.claim(db, QUEUE, (NORTH, "Ev3"), owner="me", steady=NOW) is None
    assert [claimed(db), claimed(db)] == ["Ev1", ""]


# Ending


@pytest.mark.claim("C-51")
def test_only_the_owner_moves_a_row_on(db: Database) -> None:
    receive(db)
    claim(db)
    assert not intend(db, held("Ev1", "another"), NOW)
    assert not queue.finish(db, held("Ev1", "another"), "done", "", now=NOW)
    queue.postpone(db, held("Ev1", "another"), "", now=NOW, wait=0, refund_attempt=False)
    assert row(db) == ("running", 1, "me", "", 1)
    assert intend(db, held("Ev1", "me"), NOW)
    assert intend(db, held("Ev1", "me"), NOW)
    queue.mark_not_called(db, held("Ev1", "another"))
    assert row(db)[0] == "calling"
    queue.mark_not_called(db, held("Ev1", "me"))
    assert row(db)[0] == "running"


@pytest.mark.parametrize(("state", "keeps_body"), [("done", 0), ("dead", 1), ("unclear", 1)])
def test_a_row_ends_once_and_what_is_done_keeps_no_body(db: Database, state: str, keeps_body: int) -> None:
    receive(db)
    receive(db, "Ev2")
    claim(db)
    assert queue.finish(db, held("Ev1", "me"), state, "why", now=NOW)
    assert row(db) == (state, 1, "", "why", keeps_body)
    assert not queue.finish(db, held("Ev1", ""), "done", "", now=NOW)
    assert not intend(db, held("Ev1", ""), NOW)
    queue.mark_not_called(db, held("Ev1", ""))
    queue.postpone(db, held("Ev1", ""), "", now=NOW, wait=0, refund_attempt=False)
    assert row(db) == (state, 1, "", "why", keeps_body)
    assert row(db, "Ev2") == ("ready", 0, "", "", 1)


def test_a_postponed_row_comes_back_in_its_time(db: Database) -> None:
    receive(db)
    claim(db)
    queue.postpone(db, held("Ev1", "me"), "ratelimited", now=NOW, wait=30, refund_attempt=False)
    assert row(db) == ("ready", 1, "", "ratelimited", 1)
    assert [claimed(db, now=NOW + 29), claimed(db, now=NOW + 30)] == ["", "Ev1"]


@pytest.mark.parametrize(("refund_attempt", "attempts"), [(False, 1), (True, 0)])
def test_an_attempt_counts_unless_nothing_was_attempted(db: Database, refund_attempt: bool, attempts: int) -> None:
    receive(db)
    claim(db)
    queue.postpone(db, held("Ev1", "me"), "", now=NOW, wait=0, refund_attempt=refund_attempt)
    assert row(db)[:2] == ("ready", attempts)


@pytest.mark.claim("C-52")
def test_what_was_in_a_call_when_its_owner_died_becomes_unclear_and_is_not_repeated(db: Database) -> None:
    """The process is killed between the call to Slack and its answer."""
    for event_id in ("Ev1", "Ev2"):
        receive(db, event_id)
        claim(db)
    intend(db, held("Ev1", "me"), NOW)
    assert queue.mark_unclear(db, QUEUE, now=NOW, steady=NOW + LEASE) == []
    assert queue.mark_unclear(db, QUEUE, now=NOW, steady=NOW + LEASE + 1) == [UnclearRow(NORTH, "Ev1", "message")]
    assert row(db)[:4] == ("unclear", 1, "", "interrupted in a call")
    assert claimed(db, now=NOW + 10_000) == "Ev2"
    assert claim(db, now=NOW + 10_000) is None


# Erasing


@pytest.mark.claim("C-59")
def test_a_purge_empties_what_is_the_tenants_and_nothing_else(db: Database) -> None:
    for number, tenant in enumerate((NORTH, NORTH, SOUTH)):
        receive(db, f"Ev{number}", tenant)
    claim(db)
    inbox.add_job(db, "purge", inbox.PURGE, NORTH, now=NOW)
    inbox.add_job(db, "greeting", inbox.INSTALLED, NORTH, now=NOW)
    assert queue.count_bodies(db, QUEUE, NORTH) == 2
    assert (queue.erase_running(db, QUEUE, NORTH, NOW + 1), row(db, "Ev1")[0]) == (1, "ready"), (
        "the one that was claimed"
    )
    assert [queue.erase_portion(db, QUEUE, NORTH, limit=1, now=NOW + 1) for _ in range(3)] == [1, 1, 0]
    for event_id in ("Ev0", "Ev1", "greeting"):
        state, _, owner, result, has_body = row(db, event_id)
        assert (state, owner, result, has_body) == ("done", "", "purged", 0)
    assert row(db, "purge")[0] == "ready"
    assert row(db, "Ev2") == ("ready", 0, "", "", 1)
    assert (queue.count_bodies(db, QUEUE, NORTH), queue.count_bodies(db, QUEUE, SOUTH)) == (0, 1)
    assert queue.is_known(db, QUEUE, NORTH, "Ev0")


@pytest.mark.claim("C-59")
def test_a_purge_leaves_another_tenants_row_of_the_same_id(db: Database) -> None:
    for tenant in (NORTH, SOUTH):
        receive(db, "Ev0", tenant)
    assert queue.erase_portion(db, QUEUE, NORTH, limit=500, now=NOW) == 1
    assert (queue.count_bodies(db, QUEUE, NORTH), queue.count_bodies(db, QUEUE, SOUTH)) == (0, 1)


@pytest.mark.claim("C-59")
def test_a_purge_ends_what_runs_of_the_tenant_and_nothing_that_runs_of_another(db: Database) -> None:
    for tenant in (NORTH, SOUTH):
        receive(db, "Ev0", tenant)
        assert claim(db) is not None
    assert queue.erase_running(db, QUEUE, NORTH, NOW) == 1
    left = [(entry.tenant, entry.state) for entry in queue.find(db, QUEUE, "Ev0")]
    assert left == [(NORTH, "done"), (SOUTH, "running")]


def test_bodies_are_listed_and_sealed_anew_one_by_one(db: Database) -> None:
    for number, tenant in enumerate((NORTH, NORTH, SOUTH)):
        receive(db, f"Ev{number}", tenant)
    lifecycle(db, "Ev3")
    queue.reseal_body(db, QUEUE, NORTH, "Ev1", body=sealed(b"anew"))
    queue.reseal_body(db, QUEUE, NORTH, "Ev2", body=sealed(b"not mine"))
    for portion in (1, 2, 500):
        assert list(queue.list_bodies(db, QUEUE, NORTH, portion)) == [("Ev0", BODY), ("Ev1", sealed(b"anew"))]
    assert list(queue.list_bodies(db, QUEUE, SOUTH, 500)) == [("Ev2", BODY)]
    assert queue.tenants_with_bodies(db, QUEUE) == {NORTH, SOUTH}


def test_open_purges_are_listed_and_counted_until_they_are_done(db: Database) -> None:
    receive(db, "Ev1")
    inbox.add_job(db, "greeting", inbox.INSTALLED, NORTH, now=NOW, next_at=NOW + 5)
    inbox.add_job(db, "purge", inbox.PURGE, NORTH, now=NOW)
    assert (inbox.count_pending_purges(db), inbox.pending_purges(db)) == (1, {NORTH: "under way"})
    for _ in range(2):
        claim(db)
    assert inbox.count_pending_purges(db) == 1
    queue.postpone(db, held("purge", "me"), "a reader", now=NOW, wait=0, refund_attempt=False)
    assert inbox.pending_purges(db) == {NORTH: "a reader"}
    assert queue.is_open(db, QUEUE, NORTH, "purge")
    claim(db)
    assert queue.finish(db, held("purge", "me"), "done", "", now=NOW)
    assert (inbox.count_pending_purges(db), inbox.pending_purges(db), queue.is_open(db, QUEUE, NORTH, "purge")) == (
        0,
        {},
        False,
    )
    assert not queue.is_open(db, QUEUE, NORTH, "nothing")


def test_a_sweep_takes_finished_rows_of_an_age_and_no_others(db: Database) -> None:
    for event_id in ("Ev1", "Ev2", "Ev3"):
        receive(db, event_id)
        claim(db)
    queue.finish(db, held("Ev1", "me"), "done", "", now=NOW)
    queue.finish(db, held("Ev2", "me"), "dead", "", now=NOW)
    assert queue.sweep(db, QUEUE, NOW) == 0
    assert queue.sweep(db, QUEUE, NOW + 1) == 1
    assert look(db.path, "SELECT event_id FROM inbox ORDER BY event_id") == [("Ev2",), ("Ev3",)]


def test_a_sweep_takes_at_most_1000_at_once(db: Database) -> None:
    with db.transaction():
        for number in range(1100):
            lifecycle(db, f"Ev{number}", "done")
    assert [queue.sweep(db, QUEUE, NOW + 1) for _ in range(3)] == [1000, 100, 0]


# At the end of a process


def test_a_process_that_ends_releases_its_own_rows_and_nobody_elses(db: Database) -> None:
    for number, owner in enumerate(("p1:1", "p1:2", "p10:1", "p2:1", "p1", "p1:3")):
        receive(db, f"Ev{number}")
        assert claimed(db, owner) == f"Ev{number}"
    for number, owner in ((1, "p1:2"), (3, "p2:1")):
        assert intend(db, held(f"Ev{number}", owner), NOW)
    queue.finish(db, held("Ev5", "p1:3"), "dead", "why", now=NOW)
    assert released(db, "p1", NOW + 1) == [UnclearRow(NORTH, "Ev1", "message")]
    assert row(db, "Ev0") == ("ready", 0, "", "", 1)
    assert row(db, "Ev1") == ("unclear", 1, "", "stopped in a call", 1)
    assert look(db.path, "SELECT finished_at FROM inbox WHERE event_id = 'Ev1'") == [(NOW + 1,)]
    assert [row(db, f"Ev{number}")[0] for number in (2, 3, 4, 5)] == ["running", "calling", "running", "dead"]
    assert claimed(db, "p3:1") == "Ev0", "at once"
    assert released(db, "p1", NOW + 2) == []


def test_of_a_process_that_died_the_rows_have_had_their_attempt(db: Database) -> None:
    receive(db)
    assert claimed(db, "p1:1") == "Ev1"
    assert released(db, "p1", NOW, died=True) == []
    assert row(db, "Ev1") == ("ready", 1, "", "", 1)


@pytest.mark.parametrize("process", ["%", "", "_1"])
def test_a_process_is_meant_by_its_whole_name(db: Database, process: str) -> None:
    receive(db)
    claim(db, "p1:1")
    intend(db, held("Ev1", "p1:1"), NOW)
    assert released(db, process, NOW) == []


# For the operator


def test_a_page_shows_what_is_not_done_the_oldest_first(db: Database) -> None:
    receive(db, "Ev3", now=NOW)
    receive(db, "Ev1", SOUTH, now=NOW + 2)
    receive(db, "Ev2", now=NOW + 1)
    lifecycle(db, "Ev4", "done", "again")

    def ids(tenant_id: str = "", state: str = "", most: int = 9) -> list[str]:
        return [entry.event_id for entry in queue.list_entries(db, QUEUE, tenant_id, state, limit=most)]

    assert ids() == ["Ev3", "Ev2", "Ev1"]
    assert (ids(NORTH.id), ids(SOUTH.id), ids("T0ABSENT01")) == (["Ev3", "Ev2"], ["Ev1"], [])
    assert (ids(state="done"), ids(state="ready", most=2), ids(state="dead")) == (["Ev4"], ["Ev3", "Ev2"], [])
    assert ids(SOUTH.id, "done") == []


def test_an_entry_says_everything_but_what_is_in_the_row(db: Database) -> None:
    receive(db)
    claim(db)
    queue.finish(db, held("Ev1", "me"), "dead", "why", now=NOW + 3)
    (found,) = queue.find(db, QUEUE, "Ev1")
    assert found == QueueEntry(
        event_id="Ev1", kind="event", tenant=NORTH, type="message", state="dead", attempts=1, event_time=NOW - 5,
        received_at=NOW, next_at=NOW, finished_at=NOW + 3, result="why", trace_id="", has_body=True, queue="inbox",
    )  # fmt: skip
    assert queue.list_entries(db, QUEUE, "", "dead", limit=1) == [found]
    assert queue.drop(db, QUEUE, (NORTH, "Ev1"), NOW)
    (dropped,) = queue.find(db, QUEUE, "Ev1")
    assert dropped is not None
    assert not dropped.has_body
    assert queue.find(db, QUEUE, "Ev2") == []


def test_states_are_counted_with_the_age_of_the_oldest(db: Database) -> None:
    assert queue.count_by_state(db, QUEUE) == {}
    for number in range(3):
        receive(db, f"Ev{number}", now=NOW + number)
    assert claimed(db, now=NOW + 9) == "Ev0"
    lifecycle(db, "Ev9", "done")
    assert queue.count_by_state(db, QUEUE) == {"running": (1, NOW), "ready": (2, NOW + 1)}


@pytest.mark.parametrize("state", ["dead", "unclear"])
def test_a_row_that_needs_the_operator_runs_again_as_if_it_were_new(db: Database, state: str) -> None:
    receive(db)
    claim(db)
    queue.postpone(db, held("Ev1", "me"), "", now=NOW, wait=0, refund_attempt=False)
    claim(db)
    queue.finish(db, held("Ev1", "me"), state, "why", now=NOW)
    assert queue.retry(db, QUEUE, (NORTH, "Ev1"), NOW + 7)
    assert row(db) == ("ready", 0, "", "retried by the operator", 1)
    assert look(db.path, "SELECT finished_at, next_at FROM inbox") == [(None, NOW + 7)]
    assert [claimed(db, now=NOW + 6), claimed(db, now=NOW + 7)] == ["", "Ev1"]


@pytest.mark.parametrize("state", ["dead", "unclear"])
def test_a_row_that_is_dropped_keeps_its_id_for_the_sake_of_repeats_and_nothing_else(db: Database, state: str) -> None:
    receive(db)
    claim(db)
    queue.finish(db, held("Ev1", "me"), state, "why", now=NOW)
    assert queue.drop(db, QUEUE, (NORTH, "Ev1"), NOW + 7)
    assert row(db) == ("done", 1, "", "dropped by the operator", 0)
    assert not receive(db), "a repeat"
    assert (queue.sweep(db, QUEUE, NOW + 7), queue.sweep(db, QUEUE, NOW + 8)) == (0, 1)


@pytest.mark.parametrize("state", ["ready", "running", "calling", "done"])
def test_the_operator_changes_no_row_that_needs_none(db: Database, state: str) -> None:
    """Stops a second run of what runs just now."""
    receive(db)
    if state != "ready":
        claim(db)
    if state == "calling":
        intend(db, held("Ev1", "me"), NOW)
    if state == "done":
        queue.finish(db, held("Ev1", "me"), "done", "ok", now=NOW)
    before = look(db.path, "SELECT * FROM inbox")
    assert not queue.retry(db, QUEUE, (NORTH, "Ev1"), NOW)
    assert not queue.drop(db, QUEUE, (NORTH, "Ev1"), NOW)
    assert not queue.retry(db, QUEUE, (NORTH, "Ev2"), NOW)
    assert not queue.drop(db, QUEUE, (NORTH, "Ev2"), NOW)
    assert look(db.path, "SELECT * FROM inbox") == before
