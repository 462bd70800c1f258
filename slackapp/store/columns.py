"""Forms of the nouns in columns: a field is named as its column is; a tenant is two columns."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from slackapp.model import BOT, Holder, Sealed, Tenant, TenantKind
from slackapp.store.engine.database import Database, Parameters, Row

Word = TypeVar("Word", bound=StrEnum)


def by_word(closed: type[Word]) -> Mapping[str, Word]:
    """Maps each word of a closed set to its member. A look-up takes a tenth of the time of calling the enum."""
    return {str(member): member for member in closed}


_TENANT_KINDS = by_word(TenantKind)


def tenant_columns(tenant: Tenant) -> dict[str, str]:
    """Names a tenant's two columns with their values."""
    # A plain text: what SQLite is given besides, it asks for an adapter first.
    return {"tenant_kind": str(tenant.kind), "tenant_id": tenant.id}


def read_tenant(row: Row) -> Tenant:
    """Reads the tenant that a row belongs to."""
    return Tenant(_TENANT_KINDS[row["tenant_kind"]], row["tenant_id"])


def holder_columns(tenant: Tenant, holder: Holder) -> dict[str, str]:
    """Names the three columns of what a tenant's bot or user has, with their values."""
    return {**tenant_columns(tenant), "user_id": holder.id}


def read_holder(row: Row) -> Holder:
    """Reads whose a row is: the bot's, or a user's."""
    return Holder.user(row["user_id"]) if row["user_id"] else BOT


def field_columns(noun: object) -> dict[str, Any]:
    """Names a noun's fields with their values, and its tenant's two columns with theirs."""
    fields = dict(vars(noun))
    fields.update(tenant_columns(fields.pop("tenant")))
    return fields


def row_fields(row: Row) -> dict[str, Any]:
    """Names a row's columns with their values, and its tenant and its holder as the field that each is."""
    columns = dict(zip(row.keys(), row, strict=True))
    columns["tenant"] = Tenant(_TENANT_KINDS[columns.pop("tenant_kind")], columns.pop("tenant_id"))
    if "user_id" in columns:
        columns["holder"] = read_holder(row)
        del columns["user_id"]
    return columns


def sealed_column(sealed: Sealed | None) -> bytes | None:
    """A sealed value as a column has it."""
    return sealed.blob if sealed is not None else None


def read_sealed(column: bytes | None) -> Sealed | None:
    """Reads a sealed value that a column has, or has not."""
    return Sealed(column) if column is not None else None


def count_rows(db: Database, statement: str, parameters: Parameters) -> int:
    """Runs a statement that counts; what it gives is called `found`."""
    row = db.one(statement, parameters)
    return int(row["found"] or 0) if row is not None else 0
