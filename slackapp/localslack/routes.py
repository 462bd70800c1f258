"""Routes, and the life of one Web API call: probe, fault, method, record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slackapp.localslack import faults
from slackapp.localslack.api import calls, chat, methods
from slackapp.localslack.model import Fault, Json, RecordedCall
from slackapp.localslack.pages import consent, control
from slackapp.localslack.wire import HttpRequest, HttpResponse, json_response, text_response

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack


def answer(slack: LocalSlack, request: HttpRequest) -> HttpResponse:
    """The answer to any request."""
    if request.path.startswith("/api/"):
        return _call(slack, request, request.path.removeprefix("/api/"))
    if request.path.startswith(("/services/", "/commands/")) and request.method == "POST":
        with slack.lock:
            return chat.receive_hook(slack, request)
    if request.path == "/oauth/v2/authorize" and request.method == "GET":
        return consent.show(slack, request.query)
    if request.path == "/oauth/v2/authorize" and request.method == "POST":
        return control.own_page_only(request) or consent.decide(slack, request.form())
    return control.answer(slack, request)


def _call(slack: LocalSlack, request: HttpRequest, method: str) -> HttpResponse:
    if request.method not in ("GET", "POST"):
        return text_response(405, "GET or POST")
    if not _probed(slack, method):
        return json_response(500, calls.error_body("probe_failed"))
    call = calls.parse(request, method)
    with slack.lock:
        tenant = calls.tenant_of(slack, call)
        fault = slack.faults.take(method, tenant)
        if fault is not None and fault.kind in faults.UNPROCESSED:
            _note(
                slack, call, tenant, calls.error_body(fault.error if fault.kind == "error" else fault.kind), fault=fault
            )
            return faults.answer_before(fault, slack.base_url)
        outcome = _process(slack, call, tenant, fault)
        if fault is not None and fault.kind == "duplicate":
            outcome = _process(slack, call, tenant, fault)
        response = faults.answer_after(fault, outcome) if fault else outcome.response()
    if fault is not None and fault.kind == "slow":
        slack.stopping.wait(fault.seconds)  # a server that is being stopped does not wait on
    return response


def _probed(slack: LocalSlack, method: str) -> bool:
    if slack.probe is None:
        return True
    try:
        slack.probe(method)
    except Exception as violation:  # noqa: BLE001  the probe is the tester's code: whatever it raises is the finding
        slack.violations.append(f"{method}: {violation}")
        return False
    return True


def _process(slack: LocalSlack, call: calls.ApiRequest, tenant: str, fault: Fault | None) -> calls.ApiResult:
    outcome = calls.run(slack, call, methods.METHODS, methods.OPEN_METHODS)
    _note(slack, call, tenant, outcome.answer, fault=fault)
    return outcome


def _note(slack: LocalSlack, call: calls.ApiRequest, tenant: str, answer: Json, fault: Fault | None) -> None:
    slack.called.append(
        RecordedCall(
            call.method,
            slack.clock(),
            tenant,
            bool(answer["ok"]),
            error=str(answer.get("error", "")),
            params=calls.public_params(call.params),
            credentials=call.credentials,
            fault=fault.kind if fault else "",
        )
    )
