"""Connections of organizations to tenants: `sql/host/connections.sql`. Every change of a status is compare-and-swap.

What changes a status here tells nobody: `flows/change_connection.py` does, in the same transaction.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.host.checks.transitions import require_change
from slackapp.host.model import ConnectionKind, ConnectionStatus, ConnectionWay, DeliveryWay
from slackapp.host.rows import (
    Connection,
    ConnectionKey,
    ConnectionSettings,
    HeldWorkspace,
    NewConnection,
    StatusReason,
)
from slackapp.model import NO_TENANT, Tenant
from slackapp.store.columns import by_word, count_rows, read_columns, read_sealed, read_tenant, sealed_column
from slackapp.store.columns import tenant_columns as columns_of
from slackapp.store.engine.database import Database, Row
from slackapp.store.installations import split_scopes

BATCH_ROWS = 500
"""How many failed ones are deleted in one transaction."""
MAX_LIFETIME = 900 + 60
"""Seconds from now on within which every attempt expires: the longest life of a state, and a step of a clock."""
_DELIVERY_WAYS = by_word(DeliveryWay)
_KINDS, _STATUSES, _WAYS = by_word(ConnectionKind), by_word(ConnectionStatus), by_word(ConnectionWay)


class BegunConnect(NamedTuple):
    """Connect that was begun, as a report counts it."""

    status: ConnectionStatus
    status_reason: str
    created_at: int
    installed_at: int | None


# Reading


def find(db: Database, organization_id: str, connection_id: str) -> Connection | None:
    """Finds a connection of that organization, in whatever status, deleted or not."""
    row = db.one("find_connection", _key(organization_id, connection_id))
    return connection_of(row) if row is not None else None


def find_by_state(db: Database, state_hash: bytes) -> Connection | None:
    """Finds the connection that was begun with a state, used or not: which organization's it is, the row says."""
    row = db.one("find_connection_by_state", {"oauth_state": state_hash})
    return connection_of(row) if row is not None else None


def find_held(db: Database, tenant: Tenant) -> Connection | None:
    """Finds the workspace connection of the one organization that holds a tenant."""
    row = db.one("find_held_connection", columns_of(tenant))
    return connection_of(row) if row is not None else None


def find_ended(db: Database, organization_id: str, tenant: Tenant) -> str | None:
    """Finds the id of the connection by which an organization has held a tenant, and which may be brought back."""
    row = db.one("find_ended_connection", {**columns_of(tenant), "organization_id": organization_id})
    return str(row["id"]) if row is not None else None


def list_serving(db: Database, organization_id: str) -> list[Connection]:
    """Lists workspaces that an organization holds, at most two. That is enough to tell whether there are several."""
    return list(map(connection_of, db.many("list_held_workspaces", {"organization_id": organization_id})))


def find_newest_ended(db: Database, organization_id: str) -> Connection | None:
    """Finds the newest workspace that an organization has held, and has not given up for good."""
    row = db.one("find_newest_ended", {"organization_id": organization_id})
    return connection_of(row) if row is not None else None


def page(
    db: Database, organization_id: str, kind: ConnectionKind, after: tuple[int, str] = (0, ""), most: int = 200
) -> list[Connection]:
    """Lists connections that were ever held and are not deleted, the oldest first, behind that time and id."""
    asked = {"organization_id": organization_id, "kind": str(kind), "most": most}
    rows = db.many("list_connections", {**asked, "after_at": after[0], "after": after[1]})
    return list(map(connection_of, rows))


def list_attempts(db: Database, organization_id: str, kind: ConnectionKind, most: int = 200) -> list[Connection]:
    """Lists attempts whose end is open, the oldest first."""
    asked = {"organization_id": organization_id, "kind": str(kind), "most": most}
    return list(map(connection_of, db.many("list_attempts", asked)))


def list_begun(db: Database, organization_id: str, since: int, most: int = 5000) -> list[BegunConnect]:
    """Lists what an organization has begun since then, the oldest first."""
    asked = {"organization_id": organization_id, "since": since, "most": most}
    return [
        BegunConnect(_STATUSES[row["status"]], row["status_reason"], row["created_at"], row["installed_at"])
        for row in db.many("list_begun", asked)
    ]


def count_held(db: Database, organization_id: str) -> int:
    """Counts the tenants that an organization holds, to be compared with its limit inside one transaction."""
    return count_rows(db, "count_held_connections", {"organization_id": organization_id})


def count_attempts(db: Database, organization_id: str) -> int:
    """Counts the attempts whose end is open."""
    return count_rows(db, "count_attempts", {"organization_id": organization_id})


def is_taken(db: Database, organization_id: str, tenant: Tenant, enterprise_id: str) -> bool:
    """Tells whether another organization holds the tenant, the enterprise over it, or a workspace of it."""
    asked = {**columns_of(tenant), "enterprise_id": enterprise_id, "organization_id": organization_id}
    # claim: C-151
    return db.one("find_overlap", asked) is not None


def has_rows(db: Database, tenant: Tenant, enterprise_id: str, besides: str) -> bool:
    """Tells whether any row but that one names the tenant or its enterprise, of whatever organization and status."""
    asked = {**columns_of(tenant), "enterprise_id": enterprise_id, "connection_id": besides}
    return db.one("has_connection_rows", asked) is not None


def list_held(db: Database, organization_id: str) -> list[tuple[ConnectionKey, Tenant, ConnectionKind]]:
    """Lists what an organization holds: each with its tenant and kind."""
    rows = db.many("held_by_organization", {"organization_id": organization_id})
    return [
        (ConnectionKey(organization_id, row["id"], _STATUSES[row["status"]]), read_tenant(row), _KINDS[row["kind"]])
        for row in rows
    ]


def list_of_tenant(db: Database, tenant: Tenant) -> list[tuple[ConnectionKey, ConnectionKind]]:
    """Lists all connections that name a tenant, of every organization, each with its kind.

    For what Slack has said of the tenant.
    """
    rows = db.many("connections_of_tenant", columns_of(tenant))
    keys = [ConnectionKey(row["organization_id"], row["id"], _STATUSES[row["status"]]) for row in rows]
    return list(zip(keys, (_KINDS[row["kind"]] for row in rows), strict=True))


def list_attempts_of(db: Database, organization_id: str, member_id: str | None = None) -> list[ConnectionKey]:
    """Lists a member's attempts whose end is open, or all of an organization's."""
    if member_id is None:
        rows = db.many("attempts_of_organization", {"organization_id": organization_id})
    else:
        rows = db.many("attempts_of_member", {"organization_id": organization_id, "user_id": member_id})
    return [ConnectionKey(organization_id, row["id"], _STATUSES[row["status"]]) for row in rows]


def list_expired(db: Database, now: int) -> list[ConnectionKey]:
    """Lists pending connections whose time is over, at most 100."""
    rows = db.many("list_expired_attempts", {"now": now, "latest": now + MAX_LIFETIME})
    return [ConnectionKey(row["organization_id"], row["id"], ConnectionStatus.PENDING) for row in rows]


def count_overdue(db: Database, before: int) -> int:
    """Counts the pending connections whose time was over before then, and which nobody has ended."""
    return count_rows(db, "count_overdue_attempts", {"before": before})


def count_unvaulted(db: Database) -> int:
    """Counts the active workspace connections whose token is not in the vault."""
    return count_rows(db, "count_unvaulted_connections", {})


def list_under_key(db: Database, host_key_id: str, after: str = "") -> list[ConnectionKey]:
    """Lists attempts that were begun under a host key and whose end is open, at most 100, behind that id."""
    rows = db.many("attempts_under_key", {"host_key_id": host_key_id, "after": after})
    return [ConnectionKey(row["organization_id"], row["id"], _STATUSES[row["status"]]) for row in rows]


def list_long_unowned(db: Database, before: int) -> list[ConnectionKey]:
    """Lists active connections that have had no owner since before then, at most 100."""
    rows = db.many("list_long_unowned", {"before": before})
    return [ConnectionKey(row["organization_id"], row["id"], ConnectionStatus.ACTIVE) for row in rows]


def list_aged(db: Database, now: int) -> list[ConnectionKey]:
    """Lists active connections that are older than they may be, at most 100."""
    rows = db.many("list_aged", {"now": now})
    return [ConnectionKey(row["organization_id"], row["id"], ConnectionStatus.ACTIVE) for row in rows]


def list_unfrozen(db: Database) -> list[ConnectionKey]:
    """Lists connections that are suspended for a freeze that has ended, at most 100."""
    rows = db.many("list_unfrozen", {})
    return [ConnectionKey(row["organization_id"], row["id"], ConnectionStatus.SUSPENDED) for row in rows]


# Life


def add(db: Database, new: NewConnection, now: int, *, most: int) -> bool:
    """Adds a connection, pending; False where so many attempts are under way, or who began has left meanwhile."""
    fields = {name: value for name, value in new._asdict().items() if name not in ("id", "state_hash", "expires_at")}
    fields["oauth_metadata"] = sealed_column(fields.pop("metadata"))
    fields |= {"kind": str(new.kind), "way": str(new.way), "owner_id": new.user_id, "now": now}
    state = {"oauth_state": new.state_hash, "oauth_expires_at": new.expires_at}
    return db.execute("add_connection", {**fields, **state, "connection_id": new.id, "most": most}) == 1


def quarantine(db: Database, key: ConnectionKey, tenant: Tenant, enterprise_id: str, now: int) -> bool:
    """Notes that Slack has granted a tenant, and nobody has confirmed it yet; False where it is pending no more."""
    require_change(key.status, ConnectionStatus.QUARANTINED)
    place = {**_place(tenant, enterprise_id), "now": now}
    return db.execute("quarantine_connection", {**_seen(key), **place}) == 1


def activate(db: Database, key: ConnectionKey, held: HeldWorkspace, state_hash: bytes | None, now: int) -> bool:
    """Gives a connection what was granted; False where it is not in the status that was seen.

    `state_hash` is of the state that has brought it. Settings that name channels stay for the same tenant only. Raises
    an integrity error of the database where another organization holds the tenant.
    """
    if key.status != ConnectionStatus.ACTIVE:  # a new grant for what serves is no change
        require_change(key.status, ConnectionStatus.ACTIVE)
    said = {
        "team_name": held.team_name,
        "team_domain": held.team_domain,
        "bot_user_id": held.bot_user_id,
        "scope": ",".join(held.scopes),
        "token_vault_key": f"slack-token-{key.id}",
        "installed_by_slack_user_id": held.installer_id,
        "used_state": state_hash,
    }
    columns = {**_seen(key), **_place(held.tenant, held.enterprise_id), **said, "now": now}
    return db.execute("activate_connection", columns) == 1


def set_status(
    db: Database, key: ConnectionKey, status: ConnectionStatus, reason: StatusReason | None, *, seen: str = "", now: int
) -> bool:
    """Moves between the statuses in which a tenant is held; False where it was changed meanwhile.

    With `seen`, only where that is the reason for its status.
    """
    if key.status != status:  # another reason is no other status
        require_change(key.status, status)
    change = {"status": str(status), "reason": str(reason or ""), "seen_reason": seen, "now": now}
    return db.execute("set_connection_status", {**_seen(key), **change}) == 1


def fail(db: Database, key: ConnectionKey, reason: StatusReason, now: int) -> bool:
    """Ends an attempt: nothing that Slack has said is kept. False where it is not in the status that was seen."""
    require_change(key.status, ConnectionStatus.FAILED)
    return db.execute("fail_connection", {**_seen(key), "reason": str(reason), "now": now}) == 1


def revoke(db: Database, key: ConnectionKey, reason: StatusReason, now: int) -> bool:
    """Ends what was granted: ids, states and times stay. False where it is not in the status that was seen."""
    require_change(key.status, ConnectionStatus.REVOKED)
    return db.execute("revoke_connection", {**_seen(key), "reason": str(reason), "now": now}) == 1


def delete(db: Database, organization_id: str, connection_id: str, now: int) -> bool:
    """Hides a revoked connection for good; False where it is none."""
    return db.execute("delete_connection", {**_key(organization_id, connection_id), "now": now}) == 1


def drop_attempt(db: Database, organization_id: str, connection_id: str) -> bool:
    """Deletes an attempt whose grant goes to the connection that it brings back.

    False where it is under way no more. Run it first: a state is one row's.
    """
    return db.execute("drop_attempt", _key(organization_id, connection_id)) == 1


# What people set, and what is noted


def save_settings(
    db: Database, key: ConnectionKey, settings: ConnectionSettings, owner_missing_at: int | None, now: int
) -> bool:
    """Stores what people set, inside the transaction that has read it; False where nothing is held."""
    fields = {**settings._asdict(), "allowed_channels": ",".join(settings.allowed_channels)}
    fields["delivery"] = str(settings.delivery)
    given = {**_key(key.organization_id, key.id), **fields, "owner_missing_at": owner_missing_at, "now": now}
    return db.execute("set_connection_settings", given) == 1


def note_used(db: Database, key: ConnectionKey, now: int) -> None:
    """Notes that it was used, to the minute."""
    db.execute("touch_connection", {**_key(key.organization_id, key.id), "now": now})


def note_validated(db: Database, key: ConnectionKey, now: int) -> None:
    """Notes that Slack was asked about its token, and that it lives."""
    db.execute("validate_connection", {**_seen(key), "now": now})


def clear_purpose(db: Database, organization_id: str, purpose_id: str, now: int) -> None:
    """Takes a purpose from all that is for it: it is there no more."""
    whose = {"organization_id": organization_id, "purpose_id": purpose_id}
    db.execute("clear_purpose_of_connections", {**whose, "now": now})


def note_owner_missing(db: Database, organization_id: str, member_id: str, now: int) -> list[str]:
    """Notes, on what a member answers for, that nobody does; returns the ids of all that wait for an owner."""
    owned = {"organization_id": organization_id, "owner_id": member_id}
    db.execute("note_owner_missing", {**owned, "now": now})
    return [row["id"] for row in db.many("list_without_owner", owned)]


def note_owner_back(db: Database, organization_id: str, member_id: str) -> list[str]:
    """Notes that a member answers again for what was that member's; returns the ids."""
    rows = db.many("note_owner_back", {"organization_id": organization_id, "owner_id": member_id})
    return [row["id"] for row in rows]


def note_unattested(db: Database, key: ConnectionKey, now: int) -> None:
    """Notes that nobody has answered for it in a review, from now on."""
    db.execute("set_unattested", {**_key(key.organization_id, key.id), "unattested_at": now})


def note_attested(db: Database, key: ConnectionKey) -> None:
    """Notes that somebody answers for it again."""
    db.execute("set_unattested", {**_key(key.organization_id, key.id), "unattested_at": None})


# Tenants that go, copies, age


def export(db: Database, tenant: Tenant) -> list[Mapping[str, object]]:
    """Lists what is stored of a tenant, in plain fields."""
    return [read_columns(row) for row in db.many("export_connections", columns_of(tenant))]


def count_of_tenant(db: Database, tenant: Tenant) -> int:
    """Counts the rows that hold more than ids, states and times of a tenant."""
    return count_rows(db, "count_connections", columns_of(tenant))


def list_tenants(db: Database) -> set[Tenant]:
    """Lists the tenants that have such rows."""
    return {read_tenant(row) for row in db.many("connection_owners", {})}


def fail_all(db: Database, now: int) -> None:
    """Ends every attempt of a restored copy: its browser may have finished it since, or somebody has given it back."""
    db.execute("expire_all_attempts", {"reason": str(StatusReason.NOT_CONFIRMED), "now": now})


def sweep_failed(db: Database, before: int) -> int:
    """Deletes attempts that have failed before then, at most `BATCH_ROWS`; how many."""
    return db.execute("sweep_failed_connections", {"before": before, "most": BATCH_ROWS})


def _key(organization_id: str, connection_id: str) -> dict[str, str]:
    return {"organization_id": organization_id, "connection_id": connection_id}


def _seen(key: ConnectionKey) -> dict[str, str]:
    return {**_key(key.organization_id, key.id), "expected": str(key.status)}


def _place(tenant: Tenant, enterprise_id: str) -> dict[str, str]:
    """Names the columns that say where it is: a workspace's id at Slack is its tenant's, an enterprise's likewise."""
    team_id = "" if tenant.is_enterprise else tenant.id
    return {**columns_of(tenant), "team_id": team_id, "enterprise_id": enterprise_id}


def connection_of(row: Row) -> Connection:
    """Reads a connection from its columns."""
    fields: dict[str, Any] = read_columns(row)
    tenant = Tenant(read_tenant(row).kind, fields.pop("tenant_id"))
    del fields["tenant_kind"]
    fields["tenant"] = tenant if tenant != NO_TENANT else None
    fields["state_hash"] = fields.pop("oauth_state") or fields.pop("used_state")
    fields.pop("used_state", None)
    fields["oauth_metadata"] = read_sealed(fields["oauth_metadata"])
    fields["scopes"] = split_scopes(fields.pop("scope"))
    fields["allowed_channels"] = split_scopes(fields["allowed_channels"])
    words = {
        "delivery": _DELIVERY_WAYS[row["delivery"]],
        "kind": _KINDS[row["kind"]],
        "status": _STATUSES[row["status"]],
        "way": _WAYS[row["way"]],
    }
    return Connection(**{**fields, **words})
