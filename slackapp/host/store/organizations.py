"""Organizations, the host's customers: `sql/host/organizations.sql`."""

from slackapp.host.rows import Organization
from slackapp.store.columns import read_columns
from slackapp.store.engine.database import Database


def find(db: Database, organization_id: str) -> Organization | None:
    """Finds an organization, also one that is being removed."""
    row = db.one("find_organization", {"organization_id": organization_id})
    return Organization(**read_columns(row)) if row is not None else None


def note(db: Database, organization_id: str, name: str, *, issued_at: int, now: int) -> None:
    """Adds the organization that a host token names, or its newer name; an empty name says nothing."""
    columns = {"organization_id": organization_id, "name": name, "issued_at": issued_at, "now": now}
    db.execute("note_organization", columns)


def save(db: Database, organization: Organization, now: int) -> bool:
    """Stores name, limit and region; False where it is gone, or being removed."""
    columns = {
        "organization_id": organization.organization_id,
        "name": organization.name,
        "issued_at": organization.named_at,
        "workspace_limit": organization.workspace_limit,
        "data_region": organization.data_region,
        "now": now,
    }
    return db.execute("set_organization", columns) == 1


def freeze(db: Database, organization_id: str, now: int) -> bool:
    """Notes that it is frozen; False where that is so already."""
    return db.execute("freeze_organization", {"organization_id": organization_id, "now": now}) == 1


def end_freeze(db: Database, organization_id: str, now: int) -> bool:
    """Notes that it is frozen no more; False where it is not."""
    return db.execute("end_organization_freeze", {"organization_id": organization_id, "now": now}) == 1


def begin_removal(db: Database, organization_id: str, now: int) -> bool:
    """Notes that it is being removed: from now on it may do nothing. False where that is so already."""
    return db.execute("begin_organization_removal", {"organization_id": organization_id, "now": now}) == 1


def list_removed(db: Database) -> list[str]:
    """Lists organizations whose removal is not over, at most 100."""
    return [row["organization_id"] for row in db.many("list_removed_organizations", {})]


def blank(db: Database, organization_id: str) -> bool:
    """Erases all but the id of one that is being removed; False where that was done."""
    return db.execute("blank_organization", {"organization_id": organization_id}) == 1


def delete(db: Database, organization_id: str) -> None:
    """Deletes one that is being removed, and all that hangs on it."""
    db.execute("delete_organization", {"organization_id": organization_id})
