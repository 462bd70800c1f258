"""Readiness: whether the service can do its work, and what is wrong.

Slack being away, the brake, a freeze, a clock that was set and pending purges are told and do not make it unready.
"""

from collections.abc import Mapping

from slackapp.errors import StoreError
from slackapp.flows.app import App
from slackapp.flows.tokens import brake, freeze_tenant
from slackapp.model import NO_TENANT, QueueState
from slackapp.store import inbox, meta, queue

_DATABASE = frozenset({"database", "integrity"})
"""Parts whose problem is the database's."""
_OPEN = (QueueState.READY, QueueState.RUNNING)


def describe(app: App, now: int) -> Mapping[str, object]:
    """Describes the service as it is at this moment, for whoever runs it; `ready` is the sum of it."""
    problems = app.health.problems()
    try:
        database = meta.get(app.db, "schema_version") is not None and problems.keys().isdisjoint(_DATABASE)
        purges, states = inbox.count_pending_purges(app.db), queue.count_all(app.db, app.queues)
        braked, frozen = brake.read_brake(app), freeze_tenant.list_remaining(app, NO_TENANT)
    except StoreError:
        database, purges, states, braked, frozen = False, 0, {}, brake.Brake(0, 0, 0), []
    worker = app.is_worker_running()
    oldest = min((since for state, (_, since) in states.items() if state in _OPEN), default=now)
    return {
        "ready": database and worker,
        "database": database,
        "worker": worker,
        "purges_pending": purges,
        "inbox": {state: count for state, (count, _) in states.items()},
        "inbox_oldest_seconds": max(0, now - oldest),
        "brake": braked.since > 0,
        "tokens_paused": braked.paused,
        "frozen": any(freeze.is_of_everything for freeze in frozen),
        "tenants_frozen": sum(not freeze.is_of_everything for freeze in frozen),
        "problems": problems,
    }


def is_ready(app: App, now: int) -> bool:
    """Tells a stranger whether the service is ready; the database is asked every few seconds, whoever asks us."""
    return app.health.is_ready(lambda: bool(describe(app, now)["ready"]), now)
