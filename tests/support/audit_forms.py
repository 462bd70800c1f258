"""What each column of the audit may hold: a word of a closed set, an id of a form, or a number."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slackapp.checks.capabilities import CAPABILITIES, is_method
from slackapp.model import (
    ActorKind,
    AuditDetail,
    AuditEvent,
    AuditRecord,
    AuditResult,
    EventOutcome,
    HolderKind,
    InstallOutcome,
    QueueState,
    RecordKind,
    TenantKind,
)
from slackapp.routes import ROUTES

Form = Callable[[Any], bool]


def word(*sets: Iterable[str]) -> Form:
    """One of these words, or nothing."""
    words = {"", *(str(each) for one in sets for each in one)}
    return lambda value: value in words


def like(pattern: str) -> Form:
    """An id of that form, or nothing."""
    whole = re.compile(f"(?:{pattern})?")
    return lambda value: isinstance(value, str) and whole.fullmatch(value) is not None


def number(value: Any) -> bool:
    """A number, or none."""
    return value is None or type(value) is int


JOB = r"Ev[A-Za-z0-9]+|sig-[0-9a-f]+|(?:installed|purge)-[0-9a-f]{24}"
"""Id of a row of the inbox: Slack's own, that of a signed request, or a job's."""
VERSION = r"[0-9]{1,10}"
PURPOSES = (
    "app_mention", "slackapp.installed", "slash_command", "block_actions:remove_app", "backup", "check", "exchange",
    "reencrypt", "refresh", "restore", "uninstall",
)  # fmt: skip
"""Purposes in the story: parts of the core, and the types of the events that it tells of."""
COLUMNS: Mapping[str, Form] = {
    "id": lambda value: type(value) is int,
    "at": lambda value: type(value) is int,
    "format": lambda value: value == 2,
    "event": word(AuditEvent),
    "actor": word(ActorKind),
    "actor_id": like(f"{VERSION}|admin|{JOB}"),
    "organization": word(),
    "request_id": like(rf"[0-9a-f]{{16}}(?:-[0-9a-f]+)?|{JOB}"),
    "trace_id": like(r"[0-9a-f]{16}(?:-[0-9a-f]+)?"),
    "tenant_kind": word(TenantKind),
    "tenant_id": like("[TE]0[A-Z0-9]{8}"),
    "connection": word(),
    "holder_kind": word(HolderKind),
    "holder_id": like("[UW]0[A-Z0-9]{8,11}"),
    "record_kind": word(AuditRecord, RecordKind),
    "generation": number,
    "key_id": number,
    "count": number,
    "capability": word(CAPABILITIES),
    "method": lambda value: value == "" or is_method(value),
    "channel": like("[CDG]0[A-Z0-9]{8,11}"),
    "purpose": word(PURPOSES),
    # What Slack answers is told by its code, which is Slack's closed set and not ours.
    "result": lambda value: word(AuditResult, EventOutcome, InstallOutcome)(value) or like("[a-z]+(?:_[a-z]+)+")(value),
    "detail": word(AuditDetail, QueueState, (event for event in AuditEvent if event.startswith("refused."))),
}
RECORD_IDS: Mapping[str, Form] = {
    AuditRecord.EVENT: like(JOB),
    AuditRecord.ROUTE: word(route.path for route in ROUTES),
    AuditRecord.SCOPE: like("[a-z_.]+(?::[a-z.]+)*"),
    AuditRecord.ENTERPRISE: like("E0[A-Z0-9]{8}"),
    AuditRecord.MASTER_KEY: like(VERSION),
    AuditRecord.KEY_PROVIDER: word(["local"]),
    AuditRecord.BACKUP: like(VERSION),
    AuditRecord.AUDIT_ROW: like(VERSION),
}
"""By kind of the record; another kind's is told by tenant, holder and generation, and has none."""


def outside(row: Mapping[str, Any]) -> list[str]:
    """The columns of a row that hold something else."""
    forms = {**COLUMNS, "record_id": RECORD_IDS.get(row["record_kind"], word())}
    return [name for name, value in row.items() if name != "chain" and not forms[name](value)]
