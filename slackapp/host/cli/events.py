"""`slackapp host events`: see, and send again, what the host is told."""

import argparse

from slackapp.cli.service.environment import read_settings
from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal.arguments import AddVerb, add_verbs, number_of_rows
from slackapp.cli.terminal.printing import print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_time, print_rows
from slackapp.host.flows.webhook import deliver_events
from slackapp.host.rows import DeliveryStatus, EventDelivery
from slackapp.host.store import deliveries

_EVENTS = Columns(
    wide=(
        "event_id", "at", "organization_id", "connection_id", "type", "reason", "state", "attempts", "next_at",
        "answer",
    ),
    narrow=("event_id", "type", "connection_id", "state", "answer"),
    truncations={"connection_id": Truncation.MIDDLE},
)  # fmt: skip


def add(add_noun: AddVerb) -> None:
    """Adds the events, with a verb for each thing that is done to them."""
    events = add_verbs(add_noun("events", "see, and send again, what the host is told", _list_events))
    listing = events("list", "events of the last 30 days, and how they fare, the oldest first", _list_events)
    listing.add_argument("--state", choices=[*map(str, DeliveryStatus)], help="only these")
    listing.add_argument("--organization", metavar="ID")
    listing.add_argument("--number", "--limit", type=number_of_rows, default=100, metavar="N", help="that many (100)")
    add_options(listing, "one JSON object per line")
    again = events("retry", "send an event once more, or all that were given up", _retry_events)
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("event_id", nargs="?", type=_event_number, metavar="EVENT_ID")
    which.add_argument("--all", action="store_true", help="whatever was given up")


def _list_events(arguments: argparse.Namespace) -> int:
    status = DeliveryStatus(arguments.state) if arguments.state is not None else None
    organization = arguments.organization or ""
    with open_service() as service:
        found = deliveries.page(service.app.db, status, organization, most=arguments.number)
    print_rows([_event_fields(each) for each in found], _EVENTS, arguments)
    if not read_settings().host_webhook_url:
        print_lines("SLACKAPP_HOST_WEBHOOK_URL is not set: nothing is sent, the host reads the feed", error=True)
    return 0


def _retry_events(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        found = deliver_events.retry(app, arguments.event_id, operator_actor(app))
    print_lines(f"{found} {'is' if found == 1 else 'are'} sent once more" if found else "nothing was given up")
    return 0


def _event_number(text: str) -> int:
    """Reads an event's number, with or without what stands before it for the host."""
    digits = text.removeprefix(deliver_events.ID_PREFIX)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise argparse.ArgumentTypeError("must be an event's id, such as evt_1764000000000; see `events list`")
    return int(digits)


def _event_fields(each: EventDelivery) -> dict[str, object]:
    fields = {**each._asdict(), "event_id": f"{deliver_events.ID_PREFIX}{each.number}", "at": format_time(each.at)}
    next_at = format_time(each.next_at) if each.state is DeliveryStatus.WAITING and each.next_at else ""
    return {**fields, "reason": each.detail, "next_at": next_at, "answer": each.answer_status or ""}
