"""Outcomes of calls to Slack lately, over all tenants: `sql/core/tenant_outcomes.sql`."""

from typing import Any

from slackapp.model import Tenant, Token
from slackapp.store.columns import count_rows, read_columns, tenant_columns
from slackapp.store.engine.database import Database


def note_failing(db: Database, token: Token, now: int) -> None:
    """Notes a refused token's tenant, where the failure may be more than the tenant's or a user's own."""
    db.execute("note_failing", {**tenant_columns(token.tenant), "holder_kind": token.holder.kind, "now": now})


def mark_given_up(db: Database, tenant: Tenant) -> None:
    """Marks a failing tenant as final: nothing of it will succeed again by itself."""
    db.execute("mark_given_up", tenant_columns(tenant))


def delete_failing(db: Database, tenant: Tenant) -> bool:
    """Slack serves the tenant again; False when nothing was known against it."""
    return db.execute("delete_failing", tenant_columns(tenant)) == 1


def delete_old_failing(db: Database, since: int, until: int) -> None:
    """Deletes what does not lie between the two, in Unix seconds."""
    db.execute("delete_old_failing", {"since": since, "until": until})


def count_failing(db: Database, since: int) -> int:
    """Counts the tenants that were refused since then."""
    return count_rows(db, "count_failing", {"since": since})


def count_waiting(db: Database) -> int:
    """Counts the failing tenants that are installed and not marked as final."""
    return count_rows(db, "count_waiting", {})


def delete_all_failing(db: Database) -> None:
    """Begins to count anew."""
    db.execute("delete_all_failing", {})


def note_answered(db: Database, tenant: Tenant, now: int) -> None:
    """Notes that a call of this tenant has succeeded."""
    db.execute("note_answered", {**tenant_columns(tenant), "now": now})


def delete_old_answered(db: Database, since: int, until: int) -> None:
    """Deletes what does not lie between the two, in Unix seconds."""
    db.execute("delete_old_answered", {"since": since, "until": until})


def list_by_tenant(db: Database, tenant: Tenant) -> list[dict[str, Any]]:
    """Lists how calls and installs of a tenant ended lately, and when, in plain columns."""
    return [read_columns(row) for row in db.many("outcomes_of_tenant", tenant_columns(tenant))]


def has_other_success(db: Database, tenant: Tenant, after: int, before: int) -> bool:
    """Tells whether a call of any other tenant is known to have succeeded between the two."""
    parameters = {**tenant_columns(tenant), "since": after, "before": before}
    return db.one("has_other_success", parameters) is not None
