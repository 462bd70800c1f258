"""Tenants as an operator names them: by the id of a team or an enterprise, or all that are installed."""

from slackapp.checks.slack_ids import tenant_of_id
from slackapp.errors import CommandError, UsageError
from slackapp.flows.app import App
from slackapp.model import Installation, Tenant
from slackapp.store import installations


def require_tenant(claimed_id: str) -> Tenant:
    """Reads the tenant that an id names, installed or not. Raises UsageError."""
    tenant = tenant_of_id(claimed_id)
    if tenant is None:
        raise UsageError(f"{claimed_id}: is not the id of a team (T…) or an enterprise (E…)")
    return tenant


def find_installation(app: App, tenant: Tenant) -> Installation | None:
    """Finds the installation in a tenant."""
    return installations.find(app.db, tenant)


def require_installation(app: App, claimed_id: str) -> Installation:
    """Finds the installation in the tenant that an id names. Raises CommandError."""
    tenant = tenant_of_id(claimed_id)
    installation = find_installation(app, tenant) if tenant is not None else None
    if installation is None:
        raise CommandError(f"{claimed_id}: is not installed; see `slackapp tenants`")
    return installation


def chosen_tenants(app: App, claimed_id: str | None) -> list[Tenant]:
    """The tenant that an id names; without one, all of them. Raises CommandError."""
    if claimed_id is not None:
        return [require_installation(app, claimed_id).tenant]
    return [installation.tenant for installation in installations.list_all(app.db)]
