"""Page on connecting: how much comes to something, how long that takes, and why the rest does not."""

from collections.abc import Sequence
from datetime import UTC, datetime

from slackapp.host.flows.connect.report_connects import DAYS, ConnectReport
from slackapp.host.flows.reviews.report_growth import MonthCount
from slackapp.host.pages import parts
from slackapp.host.pages.parts import Column, chart, facts
from slackapp.host.pages.states import OUTCOMES
from slackapp.web.components import Frame, document, escape


def show(frame: Frame, report: ConnectReport, months: Sequence[MonthCount]) -> str:
    """Shows the report, and how what is held grows."""
    if not report.begun:
        none = parts.empty(f"Nobody has begun to connect a workspace in the last {DAYS} days.")
        return document(frame, "Connecting", f"<section>{none}</section>{_growth(months)}")
    over = report.begun - report.under_way
    rate = f"{round(100 * report.connected / over)} %" if over else "Nothing is over yet"
    took = "Nothing was connected" if report.median_seconds is None else _length(report.median_seconds)
    known = [
        ("Begun", f"{report.begun:,}"),
        ("Connected", f"{report.connected:,}"),
        ("Under way", f"{report.under_way:,}"),
        ("Came to something", rate),
        ("Half took less than", took),
    ]
    days = [Column(_date(each.at), each.begun, each.connected) for each in report.days]
    lengths = [Column(label, number) for label, number in report.lengths]
    return document(
        frame,
        "Connecting",
        f"<section><h2>The last {DAYS} days</h2>{facts(known)}</section>"
        f"<section><h2>Day by day</h2>{chart('Connects by day.', days, ('Day', 'Begun', 'Connected'))}</section>"
        f"<section><h2>How long it took</h2>"
        f"{chart('Time from the button to the end.', lengths, ('Time', 'Connected'))}</section>"
        f"{_failures(report)}{_growth(months)}",
    )


def _growth(months: Sequence[MonthCount]) -> str:
    """Draws what was held at the end of each month, with what was opened and has ended below."""
    if not any(each.opened for each in months):
        return ""
    drawn = chart("Connections at the end of each month.", [Column(each.month, each.held) for each in months], (
        "Month", "Connections",
    ))  # fmt: skip
    rows = [(each.month, f"{each.opened:,}", f"{each.ended:,}") for each in months]
    changed = parts.table("What has changed", ("Month", "New", "Ended"), rows)
    return f"<section><h2>Month by month</h2>{drawn}{changed}</section>"


def _failures(report: ConnectReport) -> str:
    rows = [(escape(OUTCOMES.get(reason, "Something else")), f"{number:,}") for reason, number in report.failures]
    told = parts.table("Why", ("What happened", "How often"), rows) if rows else parts.empty("Nothing failed.")
    return f"<section><h2>What came to nothing</h2>{told}</section>"


def _date(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _length(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
