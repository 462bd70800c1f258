"""Walks the whole audit chain and names what does not fit; and cuts what is too old to be kept.

Finds every row that was edited, removed, added or moved. Does not find rows cut off at the end, unless the caller knows
an earlier head: number and chain value of a row, which every backup prints.
"""

import hmac
from collections.abc import Iterator

from slackapp.flows.app import App
from slackapp.model import SCHEDULER, AuditEntry, AuditEvent, AuditRecord
from slackapp.store import audit
from slackapp.store.audit import AuditRow, Checkpoint

DAY = 86_400
_MAX_FINDINGS = 20


def run(app: App, known_head: tuple[int, bytes] | None) -> tuple[int, list[str]]:
    """Verifies the audit; returns the last row's number that was looked at, and at most 20 findings, in words.

    Nothing is said of rows that are appended meanwhile.
    """
    start = audit.checkpoint(app.db, app.keyring.audit_mac)
    last, found = _walk(app, start)
    while (again := audit.checkpoint(app.db, app.keyring.audit_mac)) != start:
        start = again  # rows were cut while we walked
        last, found = _walk(app, again)
    if known_head is not None:
        found.extend(_check_known_head(app, start, *known_head))
    return last, found


def _walk(app: App, start: Checkpoint) -> tuple[int, list[str]]:
    found = [] if start.authentic else [f"the checkpoint at row {start.number} is not signed by this service"]
    number, chain, newest = start.number, start.chain, 1
    for row in audit.rows(app.db):
        if len(found) >= _MAX_FINDINGS:
            break
        if row.number <= number:
            found.append(f"row {row.number} does not belong there: it was added")
            continue
        if not row.is_readable:
            found.append(f"row {row.number} cannot be read: it was added or edited")
            continue
        # claim: C-28
        if row.number != number + 1:
            found.append(f"rows {number + 1} to {row.number - 1} are missing")
        found.extend(_format_findings(row, newest))
        newest = max(newest, row.format)
        expected = app.keyring.audit_mac(audit.covered(chain, row.columns))
        # claim: C-28
        if not hmac.compare_digest(expected, row.chain):
            found.append(f"row {row.number} does not follow from the one before: edited, moved, or its forerunner was")
        number, chain = row.number, row.chain
    return number, found


def _format_findings(row: AuditRow, newest: int) -> Iterator[str]:
    """Finds what the chain value of a row of format 1 does not show: it covers no later column.

    Nor does this service write such a row after one of format 2.
    """
    # claim: C-113
    if row.format < newest:
        yield f"row {row.number} is of format {row.format}, after rows of format {newest}"
    # claim: C-113
    if row.format == 1 and not row.is_bare:
        yield f"row {row.number} is of format 1, and has columns that it never had"


def _check_known_head(app: App, start: Checkpoint, number: int, chain: bytes) -> list[str]:
    if number < start.number:
        return []  # cut long ago, behind the checkpoint
    stored = start.chain if number == start.number else audit.chain_of(app.db, number)
    # claim: C-28
    if stored is None:
        return [f"row {number} is not there any more: the end was cut off"]
    return [] if hmac.compare_digest(stored, chain) else [f"row {number} is not the one that it was"]


def prune(app: App, now: int) -> None:
    """Cuts rows older than the setting says, in portions; each portion leaves its own audit row."""
    if not app.settings.audit_days:
        return
    before = now - app.settings.audit_days * DAY
    while True:
        with app.db.transaction():
            number = audit.delete_before(app.db, before, app.keyring.audit_mac)
            if not number:
                return
            app.vault.append(
                AuditEntry(
                    at=now,
                    event=AuditEvent.AUDIT_CUT,
                    actor=SCHEDULER,
                    record_kind=AuditRecord.AUDIT_ROW,
                    record_id=str(number),
                )
            )
