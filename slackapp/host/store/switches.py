"""Switches, of an organization or of everybody: `sql/host/switches.sql`. Never cached: each request asks."""

from typing import NamedTuple

from slackapp.model import Actor
from slackapp.store.columns import read_columns
from slackapp.store.engine.database import Database

EVERYBODY = ""
"""In place of an organization's id."""


class Switch(NamedTuple):
    """Switch by which an organization, or everybody, is off; since when in Unix seconds."""

    organization_id: str
    disabled_at: int

    @property
    def is_of_everybody(self) -> bool:
        """Tells whether every organization is off."""
        return self.organization_id == EVERYBODY


def disable(db: Database, organization_id: str, actor: Actor, now: int) -> bool:
    """Switches an organization off, known or not, or everybody; False where that is so already."""
    who = {"actor": str(actor.kind), "request_id": actor.request_id or ""}
    return db.execute("add_switch", {"organization_id": organization_id, **who, "now": now}) == 1


def enable(db: Database, organization_id: str) -> bool:
    """Ends that very switch; False where there is none."""
    return db.execute("delete_switch", {"organization_id": organization_id}) == 1


def is_disabled(db: Database, organization_id: str) -> bool:
    """Tells whether the organization is off, or everybody."""
    return db.one("find_switch", {"organization_id": organization_id}) is not None


def list_all(db: Database) -> list[Switch]:
    """Lists the switches, that of everybody first."""
    return [Switch(**read_columns(row)) for row in db.many("list_switches", {})]
