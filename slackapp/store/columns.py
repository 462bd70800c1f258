"""Forms of the nouns in columns that several tables have."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from slackapp.model import BOT, Holder, Tenant, TenantKind
from slackapp.store.engine.sqlite import Row

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
