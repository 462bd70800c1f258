"""Runs one row of the inbox, in the worker.

In our own database a row acts exactly once: its effect and the mark on it are one transaction. A call to Slack cannot
be part of one: its intent is committed before it, and a row that is found in mid-call after a crash becomes `unclear`.
It is shown to the operator, never repeated by itself, never lost.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slackapp.checks.json_body import parse_json
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.crypto import records
from slackapp.errors import (
    CapabilityError,
    DecryptError,
    KeyRevokedError,
    KeyUnavailableError,
    Refusal,
    Refused,
    SlackCallError,
    SlackErrorKind,
    StoreError,
)
from slackapp.flows.app import App, Job
from slackapp.flows.events.event_context import EventContext
from slackapp.flows.keys import suspend_tenant
from slackapp.flows.removal import end_holder, judge_revocation, purge_tenant, uninstall_tenant
from slackapp.flows.tokens import bot_identity
from slackapp.model import (
    AuditEntry,
    AuditEvent,
    AuditRecord,
    AuditResult,
    Installation,
    InstallationStatus,
    QueueKind,
    QueueState,
)
from slackapp.runtime.hand_off import ClaimedEvent
from slackapp.store import inbox, installations, queue
from slackapp.store.queue import LeaseLostError, Run

_KEY_BACK_OFF = 60
_FINAL_REFUSALS = frozenset({Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED, Refusal.CAPABILITY})
_WAITS = frozenset({InstallationStatus.SUSPECT, InstallationStatus.SUSPENDED})
_SAFE_REASON = re.compile(r"[A-Za-z0-9_./: -]{1,120}")

JOBS: Mapping[str, Job] = {
    inbox.PURGE: purge_tenant.complete,
    inbox.UNINSTALL: uninstall_tenant.resume,
    inbox.TRACES: end_holder.complete,
    inbox.RESEAL: end_holder.reseal,
    **dict.fromkeys(LIFECYCLE_TYPES, judge_revocation.ask_slack),
}
"""The core's own: they remove a tenant, wait for no status, and end their rows themselves."""


def run(app: App, row: Run, now: int) -> None:
    """Runs the row to its end, or puts it back for later. Raises nothing but bugs of ours and StoreError."""
    # claim: C-99
    if queue.is_exhausted(row):
        _mark_dead(app, row, "the process ended in it each time", now=now)
        return
    job = _find_job(app, row)
    if job is not None and row.removes:
        job(app, row, now)
        return
    installation = installations.find(app.db, row.tenant)
    if installation is not None and installation.status in _WAITS:
        # Since it was claimed. It waits, as if it had not been.
        queue.postpone(app.db, row, installation.status, now=now, wait=0, refund_attempt=True)
        return
    if installation is None:
        _finish_row(app, row, QueueState.DONE, "not installed", now=now)
        return
    try:
        # 7. open the body where it was sealed
        body = _open(app, row)
    except DecryptError:
        _mark_dead(app, row, "the body does not open", now=now, audited=AuditEvent.EVENT_UNAVAILABLE)
        return
    except Refused as refused:
        queue.postpone(app.db, row, refused.refusal.code, now=now, wait=_KEY_BACK_OFF, refund_attempt=True)
        return
    # 8. whose it is, and what acts on it
    function = app.behaviour.get(row.type)
    if function is None and job is None:
        _end_unmatched(app, row, now)
        return
    _act(app, row, installation, body, job=partial(job, app, row, now) if job is not None else None)


def run_claimed(app: App, claimed: ClaimedEvent) -> None:
    """Runs a row that was claimed as it came. Raises nothing but bugs of ours and StoreError."""
    row = claimed.run
    # Within the second of its claim it is run as it is, as a row is that was just looked up.
    # claim: C-130
    if app.clock.steady() != claimed.claimed_at and not _renew_lease(app, claimed):
        queue.postpone(app.db, row, "waited", now=app.clock(), wait=0, refund_attempt=True)
        return
    _act(app, row, claimed.installation, claimed.body)


def _renew_lease(app: App, claimed: ClaimedEvent) -> bool:
    try:
        renew = partial(queue.renew_lease, app.db, claimed.run, app.clock, claimed.installation.generation)
        return app.db.commit_in_group(renew, durable=False)
    except StoreError:
        # Nothing of it has run. It waits here, for nobody else looks at it before its lease has run out.
        if app.hand_off.reserve(claimed.run.tenant, 0):
            app.hand_off.put(claimed)
        raise


def _act(
    app: App, row: Run, installation: Installation, body: Mapping[str, Any], job: Callable[[], object] | None = None
) -> None:
    try:
        # 9. act; each call to Slack notes its intent first
        result = "ok"
        if job is not None:
            job()
        else:
            result = _call_behaviour(app, row, installation, body)
        # 10. mark the row as done
        if not row.has_ended:
            _mark_done(app, row, installation, result)
    except LeaseLostError:
        return
    except BaseException as error:  # noqa: BLE001  (somebody else's code: whatever it raises, the worker must live)
        # claim: C-99
        _failed(app, row, error, app.clock())


def _end_unmatched(app: App, row: Run, now: int) -> None:
    """Ends a row that nobody acts on. What Slack tells may concern nobody here; a job was put there to be run."""
    if row.kind == QueueKind.JOB and row.type != inbox.INSTALLED:
        _mark_dead(app, row, "no circle runs such a job", now=now)
    else:
        _finish_row(app, row, QueueState.DONE, "nobody to act", now=now)


def _find_job(app: App, row: Run) -> Job | None:
    """Finds the job of a row of ours; a type that Slack has sent names none."""
    is_ours = row.kind == QueueKind.JOB or row.removes
    return (JOBS.get(row.type) or app.jobs.get(row.type)) if is_ours else None


def _call_behaviour(app: App, row: Run, installation: Installation, body: Mapping[str, Any]) -> str:
    # claim: C-70
    if bot_identity.is_made_by_bot(app, row, installation, body["event"]):
        return "our own"
    app.behaviour[row.type](EventContext(app, row, installation, body), body["event"])
    return "ok"


def _open(app: App, row: Run) -> Mapping[str, Any]:
    if row.body is None:
        return {"event": {"type": row.type}}  # a job of ours
    try:
        context = records.event_body_context(row.tenant, row.event_id)
        reread = partial(queue.body_of, app.db, row.queue, row.tenant, row.event_id)
        return parse_json(app.keyring.open_data(context, row.body, reread))
    except KeyRevokedError:
        suspend_tenant.suspend(app, row.tenant, row.actor)
        raise Refused(Refusal.KEY_REVOKED) from None
    except KeyUnavailableError:
        raise Refused(Refusal.KEY_UNAVAILABLE) from None


def _finish_row(
    app: App,
    row: Run,
    state: QueueState,
    result: str,
    *,
    now: int,
    audited: AuditEvent | None = None,
) -> None:
    also = partial(installations.note_used, app.db, row.tenant, now) if state == QueueState.DONE else None
    if audited is not None:
        entry = AuditEntry(
            at=now,
            event=audited,
            actor=row.actor,
            tenant=row.tenant,
            record_kind=AuditRecord.EVENT,
            record_id=row.event_id,
            result=AuditResult.FAILED,
        )
        also = partial(app.vault.append, entry)
    # claim: C-49
    if app.db.commit_in_group(partial(queue.finish, app.db, row, state, result, now=now, also=also)):
        app.metrics.count("slackapp_inbox_total", {"result": state})


def _mark_done(app: App, row: Run, installation: Installation, result: str) -> None:
    """Marks a row as done: at once where it has called or written, else with the next commit, unflushed.

    What a kill or a power failure brings back then has had no effect yet.
    """
    now = app.clock()
    if row.has_acted:
        _finish_row(app, row, QueueState.DONE, result, now=now)
        return
    row.has_ended = True
    also = None
    if installations.is_use_due(installation, now):
        app.installation_cache.note_used(installation, now)
        also = partial(installations.note_used, app.db, row.tenant, now)
    # claim: C-49
    app.db.defer(partial(queue.finish, app.db, row, QueueState.DONE, result, now=now, also=also))
    app.metrics.count("slackapp_inbox_total", {"result": QueueState.DONE})


def _mark_dead(app: App, row: Run, reason: str, *, now: int, audited: AuditEvent | None = None) -> None:
    app.log.error("event_dead", {"row": row.event_id, "type": row.type, "trace_id": row.trace_id, "reason": reason})
    _finish_row(app, row, QueueState.DEAD, reason, now=now, audited=audited)


def _failed(app: App, row: Run, error: BaseException, now: int) -> None:
    reason, left = _reason(error), queue.judge_failure(row, _is_final(error))
    frozen = isinstance(error, Refused) and error.refusal is Refusal.FROZEN and row.is_repeatable
    left = QueueState.READY if frozen else left
    # What will pass by itself is no news; anything else is told, once for each time it happens.
    if left != QueueState.READY or not isinstance(error, (SlackCallError, Refused, StoreError)):
        app.log.bug(
            "behaviour_failed",
            {"row": row.event_id, "type": row.type, "trace_id": row.trace_id, "reason": reason, "left": left},
        )
    if left != QueueState.READY:
        _finish_row(app, row, left, reason, now=now)
        return
    asked = error.retry_after if isinstance(error, SlackCallError) and error.retry_after else 0
    # A limited rate is Slack's word and no failure of the row: it waits as long as Slack says, as often as it says. A
    # freeze is the operator's.
    wait = asked or queue.seconds_to_wait(row)
    queue.postpone(app.db, row, reason, now=now, wait=wait, refund_attempt=bool(asked) or frozen)


def _is_final(error: BaseException) -> bool:
    """Tells whether a repeat would fail in the same way."""
    if isinstance(error, SlackCallError):
        return error.kind in (SlackErrorKind.DEAD, SlackErrorKind.FORBIDDEN, SlackErrorKind.BAD_REQUEST)
    return isinstance(error, Refused) and error.refusal in _FINAL_REFUSALS


def _reason(error: BaseException) -> str:
    """A code or a type's name, never an exception's text: it may hold what came with the event."""
    if isinstance(error, SlackCallError):
        told = f"{error.method} {error.code}"
        return told if _SAFE_REASON.fullmatch(told) else type(error).__name__  # one that a behaviour made by itself
    if isinstance(error, CapabilityError):
        return f"{error.method} {error.refusal.code}"
    return error.refusal.code if isinstance(error, Refused) else type(error).__name__
