"""Personal connections, each of one member: `sql/host/personal.sql`. What is done to any kind: `connections.py`."""

from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import Connection, ConnectionKey
from slackapp.host.store.connections import connection_of
from slackapp.model import Tenant
from slackapp.store.columns import by_word, count_rows, read_tenant
from slackapp.store.columns import tenant_columns as columns_of
from slackapp.store.engine.database import Database

_STATUSES = by_word(ConnectionStatus)


def find_by_user(db: Database, tenant: Tenant, slack_user_id: str) -> Connection | None:
    """Finds the one personal connection that holds what Slack has granted to a user, of whatever organization."""
    row = db.one("find_personal", {**columns_of(tenant), "slack_user_id": slack_user_id})
    return connection_of(row) if row is not None else None


def find_ended(db: Database, organization_id: str, member_id: str, tenant: Tenant) -> str | None:
    """Finds the id of the one that a member has had in a tenant, and which may be brought back."""
    whose = {"organization_id": organization_id, "user_id": member_id}
    row = db.one("find_ended_personal", {**columns_of(tenant), **whose})
    return str(row["id"]) if row is not None else None


def count_held(db: Database, organization_id: str, member_id: str) -> int:
    """Counts the personal connections that a member holds."""
    return count_rows(db, "count_personal", {"organization_id": organization_id, "user_id": member_id})


def list_of_member(db: Database, organization_id: str, member_id: str) -> list[tuple[ConnectionKey, Tenant]]:
    """Lists the personal connections that a member holds, each with its tenant."""
    rows = db.many("personal_of_member", {"organization_id": organization_id, "user_id": member_id})
    return [(ConnectionKey(organization_id, row["id"], _STATUSES[row["status"]]), read_tenant(row)) for row in rows]


def list_in(db: Database, tenant: Tenant) -> list[tuple[ConnectionKey, str]]:
    """Lists the personal connections that are held in a tenant, each with the id of its user at Slack."""
    rows = db.many("personal_of_tenant", columns_of(tenant))
    keys = [ConnectionKey(row["organization_id"], row["id"], _STATUSES[row["status"]]) for row in rows]
    return [(key, row["installed_by_slack_user_id"]) for key, row in zip(keys, rows, strict=True)]


def has_any(db: Database, tenant: Tenant) -> bool:
    """Tells whether any member of any organization holds a personal connection in a tenant."""
    return bool(list_in(db, tenant))


def page(
    db: Database, organization_id: str, member_id: str, after: tuple[int, str] = (0, ""), most: int = 200
) -> list[Connection]:
    """Lists a member's personal connections that were ever held and are not deleted, the oldest first."""
    asked = {"organization_id": organization_id, "user_id": member_id, "most": most}
    return list(map(connection_of, db.many("list_personal", {**asked, "after_at": after[0], "after": after[1]})))


def count_ending(db: Database, organization_id: str) -> int:
    """Counts the personal connections whose token is being ended."""
    return count_rows(db, "count_ending_connections", {"organization_id": organization_id})
