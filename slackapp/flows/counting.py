"""What was counted outlives the process: moved to the database every few seconds, where all processes add up.

A process that is killed loses what it had counted since the last time. Whoever reads the metrics is shown what is in
the database, so that no number goes down when that happens.
"""

from functools import partial

from slackapp.errors import StoreError
from slackapp.model import Tenant
from slackapp.ports import App
from slackapp.store import counters, installations

EVERY = 5
"""Seconds."""


def run(app: App) -> None:
    """Moves what is new, in one transaction, where anything is. What fails waits for the next time."""
    try:
        with app.metrics.unmoved() as counts:
            if counts:
                app.db.together(partial(counters.add, app.db, counts))
                app.metrics.moved(counts)
    except StoreError as error:
        app.log.error("counters_wait", {"why": str(error)})


def totals(app: App) -> dict[tuple[str, str], int]:
    """Over all processes, by name and labels; with what could not be moved. Raises StoreError."""
    run(app)
    with app.metrics.unmoved() as counts:
        found = counters.every(app.db)
        for count in counts:
            key = count.name, count.labels
            found[key] = found.get(key, 0) + count.value
    return found


def tenant(app: App, tenant: Tenant, change: str) -> None:
    """Counts what happened to a tenant, whose id does not become a label."""
    app.metrics.count("slackapp_tenant_changes_total", {"tenant": app.keyring.label(tenant), "change": change})


def names(app: App) -> dict[str, str]:
    """The ids behind the labels, of those who are installed; empty unless `SLACKAPP_METRICS_TENANTS` is on."""
    if not app.settings.metrics_tenants:
        return {}
    found = [installation.tenant for installation in installations.every(app.db)]
    return {app.keyring.label(each): each.id for each in found}
