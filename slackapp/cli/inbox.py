"""`slackapp inbox`: rows that wait, that are dead, and whose end nobody knows."""

import argparse
from collections.abc import Callable
from functools import partial

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal.arguments import add_verbs, number_of_rows, valid_utf8
from slackapp.cli.terminal.printing import print_json, print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_time, print_rows
from slackapp.errors import CommandError, Refused
from slackapp.flows.app import App
from slackapp.flows.events import inbox_admin
from slackapp.model import Actor, QueueEntry, QueueState

_COLUMNS = Columns(
    wide=(
        "event_id", "kind", "tenant", "type", "state", "attempts", "event_time", "received_at", "next_at",
        "finished_at", "result", "trace_id", "has_body", "queue",
    ),
    narrow=("event_id", "tenant", "type", "state", "received_at", "result"),
    truncations=dict.fromkeys(("event_id", "type", "result"), Truncation.MIDDLE),
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds one sub-command per verb."""
    verb = add_verbs(parser)
    listing = verb("list", "rows that are not done, the oldest first", _list)
    listing.add_argument("--state", choices=[*map(str, QueueState)], help="only these")
    listing.add_argument("--tenant", type=valid_utf8, metavar="ID")
    listing.add_argument("--number", "--limit", type=number_of_rows, default=100, metavar="N", help="that many (100)")
    add_options(listing, "one JSON object per line")
    show = verb("show", "one row", _show)
    show.add_argument("--body", action="store_true", help="with what Slack sent; noted in the audit")
    again = "let a row that is dead or unclear run again; its call to Slack may be made twice"
    retry = verb("retry", again, partial(_decide, inbox_admin.retry, "will run again"))
    dropped = "end a row that is dead or unclear, and erase its body"
    drop = verb("drop", dropped, partial(_decide, inbox_admin.drop, "is dropped"))
    for each in (show, retry, drop):
        each.add_argument("event_id", type=valid_utf8, metavar="EVENT_ID")
        whose = "whose, where several tenants have such an event"
        each.add_argument("--tenant", type=valid_utf8, metavar="ID", help=whose)


def _list(arguments: argparse.Namespace) -> int:
    state = QueueState(arguments.state) if arguments.state is not None else None
    with open_service() as service:
        rows, counts = inbox_admin.list_rows(service.app, arguments.tenant, state, arguments.number)
    print_rows([_fields(row) for row in rows], _COLUMNS, arguments)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    print_lines(told or "nothing waits", error=True)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        entry = inbox_admin.require_row(app, arguments.event_id, arguments.tenant)
        fields = _fields(entry)
        if arguments.body:
            try:
                fields["body"] = inbox_admin.read_body(app, entry, operator_actor(app))
            except Refused as refused:
                raise CommandError(f"{entry.event_id}: {refused.refusal.sentence}") from None
    print_json(fields, indent=1)
    return 0


def _decide(act: Callable[[App, QueueEntry, Actor], bool], what: str, arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        entry = inbox_admin.require_row(app, arguments.event_id, arguments.tenant)
        done = act(app, entry, operator_actor(app))
    if not done:
        print_lines(f"{entry.event_id}: is {entry.state}; only what is dead or unclear needs a person", error=True)
        return 1
    print_lines(f"{entry.event_id}: {what}")
    return 0


def _fields(entry: QueueEntry) -> dict[str, object]:
    times = {
        name: format_time(value)
        for name in ("event_time", "received_at", "next_at", "finished_at")
        if (value := getattr(entry, name)) is not None
    }
    return {**entry._asdict(), "tenant": entry.tenant.id, **times}
