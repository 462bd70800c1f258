"""The circle's table of addresses, one column sealed, and the steps by which the core takes care of it."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import partial

from slackapp.crypto import envelope
from slackapp.flows.app import PORTION_ROWS, App, SealedRecord, TenantData
from slackapp.flows.tenant_data import SEALED
from slackapp.model import KeyPurpose, RecordContext, Sealed, Tenant
from slackapp.store.columns import count_rows, read_columns, read_portions, read_tenant, tenant_columns
from slackapp.store.engine.database import Database, Row


class BookmarkKind(StrEnum):
    """Kind of a sealed record of this circle."""

    URL = "bookmark_url"


def url_context(tenant: Tenant, name: str) -> RecordContext:
    """Context of an address."""
    return RecordContext(tenant, KeyPurpose.DATA, "", BookmarkKind.URL, name, 0)


def keep(app: App, tenant: Tenant, name: str, url: str) -> bool:
    """Keeps an address, or leaves the one of that name; False where the tenant or the key is gone."""
    sealed = app.keyring.seal(url_context(tenant, name), url.encode())
    with app.db.transaction():
        return insert(app.db, tenant, name, sealed, app.clock())


def insert(db: Database, tenant: Tenant, name: str, url: Sealed, now: int) -> bool:
    """Adds a row, inside a transaction that may run twice; False where the tenant or the key is gone."""
    row = {"name": name, "url": url.blob, "key_id": envelope.key_id_of(url.blob), "now": now}
    return db.execute("add_bookmark", {**tenant_columns(tenant), **row}) == 1


def list_names(db: Database, tenant: Tenant) -> list[str]:
    """The names of a tenant's addresses."""
    return [row["name"] for row in _rows(db, tenant)]


def _rows(db: Database, tenant: Tenant) -> Iterator[Row]:
    return read_portions(db, "list_bookmarks", tenant_columns(tenant), "name", PORTION_ROWS)


def _erase_portion(db: Database, tenant: Tenant, now: int) -> int:
    return db.execute("erase_bookmarks", {**tenant_columns(tenant), "most": PORTION_ROWS})


def _reseal(db: Database, tenant: Tenant, name: str, url: Sealed) -> None:
    db.execute("reseal_bookmark", {**tenant_columns(tenant), "name": name, "url": url.blob})


def _records(db: Database, tenant: Tenant) -> Iterator[SealedRecord]:
    for row in _rows(db, tenant):
        put_back = partial(_reseal, db, tenant, row["name"])
        yield SealedRecord(url_context(tenant, row["name"]), Sealed(row["url"]), put_back)


def _export(db: Database, tenant: Tenant) -> Iterator[Mapping[str, object]]:
    return ({**read_columns(row), "url": SEALED} for row in _rows(db, tenant))


DATA = TenantData(
    name="bookmarks",
    tables=("bookmarks",),
    erase=lambda db, tenant, now: 0,
    erase_portion=_erase_portion,
    count=lambda db, tenant: count_rows(db, "count_bookmarks", tenant_columns(tenant)),
    list_tenants=lambda db: {read_tenant(row) for row in db.many("bookmark_owners", {})},
    export=_export,
    sealed_records=_records,
)
