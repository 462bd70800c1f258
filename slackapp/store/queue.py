"""Queues: what waits to be done once, in any table of the shape that `sql/core/queue.sql` describes.

A row is claimed for the length of a lease, run, and marked. What a run writes into our own database, its effects,
stands in one transaction with the mark, so that it happens exactly once. A call to Slack cannot be part of one: its
intent is committed before it, and a row that is found in mid-call after a crash becomes `unclear`.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from slackapp.model import Actor, ActorKind, Clock, QueueEntry, QueueKind, QueueState, Sealed, Tenant, UnclearRow
from slackapp.store.columns import (
    by_word,
    count_rows,
    read_portions,
    read_sealed,
    read_tenant,
    row_fields,
    tenant_columns,
)
from slackapp.store.engine.database import Database, Row

BATCH_ROWS = 1000
"""How many rows are swept at once."""
LEASE = 120
"""Seconds that a row is its worker's; a function that takes longer may run twice."""
_KINDS, _STATES = by_word(QueueKind), by_word(QueueState)
_MAX_DOUBLINGS = 6
RESULTS = {True: "interrupted in a call", False: "stopped in a call"}  # when its process died, and when it ended
RowId = tuple[Tenant, str]
"""Whose the row is, and its event id."""


class Queue(NamedTuple):
    """Queue in a table of that name, and its policy: by whom and how often its rows are run. Times are in seconds."""

    table: str
    threads: int = 4
    """So many rows at a time."""
    max_attempts: int = 6
    """Counted when a row is claimed: one that takes its process with it has had its attempt."""
    back_off: int = 5
    """After the first failure twice as long, then twice that, and so on."""
    max_wait: int = 7200
    """More than any row is postponed. One that waits for longer was postponed by a clock that was ahead."""

    @property
    def max_per_tenant(self) -> int:
        """Rows of one tenant at a time: however long they take, another's must find a thread."""
        return max(1, self.threads - 1)


class EffectKey(NamedTuple):
    """Key of an effect, the same in each run of that queue's row: what is written twice conflicts with itself."""

    queue: str
    tenant: Tenant
    event_id: str
    ordinal: int


Effect = Callable[[Database, EffectKey], object]
"""Writes an effect, inside a transaction that may run twice: an INSERT that does nothing where its key is there."""


class LeaseLostError(Exception):
    """Lost lease: the row is another worker's by now."""


@dataclass(eq=False)
class Run:
    """Run of a row: what is to be done, and what this run of it has done so far."""

    queue: Queue
    event_id: str
    kind: QueueKind
    tenant: Tenant
    type: str
    named: str
    body: Sealed | None
    removes: bool
    attempts: int
    event_time: int
    received_at: int
    lease_owner: str
    trace_id: str = ""
    """Id of the request that the row came with."""
    calls_made: int = 0
    """Calls that may have had their effect, and that must not be repeated."""
    has_intent: bool = False
    """Whether a call was announced, in a transaction that may not have been committed."""
    has_committed_effects: bool = False
    """Whether effects were committed with an intent."""
    written_effects: int = 0
    """So many were written with an intent, in a transaction of which it is not known yet whether it was committed."""
    has_ended: bool = False
    """Whether the row was finished or put back, or is another worker's."""
    _ordinals: int = 0
    _pending: list[tuple[EffectKey, Effect]] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        """Actor of what the run does, with the request that the row came with."""
        return worker_actor(self.event_id, self.trace_id)

    def add_effect(self, write: Effect) -> EffectKey:
        """Adds an effect, to be committed with the next intent or with the row's mark; returns its key.

        A run that fails before has had no effect. Raises LeaseLostError once the run is over: nothing would write it.
        """
        # claim: C-124
        if self.has_ended:
            raise LeaseLostError
        self._ordinals += 1
        key = EffectKey(self.queue.table, self.tenant, self.event_id, self._ordinals)
        self._pending.append((key, write))
        return key

    def confirm_intent(self) -> None:
        """Notes that the transaction of the intent was committed, and with it the effects that it wrote.

        Where that is not known, they stay pending, and the row's mark writes them, or finds them there.
        """
        self.has_committed_effects |= self.written_effects > 0
        del self._pending[: self.written_effects]
        self.written_effects = 0

    def withdraw_intent(self) -> None:
        """Notes that the transaction of the intent was certainly not committed: its effects are pending as before."""
        self.has_intent, self.written_effects = False, 0

    @property
    def is_repeatable(self) -> bool:
        """Tells whether the row may run again by itself: nothing that this run did has left it."""
        return not self.calls_made and not self.has_committed_effects and not self.written_effects

    @property
    def has_acted(self) -> bool:
        """Tells whether the mark that it is done must outlive a power failure."""
        return not self.is_repeatable or bool(self._pending)

    def write_effects(self, db: Database) -> int:
        """Writes what is pending, inside the transaction of the intent or of the mark; how many."""
        pending = tuple(self._pending)
        for key, write in pending:
            write(db, key)
        return len(pending)


def worker_actor(event_id: str, trace_id: str) -> Actor:
    """Makes the actor of what is done for a row."""
    return Actor(ActorKind.WORKER, event_id, trace_id=trace_id or None)


def list_due(
    db: Database, queue: Queue, after: Tenant, full: Tenant, *, now: int, steady: int, limit: int
) -> list[RowId]:
    """Lists rows that are due, of the tenants behind `after` in turn, and none of the `full` one.

    Of each tenant, what was due first comes first. `now` is in Unix seconds, `steady` in those of the leases' clock.
    """
    turn = {"after_kind": str(after.kind), "after_id": after.id, "full_kind": str(full.kind), "full_id": full.id}
    times = {"now": now, "latest": now + queue.max_wait, "steady": steady, "lease": LEASE}
    return [read_row_id(row) for row in db.many(f"{queue.table}.due_rows", {**turn, **times, "most": limit})]


def claim(db: Database, queue: Queue, row_id: RowId, *, owner: str, steady: int) -> Run | None:
    """Claims that row for as long as a lease runs; None where it is another's by now.

    To be called inside a transaction, and `steady` read in it: whoever reads the clock before waits for another one's
    transaction, and takes the lease that was written there meanwhile for one of an earlier boot.
    """
    row = db.one(f"{queue.table}.claim", {**_key(*row_id), "owner": owner, "steady": steady, "lease": LEASE})
    return _run(queue, row) if row is not None else None


def renew_lease(db: Database, run: Run, clock: Clock, generation: int) -> bool:
    """Renews the lease of a row that waited; False where it is another's, or its tenant stopped or installed anew."""
    now = {"steady": clock.steady(), "lease": LEASE, "generation": generation}
    return db.execute(f"{run.queue.table}.renew_lease", {**_owned_key(run), **now}) == 1


def note_intent(db: Database, run: Run, clock: Clock) -> None:
    """Notes the intent to call Slack, before the call, and writes the effects so far. Raises LeaseLostError.

    The lease begins anew. To be called inside a transaction; the clock is read in it, as for a claim. When that is
    committed, call `run.confirm_intent`; where it certainly was not, `run.withdraw_intent`.
    """
    lease = {"steady": clock.steady(), "lease": LEASE}
    is_ours = db.execute(f"{run.queue.table}.mark_calling", {**_owned_key(run), **lease})
    # claim: C-51
    if not is_ours:
        raise LeaseLostError
    # claim: C-124
    run.written_effects = run.write_effects(db)
    run.has_intent = True


def mark_not_called(db: Database, run: Run) -> None:
    """Clears the intent, after Slack said plainly that it did nothing; not where the run has done anything else."""
    # claim: C-125
    if not run.is_repeatable:
        return
    db.execute(f"{run.queue.table}.mark_not_called", _owned_key(run))


def finish(
    db: Database, run: Run, state: QueueState, result: str, *, now: int, also: Callable[[], object] | None = None
) -> bool:
    """Ends a row: `DONE` with its effects, `DEAD` or `UNCLEAR` without; False when it is not ours any more.

    `also` writes what belongs to that end, where it is ours.
    """
    end = {"state": state, "result": result, "now": now}
    ours = db.execute(f"{run.queue.table}.finish", {**_owned_key(run), **end}) == 1
    run.has_ended = True
    # claim: C-124
    if state != QueueState.DONE:
        run._pending.clear()
    if ours:
        # claim: C-124
        run.write_effects(db)
    if ours and also is not None:
        also()
    return ours


def postpone(db: Database, run: Run, result: str, *, now: int, wait: int, refund_attempt: bool = False) -> None:
    """Puts a row back for so many seconds, and at most the queue's `max_wait`: then whoever runs it asks again.

    `refund_attempt` does not count the attempt, because nothing was attempted.
    """
    # What waits for longer counts as postponed by a clock that was ahead, and would run at once.
    # claim: C-98
    wait = min(wait, run.queue.max_wait)
    later = {"result": result, "next_at": now + wait, "forgiven": int(refund_attempt)}
    db.execute(f"{run.queue.table}.postpone", {**_owned_key(run), **later})
    run.has_ended = True


def judge_failure(run: Run, is_final: bool) -> QueueState:
    """Decides what becomes of a row whose run failed; `is_final` where a repeat would fail in the same way."""
    # claim: C-125
    if not run.is_repeatable:
        return QueueState.UNCLEAR
    is_over = (is_final or run.attempts >= run.queue.max_attempts) and not run.removes
    return QueueState.DEAD if is_over else QueueState.READY


def is_exhausted(run: Run) -> bool:
    """Tells whether each run of the row took its process with it. What removes a tenant goes on for ever."""
    return run.attempts > run.queue.max_attempts and not run.removes


def seconds_to_wait(run: Run) -> int:
    """Computes the seconds to wait: longer each time, and not the same for all rows that failed together."""
    pause = run.queue.back_off * int(2 ** min(run.attempts, _MAX_DOUBLINGS))
    return pause + zlib.crc32(run.event_id.encode()) % (pause // 2 + 1)


def mark_unclear(db: Database, queue: Queue, *, now: int, steady: int) -> list[UnclearRow]:
    """Marks rows whose owner died in the middle of a call; which they are. As `claim`: in a transaction."""
    return _unclear_rows(db, queue, "mark_unclear", {"now": now, "steady": steady, "lease": LEASE})


def mark_restored(db: Database, queue: Queue, now: int) -> list[UnclearRow]:
    """Marks open rows of a restored copy as unclear, but for removals; which they are."""
    return _unclear_rows(db, queue, "mark_restored", {"now": now})


def release_leases(db: Database, queue: Queue, process_id: str, *, died: bool, now: int) -> list[UnclearRow]:
    """Releases the leases of a process that ends, or `died`; its rows in a call become unclear, and are returned."""
    db.execute(f"{queue.table}.release_running", {"process": process_id, "forgiven": int(not died)})
    return _unclear_rows(db, queue, "interrupt_calling", {"process": process_id, "result": RESULTS[died], "now": now})


def is_known(db: Database, queue: Queue, tenant: Tenant, event_id: str) -> bool:
    """Tells whether a row of that id came before."""
    return db.one(f"{queue.table}.is_known", _key(tenant, event_id)) is not None


def is_open(db: Database, queue: Queue, tenant: Tenant, event_id: str) -> bool:
    """Tells whether the row is there and not done."""
    return db.one(f"{queue.table}.is_open", _key(tenant, event_id)) is not None


def list_entries(
    db: Database, queue: Queue, tenant_id: str | None, state: QueueState | None, *, limit: int
) -> list[QueueEntry]:
    """Lists rows, the oldest first; None for any tenant, and for every state but `DONE`."""
    parameters = {"tenant_id": tenant_id or "", "state": state or "", "most": limit}
    return [_entry(queue, row) for row in db.many(f"{queue.table}.page", parameters)]


def entries_of(db: Database, queue: Queue, tenant: Tenant, portion: int) -> Iterator[QueueEntry]:
    """Yields all rows of a tenant, so many of them read at a time."""
    rows = read_portions(db, f"{queue.table}.of_tenant", tenant_columns(tenant), "event_id", portion=portion)
    return (_entry(queue, row) for row in rows)


def find(db: Database, queue: Queue, event_id: str) -> list[QueueEntry]:
    """The rows of that event id: one per tenant that has had such an event."""
    return [_entry(queue, row) for row in db.many(f"{queue.table}.rows_of_id", {"event_id": event_id})]


def count_by_state(db: Database, queue: Queue) -> dict[QueueState, tuple[int, int]]:
    """Counts rows by state, and says when the oldest of each came; without those that are done."""
    return {_STATES[row["state"]]: (row["found"], row["oldest"]) for row in db.many(f"{queue.table}.states", {})}


def count_all(db: Database, queues: Iterable[Queue]) -> dict[QueueState, tuple[int, int]]:
    """Counts the rows of several queues in the same way."""
    counts: dict[QueueState, tuple[int, int]] = {}
    for state, (found, oldest) in (pair for each in queues for pair in count_by_state(db, each).items()):
        known, since = counts.get(state, (0, oldest))
        counts[state] = (known + found, min(since, oldest))
    return counts


def body_of(db: Database, queue: Queue, tenant: Tenant, event_id: str) -> Sealed | None:
    """The sealed body of a row as it lies there now."""
    row = db.one(f"{queue.table}.find_body", _key(tenant, event_id))
    return Sealed(row["body"]) if row is not None else None


def retry(db: Database, queue: Queue, row_id: RowId, now: int) -> bool:
    """Lets a row that is dead or unclear run again; False for any other."""
    return db.execute(f"{queue.table}.retry", {**_key(*row_id), "now": now}) == 1


def drop(db: Database, queue: Queue, row_id: RowId, now: int) -> bool:
    """Ends a row that is dead or unclear, and erases its body; False for any other."""
    return db.execute(f"{queue.table}.drop", {**_key(*row_id), "now": now}) == 1


def sweep(db: Database, queue: Queue, before: int) -> int:
    """Deletes finished rows that no repeat can come for any more, at most 1,000 at once; how many."""
    return db.execute(f"{queue.table}.sweep", {"before": before})


def erase_running(db: Database, queue: Queue, tenant: Tenant, now: int) -> int:
    """Ends the rows of a tenant that somebody runs just now, and erases their bodies; returns how many."""
    return db.execute(f"{queue.table}.erase_running", {**tenant_columns(tenant), "now": now})


def erase_portion(db: Database, queue: Queue, tenant: Tenant, *, limit: int, now: int) -> int:
    """Erases bodies of a tenant's rows and ends what is open, so many at most; returns how many."""
    return db.execute(f"{queue.table}.erase_portion", {**tenant_columns(tenant), "most": limit, "now": now})


def list_bodies(db: Database, queue: Queue, tenant: Tenant, portion: int) -> Iterator[tuple[str, Sealed]]:
    """Yields event id and body of the tenant's rows that have one, so many of them read at a time."""
    rows = read_portions(db, f"{queue.table}.list_bodies", tenant_columns(tenant), "event_id", portion=portion)
    return ((row["event_id"], Sealed(row["body"])) for row in rows)


def reseal_body(db: Database, queue: Queue, tenant: Tenant, event_id: str, *, body: Sealed) -> None:
    """Replaces a body by the same one under another data key."""
    db.execute(f"{queue.table}.reseal_body", {**_key(tenant, event_id), "body": body.blob})


def tenants_with_bodies(db: Database, queue: Queue) -> frozenset[Tenant]:
    """Lists the tenants whose rows have a body."""
    return frozenset(read_tenant(row) for row in db.many(f"{queue.table}.tenants_with_bodies", {}))


def count_bodies(db: Database, queue: Queue, tenant: Tenant) -> int:
    """Counts the tenant's rows that have a body."""
    return count_rows(db, f"{queue.table}.count_bodies", tenant_columns(tenant))


def read_row_id(row: Row) -> RowId:
    """Reads whose a row is, and its event id."""
    return read_tenant(row), row["event_id"]


def _key(tenant: Tenant, event_id: str) -> dict[str, object]:
    return {**tenant_columns(tenant), "event_id": event_id}


def _owned_key(run: Run) -> dict[str, object]:
    return {**_key(run.tenant, run.event_id), "owner": run.lease_owner}


def _run(queue: Queue, row: Row) -> Run:
    fields = row_fields(row)
    fields["kind"], fields["body"] = _KINDS[fields["kind"]], read_sealed(fields["body"])
    return Run(queue, **fields | {"removes": bool(fields["removes"])})


def _unclear_rows(db: Database, queue: Queue, statement: str, parameters: dict[str, object]) -> list[UnclearRow]:
    return [UnclearRow(**row_fields(row)) for row in db.many(f"{queue.table}.{statement}", parameters)]


def _entry(queue: Queue, row: Row) -> QueueEntry:
    closed = {"kind": _KINDS[row["kind"]], "state": _STATES[row["state"]], "has_body": bool(row["has_body"])}
    return QueueEntry(**row_fields(row) | closed, queue=queue.table)
