"""States of channels that settings name, and to which nothing can be posted now: `sql/host/channel_states.sql`."""

from collections.abc import Mapping
from typing import NamedTuple

from slackapp.host.model import ChannelState
from slackapp.host.rows import ConnectionKey
from slackapp.model import Tenant
from slackapp.store.columns import by_word, count_rows, read_columns, read_tenant, tenant_columns
from slackapp.store.engine.database import Database

_STATES = by_word(ChannelState)


class NotedChannel(NamedTuple):
    """Channel to which nothing can be posted, why, and since when that is known."""

    channel_id: str
    state: ChannelState
    noted_at: int


def note(db: Database, key: ConnectionKey, tenant: Tenant, channel_id: str, state: ChannelState, *, now: int) -> bool:
    """Notes a channel's state; False where that is known."""
    whose = {"connection_id": key.id, "organization_id": key.organization_id, **tenant_columns(tenant)}
    return db.execute("note_channel_state", {**whose, "channel_id": channel_id, "state": str(state), "now": now}) == 1


def list_all(db: Database, organization_id: str, connection_id: str) -> list[NotedChannel]:
    """Lists those of a connection, the longest known first."""
    asked = {"organization_id": organization_id, "connection_id": connection_id}
    rows = db.many("list_channel_states", asked)
    return [NotedChannel(row["channel_id"], _STATES[row["state"]], row["noted_at"]) for row in rows]


def clear(db: Database, tenant: Tenant, channel_id: str, connection_id: str) -> None:
    """Clears it: the channel takes that connection's messages again, or no setting of it names it any more."""
    whose = {**tenant_columns(tenant), "connection_id": connection_id}
    db.execute("clear_channel_state", {**whose, "channel_id": channel_id})


def erase(db: Database, tenant: Tenant) -> int:
    """Erases a tenant's."""
    return db.execute("erase_channel_states", tenant_columns(tenant))


def count(db: Database, tenant: Tenant) -> int:
    """Counts a tenant's."""
    return count_rows(db, "count_channel_states", tenant_columns(tenant))


def list_tenants(db: Database) -> set[Tenant]:
    """Lists the tenants that have such rows."""
    return {read_tenant(row) for row in db.many("channel_state_owners", {})}


def export(db: Database, tenant: Tenant) -> list[Mapping[str, object]]:
    """Lists what is stored of a tenant, in plain fields."""
    return [read_columns(row) for row in db.many("export_channel_states", tenant_columns(tenant))]
