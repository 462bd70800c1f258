"""`GET /healthz`, `/readyz` and `/metrics`: how the service is, for machines."""

from collections.abc import Mapping

from slackapp.errors import StoreError
from slackapp.flows.app import App
from slackapp.flows.tokens import brake
from slackapp.flows.upkeep import gauges
from slackapp.model import Actor, ActorKind, InboxState
from slackapp.store import inbox, meta
from slackapp.web.request import Request
from slackapp.web.response import Response, json_response, text

_RETRY_AFTER = 5


def healthz(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Answers that the process lives."""
    return text(200, "ok\n")


def readyz(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Tells whether the service can do its work, and what is wrong to the operator.

    Slack being away, the brake, a clock that was set and pending purges are shown and do not make it unready.
    """
    if caller.kind == ActorKind.OPERATOR:
        told = _state(app, now)
    else:
        told = {"ready": app.health.is_ready(lambda: bool(_state(app, now)["ready"]), now)}
    if told["ready"]:
        return json_response(200, told)
    return json_response(503, told, (("Retry-After", str(_RETRY_AFTER)),))


def _state(app: App, now: int) -> Mapping[str, object]:
    problems = app.health.problems()
    try:
        database = meta.get(app.db, "schema_version") is not None and "database" not in problems
        purges, states, braked = inbox.count_pending_purges(app.db), inbox.count_by_state(app.db), brake.read_brake(app)
    except StoreError:
        database, purges, states, braked = False, 0, {}, brake.Brake(0, 0, 0)
    worker = app.is_worker_running()
    oldest = min(
        (since for state, (_, since) in states.items() if state in (InboxState.READY, InboxState.RUNNING)), default=now
    )
    return {
        "ready": database and worker,
        "database": database,
        "worker": worker,
        "purges_pending": purges,
        "inbox": {state: count for state, (count, _) in states.items()},
        "inbox_oldest_seconds": max(0, now - oldest),
        "brake": braked.since > 0,
        "tokens_paused": braked.paused,
        "problems": problems,
    }


def metrics(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows all numbers, for Prometheus."""
    counts = app.metrics.totals(app.db, app.log)
    told = app.metrics.exposition(counts, gauges.read_gauges(app, now), gauges.tenant_ids_by_label(app))
    return Response(200, "text/plain; version=0.0.4; charset=utf-8", told.encode())
