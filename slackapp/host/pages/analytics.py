"""Page of the numbers of messages: how many, what became of them, why some failed, and where they went."""

from collections.abc import Mapping
from datetime import UTC, datetime

from slackapp.host.flows.messages.report_messages import MessageReport
from slackapp.host.model import MessageReason, MessageStatus
from slackapp.host.pages import parts
from slackapp.host.pages.message_states import REASONS
from slackapp.host.pages.parts import ANALYTICS_FILE_PATH, Column, chart, facts
from slackapp.host.pages.workspaces import Reader
from slackapp.web.components import Tone, buttons, document, escape, link_button

_SHOWN_CHANNELS = 15


def show(
    reader: Reader, report: MessageReport, names: Mapping[tuple[str, str], str], workspaces: Mapping[str, str]
) -> str:
    """Shows the report. `names` are those of channels, by connection and id, as far as they are known."""
    onward = buttons(link_button(ANALYTICS_FILE_PATH, "Download as CSV", Tone.PLAIN))
    if not any(report.counts.values()):
        none = parts.empty(f"No message was sent in the last {len(report.days)} days.")
        return document(reader.frame, "Analytics", f"<section>{none}</section>{onward}")
    sent, failed = report.counts.get(MessageStatus.SENT, 0), report.counts.get(MessageStatus.FAILED, 0)
    rate = f"{100 * report.success:.1f} %" if report.success is not None else "Nothing is over yet"
    known = [
        ("Sent", f"{sent:,}"),
        ("Failed", f"{failed:,}"),
        ("Arrived", rate),
        ("Held back for a while", f"{report.counts.get(MessageStatus.PARKED, 0):,}"),
        ("Became unclear", f"{report.counts.get(MessageStatus.UNCLEAR, 0):,}"),
    ]
    drawn = chart("Messages by day.", _days(report), ("Day", "Sent or failed", "Sent"))
    return document(
        reader.frame,
        "Analytics",
        f"<section><h2>The last {len(report.days)} days</h2>{facts(known)}</section>"
        f"<section><h2>Day by day</h2>{drawn}</section>"
        f"{_failures(report)}{_channels(report, names, workspaces)}{onward}",
    )


def _days(report: MessageReport) -> list[Column]:
    found = []
    for each in report.days:
        sent = each.counts.get(MessageStatus.SENT, 0)
        label = datetime.fromtimestamp(each.at, UTC).strftime("%Y-%m-%d")
        found.append(Column(label, sent + each.counts.get(MessageStatus.FAILED, 0), sent))
    return found


def _failures(report: MessageReport) -> str:
    rows = [(escape(_why(reason)), f"{number:,}") for reason, number in report.failures]
    told = parts.table("Why", ("What happened", "How often"), rows) if rows else parts.empty("Nothing failed.")
    return f"<section><h2>What failed</h2>{told}</section>"


def _why(reason: str) -> str:
    known = next((each for each in MessageReason if each == reason), None)
    return REASONS[known][0] if known is not None else "Something else"


def _channels(report: MessageReport, names: Mapping[tuple[str, str], str], workspaces: Mapping[str, str]) -> str:
    if not report.channels:
        return ""
    columns = []
    for each in report.channels[:_SHOWN_CHANNELS]:
        name = names.get((each.connection_id, each.channel_id), "")
        label = f"#{name}" if name else each.channel_id
        where = ", ".join(filter(None, (label, workspaces.get(each.connection_id, ""))))
        columns.append(Column(where, each.sent + each.failed, each.sent))
    drawn = chart("The newest messages by channel.", columns, ("Channel", "Sent or failed", "Sent"))
    return f"<section><h2>Where they went</h2>{drawn}</section>"
