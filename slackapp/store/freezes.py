"""Freezes, of a tenant or of everything: `sql/core/freezes.sql`."""

from typing import NamedTuple

from slackapp.errors import Refusal, Refused
from slackapp.model import NO_TENANT, Actor, Tenant, Token, TokenFreeze
from slackapp.store import tokens
from slackapp.store.columns import row_fields, tenant_columns
from slackapp.store.engine.database import Database

EVERYTHING = "everything"
_RETRY_AFTER = 60
"""Seconds after which to try again."""


class Freeze(NamedTuple):
    """Freeze of a tenant, or of everything where it is `NO_TENANT`; since when in Unix seconds, and by whom.

    Where it names an organization, this one wished it, and nobody else ends it.
    """

    tenant: Tenant
    organization: str
    frozen_at: int
    actor: str
    request_id: str

    @property
    def is_of_everything(self) -> bool:
        """Tells whether no token of anybody is opened."""
        return self.tenant == NO_TENANT

    @property
    def name(self) -> str:
        """The tenant's id, or `everything`."""
        return self.tenant.id or EVERYTHING


def add(db: Database, tenant: Tenant, actor: Actor, now: int, organization: str = "") -> bool:
    """Freezes the tenant, or everything for `NO_TENANT`; False where that is so already."""
    who = {"actor": str(actor.kind), "request_id": actor.request_id or "", "organization": organization}
    return db.execute("add_freeze", {**tenant_columns(tenant), **who, "now": now}) == 1


def restore(db: Database, freeze: Freeze) -> bool:
    """Stores a freeze of another database as it was there; False where that is so already."""
    who = {"actor": freeze.actor, "request_id": freeze.request_id, "organization": freeze.organization}
    return db.execute("add_freeze", {**tenant_columns(freeze.tenant), **who, "now": freeze.frozen_at}) == 1


def delete(db: Database, tenant: Tenant, organization: str = "") -> bool:
    """Ends that very freeze; False where there is none."""
    return db.execute("delete_freeze", {**tenant_columns(tenant), "organization": organization}) == 1


def find(db: Database, tenant: Tenant) -> Freeze | None:
    """Finds what keeps the tenant's tokens closed: the freeze of everything, or its own."""
    row = db.one("find_freeze", tenant_columns(tenant))
    return Freeze(**row_fields(row)) if row is not None else None


def require_none(db: Database, tenant: Tenant) -> None:
    """Requires that nothing keeps the tenant's tokens closed. Raises Refused(FROZEN)."""
    if find(db, tenant) is not None:
        raise Refused(Refusal.FROZEN, retry_after=_RETRY_AFTER, tenant=tenant)


def require_unfrozen(db: Database, token: Token) -> None:
    """Requires that the token is not stopped by itself. Raises Refused(FROZEN)."""
    if tokens.find_freeze(db, token.tenant, token.holder) is not TokenFreeze.NONE:
        raise Refused(Refusal.FROZEN, retry_after=_RETRY_AFTER, tenant=token.tenant)


def list_all(db: Database) -> list[Freeze]:
    """Lists all freezes, the one of everything first."""
    return [Freeze(**row_fields(row)) for row in db.many("list_freezes", {})]
