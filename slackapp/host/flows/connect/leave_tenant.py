"""Leaves a tenant: what a connection has had there ends at Slack, and is erased here.

A workspace's end removes the app from it, and erases the tenant. But where personal connections live there, only what
the install itself has brought is revoked and erased: its members have given the rest, each for themselves. The end of a
personal connection ends nothing else.
"""

from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.flows.removal import end_holder, uninstall_tenant
from slackapp.host.model import ConnectionKind
from slackapp.host.store.personal import personal_connections as personal
from slackapp.model import Actor, Holder, Installation, Tenant

_REACHED = ("uninstalled", "revoked")


class LeftTenant(NamedTuple):
    """Tenant that is left: whose tokens end there, or all that was installed where it names nobody."""

    tenant: Tenant
    holders: tuple[Holder, ...]
    installation: Installation | None


def begin(app: App, tenant: Tenant, kind: ConnectionKind, connection_id: str, *, actor: Actor, now: int) -> LeftTenant:
    """Decides on it, inside a transaction: from now on nothing of it is used."""
    if kind is ConnectionKind.PERSONAL:
        holder = Holder.connection(connection_id)
        end_holder.begin(app, tenant, holder, now)
        return LeftTenant(tenant, (holder,), None)
    # claim: C-349
    if personal.has_any(app.db, tenant):
        return LeftTenant(tenant, end_holder.begin_install(app, tenant, now), None)
    return LeftTenant(tenant, (), uninstall_tenant.begin(app, tenant, actor, now))


def finish(app: App, left: LeftTenant, actor: Actor) -> bool:
    """Tells Slack, and erases; tells whether Slack knows. What is not told now is told by and by."""
    if left.holders:
        ended = [end_holder.finish(app, left.tenant, each, actor) for each in left.holders]
        return all(ended)
    return uninstall_tenant.finish(app, left.tenant, left.installation, actor).slack in _REACHED
