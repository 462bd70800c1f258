"""Purposes of organizations: `sql/host/purposes.sql`."""

from slackapp.host.rows import Purpose
from slackapp.store.columns import read_columns
from slackapp.store.engine.database import Database


def save(db: Database, organization_id: str, purpose: Purpose, now: int) -> None:
    """Adds a purpose, or replaces its text."""
    columns = {"organization_id": organization_id, **purpose._asdict(), "now": now}
    db.execute("save_purpose", columns)


def find(db: Database, organization_id: str, purpose_id: str) -> Purpose | None:
    """Finds a purpose."""
    row = db.one("find_purpose", {"organization_id": organization_id, "purpose_id": purpose_id})
    return Purpose(**read_columns(row)) if row is not None else None


def list_all(db: Database, organization_id: str) -> list[Purpose]:
    """Lists an organization's purposes, by their ids."""
    rows = db.many("list_purposes", {"organization_id": organization_id})
    return [Purpose(**read_columns(row)) for row in rows]


def delete(db: Database, organization_id: str, purpose_id: str) -> bool:
    """Deletes a purpose; False where there is none."""
    return db.execute("delete_purpose", {"organization_id": organization_id, "purpose_id": purpose_id}) == 1


def delete_all(db: Database, organization_id: str) -> None:
    """Deletes all of an organization's."""
    db.execute("delete_purposes", {"organization_id": organization_id})
