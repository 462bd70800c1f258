"""`GET /healthz`, `/readyz` and `/metrics`: how the service is, for machines."""

from slackapp.flows.app import App
from slackapp.flows.upkeep import gauges, readiness
from slackapp.model import Actor
from slackapp.web.request import Request
from slackapp.web.response import Response, json_response, text

_RETRY_AFTER = 5


def healthz(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Answers that the process lives."""
    return text(200, "ok\n")


def readyz(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Tells whether the service can do its work; and what is wrong, to whoever sees that.

    A stranger's answer says no more than its status.
    """
    told = readiness.describe(app, now) if caller.sees_problems else {"ready": readiness.is_ready(app, now)}
    if told["ready"]:
        return json_response(200, told)
    return json_response(503, told, (("Retry-After", str(_RETRY_AFTER)),))


def metrics(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Shows all numbers, for Prometheus."""
    return Response(200, "text/plain; version=0.0.4; charset=utf-8", gauges.exposition(app, now).encode())
