"""Forms of the nouns in columns: a field is named as its column; tenant and holder are two columns each."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from slackapp.model import (
    BOT,
    ConnectionPurpose,
    DataKeyPurpose,
    Holder,
    HolderKind,
    KeyPurpose,
    Sealed,
    Tenant,
    TenantKind,
)
from slackapp.store.engine.database import Database, Parameters, Row

Word = TypeVar("Word", bound=StrEnum)


def by_word(closed: type[Word]) -> Mapping[str, Word]:
    """Maps each word of a closed set to its member. A look-up takes a tenth of the time of calling the enum."""
    return {str(member): member for member in closed}


_TENANT_KINDS = by_word(TenantKind)
_HOLDER_KINDS = by_word(HolderKind)
_KEY_PURPOSES = by_word(KeyPurpose)


def tenant_columns(tenant: Tenant) -> dict[str, str]:
    """Names a tenant's two columns with their values."""
    # A plain text: what SQLite is given besides, it asks for an adapter first.
    return {"tenant_kind": str(tenant.kind), "tenant_id": tenant.id}


def read_tenant(row: Row) -> Tenant:
    """Reads the tenant that a row belongs to."""
    return Tenant(_TENANT_KINDS[row["tenant_kind"]], row["tenant_id"])


def holder_columns(holder: Holder) -> dict[str, str]:
    """Names a holder's two columns with their values."""
    return {"holder_kind": str(holder.kind), "holder_id": holder.id}


def read_holder(columns: Row | Mapping[str, Any]) -> Holder:
    """Reads whose a row is: the bot's, a user's or a connection's."""
    kind = _HOLDER_KINDS[columns["holder_kind"]]
    return BOT if kind is HolderKind.BOT else Holder(kind, columns["holder_id"])


def key_columns(tenant: Tenant, holder: Holder) -> dict[str, str]:
    """Names the four columns by which a holder's row of a tenant is found, with their values."""
    return {**tenant_columns(tenant), **holder_columns(holder)}


def purpose_columns(purpose: DataKeyPurpose) -> dict[str, str]:
    """Names the two columns of a data key's purpose with their values."""
    if isinstance(purpose, ConnectionPurpose):
        return {"purpose": str(KeyPurpose.CONNECTION), "connection_id": purpose.connection_id}
    return {"purpose": str(purpose), "connection_id": ""}


def read_purpose(columns: Row | Mapping[str, Any]) -> DataKeyPurpose:
    """Reads what a data key is for. Raises ValueError for no such purpose."""
    word = columns["purpose"]
    purpose = _KEY_PURPOSES.get(word) or KeyPurpose(word)
    return ConnectionPurpose(columns["connection_id"]) if purpose is KeyPurpose.CONNECTION else purpose


def named_holder_columns(holder: Holder | None) -> dict[str, str]:
    """Names the two columns of whom a row is about, with their values; both are empty for nobody."""
    return {"holder_kind": str(holder.kind) if holder else "", "holder_id": holder.id if holder else ""}


def field_columns(noun: NamedTuple) -> dict[str, Any]:
    """Names a noun's fields with their values, and its tenant's two columns with theirs."""
    fields = noun._asdict()
    fields.update(tenant_columns(fields.pop("tenant")))
    return fields


def row_fields(row: Row) -> dict[str, Any]:
    """Names a row's columns with their values, and its tenant and its holder as the field that each is."""
    columns = read_columns(row)
    columns["tenant"] = Tenant(_TENANT_KINDS[columns.pop("tenant_kind")], columns.pop("tenant_id"))
    if "holder_kind" in columns:
        columns["holder"] = read_holder(row)
        del columns["holder_kind"], columns["holder_id"]
    return columns


def read_columns(row: Row) -> dict[str, Any]:
    """Names a row's columns with their values, as they are."""
    return dict(zip(row.keys(), row, strict=True))


def sealed_column(sealed: Sealed | None) -> bytes | None:
    """A sealed value as a column has it."""
    return sealed.blob if sealed is not None else None


def read_sealed(column: bytes | None) -> Sealed | None:
    """Reads a sealed value that a column has, or has not."""
    return Sealed(column) if column is not None else None


def read_portions(db: Database, statement: str, parameters: Parameters, key: str, portion: int) -> Iterator[Row]:
    """Yields the rows of a statement that gives `:most` of them behind `:after`, in the order of that text column."""
    after = ""
    while rows := db.many(statement, {**parameters, "after": after, "most": portion}):
        yield from rows
        after = rows[-1][key]


def count_rows(db: Database, statement: str, parameters: Parameters) -> int:
    """Runs a statement that counts; what it gives is called `found`."""
    row = db.one(statement, parameters)
    return int(row["found"] or 0) if row is not None else 0
