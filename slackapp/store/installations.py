"""Tenants, and what is known of them but their tokens: `sql/core/installations.sql`."""

from collections.abc import Iterable, Sequence
from typing import Any

from slackapp.model import Installation, InstallationStatus, Sealed, Tenant
from slackapp.store.columns import by_word, count_rows, read_tenant, sealed_column, tenant_columns
from slackapp.store.engine.database import Database, Row

_STATUSES = by_word(InstallationStatus)


def find(db: Database, tenant: Tenant) -> Installation | None:
    """The tenant's installation."""
    row = db.one("find_installation", tenant_columns(tenant))
    return _installation(row) if row is not None else None


def find_first(db: Database, tenants: Iterable[Tenant]) -> Installation | None:
    """The first of the tenants that is installed."""
    return next((found for tenant in tenants if (found := find(db, tenant)) is not None), None)


def save(db: Database, installation: Installation, webhook: Sealed | None, keep_webhook: bool) -> None:
    """Adds the installation or replaces it.

    With `keep_webhook`, and no new one, a stored webhook stays, bound to the generation that it came with.
    """
    db.execute(
        "save_installation",
        {
            **tenant_columns(installation.tenant),
            "app_id": installation.app_id,
            "enterprise_id": installation.enterprise_id,
            "enterprise_name": installation.enterprise_name,
            "team_id": installation.team_id,
            "team_name": installation.team_name,
            "bot_user_id": installation.bot_user_id,
            "installer_id": installation.installer_id,
            "scopes_asked": ",".join(installation.scopes_asked),
            "scopes_granted": ",".join(installation.scopes_granted),
            "webhook": sealed_column(webhook),
            "status": installation.status,
            "status_reason": installation.status_reason,
            "keep_webhook": int(keep_webhook and webhook is None),
            "generation": installation.generation,
            "now": installation.installed_at,
        },
    )


def find_webhook(db: Database, tenant: Tenant) -> tuple[Sealed, int] | None:
    """The sealed incoming webhook and the generation that it is bound to."""
    row = db.one("find_webhook", tenant_columns(tenant))
    return (Sealed(row["webhook"]), row["webhook_generation"]) if row is not None else None


def delete_webhook(db: Database, tenant: Tenant) -> None:
    """Deletes the incoming webhook."""
    db.execute("delete_webhook", tenant_columns(tenant))


def reseal_webhook(db: Database, tenant: Tenant, generation: int, webhook: Sealed) -> None:
    """Replaces the webhook of a generation by the same one under another data key."""
    changes = {"webhook": webhook.blob, "webhook_generation": generation}
    db.execute("reseal_webhook", {**tenant_columns(tenant), **changes})


def list_all(db: Database) -> list[Installation]:
    """Lists all installations, by tenant."""
    return [_installation(row) for row in db.many("list_installations", {})]


def list_by_status(db: Database, status: InstallationStatus) -> list[Tenant]:
    """The tenants in a status, at most 1,000."""
    return [read_tenant(row) for row in db.many("list_by_status", {"status": status})]


def count_by_status(db: Database) -> dict[InstallationStatus, int]:
    """Counts tenants by status."""
    return {_STATUSES[row["status"]]: row["found"] for row in db.many("count_by_status", {})}


def count(db: Database) -> int:
    """Counts tenants."""
    return count_rows(db, "count_installations", {})


def set_status(
    db: Database, tenant: Tenant, expected: InstallationStatus, status: InstallationStatus, reason: str = ""
) -> bool:
    """Moves from one status to another; False when it was not in the expected one. `reason` is a code, for people."""
    parameters = {**tenant_columns(tenant), "expected": expected, "status": status, "reason": reason}
    return db.execute("set_installation_status", parameters) == 1


def reset_future_checks(db: Database, latest: int) -> int:
    """Makes tenants due that were checked in the future, by a clock that was ahead; returns how many."""
    return db.execute("bring_checks_forward", {"latest": latest})


def claim_checks(db: Database, before: int, limit: int, now: int) -> list[Tenant]:
    """Active tenants whose tokens nobody has begun to check since `before`; each is ours to check now."""
    found = []
    for row in db.many("list_unchecked", {"before": before, "most": limit}):
        tenant, seen = read_tenant(row), row["check_begun_at"]
        if db.execute("claim_checks", {**tenant_columns(tenant), "seen": seen, "now": now}) == 1:
            found.append(tenant)
    return found


def request_check(db: Database, tenant: Tenant) -> None:
    """Makes the tenant due for the scheduler's next check."""
    db.execute("request_check", tenant_columns(tenant))


def note_validated(db: Database, installation: Installation, now: int) -> None:
    """Notes that Slack was asked about the tenant's tokens, and answered; not where it was installed again since."""
    asked = {"generation": installation.generation, "seen_installed_at": installation.installed_at}
    db.execute("note_validated", {**tenant_columns(installation.tenant), **asked, "now": now})


def set_granted_scopes(db: Database, tenant: Tenant, scopes: tuple[str, ...]) -> None:
    """Stores the bot's scopes, as Slack says now."""
    db.execute("set_granted_scopes", {**tenant_columns(tenant), "scopes": ",".join(scopes)})


def set_bot_id(db: Database, installation: Installation, bot_id: str) -> None:
    """Notes the bot's id, for as long as that bot is the tenant's."""
    bot = {"bot_user_id": installation.bot_user_id, "bot_id": bot_id}
    db.execute("set_bot_id", {**tenant_columns(installation.tenant), **bot})


def join_enterprise(db: Database, tenant: Tenant, enterprise_id: str) -> None:
    """Notes that a workspace belongs to an enterprise now."""
    db.execute("join_enterprise", {**tenant_columns(tenant), "enterprise_id": enterprise_id})


def note_used(db: Database, tenant: Tenant, now: int) -> None:
    """Notes that the tenant was served."""
    db.execute("touch_installation", {**tenant_columns(tenant), "now": now})


def is_use_due(installation: Installation, now: int) -> bool:
    """Tells whether a use is to be noted: to the minute, as the statement of `note_used` itself asks."""
    return installation.last_used_at < now - 59


def delete(db: Database, tenant: Tenant) -> int:
    """Deletes the row, and its tokens with it."""
    return db.execute("delete_installation", tenant_columns(tenant))


def _installation(row: Row) -> Installation:
    return read_installation(read_tenant(row), tuple(row)[2:])


def read_installation(tenant: Tenant, columns: Sequence[Any]) -> Installation:
    """Reads it from the values of its columns, in the order of the noun's fields."""
    *names, asked, granted, status = columns[:10]
    scopes = split_scopes(asked), split_scopes(granted)
    return Installation._make((tenant, *names, *scopes, _STATUSES[status], *columns[10:]))


def split_scopes(stored: str) -> tuple[str, ...]:
    """A set of scopes as it is stored: sorted, separated by commas."""
    return tuple(stored.split(",")) if stored else ()
