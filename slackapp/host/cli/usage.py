"""`slackapp host usage`: what organizations have done, and how many of them connect and stay."""

import argparse

from slackapp.cli.service.session import open_service
from slackapp.cli.terminal.arguments import AddVerb, number_of_rows
from slackapp.cli.terminal.printing import print_json, print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, print_rows
from slackapp.host.flows.connect import report_connects
from slackapp.host.rows import UsageAction

_USAGE = Columns(
    wide=("organization_id", *UsageAction),
    narrow=("organization_id", *UsageAction),
    truncations={"organization_id": Truncation.MIDDLE},
)


def add(add_noun: AddVerb) -> None:
    """Adds what was counted."""
    usage = add_noun("usage", "what each organization has done, and how many connect and stay", _show_usage)
    usage.add_argument("--days", type=number_of_rows, default=30, metavar="N", help="the last N days, with today (30)")
    add_options(usage, "one JSON object per line, the last one of all organizations")


def _show_usage(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        report = report_connects.report_usage(service.app, arguments.days, service.app.clock())
    numbers = dict.fromkeys(UsageAction, 0)
    rows = [{"organization_id": each.organization_id, **numbers, **each.numbers} for each in report.usage]
    print_rows(rows, _USAGE, arguments)
    if arguments.json:
        print_json(report.connected._asdict())
        return 0
    print_lines(*report_connects.format_count(report.connected))
    return 0
