"""`slackapp audit`: look at the audit, and verify its chain."""

import argparse
import re
from datetime import UTC, datetime

from slackapp.cli.service.session import open_service
from slackapp.cli.terminal.arguments import add_verbs, number_of_rows, valid_utf8
from slackapp.cli.terminal.printing import print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_time, print_rows
from slackapp.errors import UsageError
from slackapp.flows.audit import verify_audit
from slackapp.store import audit
from slackapp.store.audit import AuditRow

HELP = "show the audit, verify its chain, print its head"
_HEAD = re.compile(rf"([0-9]{{1,18}}):([0-9a-f]{{{2 * len(audit.GENESIS)}}})")
_COLUMNS = Columns(
    wide=("id", "at", "event", "actor", "tenant", "result", "detail", "request"),
    narrow=("id", "at", "event", "tenant", "result", "detail"),
    truncations={"event": Truncation.MIDDLE, "result": Truncation.MIDDLE, "detail": Truncation.END},
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds one sub-command per verb."""
    verb = add_verbs(parser)
    tail = verb("tail", "the last rows", _tail)
    tail.add_argument("--tenant", type=valid_utf8, metavar="ID")
    tail.add_argument("--event", type=valid_utf8, metavar="NAME")
    tail.add_argument("--since", default="1970-01-01", metavar="DATE", help="such as 2026-11-22 or 2026-11-22T10:00:00")
    tail.add_argument("--number", "--limit", type=number_of_rows, default=50, metavar="N", help="that many (50)")
    add_options(tail, "one JSON object per line")
    verify = verb("verify", "find rows that were edited, removed or re-ordered", _verify)
    verify.add_argument("--head", metavar="NUMBER:HASH", help="an earlier head, to find a cut-off end")
    verb("head", "number and hash of the last row: keep it elsewhere", _head)


def _tail(arguments: argparse.Namespace) -> int:
    try:
        since = int(datetime.fromisoformat(arguments.since).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise UsageError(f"--since {arguments.since}: must be a date such as 2026-11-22T10:00:00 (UTC)") from None
    with open_service() as service:
        rows = audit.tail(service.app.db, arguments.tenant, arguments.event, since, arguments.number)
    print_rows([_fields(row) for row in rows], _COLUMNS, arguments)
    if not rows and not arguments.json:
        print_lines("no row is like that", error=True)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        found = verify_audit.run(service.app, _parse_head(arguments.head) if arguments.head else None)
        number, _ = audit.head(service.app.db)
    if found:
        print_lines(*found, error=True)
        return 1
    print_lines(f"all rows up to {number} follow from one another")
    return 0


def _head(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        number, chain = audit.head(service.app.db)
    print_lines(f"{number}:{chain.hex()}")
    return 0


def _parse_head(text: str) -> tuple[int, bytes]:
    head = _HEAD.fullmatch(text)
    if head is None:
        raise UsageError(f"--head {text}: must be what `slackapp audit head` printed, NUMBER:HASH")
    return int(head[1]), bytes.fromhex(head[2])


def _fields(row: AuditRow) -> dict[str, object]:
    entry = row.entry
    return {
        "id": row.number,
        "at": format_time(entry.at),
        "event": entry.event,
        "actor": entry.actor,
        "tenant": entry.tenant.id,
        "result": entry.result,
        "detail": entry.detail,
        "request": entry.request_id,
    }
