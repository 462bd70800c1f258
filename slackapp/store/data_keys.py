"""Wrapped data keys: `sql/core/data_keys.sql`."""

from slackapp.model import DataKey, DataKeyPurpose, Holder, HolderKind, KeyState, NewKey, Tenant
from slackapp.store.columns import (
    by_word,
    count_rows,
    purpose_columns,
    read_purpose,
    read_tenant,
    row_fields,
    tenant_columns,
)
from slackapp.store.engine.database import Database, Row

_STATES = by_word(KeyState)


def active(db: Database, tenant: Tenant, connection_id: str | None = None) -> list[DataKey]:
    """The keys that records are sealed under now, one per purpose: the tenant's, or one connection's own."""
    parameters = {**tenant_columns(tenant), "connection_id": connection_id or ""}
    return [_data_key(row) for row in db.many("active_keys", parameters)]


def active_ids(db: Database, tenant: Tenant, connection_id: str | None) -> frozenset[int]:
    """The ids of the same keys."""
    parameters = {**tenant_columns(tenant), "connection_id": connection_id or ""}
    return frozenset(row["key_id"] for row in db.many("active_keys", parameters))


def active_for(db: Database, tenant: Tenant, purpose: DataKeyPurpose) -> DataKey | None:
    """Finds the tenant's active key for that purpose."""
    row = db.one("active_key", {**tenant_columns(tenant), **purpose_columns(purpose)})
    return _data_key(row) if row is not None else None


def find(db: Database, tenant: Tenant, key_id: int) -> DataKey | None:
    """A key by the id in a record's header, if it is this tenant's."""
    row = db.one("find_key", {"key_id": key_id, **tenant_columns(tenant)})
    return _data_key(row) if row is not None else None


def list_connections(db: Database, tenant: Tenant) -> list[str]:
    """Lists the ids of the tenant's connections that have a key of their own."""
    return [row["connection_id"] for row in db.many("key_connections", tenant_columns(tenant))]


def add(db: Database, tenant: Tenant, key: NewKey, now: int) -> bool:
    """Stores a new key; False when its id is taken or the purpose has its key already."""
    columns = {**tenant_columns(tenant), **key._asdict(), **purpose_columns(key.purpose)}
    return db.execute("add_key", {**columns, "now": now}) == 1


def list_ids(db: Database, tenant: Tenant) -> frozenset[int]:
    """Lists the ids of all the tenant's keys: its own, and its connections'."""
    return frozenset(row["key_id"] for row in db.many("key_ids", tenant_columns(tenant)))


def list_all(db: Database) -> list[DataKey]:
    """Lists the keys of all tenants and the service's own, retired ones too."""
    return [_data_key(row) for row in db.many("all_keys", {})]


def list_older(db: Database, provider: str, master_version: int) -> list[DataKey]:
    """Keys that an older master key wraps."""
    return [_data_key(row) for row in db.many("keys_below", {"provider": provider, "master_version": master_version})]


def count_by_master(db: Database) -> dict[tuple[str, int], int]:
    """Counts the keys that hang on each provider's master key."""
    return {(row["provider"], row["master_version"]): row["found"] for row in db.many("count_by_master", {})}


def rewrap(db: Database, key: DataKey, provider: str, master_version: int, wrapped: bytes) -> bool:
    """Replaces the wrapping of a key; False when somebody else did, or the key is gone."""
    old = {**_key(key), "old_provider": key.provider, "old_version": key.master_version}
    new = {"provider": provider, "master_version": master_version, "wrapped": wrapped}
    return db.execute("rewrap_key", {**old, **new}) == 1


def blank_all(db: Database) -> None:
    """Blanks every wrapped key of a copy of the database."""
    db.execute("empty_keys", {"wrapped": b""})


def restore_wrapped(db: Database, key: DataKey) -> bool:
    """Restores a wrapped key in a copy; False when the copy does not know that key."""
    wrapping = {"provider": key.provider, "master_version": key.master_version, "wrapped": key.wrapped}
    return db.execute("fill_key", {**_key(key), **wrapping, "state": key.state}) == 1


def tenants_with_blank_keys(db: Database) -> list[Tenant]:
    """Lists the tenants of a copy whose keys could not be restored."""
    return [read_tenant(row) for row in db.many("empty_key_owners", {})]


def connections_with_blank_keys(db: Database) -> list[tuple[Tenant, Holder]]:
    """Lists the connections of a copy whose own keys could not be restored."""
    rows = db.many("empty_connection_keys", {})
    return [(read_tenant(row), Holder.connection(row["connection_id"])) for row in rows]


def retire(db: Database, tenant: Tenant) -> int:
    """Retires the tenant's keys: they open what they have sealed, and seal nothing; returns how many."""
    return db.execute("retire_keys", tenant_columns(tenant))


def delete_retired(db: Database, tenant: Tenant) -> int:
    """Deletes the tenant's retired keys, whose records others have sealed anew; returns how many."""
    return db.execute("delete_retired_keys", tenant_columns(tenant))


def delete(db: Database, tenant: Tenant) -> int:
    """Deletes all keys of a tenant; what they sealed opens never again. The service's own keys are not touched."""
    return db.execute("delete_keys", tenant_columns(tenant))


def delete_of_holder(db: Database, tenant: Tenant, holder: Holder) -> int:
    """Deletes the keys that a connection has for itself; none for any other holder."""
    # claim: C-342
    connection_id = holder.id if holder.kind == HolderKind.CONNECTION else ""
    return db.execute("delete_connection_keys", {**tenant_columns(tenant), "connection_id": connection_id})


def count(db: Database, tenant: Tenant) -> int:
    """Counts the tenant's keys, retired ones too."""
    return count_rows(db, "count_keys", tenant_columns(tenant))


def _key(key: DataKey) -> dict[str, object]:
    return {**tenant_columns(key.tenant), "key_id": key.key_id}


def _data_key(row: Row) -> DataKey:
    fields = row_fields(row)
    fields["purpose"], fields["state"] = read_purpose(fields), _STATES[fields["state"]]
    del fields["connection_id"]
    return DataKey(**fields)
