"""What each event of the audit means: when it is written, which columns it fills, and who acts.

`make docs` writes docs/audit-events.md from it. While the suite runs, every row that is written is compared with what
stands here (`checked`, used by tests/conftest.py), so that the page says neither less nor something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from slackapp.errors import Refusal
from slackapp.host.model import MessageRecord
from slackapp.model import (
    ActorKind,
    AuditDetail,
    AuditEvent,
    AuditRecord,
    AuditResult,
    EventOutcome,
    InstallOutcome,
    QueueState,
    RecordKind,
)

FRAME = frozenset(
    {"id", "at", "format", "event", "actor", "actor_id", "organization", "request_id", "trace_id", "result", "chain"}
)
"""Columns of every row: its place, when, who, and how it ended."""
COLUMNS = {
    "tenant": ("tenant_kind", "tenant_id"),
    "holder": ("holder_kind", "holder_id"),
    "record": ("record_kind", "record_id"),
    "generation": ("generation",),
    "key": ("key_id",),
    "count": ("count",),
    "capability": ("capability",),
    "method": ("method",),
    "channel": ("channel",),
    "connection": ("connection",),
    "purpose": ("purpose",),
}
"""What the page calls a column, or two that belong together."""
CODE = "a code of Slack, or of a refusal"
_CODE = re.compile(r"[a-z][a-z0-9_.]{1,63}")


@dataclass(frozen=True)
class Meaning:
    """When a row is written, what it fills besides the frame, who acts, and the words that stand in it."""

    when: str
    fills: str
    who: tuple[ActorKind, ...]
    results: tuple[str, ...] = (AuditResult.OK,)
    records: tuple[StrEnum, ...] = ()
    details: tuple[StrEnum, ...] = ()


_A, _U, _O, _W, _S, _B, _H, _M = (
    ActorKind.ANYONE, ActorKind.UNVERIFIED, ActorKind.OPERATOR, ActorKind.WORKER, ActorKind.SLACK, ActorKind.BOLT,
    ActorKind.HOST, ActorKind.MEMBER,
)  # fmt: skip
_H, _M = ActorKind.HOST, ActorKind.MEMBER
_USERS = (_O, _W, _S, _B, _A, _H, _M)
"""Whoever's work may use a token."""
_ACCESS = (RecordKind.BOT_ACCESS, RecordKind.USER_ACCESS, RecordKind.CONNECTION_ACCESS)
_REFRESH = (RecordKind.BOT_REFRESH, RecordKind.USER_REFRESH, RecordKind.CONNECTION_REFRESH)
_OTHERS = (RecordKind.INSTALLER, RecordKind.WEBHOOK, RecordKind.INSTALLER_WEBHOOK)
_EVENTS = frozenset(map(str, AuditEvent))
_REFUSALS = {refusal.audit: refusal for refusal in Refusal}
_FAILURES = tuple(_REFUSALS)

MEANINGS: dict[AuditEvent, Meaning] = {
    # Installs
    AuditEvent.INSTALLED: Meaning(
        "a tenant is installed for the first time; the holder is who installed",
        "tenant holder generation", (_A, _B, _O, _M), details=(AuditDetail.WITHOUT_BOT,),
    ),
    AuditEvent.REINSTALLED: Meaning(
        "a tenant that is there is installed again",
        "tenant holder generation", (_A, _B, _O, _M), details=(AuditDetail.WITHOUT_BOT,),
    ),
    AuditEvent.INSTALL_DECLINED: Meaning("Slack sent the browser back with an error", "", (_A,), (CODE,)),
    AuditEvent.INSTALL_FAILED: Meaning(
        "an install failed after its state was used up; the count is of tokens that could not be revoked",
        "count", (_A,), (InstallOutcome.FAILED,), details=_FAILURES,
    ),
    AuditEvent.INSTALL_UNCLEAR: Meaning(
        "nobody knows what Slack has granted; the count is of exchanges that ended with their process",
        "count", (_A, _W), (AuditResult.UNCLEAR,), details=(AuditEvent.REFUSED_EXCHANGE_UNCLEAR,),
    ),
    AuditEvent.PAIR_SAVED: Meaning(
        "a Bolt app saves a pair that it refreshed, or one is imported again", "tenant holder generation", (_B, _O),
        details=(AuditDetail.WITHOUT_BOT,),
    ),
    AuditEvent.PAIR_OUTDATED: Meaning(
        "a Bolt app saves a pair late, and a newer one stays", "tenant holder", (_B,), (AuditResult.IGNORED,)
    ),
    AuditEvent.SCOPES_CHANGED: Meaning("Slack says that a token has other scopes", "tenant holder", _USERS),
    AuditEvent.SCOPE_MISSING: Meaning(
        "a scope that is asked for was not granted: a row for each", "tenant holder generation record", _USERS,
        records=(AuditRecord.SCOPE,),
    ),
    AuditEvent.SCOPE_SURPLUS: Meaning(
        "a token has a scope that is not asked for: a row for each", "tenant holder record", _USERS,
        records=(AuditRecord.SCOPE,),
    ),
    AuditEvent.TENANT_JOINED_ORG: Meaning(
        "Slack names an enterprise that the workspace belongs to now", "tenant record", (_O, _W),
        records=(AuditRecord.ENTERPRISE,),
    ),
    # Secrets that are opened
    AuditEvent.TOKEN_READ: Meaning(
        "a token is about to be opened; without a holder, all of the tenant's",
        "tenant holder generation record key count capability method channel connection purpose", _USERS,
        records=(*_ACCESS, *_REFRESH),
    ),
    AuditEvent.TOKEN_UNAVAILABLE: Meaning(
        "a sealed value does not open, or nothing can be sealed for the tenant",
        "tenant holder generation record key capability method channel connection purpose", _USERS,
        (AuditResult.FAILED,), records=(*_ACCESS, *_REFRESH, *_OTHERS, AuditRecord.EVENT, MessageRecord.CONTENT),
    ),
    AuditEvent.EVENT_READ: Meaning(
        "an operator is about to see the body of an event", "tenant record", (_O,), records=(AuditRecord.EVENT,),
        details=(*QueueState,),
    ),
    AuditEvent.EVENT_UNAVAILABLE: Meaning(
        "the body of an event does not open", "tenant record", (_W,), (AuditResult.FAILED,),
        records=(AuditRecord.EVENT,),
    ),
    AuditEvent.DETAILS_READ: Meaning(
        "a Bolt app is about to be given what it kept about an install",
        "tenant holder generation record key capability connection purpose", (_B,), records=(RecordKind.INSTALLER,),
    ),
    AuditEvent.WEBHOOK_READ: Meaning(
        "a webhook is about to be opened, for a Bolt app, for a message, or to find its channel",
        "tenant holder generation record key capability connection purpose", (_B, _W, _H, _M),
        records=(RecordKind.WEBHOOK, RecordKind.INSTALLER_WEBHOOK),
    ),
    # A token's life
    AuditEvent.TOKEN_REFRESHED: Meaning("a pair took the place of an older one", "tenant holder generation", _USERS),
    AuditEvent.TOKEN_REFRESH_FAILED: Meaning(
        "Slack gave no new pair, or none that can be used", "tenant holder generation", _USERS, (CODE,)
    ),
    AuditEvent.TOKEN_EXCHANGED: Meaning(
        "a pair took the place of a long-lived token", "tenant holder generation", (_O,)
    ),
    AuditEvent.TOKEN_EXCHANGE_FAILED: Meaning(
        "Slack gave no pair for a long-lived token", "tenant holder generation", (_O,), (CODE,)
    ),
    AuditEvent.TOKEN_PAUSED: Meaning(
        "Slack refuses a token, and it is not known to be dead", "tenant holder", _USERS, (CODE,)
    ),
    AuditEvent.TOKEN_RESUMED: Meaning("Slack takes a token again that paused", "tenant holder", _USERS),
    AuditEvent.TOKEN_DEAD: Meaning(
        "a token is given up: nothing but a new install helps", "tenant holder generation", _USERS, (CODE,)
    ),
    AuditEvent.TOKEN_FOUND: Meaning(
        "an operator has asked whose a leaked token is: a row for each holder, or one that says none",
        "tenant holder generation", (_O,), (AuditResult.OK, AuditResult.NONE),
    ),
    AuditEvent.TOKEN_REVOKED: Meaning(
        "an operator has had Slack end a token that leaked, or has tried to", "tenant holder generation", (_O,),
        (AuditResult.OK, AuditResult.FAILED),
    ),
    AuditEvent.TOKEN_FOREIGN: Meaning(
        "Slack says that a token is another tenant's", "tenant holder generation", _USERS, (AuditResult.FAILED,)
    ),
    AuditEvent.BRAKE_ON: Meaning(
        "so many tenants fail at once that no token is given up; the count is of them", "count", _USERS,
        (AuditResult.ON,),
    ),
    AuditEvent.BRAKE_OFF: Meaning(
        "the brake is released", "", _USERS, (AuditResult.RELEASED, AuditResult.SERVED, AuditResult.NOBODY_WAITS)
    ),
    AuditEvent.FREEZE_ON: Meaning(
        "an operator freezes a tenant, or everything: no token opens but to remove it", "tenant", (_O,),
        (AuditResult.ON,),
    ),
    AuditEvent.FREEZE_OFF: Meaning("an operator ends a freeze", "tenant", (_O,)),
    # Events of Slack, and the rows that run them
    AuditEvent.EVENT_FOREIGN_APP: Meaning("an event is another app's", "", (_S,), (AuditResult.IGNORED,)),
    AuditEvent.EVENT_UNKNOWN_TENANT: Meaning(
        "an event is of a tenant that is not installed: one a minute", "", (_S,), (AuditResult.IGNORED,)
    ),
    AuditEvent.EVENT_UNCLEAR: Meaning(
        "a process ended in a call to Slack that an event had made", "tenant record", (_W,), (AuditResult.UNCLEAR,),
        records=(AuditRecord.EVENT,),
    ),
    AuditEvent.EVENT_RETRIED: Meaning(
        "an operator lets an event run again; the detail is the state in which it was", "tenant record", (_O,),
        records=(AuditRecord.EVENT,), details=(*QueueState,),
    ),
    AuditEvent.EVENT_DROPPED: Meaning(
        "an operator ends an event; the detail is the state in which it was", "tenant record", (_O,),
        records=(AuditRecord.EVENT,), details=(*QueueState,),
    ),
    AuditEvent.ACTION_REFUSED: Meaning(
        "the app refused what a user did; the purpose is the action", "tenant holder record purpose", (_W,),
        (AuditResult.REFUSED,), records=(AuditRecord.EVENT,),
    ),
    AuditEvent.SIGNATURE_OLD_SECRET: Meaning(
        "a request was signed with the older of two signing secrets: one a minute", "record", (_S,),
        records=(AuditRecord.ROUTE,),
    ),
    # Removal
    AuditEvent.APP_UNINSTALLED: Meaning(
        "Slack reports that the app was removed", "tenant record", (_S, _B), (*EventOutcome,),
        records=(AuditRecord.EVENT,),
    ),
    AuditEvent.APP_UNINSTALLED_SETTLED: Meaning(
        "Slack was asked about a removal; the count is of dead tokens", "tenant record count", (_W,),
        records=(AuditRecord.EVENT,), details=(AuditDetail.SOME_ALIVE,),
    ),
    AuditEvent.TOKENS_REVOKED: Meaning(
        "Slack reports that tokens were revoked", "tenant record", (_S, _B), (*EventOutcome,),
        records=(AuditRecord.EVENT,),
    ),
    AuditEvent.TOKENS_REVOKED_SETTLED: Meaning(
        "Slack was asked about a revocation; the count is of dead tokens", "tenant record count", (_W,),
        records=(AuditRecord.EVENT,), details=(AuditDetail.SOME_ALIVE,),
    ),
    AuditEvent.TOKENS_ERASED: Meaning(
        "a token is erased, and others of the tenant stay", "tenant holder", (*_USERS, _S, _W, _B),
        details=(AuditDetail.ALL_USERS,),
    ),
    AuditEvent.UNINSTALL_BEGUN: Meaning("a tenant is removed; from now on nothing else uses it", "tenant", _USERS),
    AuditEvent.UNINSTALLED: Meaning(
        "a tenant was removed; the detail is what Slack said to it", "tenant", _USERS, (AuditResult.OK, CODE),
        details=(
            AuditDetail.NOTHING_TO_REVOKE, AuditDetail.ACCEPTED, AuditDetail.REVOKED, AuditDetail.NOT_ACCEPTED,
        ),
    ),
    AuditEvent.PURGE_BEGUN: Meaning(
        "a tenant is erased; the count is of records, the detail is why", "tenant count", _USERS,
        details=(
            AuditDetail.APP_UNINSTALLED, AuditDetail.TOKENS_REVOKED, AuditDetail.UNINSTALL, AuditDetail.OPERATOR,
            AuditDetail.DELETED, AuditDetail.NOTHING_LEFT,
        ),
    ),
    AuditEvent.PURGE_COMPLETE: Meaning(
        "nothing of the tenant is left, in the log and in the key backup neither", "tenant record count", (_W,),
        records=(AuditRecord.EVENT,),
    ),
    # Keys, backups, and the audit itself
    AuditEvent.KEYS_PROMOTED: Meaning(
        "a master key is the primary from now on", "record", (_O,), records=(AuditRecord.MASTER_KEY,)
    ),
    AuditEvent.KEYS_REWRAPPED: Meaning(
        "data keys are wrapped by the primary: a row for each portion", "record count", (_O,),
        records=(AuditRecord.MASTER_KEY,),
    ),
    AuditEvent.KEYS_RETIRED: Meaning(
        "a master key was taken out of the file", "record", (_O,), records=(AuditRecord.MASTER_KEY,)
    ),
    AuditEvent.KEYS_FLUSHED: Meaning("every process forgets the data keys in its memory", "", (_O,)),
    AuditEvent.KEYS_REENCRYPTED: Meaning(
        "a tenant's records are sealed anew; the count is of them", "tenant record count", (_O, _W),
        records=(AuditRecord.KEY_PROVIDER,),
    ),
    AuditEvent.TENANT_SUSPENDED: Meaning("a tenant's key provider withholds its keys", "tenant", _USERS),
    AuditEvent.TENANT_RESTORED: Meaning("a tenant's key provider gives its keys again", "tenant", (_W,)),
    AuditEvent.BACKUP_MADE: Meaning("a backup is made", "", (_O,)),
    AuditEvent.BACKUP_RESTORED: Meaning(
        "a backup took the database's place; its id is when it was made, the count is of tenants erased since",
        "record count", (_O,), records=(AuditRecord.BACKUP,),
    ),
    AuditEvent.TENANT_EXPORTED: Meaning("an operator is about to see all that is stored of a tenant", "tenant", (_O,)),
    AuditEvent.AUDIT_CUT: Meaning(
        "rows that are too old were cut; its id is the last of them", "record", (_W,), records=(AuditRecord.AUDIT_ROW,)
    ),
}  # fmt: skip
"""All but the refusals, whose rows are alike."""


@cache
def meaning_of(event: AuditEvent) -> Meaning:
    """The meaning of an event; a refusal's is its answer."""
    if event in MEANINGS:
        return MEANINGS[event]
    refusal = _REFUSALS[event]
    return Meaning(
        f"{refusal.status}: {refusal.sentence}",
        "tenant holder generation record key count capability method channel connection purpose",
        (*ActorKind,), (AuditResult.REFUSED,),
        records=(AuditRecord.ROUTE, AuditRecord.EVENT, *_ACCESS, *_REFRESH, *_OTHERS),
    )  # fmt: skip


@cache
def _allowed(fills: str) -> frozenset[str]:
    return FRAME.union({"detail"}, *(COLUMNS[name] for name in fills.split()))


def wrong(row: Mapping[str, Any], others: Mapping[StrEnum, Meaning]) -> list[str]:
    """What a row says that its event's meaning does not: columns, words or forms. `others` are circles' events."""
    meaning = meaning_of(AuditEvent(row["event"])) if row["event"] in _EVENTS else others.get(row["event"])
    if meaning is None:
        return []  # a test's own
    allowed = _allowed(meaning.fills)
    found = [f"fills {name}" for name, value in row.items() if name not in allowed and value not in ("", None)]
    if row["actor"] not in meaning.who:
        found.append(f"{row['actor']} acts")
    if row["record_kind"] not in {"", *meaning.records}:
        found.append(f"record {row['record_kind']}")
    if row["detail"] not in {"", *meaning.details}:
        found.append(f"detail {row['detail']}")
    if row["result"] not in meaning.results and not (CODE in meaning.results and _CODE.fullmatch(row["result"])):
        found.append(f"result {row['result']}")
    return [f"{row['event']}: {what}" for what in found]
