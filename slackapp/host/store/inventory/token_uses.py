"""Uses of an organization's tokens: the audit's own rows, by their columns. See `sql/host/token_uses.sql`."""

from typing import NamedTuple

from slackapp.model import Holder, HolderKind, Tenant
from slackapp.store.columns import tenant_columns
from slackapp.store.engine.database import Database

NEWEST = 2**63 - 1
"""Behind this number stands every row."""


class AuditedUse(NamedTuple):
    """Audited use of a token, as its row has it: ids and words, no name. `number` is the row's."""

    number: int
    at: int
    event: str
    actor: str
    actor_id: str
    tenant_id: str
    connection_id: str
    holder_kind: str
    record_kind: str
    key_id: int | None
    capability: str
    method: str
    channel_id: str
    purpose_id: str
    result: str
    request_id: str
    trace_id: str


class UseFilter(NamedTuple):
    """Filter of uses; an empty text stands for any. `until` is the first second that is not wanted."""

    connection_id: str = ""
    capability: str = ""
    method: str = ""
    purpose: str = ""
    trace_id: str = ""
    since: int = 0
    until: int = NEWEST


class MethodUse(NamedTuple):
    """Last use of a method by a connection."""

    number: int
    at: int
    actor: str
    actor_id: str
    capability: str
    method: str
    channel_id: str
    purpose_id: str
    result: str


def find_connection(db: Database, tenant: Tenant, holder: Holder | None) -> tuple[str, str] | None:
    """Finds for whom a token is kept: organization and connection; None for a tenant that nobody holds.

    A connection's own token is that one's; what else the tenant has is the workspace connection's.
    """
    place = tenant_columns(tenant)
    if holder is not None and holder.kind is HolderKind.CONNECTION:
        row = db.one("find_connection_of_holder", {**place, "connection_id": holder.id})
    else:
        row = db.one("find_connection_of_bot", place)
    return (row["organization_id"], row["id"]) if row is not None else None


def page(db: Database, organization_id: str, wanted: UseFilter, before: int = NEWEST, *, most: int) -> list[AuditedUse]:
    """Lists uses by an organization, the newest first, behind that number."""
    asked = {**wanted._asdict(), "organization_id": organization_id, "before": before, "most": most}
    return [AuditedUse(*row) for row in db.many("list_token_uses", asked)]


def list_by_method(db: Database, organization_id: str, connection_id: str) -> list[MethodUse]:
    """Lists the methods that a connection has used, the one that was used last first."""
    whose = {"organization_id": organization_id, "connection_id": connection_id}
    return [MethodUse(*row) for row in db.many("last_uses_by_method", whose)]
