"""Looks into the audit for an operator: the last rows that are asked for, and the head.

Rows are given as they lie there. One of the first format has its facts in a text, which is shown as it is and never
taken apart: what a release wrote for people to read is no promise to a program.
"""

from dataclasses import dataclass

from slackapp.flows.app import App
from slackapp.store import audit
from slackapp.store.audit import AuditRow


@dataclass(frozen=True)
class AuditQuestion:
    """Question about rows: of which tenant and event, from when on, and at most how many.

    None stands for any; `since` is in Unix seconds.
    """

    tenant_id: str | None
    event: str | None
    since: int
    limit: int


def tail(app: App, asked: AuditQuestion) -> list[AuditRow]:
    """Reads the last rows that answer a question, oldest first. Raises StoreError."""
    return audit.tail(app.db, asked.tenant_id, asked.event, since=asked.since, limit=asked.limit)


def head(app: App) -> tuple[int, bytes]:
    """Reads number and chain value of the last row. Raises StoreError."""
    return audit.head(app.db)
