"""An organization as the host provides for it: name, limit, region, purposes, and how long contents are kept."""

from collections.abc import Sequence
from typing import NamedTuple

from slackapp.errors import UsageError
from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, Organization, OrganizationPart, Purpose
from slackapp.host.store import connections, organizations, purposes
from slackapp.host.store.messaging import contents, replies
from slackapp.model import AuditEntry


class ProvidedOrganization(NamedTuple):
    """Organization with its purposes."""

    organization: Organization
    purposes: Sequence[Purpose]


def find(app: App, caller: HostCaller) -> ProvidedOrganization:
    """Finds the caller's own. Raises HostRefused where it is not there, or is being removed."""
    found = organizations.find(app.db, caller.organization)
    if found is None or found.removed_at is not None:
        raise HostRefused(HostRefusal.ORGANIZATION_REMOVED)
    return ProvidedOrganization(found, purposes.list_all(app.db, caller.organization))


def require_known(app: App, organization_id: str) -> Organization:
    """Finds an organization that an operator names. Raises UsageError."""
    found = organizations.find(app.db, organization_id)
    if found is None or found.removed_at is not None:
        raise UsageError(f"{organization_id}: there is no such organization; see: slackapp host usage")
    return found


def save(app: App, caller: HostCaller, wanted: ProvidedOrganization, now: int) -> ProvidedOrganization:
    """Stores it; a purpose that is not among those any more is deleted, and nothing is for it any more.

    What has changed is noted by its name. Raises HostRefused.
    """
    with app.db.transaction():
        known = find(app, caller)
        organizations.save(app.db, wanted.organization, now)
        if wanted.organization.content_days < known.organization.content_days:
            # claim: C-300
            contents.shorten(app.db, caller.organization, wanted.organization.content_days)
        kept = {each.purpose_id for each in wanted.purposes}
        if not wanted.organization.tracks_replies:
            # claim: C-310
            replies.forget(app.db, caller.organization)
        for gone in known.purposes:
            if gone.purpose_id not in kept:
                purposes.delete(app.db, caller.organization, gone.purpose_id)
                # claim: C-200
                connections.clear_purpose(app.db, caller.organization, gone.purpose_id, now)
        for purpose in wanted.purposes:
            purposes.save(app.db, caller.organization, purpose, now)
        saved = find(app, caller)
        for part in _changes(known, saved):
            entry = AuditEntry(at=now, event=HostAuditEvent.ORGANIZATION_CHANGED, actor=caller, detail=part)
            kind = HostAuditRecord.ORGANIZATION
            # claim: C-210
            app.vault.append(entry._replace(record_kind=kind, record_id=caller.organization))
    return saved


def _changes(before: ProvidedOrganization, after: ProvidedOrganization) -> list[OrganizationPart]:
    old, new = before.organization, after.organization
    same = {
        OrganizationPart.NAME: old.name == new.name,
        OrganizationPart.WORKSPACE_LIMIT: old.workspace_limit == new.workspace_limit,
        OrganizationPart.DATA_REGION: old.data_region == new.data_region,
        OrganizationPart.PURPOSES: before.purposes == after.purposes,
        OrganizationPart.CONTENT_DAYS: old.content_days == new.content_days,
        OrganizationPart.TRACKS_REPLIES: old.tracks_replies == new.tracks_replies,
    }
    return [part for part, is_same in same.items() if not is_same]
