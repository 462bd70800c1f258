"""`POST /slack/uninstall`, for the operator."""

from slackapp.checks.json_body import parse_json
from slackapp.checks.slack_ids import tenant_of_id
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.removal import uninstall_tenant
from slackapp.model import Actor
from slackapp.web.request import JSON, Request
from slackapp.web.response import Response, json_response


def remove(app: App, request: Request, caller: Actor, now: int) -> Response:
    """Removes the tenant that `{"id": "T…"}` names, and says what was done."""
    if request.media_type != JSON:
        raise Refused(Refusal.MEDIA_TYPE)
    claimed_id = parse_json(request.raw_body).get("id")
    tenant = tenant_of_id(claimed_id) if isinstance(claimed_id, str) else None
    if tenant is None:
        raise Refused(Refusal.JSON)
    outcome = uninstall_tenant.run(app, tenant, caller, now)
    return json_response(200, {"id": tenant.id, **outcome._asdict()}, tenant=tenant)
