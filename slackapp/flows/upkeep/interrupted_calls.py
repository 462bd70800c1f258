"""Calls to Slack that the end of a process has cut off: each is reported, and none is repeated unasked.

A process that stops says so itself; for one that was killed, whoever is there does so a little later.
"""

from collections.abc import Sequence

from slackapp.errors import StoreError
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.model import SCHEDULER, AuditEntry, AuditEvent, AuditResult, InstallOutcome, UnclearRow
from slackapp.store import oauth_states, processes, queue

MAX_EXCHANGE_SECONDS = 60
"""Seconds after which an exchange is not under way any more: each of its calls to Slack ends within ten."""
INSTALL_AGAIN = "whoever installed the app just then must do so again"


def release_leases(app: App, now: int) -> int:
    """Releases the leases of an ending process, and counts the rows that are unclear now.

    The process signs off in the same transaction. A database that cannot be written is told in the log: then the next
    process finds that this one has ended, and takes the rows over.
    """
    try:
        app.db.shorten_waits()
        app.db.write_deferred()
        with app.db.transaction():
            unclear = _release(app, app.process_id, died=False, now=now)
    except StoreError as error:
        app.log.error("leases_not_released", {"why": str(error)})
        return 0
    _log_unclear(app, unclear, queue.RESULTS[False])
    return len(unclear)


def take_over(app: App, now: int) -> int:
    """Takes over from processes that were killed, at once, and counts them. Raises StoreError.

    Their rows wait for no lease: the process holds a lock for as long as it lives, whatever its clock and its last
    heartbeat. Of a row that runs nobody knows how far it was: it had its attempt, and one in a call becomes unclear.
    """
    with app.db.transaction():
        # claim: C-131
        dead = [each for each in processes.list_ids(app.db) if not _is_alive(app, each)]
        unclear = [row for each in dead for row in _release(app, each, died=True, now=now)]
    for process_id in dead:
        app.log.error("process_died", {"process": process_id})
    _log_unclear(app, unclear, queue.RESULTS[True])
    if dead:
        app.wake_worker()
    return len(dead)


def _is_alive(app: App, process_id: str) -> bool:
    return process_id == app.process_id or app.db.is_process_locked(process_id)


def _release(app: App, process_id: str, *, died: bool, now: int) -> list[UnclearRow]:
    """Releases the rows of a process, and forgets it; returns those that are unclear now. Inside a transaction."""
    unclear = [row for each in app.queues for row in queue.release_leases(app.db, each, process_id, died=died, now=now)]
    notes.append_unclear(app, unclear, now)
    processes.delete(app.db, process_id, app.clock.steady())
    return unclear


def mark_unclear(app: App, now: int) -> None:
    """Marks rows whose worker died in the middle of a call. Raises StoreError."""
    with app.db.transaction():
        times = {"now": now, "steady": app.clock.steady()}
        unclear = [row for each in app.queues for row in queue.mark_unclear(app.db, each, **times)]
        notes.append_unclear(app, unclear, now)
    _log_unclear(app, unclear, queue.RESULTS[True])


def _log_unclear(app: App, rows: Sequence[UnclearRow], why: str) -> None:
    for row in rows:
        app.log.error("event_unclear", {"row": row.event_id, "type": row.type, "trace_id": row.trace_id, "reason": why})


def mark_lost_exchanges(app: App, now: int) -> int:
    """Marks exchanges that ended with their process, and counts them. Raises StoreError.

    Slack may have granted what nobody holds. Neither the tenant nor the token is known, and the code works no more: all
    that can be done is to say so. The state's row tells of it: it was used, and has no outcome.
    """
    with app.db.transaction():
        # claim: C-86
        lost = oauth_states.mark_lost(app.db, now - MAX_EXCHANGE_SECONDS, now + MAX_EXCHANGE_SECONDS)
        if lost:
            app.vault.append(
                AuditEntry(
                    at=now,
                    event=AuditEvent.INSTALL_UNCLEAR,
                    actor=SCHEDULER,
                    result=AuditResult.UNCLEAR,
                    count=lost,
                )
            )
    for _ in range(lost):
        app.metrics.count("slackapp_installs_total", {"result": InstallOutcome.UNCLEAR})
    if lost:
        app.log.error("exchanges_lost", {"number": lost, "action": INSTALL_AGAIN})
    return lost
