"""An organization as the host provides for it: name, limit, region, and what its connections may be for."""

from collections.abc import Sequence
from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.host.rows import Organization, Purpose
from slackapp.host.store import organizations, purposes


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


def save(app: App, caller: HostCaller, wanted: ProvidedOrganization, now: int) -> ProvidedOrganization:
    """Stores it; a purpose that is not among those any more is deleted. Raises HostRefused."""
    with app.db.transaction():
        known = find(app, caller)
        organizations.save(app.db, wanted.organization, now)
        kept = {each.purpose_id for each in wanted.purposes}
        for gone in known.purposes:
            if gone.purpose_id not in kept:
                purposes.delete(app.db, caller.organization, gone.purpose_id)
        for purpose in wanted.purposes:
            purposes.save(app.db, caller.organization, purpose, now)
        return find(app, caller)
