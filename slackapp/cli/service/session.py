"""A service for the length of one command: no port, no worker thread."""

import contextlib
import sys
from collections.abc import Iterator

from slackapp.app import Service, build, system_clock, system_entropy
from slackapp.checks.slack_ids import tenant_of_id
from slackapp.cli.service.environment import read_settings
from slackapp.errors import CommandError
from slackapp.flows.app import App
from slackapp.model import Actor, ActorKind, Installation, Tenant
from slackapp.store import installations

EX_TEMPFAIL = 75
"""The exit status for what may work later (sysexits.h)."""


@contextlib.contextmanager
def open_service() -> Iterator[Service]:
    """Opens the database and the keys as the settings say. Raises ConfigError."""
    service = build(read_settings(), system_clock, system_entropy, sys.stderr)
    try:
        yield service
    finally:
        service.app.metrics.persist(service.app.db, service.app.log)
        service.stop()


def operator_actor(app: App) -> Actor:
    """Makes the actor of a command."""
    return Actor(ActorKind.OPERATOR, app.entropy(8).hex())


def installed_tenant(app: App, claimed_id: str) -> Tenant:
    """The tenant that an id names. Raises CommandError."""
    return installation_by_id(app, claimed_id).tenant


def chosen_tenants(app: App, claimed_id: str | None) -> list[Tenant]:
    """The tenant that an id names; without one, all of them. Raises CommandError."""
    if claimed_id is not None:
        return [installed_tenant(app, claimed_id)]
    return [installation.tenant for installation in installations.list_all(app.db)]


def installation_by_id(app: App, claimed_id: str) -> Installation:
    """The installation in the tenant that an id names. Raises CommandError."""
    tenant = tenant_of_id(claimed_id)
    installation = installations.find(app.db, tenant) if tenant is not None else None
    if installation is None:
        raise CommandError(f"{claimed_id}: is not installed; see `slackapp tenants`")
    return installation
