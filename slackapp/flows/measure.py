"""How things are now: what `/metrics` tells beside the counters."""

import os
from collections.abc import Mapping

from slackapp.ports import App
from slackapp.store import inbox, installations, processes, tokens

PARTS = {"database": "database", "slack": "slack", "clock": "clock", "clock against Slack's": "skew"}
"""The parts that can have a problem, and their labels."""
STATES = ("ready", "running", "calling", "unclear", "dead")

Sample = tuple[str, Mapping[str, str], float]


def run(app: App, now: int) -> list[Sample]:
    """Name, labels and value of each. Raises StoreError."""
    return [*_inbox(app, now), *_purges(app, now), *_tenants(app), *_process(app, now)]


def _inbox(app: App, now: int) -> list[Sample]:
    found = inbox.states(app.db)
    samples: list[Sample] = []
    for state in STATES:
        rows, since = found.get(state, (0, now))
        samples.append(("slackapp_inbox_rows", {"state": state}, rows))
        samples.append(("slackapp_inbox_oldest_seconds", {"state": state}, max(0, now - since)))
    return samples


def _purges(app: App, now: int) -> list[Sample]:
    rows, since = inbox.oldest_open_purge(app.db)
    age = max(0, now - since) if rows else 0
    return [("slackapp_purges_pending", {}, rows), ("slackapp_purges_oldest_seconds", {}, age)]


def _tenants(app: App) -> list[Sample]:
    tenants = dict.fromkeys(("active", "suspect", "needs_reinstall", "suspended", "purging"), 0)
    statuses = dict.fromkeys(("live", "refresh_refused", "dead"), 0)
    return [
        *(
            ("slackapp_tenants", {"status": status}, number)
            for status, number in (tenants | installations.count_by_status(app.db)).items()
        ),
        *(
            ("slackapp_tokens", {"status": status}, number)
            for status, number in (statuses | tokens.count_by_status(app.db)).items()
        ),
    ]


def _process(app: App, now: int) -> list[Sample]:
    problems = app.health.problems()
    disk = os.statvfs(app.db.path.parent)
    return [
        *(("slackapp_problem", {"part": label}, int(part in problems)) for part, label in PARTS.items()),
        ("slackapp_ready", {}, int("database" not in problems and app.worker_runs())),
        ("slackapp_disk_free_bytes", {}, disk.f_bavail * disk.f_frsize),
        ("slackapp_processes", {}, len(processes.live(app.db, now))),
    ]
