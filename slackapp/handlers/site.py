"""The landing page, and what machines look at."""

from slackapp.errors import StoreError
from slackapp.model import Origin
from slackapp.ports import App
from slackapp.store import inbox, meta
from slackapp.web import pages
from slackapp.web.request import Request
from slackapp.web.response import Response, html, json_answer, text

_RETRY_AFTER = 5


def landing(app: App, request: Request, caller: Origin, now: int) -> Response:
    """One page, one button."""
    settings = app.settings
    page = pages.landing(settings.name, (*settings.bot_scopes, *settings.user_scopes), settings.slack.is_local)
    return html(200, page)


def healthz(app: App, request: Request, caller: Origin, now: int) -> Response:
    """The process answers."""
    return text(200, "ok\n")


def readyz(app: App, request: Request, caller: Origin, now: int) -> Response:
    """The service can do its work: the database can be read and written, and the worker runs.

    Slack being away, a clock that was set and pending purges are shown and do not make it unready.
    """
    problems = app.health.problems()
    try:
        database = meta.get(app.db, "schema_version") is not None and "database" not in problems
        purges, states = inbox.count_open_purges(app.db), inbox.states(app.db)
    except StoreError:
        database, purges, states = False, 0, {}
    worker = app.worker_runs()
    ready = database and worker
    oldest = min((since for state, (_, since) in states.items() if state in ("ready", "running")), default=now)
    answer = {
        "ready": ready,
        "database": database,
        "worker": worker,
        "purges_pending": purges,
        "inbox": {state: count for state, (count, _) in states.items()},
        "inbox_oldest_seconds": max(0, now - oldest),
        "problems": problems,
    }
    headers = () if ready else (("Retry-After", str(_RETRY_AFTER)),)
    return json_answer(200 if ready else 503, answer, headers)


def metrics(app: App, request: Request, caller: Origin, now: int) -> Response:
    """Counters for Prometheus, for the operator."""
    return Response(200, "text/plain; version=0.0.4; charset=utf-8", app.metrics.text().encode())
