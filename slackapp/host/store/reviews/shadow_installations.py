"""Installations that no organization holds: `sql/host/reconcile.sql`."""

from typing import NamedTuple

from slackapp.model import InstallationStatus, Tenant
from slackapp.store.columns import by_word, read_tenant
from slackapp.store.engine.database import Database

_STATUSES = by_word(InstallationStatus)


class ShadowInstallation(NamedTuple):
    """Installation that no organization holds, such as one from the public page."""

    tenant: Tenant
    name: str
    status: InstallationStatus
    installed_at: int
    last_used_at: int | None


def page(db: Database, after: str, most: int) -> list[ShadowInstallation]:
    """Lists them, behind the tenant with that id, in the order of ids."""
    rows = db.many("list_shadow_installations", {"after": after, "most": most})
    return [
        ShadowInstallation(
            tenant=read_tenant(row),
            name=row["name"],
            status=_STATUSES[row["status"]],
            installed_at=row["installed_at"],
            last_used_at=row["last_used_at"] or None,
        )
        for row in rows
    ]
