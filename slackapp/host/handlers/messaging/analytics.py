"""`/api/v2/slack/analytics`, `/settings/analytics`: how connecting and sending go, in numbers of one organization."""

from collections.abc import Mapping
from typing import Any

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall
from slackapp.host.checks.csv_text import write_csv
from slackapp.host.checks.roles import HostAction, require_role
from slackapp.host.flows import list_channels
from slackapp.host.flows.connect import report_connects
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.flows.messages import report_messages
from slackapp.host.flows.messages.report_messages import MessageDayCount, MessageReport
from slackapp.host.forms import DAY_COUNTS, time_of
from slackapp.host.handlers import settings
from slackapp.host.model import ConnectionKind, MessageStatus
from slackapp.host.pages import analytics
from slackapp.host.pages.parts import ANALYTICS_PATH
from slackapp.host.store import connections
from slackapp.web.request import Request
from slackapp.web.response import Response, csv_file

_DAYS = 30
_SENT, _FAILED, _PARKED, _UNCLEAR = (
    MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.PARKED, MessageStatus.UNCLEAR,
)  # fmt: skip


def show(app: App, call: HostCall, now: int) -> Answer | Response:
    """Shows the numbers of some days; as CSV those of messages, a day a line."""
    organization, days = call.caller.organization, call.parameters["days"]
    report = report_messages.run(app, organization, days, now)
    if call.wants_csv:
        return _table(report)
    connects = report_connects.run(app, organization, now)
    return {
        "days": [_describe(each) for each in report.days],
        **_numbers(report.counts),
        "successRate": report.success,
        "failures": [{"reason": reason, "number": number} for reason, number in report.failures],
        "channels": [
            {"connectionId": each.connection_id, "channel": each.channel_id, "sent": each.sent, "failed": each.failed}
            for each in report.channels
        ],
        "connects": {
            "begun": connects.begun,
            "connected": connects.connected,
            "underWay": connects.under_way,
            "medianSeconds": connects.median_seconds,
            "failures": [{"reason": reason, "number": number} for reason, number in connects.failures],
        },
    }


def show_page(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows the same as a page."""
    # claim: C-328
    require_role(caller, HostAction.REPORT)
    report = report_messages.run(app, caller.organization, _DAYS, now)
    known = connections.page(app.db, caller.organization, ConnectionKind.WORKSPACE)
    places = {
        (each.id, channel): name for each in known for channel, name in list_channels.find_names(app, each).items()
    }
    reader = settings.make_reader(app, caller, ANALYTICS_PATH, now)
    return settings.answer(analytics.show(reader, report, places, {each.id: each.team_name for each in known}))


def show_file(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Answers the numbers of the page as a file."""
    # claim: C-328
    require_role(caller, HostAction.REPORT)
    return _table(report_messages.run(app, caller.organization, _DAYS, now))


def _table(report: MessageReport) -> Response:
    names = tuple(DAY_COUNTS["properties"])
    rows = [[row[name] for name in names] for row in map(_describe, report.days)]
    return csv_file("messages-by-day", write_csv(names, rows))


def _describe(day: MessageDayCount) -> dict[str, Any]:
    return {"day": time_of(day.at)[:10], **_numbers(day.counts)}


def _numbers(counts: Mapping[MessageStatus, int]) -> dict[str, int]:
    return {str(status): counts.get(status, 0) for status in (_SENT, _FAILED, _PARKED, _UNCLEAR)}
