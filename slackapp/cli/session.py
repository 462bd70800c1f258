"""A service for the length of one command: no port, no worker thread."""

import contextlib
import sys
from collections.abc import Iterator

from slackapp import config
from slackapp.app import Service, build, system_clock, system_entropy
from slackapp.checks.slack_ids import tenant_of_id
from slackapp.cli.environment import read_environment
from slackapp.errors import ConfigError
from slackapp.flows import counting
from slackapp.model import Origin, Tenant
from slackapp.ports import App
from slackapp.store import installations

EX_TEMPFAIL = 75
"""The exit status for what may work later (sysexits.h)."""


@contextlib.contextmanager
def open_service() -> Iterator[Service]:
    """Opens the database and the keys as the settings say. Raises ConfigError."""
    service = build(config.load(read_environment(), {}), system_clock, system_entropy, sys.stderr)
    try:
        yield service
    finally:
        counting.run(service.app)
        service.stop()


def operator(app: App) -> Origin:
    """Whoever types the command."""
    return Origin("operator", app.entropy(8).hex())


def installed_tenant(app: App, claimed_id: str) -> Tenant:
    """The tenant that an id names. Raises ConfigError."""
    tenant = tenant_of_id(claimed_id)
    if tenant is None or installations.find(app.db, tenant) is None:
        raise ConfigError(f"{claimed_id}: is not installed; see `slackapp tenants`")
    return tenant
