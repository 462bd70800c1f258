"""Whatever is registered as data of tenants does what the core relies on: to be called with a circle's own.

    @pytest.mark.parametrize("check", CHECKS)
    def test_what_is_registered_holds(world, check):
        check(world, DATA, write)

`write` puts one row or more of each table there for a tenant that is installed, as the circle itself would.
"""

import json
from collections.abc import Callable

from slackapp.crypto import envelope
from slackapp.errors import DecryptError
from slackapp.flows import tenant_data
from slackapp.flows.app import App, TenantData
from slackapp.flows.backup import backup_database
from slackapp.flows.keys import reencrypt_tenant
from slackapp.flows.removal import purge_tenant
from slackapp.model import LOCAL_PROVIDER, Actor, ActorKind, AuditDetail, Sealed, Tenant
from tests.support.world import NORTH, SOUTH, World

ACTOR = Actor(ActorKind.OPERATOR, "r1")
MINE, OTHER = Tenant("T", NORTH), Tenant("T", SOUTH)
Write = Callable[[World, Tenant], object]
Check = Callable[[World, TenantData, Write], None]


def stored(world: World, data: TenantData, tenant: Tenant) -> list[dict[str, object]]:
    """Every row of a tenant, past all of our own code; each table has one."""
    found = []
    for table in data.tables:
        sql = f"SELECT * FROM {table} WHERE tenant_kind = ? AND tenant_id = ?"
        rows = [dict(row) for row in world.rows(sql, str(tenant.kind), tenant.id)]
        assert rows, f"no row of {tenant} in {table}"
        found += rows
    return found


def blobs(world: World, data: TenantData, tenant: Tenant) -> set[bytes]:
    """Every value of a row that is neither number nor text, but for the wrapped keys."""
    values = {value for row in stored(world, data, tenant) for value in row.values()}
    return {value for value in values if isinstance(value, bytes)}


def sealed(world: World, data: TenantData, tenant: Tenant) -> set[bytes]:
    """What was sealed under one of the tenant's keys."""
    sql = "SELECT key_id FROM data_keys WHERE tenant_kind = ? AND tenant_id = ?"
    keys = {row["key_id"] for row in world.rows(sql, str(tenant.kind), tenant.id)}
    return {blob for blob in blobs(world, data, tenant) if _key_id(blob) in keys}


def _key_id(blob: bytes) -> int | None:
    try:
        return envelope.key_id_of(blob)
    except DecryptError:
        return None  # a hash, or a key: not sealed at all


def write_both(world: World, data: TenantData, write: Write) -> None:
    for tenant in (MINE, OTHER):
        write(world, tenant)
        stored(world, data, tenant)


def purge(world: World, tenant: Tenant) -> None:
    """Keys and status, then the portions; no worker, no key backup."""
    app = world.service.app
    with app.db.transaction():
        purge_tenant.erase(app, tenant, AuditDetail.OPERATOR, ACTOR, world.clock())
    purge_tenant.evict(app, tenant)
    tenant_data.erase_rest(app, tenant, world.clock())


def check_purge(world: World, data: TenantData, write: Write) -> None:
    """Nothing is left of it that is more than an id, and nothing of another tenant is touched."""
    write_both(world, data, write)
    app, others, mine = world.service.app, stored(world, data, OTHER), stored(world, data, MINE)
    gone = blobs(world, data, MINE)
    assert data.count(app.db, MINE) > 0 or data.kept_because
    assert MINE in data.list_tenants(app.db) or data.kept_because
    purge(world, MINE)
    assert data.count(app.db, MINE) == 0
    assert MINE not in data.list_tenants(app.db)
    assert stored(world, data, OTHER) == others
    if data.kept_because:
        assert stored(world, data, MINE) == mine
        return
    left = [dict(row) for table in data.tables for row in world.rows(f"SELECT * FROM {table}")]
    assert [value for row in left for value in row.values() if value in gone and isinstance(value, bytes)] == []


def check_stray_search(world: World, data: TenantData, write: Write) -> None:
    """`slackapp purge --verify` finds what is left of a tenant that is not installed any more."""
    write_both(world, data, write)
    app = world.service.app
    if data.kept_because or "installations" in data.tables:
        assert data.name not in tenant_data.count_stray(app) or tenant_data.count_stray(app)[data.name] == 0
        return
    with app.db.transaction():
        app.db.execute("delete_installation", {"tenant_kind": "T", "tenant_id": NORTH})
    assert tenant_data.count_stray(app)[data.name] == data.count(app.db, MINE)
    purge(world, MINE)
    assert tenant_data.count_stray(app)[data.name] == 0


def check_reencryption(world: World, data: TenantData, write: Write) -> None:
    """Every sealed value is sealed anew, and says the same: none is left that a key opens which is gone."""
    write_both(world, data, write)
    app, before = world.service.app, sealed(world, data, MINE)
    texts = {record.context: app.keyring.open(record.context, record.sealed) for record in _records(app, data)}
    assert {record.sealed.blob for record in _records(app, data)} == before, "what is sealed in the tables"
    assert reencrypt_tenant.run(app, MINE, LOCAL_PROVIDER, ACTOR) >= len(before)
    after = {record.context: app.keyring.open(record.context, record.sealed) for record in _records(app, data)}
    assert after == texts
    assert before & blobs(world, data, MINE) == set()


def check_trial(world: World, data: TenantData, write: Write) -> None:
    """A backup that holds a value which does not open says so, by its tenant and kind."""
    write_both(world, data, write)
    app = world.service.app
    assert unreadable(app) == []
    for record in list(_records(app, data)):
        broken = Sealed(record.sealed.blob[:-1] + bytes([record.sealed.blob[-1] ^ 1]))
        for value, found in ((broken, [f"{MINE}: a {record.context.kind} does not open"]), (record.sealed, [])):
            with app.db.transaction():
                record.put_back(value)
            assert unreadable(app) == found


def unreadable(app: App) -> list[str]:
    """What a backup's trial says."""
    return backup_database.list_unreadable(app, backup_database.open_tenants(app, app, "test", ACTOR))


def check_export(world: World, data: TenantData, write: Write) -> None:
    """Each row is there in plain fields that JSON can say; nothing that is sealed, and nobody else's."""
    write_both(world, data, write)
    app = world.service.app
    rows = [dict(row) for row in data.export(app.db, MINE)]
    text = json.dumps(rows)
    assert len(rows) == len(stored(world, data, MINE))
    for record in _records(app, data):
        plain = app.keyring.open(record.context, record.sealed).decode("utf-8", "replace")
        assert plain not in text
        assert all(word not in text for word in plain.split('"') if len(word) > 20), "a part of it"
    assert SOUTH not in text


def check_restored(world: World, data: TenantData, write: Write) -> None:
    """What a restored copy marks, it marks once."""
    write_both(world, data, write)
    app, now = world.service.app, world.clock()
    with app.db.transaction():
        unclear = data.restored(app.db, now)
    assert all(row.tenant in (MINE, OTHER) for row in unclear)
    with app.db.transaction():
        assert list(data.restored(app.db, now)) == []


def _records(app: App, data: TenantData) -> list[tenant_data.SealedRecord]:
    return list(data.sealed_records(app.db, MINE))


CHECKS: tuple[Check, ...] = (
    check_purge, check_stray_search, check_reencryption, check_trial, check_export, check_restored,
)  # fmt: skip
