"""Looks into the audit for an operator: the last rows that are asked for, and the head.

Rows are given as they lie there. One of the first format has its facts in a text, which is shown as it is and never
taken apart: what a release wrote for people to read is no promise to a program.
"""

from dataclasses import asdict, dataclass

from slackapp.flows.app import App
from slackapp.store import audit

COLUMNS = audit.COLUMNS
AuditColumns = audit.Columns
"""A row's values by column."""


@dataclass(frozen=True, kw_only=True)
class AuditQuestion:
    """Question about rows: which ones, from when on, and at most how many.

    An empty text stands for any; `holder` is `bot`, or an id. `since` is in Unix seconds.
    """

    tenant_id: str = ""
    event: str = ""
    holder: str = ""
    capability: str = ""
    method: str = ""
    since: int = 0
    limit: int


def tail(app: App, asked: AuditQuestion) -> list[AuditColumns]:
    """Reads the last rows that answer a question, oldest first. Raises StoreError."""
    return [row.columns for row in audit.tail(app.db, asdict(asked))]


def head(app: App) -> tuple[int, bytes]:
    """Reads number and chain value of the last row. Raises StoreError."""
    return audit.head(app.db)
