"""`slackapp host report`: how many organizations connect and stay, and how what they hold grows."""

import argparse

from slackapp.cli.service.session import open_service
from slackapp.cli.terminal.arguments import AddVerb, number_of_rows
from slackapp.cli.terminal.printing import print_json, print_lines
from slackapp.cli.terminal.table import Columns, add_options, print_rows
from slackapp.host.cli.switch import read_organization
from slackapp.host.flows import change_organization
from slackapp.host.flows.connect import report_connects
from slackapp.host.flows.reviews import report_growth
from slackapp.host.flows.reviews.report_growth import MonthCount

_MONTHS = Columns(wide=MonthCount._fields, narrow=MonthCount._fields, truncations={})


def add(add_noun: AddVerb) -> None:
    """Adds the report."""
    report = add_noun("report", "what is opened and ends, month by month, and how many connect and stay", _show)
    report.add_argument("--organization", metavar="ID", help="only what this one holds")
    report.add_argument("--months", type=number_of_rows, default=report_growth.MONTHS, metavar="N", help="so many (12)")
    add_options(report, "one JSON object per line, the last one of all organizations")


def _show(arguments: argparse.Namespace) -> int:
    organization = read_organization(arguments.organization) if arguments.organization is not None else None
    with open_service() as service:
        app = service.app
        if organization is not None:
            change_organization.require_known(app, organization)
        months = report_growth.run(app, organization, app.clock(), arguments.months)
        found = report_connects.count_connected(app, app.clock())
    print_rows([each._asdict() for each in months], _MONTHS, arguments)
    if arguments.json:
        print_json(found._asdict())
    elif organization is None:
        print_lines(*report_connects.format_count(found))
    return 0
