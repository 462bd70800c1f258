"""Templates of messages: `sql/host/templates.sql`."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.store.engine.database import Database, Row


class Template(NamedTuple):
    """A row of `templates`. `content` are the fields for Slack, with variables in their texts."""

    name: str
    content: Mapping[str, Any]
    changed_by: str
    created_at: int
    updated_at: int


def save(db: Database, organization_id: str, template: Template) -> bool:
    """Adds a template, or replaces it; False where the organization is gone, or being removed."""
    columns = {
        "organization_id": organization_id,
        "name": template.name,
        "content": json.dumps(template.content, separators=(",", ":"), ensure_ascii=False),
        "changed_by": template.changed_by,
        "now": template.updated_at,
    }
    return db.execute("save_template", columns) == 1


def find(db: Database, organization_id: str, name: str) -> Template | None:
    """Finds a template."""
    row = db.one("find_template", {"organization_id": organization_id, "name": name})
    return _template(row) if row is not None else None


def list_all(db: Database, organization_id: str) -> list[Template]:
    """Lists an organization's templates by their names."""
    return list(map(_template, db.many("list_templates", {"organization_id": organization_id})))


def count(db: Database, organization_id: str) -> int:
    """Counts them."""
    row = db.one("count_templates", {"organization_id": organization_id})
    return int(row["found"]) if row is not None else 0


def delete(db: Database, organization_id: str, name: str) -> bool:
    """Deletes a template; False where there is none."""
    return db.execute("delete_template", {"organization_id": organization_id, "name": name}) == 1


def delete_all(db: Database, organization_id: str) -> None:
    """Deletes all of an organization's."""
    db.execute("delete_templates", {"organization_id": organization_id})


def _template(row: Row) -> Template:
    return Template(
        name=row["name"],
        content=json.loads(row["content"]),
        changed_by=row["changed_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
