"""Gauges: the present state, beside the counters, for `/metrics`."""

from slackapp.flows.app import App
from slackapp.flows.tokens import brake
from slackapp.model import InstallationStatus, TokenStatus
from slackapp.runtime.health import PARTS
from slackapp.runtime.metric_table import OPEN_STATES
from slackapp.runtime.metrics import GaugeSample
from slackapp.store import inbox, installations, processes, queue, tokens


def exposition(app: App, now: int) -> str:
    """Writes all counters and gauges as Prometheus reads them. Raises StoreError."""
    return app.metrics.exposition(app.metrics.totals(app.db, app.log), read_gauges(app, now), tenant_ids_by_label(app))


def read_gauges(app: App, now: int) -> list[GaugeSample]:
    """Reads name, labels and value of each gauge. Raises StoreError."""
    return [*_inbox(app, now), *_purges(app, now), *_tenants(app), *_brake(app), *_process(app, now)]


def _inbox(app: App, now: int) -> list[GaugeSample]:
    found = queue.count_all(app.db, app.queues)
    samples: list[GaugeSample] = []
    for state in OPEN_STATES:
        rows, since = found.get(state, (0, now))
        samples.append(("slackapp_inbox_rows", {"state": state}, rows))
        samples.append(("slackapp_inbox_oldest_seconds", {"state": state}, max(0, now - since)))
    return samples


def _purges(app: App, now: int) -> list[GaugeSample]:
    rows, since = inbox.oldest_pending_purge(app.db)
    age = max(0, now - since) if rows else 0
    return [("slackapp_purges_pending", {}, rows), ("slackapp_purges_oldest_seconds", {}, age)]


def _tenants(app: App) -> list[GaugeSample]:
    found = (
        ("slackapp_tenants", dict.fromkeys(InstallationStatus, 0) | installations.count_by_status(app.db)),
        ("slackapp_tokens", dict.fromkeys(TokenStatus, 0) | tokens.count_by_status(app.db)),
    )
    return [(name, {"status": status}, number) for name, counts in found for status, number in counts.items()]


def _brake(app: App) -> list[GaugeSample]:
    found = brake.read_brake(app)
    return [("slackapp_brake", {}, int(found.since > 0)), ("slackapp_tokens_paused", {}, found.paused)]


def _process(app: App, now: int) -> list[GaugeSample]:
    problems = app.health.problems()
    space = app.db.space_left()
    return [
        *(("slackapp_problem", {"part": label}, int(part in problems)) for part, label in PARTS.items()),
        ("slackapp_ready", {}, int("database" not in problems and app.is_worker_running())),
        *([("slackapp_disk_free_bytes", {}, space)] if space is not None else []),
        ("slackapp_processes", {}, len(processes.list_live(app.db, app.clock.steady()))),
    ]


def tenant_ids_by_label(app: App) -> dict[str, str]:
    """The ids behind the labels, of those who are installed; empty unless `SLACKAPP_METRICS_TENANTS` is on."""
    if not app.settings.metrics_tenants:
        return {}
    found = [installation.tenant for installation in installations.list_all(app.db)]
    return {app.keyring.label(each): each.id for each in found}
