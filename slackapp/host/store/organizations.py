"""Organizations, the host's customers, and how much they use day by day: `sql/host/organizations.sql`."""

from collections.abc import Mapping
from typing import NamedTuple

from slackapp.host.rows import ConnectPermission, Organization, UsageAction
from slackapp.host.store import events, sessions
from slackapp.host.store.messaging import replies
from slackapp.store.columns import by_word, read_columns
from slackapp.store.engine.database import Database

DAY = 86_400
KEEP_DAYS = 400
"""Days for which numbers are kept: a whole year, and what it is compared with."""
_FAILED_SECONDS = _APPROVAL_SECONDS = 30 * DAY
_ACTIONS = by_word(UsageAction)


class OrganizationUsage(NamedTuple):
    """Usage of an organization over some days, by action."""

    organization_id: str
    numbers: Mapping[UsageAction, int]


class ConnectedCount(NamedTuple):
    """Count of organizations that have connected, and of workspaces that were and still are."""

    organizations: int
    connected: int
    workspaces: int
    remaining: int


def find(db: Database, organization_id: str) -> Organization | None:
    """Finds an organization, also one that is being removed."""
    row = db.one("find_organization", {"organization_id": organization_id})
    if row is None:
        return None
    return Organization(**{**read_columns(row), "tracks_replies": bool(row["tracks_replies"])})


def find_permission(db: Database, organization_id: str, member_id: str) -> ConnectPermission | None:
    """Finds what decides whether an organization may connect by that member; None where there is no such organization.

    It is no decision: `flows/connect/may_connect.py` decides.
    """
    row = db.one("find_permission", {"organization_id": organization_id, "member_id": member_id})
    if row is None:
        return None
    return ConnectPermission(**{**read_columns(row), "is_disabled": bool(row["is_disabled"])})


def note(db: Database, organization_id: str, name: str, *, issued_at: int, now: int) -> None:
    """Adds the organization that a host token names, or its newer name; an empty name says nothing."""
    columns = {"organization_id": organization_id, "name": name, "issued_at": issued_at, "now": now}
    db.execute("note_organization", columns)


def save(db: Database, organization: Organization, now: int) -> bool:
    """Stores name, limit, region and how long contents are kept; False where it is gone, or being removed."""
    columns = {
        "organization_id": organization.organization_id,
        "name": organization.name,
        "issued_at": organization.named_at,
        "workspace_limit": organization.workspace_limit,
        "data_region": organization.data_region,
        "content_days": organization.content_days,
        "tracks_replies": int(organization.tracks_replies),
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


# How much they use


def add_usage(db: Database, organization_id: str, action: UsageAction, now: int) -> None:
    """Adds one to the day's number; to none where the organization is being deleted."""
    db.execute("add_usage", {"organization_id": organization_id, "day": now // DAY, "action": str(action)})


def list_usage(db: Database, since: int) -> list[OrganizationUsage]:
    """Lists what each organization has used from that day on, by its id."""
    found: dict[str, dict[UsageAction, int]] = {}
    for row in db.many("list_usage", {"since": since // DAY}):
        found.setdefault(row["organization_id"], {})[_ACTIONS[row["action"]]] = row["found"]
    return [OrganizationUsage(organization, numbers) for organization, numbers in found.items()]


def count_connected(db: Database, within: int, before: int) -> ConnectedCount:
    """Counts who has connected so soon after it came, and what was connected before then and still is."""
    row = db.one("count_connected", {"within": within, "before": before})
    return ConnectedCount(**read_columns(row)) if row is not None else ConnectedCount(0, 0, 0, 0)


def sweep_usage(db: Database, now: int) -> None:
    """Deletes the numbers of days that are long over."""
    db.execute("sweep_usage", {"before": first_day(now)})


def first_day(now: int) -> int:
    """Returns the first day whose numbers are kept."""
    return now // DAY - KEEP_DAYS


def erase_usage(db: Database, organization_id: str) -> None:
    """Deletes all numbers of an organization."""
    db.execute("erase_usage", {"organization_id": organization_id})


# What is too old


def attempt_limit(now: int) -> int:
    """Returns since when a failed attempt must have failed to be deleted."""
    return now - _FAILED_SECONDS


def approval_limit(now: int) -> int:
    """Returns since when an approval must be over to be deleted."""
    return now - _APPROVAL_SECONDS


def find_due(db: Database, now: int) -> frozenset[str]:
    """Finds the kinds of rows of which some are over, in one look."""
    times = {
        "now": now,
        "tickets_until": sessions.latest_ticket(now),
        "sessions_until": sessions.latest_session(now),
        "approvals_before": approval_limit(now),
        "failed_before": attempt_limit(now),
        "events_before": now - events.KEEP_SECONDS,
        "usage_before": first_day(now),
        "replies_before": now - replies.KEEP_SECONDS,
    }
    row = db.one("find_due_sweeps", times)
    return frozenset(name for name, is_due in read_columns(row).items() if is_due) if row is not None else frozenset()
