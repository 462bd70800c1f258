"""`slackapp audit`: look at the audit, and verify its chain."""

import argparse
import re
from datetime import UTC, datetime

from slackapp.cli.service.session import open_service
from slackapp.cli.terminal.arguments import add_verbs, number_of_rows, valid_utf8
from slackapp.cli.terminal.printing import print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_time, print_rows
from slackapp.errors import UsageError
from slackapp.flows.audit import read_audit, verify_audit
from slackapp.flows.audit.read_audit import AuditColumns, AuditQuestion

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_COLUMNS = Columns(
    wide=read_audit.COLUMNS,
    narrow=("id", "at", "event", "tenant_id", "result", "about"),
    truncations={"event": Truncation.MIDDLE, "result": Truncation.MIDDLE, "about": Truncation.END},
)
_ABOUT = ("holder_kind", "holder_id", "record_kind", "record_id", "count", "method", "channel", "purpose", "detail")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds one sub-command per verb."""
    verb = add_verbs(parser)
    last = verb("tail", "the last rows", _tail)
    last.add_argument("--tenant", type=valid_utf8, default="", metavar="ID")
    last.add_argument("--event", type=valid_utf8, default="", metavar="NAME", help="see docs/audit-events.md")
    last.add_argument("--holder", type=valid_utf8, default="", metavar="ID", help="whose token: a user's id, or bot")
    last.add_argument("--capability", type=valid_utf8, default="", metavar="NAME", help="what the caller may do")
    last.add_argument("--method", type=valid_utf8, default="", metavar="NAME", help="such as chat.postMessage")
    last.add_argument("--since", default="1970-01-01", metavar="DATE", help="such as 2026-11-22 or 2026-11-22T10:00:00")
    last.add_argument("--number", "--limit", type=number_of_rows, default=50, metavar="N", help="that many (50)")
    add_options(last, "one JSON object per line, with each column that is not empty")
    verify = verb("verify", "find rows that were edited, removed or re-ordered", _verify)
    verify.add_argument("--head", metavar="NUMBER:HASH", help="an earlier head, to find a cut-off end")
    verb("head", "number and hash of the last row: keep it elsewhere", _head)


def _tail(arguments: argparse.Namespace) -> int:
    try:
        since = int(datetime.fromisoformat(arguments.since).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise UsageError(f"--since {arguments.since}: must be a date such as 2026-11-22T10:00:00 (UTC)") from None
    asked = AuditQuestion(
        tenant_id=arguments.tenant,
        event=arguments.event,
        holder=arguments.holder,
        capability=arguments.capability,
        method=arguments.method,
        since=since,
        limit=arguments.number,
    )
    with open_service() as service:
        rows = read_audit.tail(service.app, asked)
    print_rows([_json_fields(row) if arguments.json else _fields(row) for row in rows], _COLUMNS, arguments)
    if not rows and not arguments.json:
        print_lines("no row is like that", error=True)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        number, found = verify_audit.run(service.app, _parse_head(arguments.head) if arguments.head else None)
    if found:
        print_lines(*found, error=True)
        return 1
    print_lines(f"all rows up to {number} follow from one another")
    return 0


def _head(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        number, chain = read_audit.head(service.app)
    print_lines(f"{number}:{chain.hex()}")
    return 0


def _parse_head(text: str) -> tuple[int, bytes]:
    head = _HEAD.fullmatch(text)
    if head is None:
        raise UsageError(f"--head {text}: must be what `slackapp audit head` printed, NUMBER:HASH")
    return int(head[1]), bytes.fromhex(head[2])


def _fields(row: AuditColumns) -> dict[str, object]:
    """Names every column, and in one more what the row is about. A row of format 1 has its text there, as it is."""
    about = " ".join(str(row[name]) for name in _ABOUT if row[name] not in ("", None))
    return {**row, "at": format_time(row["at"]), "about": about}


def _json_fields(row: AuditColumns) -> dict[str, object]:
    filled = {name: value for name, value in row.items() if value not in ("", None)}
    return {**filled, "at": format_time(row["at"])}
