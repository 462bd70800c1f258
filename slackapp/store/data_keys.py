"""Wrapped data keys: `sql/data_keys.sql`."""

from slackapp.model import DataKey, NewKey, Tenant
from slackapp.store.db import Database, Row


def active(db: Database, tenant: Tenant) -> list[DataKey]:
    """The keys that the tenant's records are sealed under now, one per purpose."""
    return [_key(row) for row in db.many("active_keys", {"tenant_kind": tenant.kind, "tenant_id": tenant.id})]


def find(db: Database, tenant: Tenant, key_id: int) -> DataKey | None:
    """A key by the id in a record's header, if it is this tenant's."""
    row = db.one("find_key", {"key_id": key_id, "tenant_kind": tenant.kind, "tenant_id": tenant.id})
    return _key(row) if row is not None else None


def add(db: Database, tenant: Tenant, key: NewKey, now: int) -> bool:
    """Stores a new key; False when its id is taken or the purpose has its key already."""
    changed = db.execute(
        "add_key",
        {
            "key_id": key.key_id,
            "tenant_kind": tenant.kind,
            "tenant_id": tenant.id,
            "purpose": key.purpose,
            "provider": key.provider,
            "master_version": key.master_version,
            "wrapped": key.wrapped,
            "now": now,
        },
    )
    return changed == 1


def delete(db: Database, tenant: Tenant) -> int:
    """Deletes all keys of a tenant; what they sealed opens never again. The service's own keys are not touched."""
    return db.execute("delete_keys", {"tenant_kind": tenant.kind, "tenant_id": tenant.id})


def count(db: Database, tenant: Tenant) -> int:
    """How many keys the tenant has, retired ones too."""
    row = db.one("count_keys", {"tenant_kind": tenant.kind, "tenant_id": tenant.id})
    return int(row["found"]) if row is not None else 0


def _key(row: Row) -> DataKey:
    return DataKey(
        key_id=row["key_id"],
        tenant=Tenant(row["tenant_kind"], row["tenant_id"]),
        purpose=row["purpose"],
        provider=row["provider"],
        master_version=row["master_version"],
        wrapped=row["wrapped"],
        state=row["state"],
        created_at=row["created_at"],
    )
