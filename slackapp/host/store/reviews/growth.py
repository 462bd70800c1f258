"""Lives of connections, from their first begin to their end: `sql/host/growth.sql`."""

from typing import NamedTuple

from slackapp.store.engine.database import Database


class ConnectionLife(NamedTuple):
    """Life of a connection that has served; `revoked_at` is None while it is held."""

    created_at: int
    revoked_at: int | None


def list_lives(db: Database, organization_id: str | None) -> list[ConnectionLife]:
    """Lists the lives of an organization's connections, or of all for None."""
    if organization_id is None:
        rows = db.many("list_lives", {})
    else:
        rows = db.many("list_lives_of", {"organization_id": organization_id})
    return [ConnectionLife(row["created_at"], row["revoked_at"]) for row in rows]
