"""`POST /slack/uninstall`, for the operator."""

from slackapp.checks.json_body import parse_json
from slackapp.checks.slack_ids import is_enterprise, is_workspace
from slackapp.errors import Refusal, Refused
from slackapp.flows import uninstall_tenant
from slackapp.model import Origin
from slackapp.ports import App
from slackapp.web.request import Request
from slackapp.web.response import Response, json_answer


def remove(app: App, request: Request, caller: Origin, now: int) -> Response:
    """Removes the tenant that `{"id": "T…"}` names, and says what was done."""
    if request.header("content-type").partition(";")[0].strip().lower() != "application/json":
        raise Refused(Refusal.MEDIA_TYPE)
    claimed_id = parse_json(request.raw_body).get("id")
    if not isinstance(claimed_id, str) or not (is_workspace(claimed_id) or is_enterprise(claimed_id)):
        raise Refused(Refusal.JSON)
    outcome = uninstall_tenant.run(app, claimed_id, caller, now)
    return json_answer(
        200,
        {"id": outcome.tenant_id, "found": outcome.found, "slack": outcome.slack, "erased": outcome.erased},
    )
