"""`slackapp host`: keys, switch, what the host is told. `slackapp seed`: something to look at."""

import argparse
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import add_verbs, number_of_rows
from slackapp.cli.terminal.printing import print_json, print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_time, print_rows
from slackapp.errors import UsageError
from slackapp.host import keys
from slackapp.host.checks.host_token import is_organization
from slackapp.host.flows import change_host_key, switch_host
from slackapp.host.flows.connect import report_connects, seed_organization
from slackapp.host.flows.webhook import deliver_events, webhook_secrets
from slackapp.host.rows import DeliveryStatus, EventDelivery, UsageAction
from slackapp.host.store import deliveries

_EVENTS = Columns(
    wide=(
        "event_id", "at", "organization_id", "connection_id", "type", "reason", "state", "attempts", "next_at",
        "answer",
    ),
    narrow=("event_id", "type", "connection_id", "state", "answer"),
    truncations={"connection_id": Truncation.MIDDLE},
)  # fmt: skip

_USAGE = Columns(
    wide=("organization_id", *UsageAction),
    narrow=("organization_id", *UsageAction),
    truncations={"organization_id": Truncation.MIDDLE},
)


def make_private_files(folder: Path) -> dict[str, str]:
    """Makes key and secret of a host below a folder, unless they are there; the settings that name them."""
    key_file, secret_file = folder / "host.keys", folder / "host.webhook"
    if not key_file.exists():
        keys.create_host_keys(key_file, system_entropy)
    if not secret_file.exists():
        webhook_secrets.create_webhook_secret(secret_file, system_entropy)
    return {"SLACKAPP_HOST_KEYS_FILE": str(key_file), "SLACKAPP_HOST_WEBHOOK_SECRET_FILE": str(secret_file)}


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the keys, with a sub-command per verb, and the switch."""
    add = add_verbs(parser)
    verb = add_verbs(add("keys", "make, list, rotate, retire the keys that the host signs with", _list))
    verb("new", "make a new file with one key", _new).add_argument("file", type=Path, help="must not exist yet")
    verb("list", "the ids of the keys, the newest first", _list)
    verb("rotate", "add the key that follows: both sign until the old one is retired", _rotate)
    retire = verb("retire", "take a key out of the file: what was opened under it ends", _retire)
    retire.add_argument("id", metavar="ID")
    confirm.add_option(retire)
    for switch in (
        add("disable", "begin and post nothing, for an organization or for all; what ends something goes on", _disable),
        add("enable", "end that", _enable),
    ):
        switch.add_argument("--organization", metavar="ID", help="only this one; without it, everybody")
    usage = add("usage", "what each organization has done, and how many connect and stay", _show_usage)
    usage.add_argument("--days", type=number_of_rows, default=30, metavar="N", help="the last N days, with today (30)")
    add_options(usage, "one JSON object per line, the last one of all organizations")
    secret = add_verbs(add("webhook", "make and change the secret that signs what the host is told", _add_secret))
    secret("new", "make a new file with one secret", _new_secret).add_argument(
        "file", type=Path, help="must not exist yet"
    )
    secret("rotate", "add the secret that follows: both sign until the older one is retired", _add_secret)
    secret("retire", "take the older of two secrets out", _retire_secret)
    events = add_verbs(add("events", "see, and send again, what the host is told", _list_events))
    listing = events("list", "events of the last 30 days, and how they fare, the oldest first", _list_events)
    listing.add_argument("--state", choices=[*map(str, DeliveryStatus)], help="only these")
    listing.add_argument("--organization", metavar="ID")
    listing.add_argument("--number", "--limit", type=number_of_rows, default=100, metavar="N", help="that many (100)")
    add_options(listing, "one JSON object per line")
    again = events("retry", "send an event once more, or all that were given up", _retry_events)
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("event_id", nargs="?", type=_event_number, metavar="EVENT_ID")
    which.add_argument("--all", action="store_true", help="whatever was given up")


def configure_seed(parser: argparse.ArgumentParser) -> None:
    """Adds for whom something is made up."""
    parser.add_argument("--organization", metavar="ID", default="acme", help="the organization that is made (acme)")


def run_seed(arguments: argparse.Namespace) -> int:
    """Makes up an organization. Raises UsageError."""
    organization = _organization(arguments)
    with open_service() as service:
        app = service.app
        number = seed_organization.run(app, organization, operator_actor(app), app.clock())
    print_lines(f"{organization}: {number} connections in every state, made up, and no token behind them")
    return 0


def _new(arguments: argparse.Namespace) -> int:
    key_id = keys.create_host_keys(arguments.file, system_entropy)
    print_lines(
        f"{arguments.file}: host key {key_id}. The host's backend signs with the third part of the line, and names the "
        "second as kid. Whoever has it is the host."
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    print_lines(*keys.read_host_keys(read_settings()))
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        app = service.app
        key_id = change_host_key.rotate(app, operator_actor(app), app.clock())
    print_lines(f"host key {key_id} signs, too. Give it to the host's backend, and then retire the old one.")
    return 0


def _retire(arguments: argparse.Namespace) -> int:
    told = f"host key {arguments.id}: is taken out for good; sessions, tickets and connects that began under it end"
    confirm.confirm(told, arguments.id, arguments.yes)
    with open_service() as service:
        app = service.app
        ended = change_host_key.retire(app, arguments.id, operator_actor(app), app.clock())
    print_lines(f"host key {arguments.id} signs nothing from now on; {ended} opened under it ended")
    return 0


def _disable(arguments: argparse.Namespace) -> int:
    organization = _organization(arguments)
    with open_service() as service:
        app = service.app
        is_new = switch_host.disable(app, organization, operator_actor(app), app.clock())
    print_lines(f"{organization or 'everybody'}: {'off' if is_new else 'was off already'}")
    return 0


def _enable(arguments: argparse.Namespace) -> int:
    organization = _organization(arguments)
    with open_service() as service:
        app = service.app
        is_over = switch_host.enable(app, organization, operator_actor(app), app.clock())
        still = switch_host.list_remaining(app, organization)
    print_lines(f"{organization or 'everybody'}: {'on again' if is_over else 'was not switched off'}")
    for switch in still:
        print_lines(f"{switch.organization_id or 'everybody'}: is still off", error=True)
    return 1 if still else 0


def _show_usage(arguments: argparse.Namespace) -> int:
    with open_service() as service:
        report = report_connects.report_usage(service.app, arguments.days, service.app.clock())
    numbers = dict.fromkeys(UsageAction, 0)
    rows = [{"organization_id": each.organization_id, **numbers, **each.numbers} for each in report.usage]
    print_rows(rows, _USAGE, arguments)
    found, soon, long = report.connected, report_connects.SOON_DAYS, report_connects.LONG_DAYS
    if arguments.json:
        print_json(found._asdict())
        return 0
    told = (
        f"{found.connected} of {found.organizations} organizations have connected within {soon} days",
        f"{found.remaining} of {found.workspaces} workspaces are connected {long} days on or longer",
    )
    print_lines(*told)
    return 0


def _organization(arguments: argparse.Namespace) -> str:
    """Reads whom the switch is for: an organization's id, or everybody. Raises UsageError."""
    if arguments.organization is None:
        return switch_host.EVERYBODY
    if not is_organization(arguments.organization):
        raise UsageError("--organization: takes an id of the host's, 1 to 64 letters, digits, _ and -")
    return str(arguments.organization)


def _new_secret(arguments: argparse.Namespace) -> int:
    webhook_secrets.create_webhook_secret(arguments.file, system_entropy)
    print_lines(f"{arguments.file}: has a secret. Give the line to the host, which verifies each event by it.")
    return 0


def _add_secret(arguments: argparse.Namespace) -> int:
    webhook_secrets.add_webhook_secret(read_settings(), system_entropy)
    print_lines("a new secret signs, too. Give the first line of the file to the host, and then retire the older one.")
    return 0


def _retire_secret(arguments: argparse.Namespace) -> int:
    webhook_secrets.retire_webhook_secret(read_settings())
    print_lines("the older secret signs nothing from now on")
    return 0


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
